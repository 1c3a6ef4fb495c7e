//! The durable position of each entity: when its last complete walk started, by the API's clock.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;

/// The bookmark of an entity, absent before its first complete walk.
pub async fn read(db: &Db, entity: &Entity) -> Result<Option<Timestamp>, DbError> {
    let rows = db
        .query(
            "SELECT walk_started_at FROM {schema}.sync_bookmarks WHERE entity = $1",
            &[(&entity.name, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Moves the bookmark, in the transaction that stages the walk's last versions. It never moves back.
pub async fn advance(
    tx: &Tx<'_>,
    entity: &Entity,
    walk_started_at: Timestamp,
    walk: &str,
    run_id: Uuid,
) -> Result<(), DbError> {
    tx.execute(
        include_str!("advance_bookmark.sql"),
        &[
            (&entity.name, Type::TEXT),
            (&walk_started_at, Type::TIMESTAMPTZ),
            (&walk, Type::TEXT),
            (&run_id, Type::UUID),
        ],
    )
    .await?;
    crate::crash::at(crate::crash::Step::BookmarkMoved);
    Ok(())
}
