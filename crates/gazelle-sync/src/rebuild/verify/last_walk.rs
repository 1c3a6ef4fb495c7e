//! Reads when the last complete walk of a whole entity was, and which records it and later runs found to be
//! unlisted.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::{DbError, Tx};
use crate::entities::Entity;

/// When the last complete walk of the whole entity started; none before the first.
///
/// # Errors
/// The database's.
pub async fn last_whole_walk(tx: &Tx<'_>, entity: &Entity) -> Result<Option<Timestamp>, DbError> {
    let rows = tx.query(include_str!("last_whole_walk.sql"), &[(&entity.name, Type::TEXT)]).await?;
    Ok(rows.first().and_then(|row| row.get(0)))
}

/// Numbers of records that exist at the source and that it may not list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlisted {
    /// Records that the last complete walk of the whole entity did not see.
    pub by_walk: u64,
    /// Records found by id since then, which may be unlisted too: those created meanwhile are listed by now.
    pub at_most_more: u64,
}

impl From<&Row> for Unlisted {
    fn from(row: &Row) -> Unlisted {
        let number = |column: &str| row.get::<_, i64>(column) as u64;
        Unlisted { by_walk: number("unlisted"), at_most_more: number("found_by_id") }
    }
}

/// Reads the numbers; 0 before the first complete walk.
///
/// # Errors
/// The database's.
pub async fn unlisted(tx: &Tx<'_>, entity: &Entity) -> Result<Unlisted, DbError> {
    let Some(walked) = last_whole_walk(tx, entity).await? else { return Ok(Unlisted::default()) };
    let params = [(&entity.name as _, Type::TEXT), (&walked as _, Type::TIMESTAMPTZ)];
    let rows = tx.query(include_str!("unlisted.sql"), &params).await?;
    Ok(rows.first().map(Unlisted::from).unwrap_or_default())
}
