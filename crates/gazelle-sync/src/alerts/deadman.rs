//! The dead-man's switch: an address that expects to be called after each good run. Who waits there raises the alarm when
//! no call comes, which is the only one that a process that is gone can give.

use secrecy::ExposeSecret;
use tokio_postgres::types::Type;

use super::channels::{PATIENCE, SendError, http_client, read_answer};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::run_log::runs;

/// Where it is noted for which run the last call was.
const NOTE: &str = "deadman_called_for";

/// Calls the address if a good run has ended since the last call. Returns whether it was called.
///
/// Errors: the database's. A call that fails is told in the log and made again at the next occasion.
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
        tracing::warn!(%error, "the dead-man's address could not be called and is called again later");
        return Ok(false);
    }
    // Noted after the call: called twice is no harm, called never is.
    db.execute(
        "INSERT INTO {schema}.sync_notes (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
        &[(&NOTE, Type::TEXT), (&last_good, Type::TEXT)],
    )
    .await?;
    Ok(true)
}

/// Calls the address: GET, which is what such services expect.
pub async fn ping_now(url: &str) -> Result<(), SendError> {
    let call = async { read_answer(http_client(url)?.get(url).send().await) };
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(called) => called,
        Err(_) => Err(SendError { what: "no answer in time".into(), retry_after: None }),
    }
}
