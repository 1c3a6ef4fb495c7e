//! The bookmark of each entity: when its last complete walk started, by the API's clock, but never later than the
//! database's clock at that time.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::versions::clock::LARGE_SKEW;
use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::lease::FencedTx;

/// The bookmark of an entity; none before its first complete walk. A wrong clock may have set it later than now:
/// see [`believed`].
///
/// # Errors
/// Those of the database.
pub async fn read(db: &Db, entity: &Entity) -> Result<Option<Timestamp>, DbError> {
    let rows = db
        .query(
            "SELECT walk_started_at FROM {schema}.sync_bookmarks WHERE entity = $1",
            &[(&entity.name, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// The bookmark as far as it is credible. One in the future was set by a wrong clock, so that the time of the last
/// complete walk is unknown: it counts as none. A difference that is usual between two clocks counts as now.
pub fn believed(bookmark: Option<Timestamp>, database_now: Timestamp) -> Option<Timestamp> {
    let bookmark = bookmark?;
    match bookmark.duration_since(database_now) {
        ahead if ahead > LARGE_SKEW => None,
        _ => Some(bookmark.min(database_now)),
    }
}

/// Moves the bookmark, in the transaction that stages the walk's last versions. It is never set later than the
/// database's clock, and moves back only if it was. Whether it has moved is not checked: one that a trigger of a user's
/// holds makes the next runs read more than they need, and nothing is lost.
///
/// # Errors
/// Those of the database.
pub async fn advance(
    tx: &FencedTx<'_>,
    entity: &Entity,
    walk_started_at: Timestamp,
    walk: &str,
    run_id: Uuid,
    database_now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        include_str!("advance.sql"),
        &[
            (&entity.name, Type::TEXT),
            (&walk_started_at.min(database_now), Type::TIMESTAMPTZ),
            (&walk, Type::TEXT),
            (&run_id, Type::UUID),
            (&database_now, Type::TIMESTAMPTZ),
        ],
    )
    .await?;
    crate::crash::at(crate::crash::CrashPoint::BookmarkMoved);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_in_the_future_is_not_believed() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let read = |text: &str| believed(Some(text.parse().unwrap()), now);
        assert_eq!(believed(None, now), None);
        assert_eq!(read("2026-03-01T11:00:00Z"), Some("2026-03-01T11:00:00Z".parse().unwrap()));
        assert_eq!(read("2026-03-01T12:00:30Z"), Some(now), "clocks differ by that");
        assert_eq!(read("2026-09-17T12:00:00Z"), None);
    }
}
