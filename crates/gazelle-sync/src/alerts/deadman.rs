//! Calls the heartbeat URL after each good run. The service behind it raises an alarm when the calls stop, which also
//! covers a program or a machine that no longer runs.

use secrecy::ExposeSecret;
use tokio_postgres::types::Type;

use super::channels::{PATIENCE, SendError, http_client, read_answer};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::lease::Unfenced;
use crate::run_log::runs;

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
    let rows =
        db.query("SELECT value FROM {schema}.sync_notes WHERE key = $1", &[(&NOTE, Type::TEXT)]).await?;
    if rows.first().is_some_and(|row| row.get::<_, String>(0) == last_good) {
        return Ok(false);
    }
    if let Err(error) = ping_now(url.expose_secret()).await {
        tracing::warn!(%error, "the heartbeat URL could not be called and is called again later");
        return Ok(false);
    }
    // Noted after the call: a second call does no harm, a missing one raises a false alarm.
    let sql = "INSERT INTO {schema}.sync_notes (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value";
    Unfenced::Alerts.execute(db, sql, &[(&NOTE, Type::TEXT), (&last_good, Type::TEXT)]).await?;
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
