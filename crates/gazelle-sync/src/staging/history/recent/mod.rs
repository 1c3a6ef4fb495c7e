//! Reads the versions that were staged lately, each with the one before it, to show what changed.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::staging::for_entity;
use crate::staging::versions::json_text::JsonText;
use crate::states::VersionOperation;

/// A version that was staged lately.
#[derive(Debug, Clone)]
pub struct Recent {
    /// The record.
    pub external_id: String,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// Whether it says that the record is gone.
    pub is_tombstone: bool,
    /// The version, as `jsonb` holds it.
    pub json: String,
    /// The version before it; none if it is the first.
    pub before: Option<String>,
}

/// Which versions are read.
#[derive(Debug, Clone, Copy)]
pub struct Which<'a> {
    /// Staged since then.
    pub since: Timestamp,
    /// Of records that start within these texts (`2026-11-24T05:00:00Z`), before or after the change.
    pub starting: (&'a str, &'a str),
    /// At most so many, the newest first.
    pub limit: i64,
}

/// Reads them. Ids of versions begin with the time at which they were made, so that the primary key finds those of a
/// time; a version that somebody inserted with another kind of id is not found.
///
/// # Errors
/// Those of the database.
pub async fn changed(tx: &Tx<'_>, entity: &Entity, which: Which<'_>) -> Result<Vec<Recent>, DbError> {
    let first = first_id(which.since);
    let (from, to) = which.starting;
    let rows = tx
        .query(
            &for_entity(include_str!("changed.sql"), entity),
            &[(&first, Type::UUID), (&from, Type::TEXT), (&to, Type::TEXT), (&which.limit, Type::INT8)],
        )
        .await?;
    let text = |json: JsonText<'_>| json.0.to_owned();
    Ok(rows
        .iter()
        .map(|row| Recent {
            external_id: row.get("external_id"),
            seen_at: row.get("fetched_at"),
            is_tombstone: row.get::<_, &str>("operation") == VersionOperation::Delete.as_str(),
            json: text(row.get("raw_data")),
            before: row.get::<_, Option<JsonText<'_>>>("before").map(text),
        })
        .collect())
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
