//! Calls the heartbeat URL after each good run. The service behind it raises an alarm when the calls stop, which also
//! covers a program or a machine that no longer runs.

use secrecy::ExposeSecret;

use super::channels::{PATIENCE, SendError, http_client, read_answer};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::lease::Unfenced;
use crate::run_log::runs;
use crate::staging::notes;

/// Key in `sync_notes`: the end of the good run (UTC) for which the URL was last called.
const NOTE: &str = "deadman_called_for";

/// Calls the URL if a good run has ended since the last call. Returns whether it was called. A failed call is
/// logged and repeated the next time.
///
/// # Errors
/// Any database error.
pub async fn ping(db: &Db, settings: &Settings) -> Result<bool, DbError> {
    let Some(url) = &settings.deadman_url else { return Ok(false) };
    let Some(last_good) = runs::past(db).await?.last_good else { return Ok(false) };
    let last_good = last_good.to_string();
    if notes::read(db, NOTE).await?.is_some_and(|called_for| called_for == last_good) {
        return Ok(false);
    }
    if let Err(error) = ping_now(url.expose_secret()).await {
        tracing::warn!(%error, "the heartbeat URL could not be called and is called again later");
        return Ok(false);
    }
    // Noted after the call: a second call does no harm, a missing one raises a false alarm.
    notes::store_alone(db, Unfenced::Alerts, NOTE, &last_good).await?;
    Ok(true)
}

/// Calls the URL with GET, as such services expect.
///
/// # Errors
/// No answer in time, or an answer that is not 2xx.
pub async fn ping_now(url: &str) -> Result<(), SendError> {
    let call = async { read_answer(http_client(url)?.get(url).send().await) };
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(called) => called,
        Err(_) => Err(SendError { what: "no answer in time".into(), retry_after: None }),
    }
}
