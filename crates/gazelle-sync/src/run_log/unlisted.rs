//! Reads of which entities the last walk did not list every record.

use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Db, DbError, Param};
use crate::entities::{self, Entity};

/// Of these entities, those whose last walk did not reach the end of its list, or may not have: a later run was killed before
/// it recorded its walks. The run `run_id`, which asks, does not count. One that was never walked, as far as the record of
/// runs goes back, is none of them.
///
/// # Errors
/// Those of the database.
pub async fn unlisted(
    db: &Db,
    of: impl Iterator<Item = &'static Entity>,
    run_id: Uuid,
) -> Result<Vec<&'static Entity>, DbError> {
    let names: Vec<&str> = of.map(|entity| entity.name).collect();
    let params: [Param<'_>; 2] = [(&names, Type::TEXT_ARRAY), (&run_id, Type::UUID)];
    let rows = db.query(include_str!("unlisted.sql"), &params).await?;
    Ok(rows.iter().filter_map(|row| entities::entity(row.get("name"))).collect())
}
