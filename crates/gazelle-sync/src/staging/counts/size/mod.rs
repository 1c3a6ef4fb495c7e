//! Measures how large staging is, and how fast it grows.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError, citus};
use crate::entities::{ENTITIES, Entity};
use crate::staging::template;

/// The number of days over which growth is measured.
const DAYS: i64 = 7;

/// The size of an entity's staging table.
#[derive(Debug, Clone, Serialize)]
pub struct Size {
    /// The entity.
    pub entity: &'static str,
    /// Versions held.
    pub versions: i64,
    /// Bytes on disk, indexes and TOAST included; none if a node of Citus does not report them.
    pub bytes: Option<i64>,
    /// Versions added a day, over the last seven days or since the first one.
    pub versions_a_day: f64,
    /// Bytes added a day, from the average size of a version; none where that is not known.
    pub bytes_a_day: Option<i64>,
    /// Versions that the last run added, less those it deleted; none if no run is recorded.
    pub last_run: Option<i64>,
}

/// The sizes of all entities, as of now.
///
/// # Errors
/// Those of the database.
pub async fn of_all(db: &Db, now: Timestamp) -> Result<Vec<Size>, DbError> {
    // Of the node that holds the table: Citus' own function asks every node, and fails while any is down.
    let bytes = match citus::distributes(db).await? {
        true => include_str!("size_on_citus.sql").trim_end(),
        false => "pg_catalog.pg_total_relation_size('{schema}.{staging_table}'::regclass)",
    };
    let mut sizes = Vec::new();
    for entity in ENTITIES.iter().copied() {
        sizes.push(of(db, entity, now, bytes).await?);
    }
    Ok(sizes)
}

async fn of(db: &Db, entity: &'static Entity, now: Timestamp, bytes: &str) -> Result<Size, DbError> {
    let since = now.saturating_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::UNIX_EPOCH);
    let sql = template(include_str!("size.sql"), entity).with("size", bytes).fill();
    let rows = db.query(&sql, &[(&since, Type::TIMESTAMPTZ), (&entity.name, Type::TEXT)]).await?;
    let row = rows.first().ok_or_else(|| DbError::infrastructure("the database counted nothing"))?;
    let (versions, bytes, added): (i64, Option<i64>, i64) =
        (row.get("versions"), row.get("bytes"), row.get("added"));
    let first: Option<Timestamp> = row.get("first_at");
    let versions_a_day = a_day(added, first.map_or(since, |first| first.max(since)), now);
    let bytes_a_day = bytes.map(|bytes| match versions {
        0 => 0,
        _ => (versions_a_day * bytes as f64 / versions as f64).round() as i64,
    });
    Ok(Size {
        entity: entity.name,
        versions,
        bytes,
        versions_a_day,
        bytes_a_day,
        last_run: row.get("last_run"),
    })
}

/// Versions added a day since an instant; within the first day all of them.
fn a_day(added: i64, since: Timestamp, now: Timestamp) -> f64 {
    let days = (now.duration_since(since).as_secs_f64() / 86_400.0).max(1.0);
    (added as f64 / days * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_per_day_and_never_more_than_was_added() {
        let now: Timestamp = "2026-01-09T12:00:00Z".parse().unwrap();
        let ago = |hours| now - SignedDuration::from_hours(hours);
        assert_eq!(a_day(700, ago(24 * 7), now), 100.0);
        assert_eq!(a_day(700, ago(1), now), 700.0);
        assert_eq!(a_day(1, ago(72), now), 0.3);
        assert_eq!(a_day(0, now, now), 0.0);
    }
}
