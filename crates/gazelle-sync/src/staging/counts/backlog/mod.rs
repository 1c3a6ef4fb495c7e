//! Counts the versions that are pending for stage 2.

use jiff::Timestamp;

use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::staging::for_entity;

/// The pending versions of an entity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many.
    pub size: u64,
    /// When the oldest was staged; none if none is pending.
    pub oldest: Option<Timestamp>,
}

/// Counts the pending versions of an entity.
///
/// # Errors
/// Those of the database.
pub async fn of(db: &Db, entity: &Entity) -> Result<Backlog, DbError> {
    let rows = db.query(&for_entity(include_str!("backlog.sql"), entity), &[]).await?;
    let backlog = |row: &tokio_postgres::Row| Backlog {
        size: row.get::<_, i64>("size") as u64,
        oldest: row.get("oldest"),
    };
    Ok(rows.first().map_or_else(Backlog::default, backlog))
}
