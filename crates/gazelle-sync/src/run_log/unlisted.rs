//! Reads of which entities the last walk did not list every record.

use tokio_postgres::types::Type;

use crate::db::{Db, DbError};
use crate::entities::{self, Entity};

/// Of these entities, those whose last walk did not reach the end of its list. One that was never walked, as far as
/// the record of runs goes back, is none of them.
///
/// # Errors
/// Those of the database.
pub async fn unlisted(
    db: &Db,
    of: impl Iterator<Item = &'static Entity>,
) -> Result<Vec<&'static Entity>, DbError> {
    let names: Vec<&str> = of.map(|entity| entity.name).collect();
    let rows = db.query(include_str!("unlisted.sql"), &[(&names, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().filter_map(|row| entities::entity(row.get("name"))).collect())
}
