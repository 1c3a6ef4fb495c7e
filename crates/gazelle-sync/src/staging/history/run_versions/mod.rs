//! Reads the versions that a run staged, each with the one before it, to show what the run changed.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::recent::first_id;
use crate::db::{DbError, Tx, word};
use crate::entities::{ENTITIES, Entity};
use crate::staging::template;
use crate::staging::versions::json_text::JsonText;
use crate::states::{VersionOperation, VersionStatus};

/// How far the ids of a run's versions may be from its start and its end: those are by the database's clock, ids by
/// that of the machine which ran it.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);
/// Versions of an entity that are counted.
pub const MOST_COUNTED: i64 = 5_000;

/// The run whose versions are read. Ids of versions begin with the time at which they were made, so that the primary
/// key finds those of a run.
#[derive(Debug, Clone, Copy)]
pub struct RunSpan {
    /// The run.
    pub run_id: Uuid,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; none while it is running.
    pub finished_at: Option<Timestamp>,
}

impl RunSpan {
    /// The ids that its versions may have.
    fn ids(&self) -> (Uuid, Uuid) {
        let from = self.started_at.saturating_sub(MARGIN).unwrap_or(self.started_at);
        let to = self.finished_at.and_then(|at| at.saturating_add(MARGIN).ok());
        (first_id(from), to.map_or(Uuid::max(), first_id))
    }
}

/// A version that a run staged.
#[derive(Debug, Clone)]
pub struct StagedVersion {
    /// `appointments`, …
    pub entity: String,
    /// The record.
    pub external_id: String,
    /// The staging row.
    pub staging_id: Uuid,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// Whether it says that the record is gone.
    pub is_tombstone: bool,
    /// Whether it could not be reconciled.
    pub is_faulty: bool,
    /// Whether an undo has withdrawn it.
    pub is_withdrawn: bool,
    /// Whether it is the first of its record.
    pub is_first: bool,
    /// The version, as `jsonb` holds it; none of one that is too large to be compared for a list.
    pub json: Option<String>,
    /// The one before it, which held a record; none as well if it is too large.
    pub before: Option<String>,
}

/// How many versions of an entity a run staged, [`MOST_COUNTED`] at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedCounts {
    /// `appointments`, …
    pub entity: String,
    /// First versions of their records.
    pub first: i64,
    /// Later ones.
    pub later: i64,
    /// Tombstones.
    pub gone: i64,
    /// Those of all these that could not be reconciled.
    pub faulty: i64,
}

/// The versions, parents first, in the order in which they were staged; of each entity `limit` at most.
///
/// # Errors
/// Those of the database.
pub async fn versions(tx: &Tx<'_>, run: RunSpan, limit: i64) -> Result<Vec<StagedVersion>, DbError> {
    let (from, to) = run.ids();
    let params = [
        (&from as _, Type::UUID),
        (&to as _, Type::UUID),
        (&run.run_id as _, Type::UUID),
        (&limit as _, Type::INT8),
    ];
    let rows = tx.query(&of_all(include_str!("versions.sql")), &params).await?;
    rows.iter().map(version).collect()
}

/// How many there are, by what they are; of entities with any.
///
/// # Errors
/// Those of the database.
pub async fn counts(tx: &Tx<'_>, run: RunSpan) -> Result<Vec<StagedCounts>, DbError> {
    let (from, to) = run.ids();
    let params = [
        (&from as _, Type::UUID),
        (&to as _, Type::UUID),
        (&run.run_id as _, Type::UUID),
        (&MOST_COUNTED as _, Type::INT8),
    ];
    let rows = tx.query(&of_all(include_str!("counts.sql")), &params).await?;
    let counts = rows.iter().map(|row| StagedCounts {
        entity: row.get("entity"),
        first: row.get("first"),
        later: row.get("later"),
        gone: row.get("gone"),
        faulty: row.get("faulty"),
    });
    Ok(counts.filter(|counts| counts.first + counts.later + counts.gone > 0).collect())
}

/// One statement over the staging tables of all entities.
fn of_all(text: &str) -> String {
    let of = |entity: &&Entity| template(text.trim_end(), entity).with("entity", entity.name).fill();
    ENTITIES.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ")
}

fn version(row: &Row) -> Result<StagedVersion, DbError> {
    let text = |column: &str| row.get::<_, Option<JsonText<'_>>>(column).map(|json| json.0.to_owned());
    Ok(StagedVersion {
        entity: row.get("entity"),
        external_id: row.get("external_id"),
        staging_id: row.get("id"),
        seen_at: row.get("fetched_at"),
        is_tombstone: word::<VersionOperation>(row, "operation")? == VersionOperation::Delete,
        is_faulty: word::<VersionStatus>(row, "sync_status")? == VersionStatus::Error,
        is_withdrawn: row.get("is_withdrawn"),
        is_first: row.get("is_first"),
        json: text("raw_data"),
        before: text("before"),
    })
}
