//! Reads the last runs, for `status`.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;

use crate::db::{self, Db, DbError};
use crate::run_log::kinds::{RunMode, RunState};

/// A run, with the sums of its entities and of its requests.
#[derive(Debug, Serialize)]
pub struct LastRun {
    /// Its id.
    pub run_id: String,
    /// The command.
    pub command: String,
    /// `full` or `incremental`; none for a command without a mode.
    pub mode: Option<RunMode>,
    /// How it ended, or `running`.
    pub status: RunState,
    /// Why it is not a success; none if it is.
    pub reason: Option<String>,
    /// When it started (UTC).
    pub started_at: Timestamp,
    /// Milliseconds from start to end; none before the end.
    pub duration_ms: Option<i64>,
    /// Records received.
    pub fetched: i64,
    /// Versions staged.
    pub staged: i64,
    /// Versions reconciled.
    pub processed: i64,
    /// Versions put into quarantine.
    pub errors: i64,
    /// Requests made.
    pub requests: i64,
    /// Attempts beyond the first of each request.
    pub retries: i64,
    /// Median latency of the requests' last attempts, in milliseconds; none without requests.
    pub median_latency_ms: Option<i64>,
    /// The same for the slowest request.
    pub slowest_latency_ms: Option<i64>,
}

impl LastRun {
    /// Reads a row of `last_runs.sql`, or of a statement with the same columns.
    pub(super) fn of(row: &Row) -> Result<LastRun, DbError> {
        Ok(LastRun {
            run_id: row.get("run_id"),
            command: row.get("command"),
            mode: db::optional_word(row, "mode")?,
            status: db::word(row, "status")?,
            reason: row.get("reason"),
            started_at: row.get("started_at"),
            duration_ms: row.get("duration_ms"),
            fetched: row.get("fetched"),
            staged: row.get("staged"),
            processed: row.get("processed"),
            errors: row.get("errors"),
            requests: row.get("requests"),
            retries: row.get("retries"),
            median_latency_ms: row.get("median_latency_ms"),
            slowest_latency_ms: row.get("slowest_latency_ms"),
        })
    }
}

/// Reads the last ten runs, the newest first; those that a wrong clock has dated into the future come last.
///
/// # Errors
/// Those of the database.
pub async fn read(db: &Db) -> Result<Vec<LastRun>, DbError> {
    db.query(include_str!("last_runs.sql"), &[]).await?.iter().map(LastRun::of).collect()
}
