//! Reads the versions that were staged lately, each with the one before it, to show what changed.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::staging::for_entity;
use crate::staging::versions::json_text::JsonText;
use crate::states::VersionOperation;

/// The id of a version is made at most this long after, or before, the time at which the version was seen.
const APART: SignedDuration = SignedDuration::from_mins(60);

/// A version that was staged lately.
#[derive(Debug, Clone)]
pub struct RecentVersion {
    /// The staging row.
    pub id: Uuid,
    /// The record.
    pub external_id: String,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// Whether it says that the record is gone.
    pub is_tombstone: bool,
    /// The version, as `jsonb` holds it; none if it is too large for a list.
    pub json: Option<String>,
    /// Whether production had a version of the record before.
    pub has_before: bool,
    /// That version; none if there is none, or it is too large for a list.
    pub before: Option<String>,
    /// Whether the record was gone before this version.
    pub was_gone: bool,
}

/// Which versions are read.
#[derive(Debug, Clone, Copy)]
pub struct VersionSelection<'a> {
    /// Staged since then.
    pub since: Timestamp,
    /// Of records that start within these texts (`2026-11-24T05:00:00Z`), before or after the change.
    pub starting: (&'a str, &'a str),
    /// The most versions that are returned, the newest first.
    pub limit: i64,
}

/// Reads them. Ids of versions begin with the time at which they were made, so that the primary key finds those of a
/// time; a version that somebody inserted with another kind of id is not found.
///
/// # Errors
/// Those of the database.
pub async fn changed(
    tx: &Tx<'_>,
    entity: &Entity,
    which: VersionSelection<'_>,
) -> Result<Vec<RecentVersion>, DbError> {
    let first = first_id(which.since);
    let (from, to) = which.starting;
    let rows = tx
        .query(
            &with_earlier(include_str!("changed.sql"), entity),
            &[(&first, Type::UUID), (&from, Type::TEXT), (&to, Type::TEXT), (&which.limit, Type::INT8)],
        )
        .await?;
    Ok(rows.iter().map(RecentVersion::of).collect())
}

/// A part of the history, the newest version first.
#[derive(Debug, Clone, Copy, Default)]
pub struct HistoryPage<'a> {
    /// Seen from then on to before then; none: however long ago, up to now.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// Only versions before this one.
    pub before: Option<Uuid>,
    /// Of the appointments that are or were this technician's.
    pub technician: Option<&'a str>,
    /// The kind of change, by the name of `ChangeKind`: versions that cannot be of it are left out.
    pub kind: Option<&'a str>,
    /// The most versions that are read.
    pub looked_at: i64,
    /// The most versions that are returned.
    pub limit: i64,
}

/// What may have moved somebody's day.
#[derive(Debug)]
pub struct MoveCandidates {
    /// The newest first.
    pub versions: Vec<RecentVersion>,
    /// The last version that was looked at, if there may be older ones that were not.
    pub looked_to: Option<Uuid>,
}

/// Reads the versions of appointments that may have moved somebody's day, found as those of [`changed`].
///
/// # Errors
/// Those of the database.
pub async fn moves(tx: &Tx<'_>, entity: &Entity, part: HistoryPage<'_>) -> Result<MoveCandidates, DbError> {
    let (from, to) = part.seen.unzip();
    let first = from.map_or(Uuid::nil(), |from| first_id(earlier(from)));
    let end = to.map_or(Uuid::max(), |to| first_id(later(to)));
    let end = part.before.map_or(end, |before| before.min(end));
    let rows = tx
        .query(
            &with_earlier(include_str!("moved.sql"), entity),
            &[
                (&first, Type::UUID),
                (&end, Type::UUID),
                (&from, Type::TIMESTAMPTZ),
                (&to, Type::TIMESTAMPTZ),
                (&part.technician, Type::TEXT),
                (&part.looked_at, Type::INT8),
                (&part.limit, Type::INT8),
                (&part.kind, Type::TEXT),
            ],
        )
        .await?;
    let versions: Vec<RecentVersion> = rows.iter().map(RecentVersion::of).collect();
    if i64::try_from(versions.len()).is_ok_and(|found| found >= part.limit) {
        return Ok(MoveCandidates { looked_to: versions.last().map(|version| version.id), versions });
    }
    let params = [(&first as _, Type::UUID), (&end as _, Type::UUID), (&part.looked_at as _, Type::INT8)];
    let rows = tx.query(&for_entity(include_str!("looked_to.sql"), entity), &params).await?;
    Ok(MoveCandidates { versions, looked_to: rows.first().map(|row| row.get("id")) })
}

/// A statement of an entity that joins each version with those before it.
fn with_earlier(sql: &str, entity: &Entity) -> String {
    for_entity(&sql.replace("{earlier}", include_str!("earlier.sql").trim_end()), entity)
}

/// A version is staged some time after it was seen.
fn later(seen: Timestamp) -> Timestamp {
    seen.saturating_add(APART).unwrap_or(Timestamp::MAX)
}

/// The clock of the database may be behind that of the program, by which ids are made.
fn earlier(seen: Timestamp) -> Timestamp {
    seen.saturating_sub(APART).unwrap_or(Timestamp::MIN)
}

impl RecentVersion {
    fn of(row: &Row) -> RecentVersion {
        let text = |column: &str| row.get::<_, Option<JsonText<'_>>>(column).map(|json| json.0.to_owned());
        RecentVersion {
            id: row.get("id"),
            external_id: row.get("external_id"),
            seen_at: row.get("fetched_at"),
            is_tombstone: row.get::<_, &str>("operation") == VersionOperation::Delete.as_str(),
            json: text("raw_data"),
            has_before: row.get("has_before"),
            before: text("before"),
            was_gone: row.get("was_gone"),
        }
    }
}

/// The smallest id that a version of this time can have (UUID version 7).
pub(super) fn first_id(since: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(since.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid()
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp as IdTime};

    use super::*;

    #[test]
    fn ids_of_a_later_time_come_after_the_bound_and_those_of_an_earlier_one_before() {
        let since: Timestamp = "2026-11-23T23:00:00Z".parse().unwrap();
        let id = |at: &str| {
            let at: Timestamp = at.parse().unwrap();
            Uuid::new_v7(IdTime::from_unix(NoContext, u64::try_from(at.as_second()).unwrap(), 0))
        };
        assert!(id("2026-11-23T22:59:59Z") < first_id(since));
        assert!(id("2026-11-23T23:00:00Z") >= first_id(since));
        assert!(id("2026-11-24T03:00:00Z") > first_id(since));
    }
}
