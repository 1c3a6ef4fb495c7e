//! Finds runs by the beginnings of their ids.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Db, DbError};

/// The characters of an id that lists show: the millisecond in which it was made, which tells runs apart.
const SHOWN: usize = 13;

/// The beginning of an id that lists show. Commands take it for the whole.
pub fn short(run_id: &str) -> &str {
    run_id.get(..SHOWN).unwrap_or(run_id)
}

/// A run that was found.
#[derive(Debug, Clone, Copy)]
pub struct FoundRun {
    /// Its id.
    pub run_id: Uuid,
    /// When it started, UTC.
    pub started_at: Timestamp,
}

/// The runs whose ids lie within a range, in the order of their ids, `most` at most.
///
/// # Errors
/// Those of the database.
pub async fn within(db: &Db, ids: &RangeInclusive<Uuid>, most: i64) -> Result<Vec<FoundRun>, DbError> {
    let params = [(ids.start() as _, Type::UUID), (ids.end() as _, Type::UUID), (&most as _, Type::INT8)];
    let rows = db.query(include_str!("find_runs.sql"), &params).await?;
    Ok(rows
        .iter()
        .map(|row| FoundRun { run_id: row.get("run_id"), started_at: row.get("started_at") })
        .collect())
}
