//! Finds out whether production takes rows of other records, where the error of a record that stands alone does not tell
//! whether the record or the database is its reason.

use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Template, retry_conflicts};
use crate::entities::Entity;
use crate::entities::table::Table;
use crate::lease::{Fence, FencedTx};

/// How many rows of a table are tried. Some may have been there before a constraint that they violate (`NOT VALID`).
const MOST_TRIED: i64 = 8;

/// Writes a row of another record as it is, in each table of the entity that holds one, and rolls back: generated columns
/// are computed, checks and triggers are passed. Returns whether a row of each such table could be written; none if there is no
/// row.
///
/// # Errors
/// Those of the database that concern no row.
pub(super) async fn is_writable(
    db: &Db,
    fence: &Fence,
    entity: &Entity,
    external_id: &str,
) -> Result<Option<bool>, DbError> {
    retry_conflicts(|| async {
        let mut connection = db.connection().await?;
        let tx = fence.begin(&mut connection).await?;
        let mut all = None;
        for table in entity.tables {
            if let Some(written) = is_written(&tx, table, external_id).await? {
                all = Some(written && all != Some(false));
            }
        }
        tx.rollback().await?;
        Ok(all)
    })
    .await
}

/// Whether one of some rows of other records is written; none if the table holds none.
async fn is_written(tx: &FencedTx<'_>, table: &Table, external_id: &str) -> Result<Option<bool>, DbError> {
    let columns: Vec<String> =
        table.stored_columns().map(|(name, _)| format!("{name} = held.{name}")).collect();
    let same_key: Vec<String> = table.key.iter().map(|key| format!("held.{key} = other.{key}")).collect();
    let sql = Template::new(include_str!("rewrite.sql"))
        .with("table", table.name)
        .with("record", table.owner.unwrap_or(table.key[0]))
        .with("key", table.key.join(", "))
        .with("same_key", same_key.join(" AND "))
        .with("columns", columns.join(", "))
        .fill();
    let mut is_refused = None;
    for skipped in 0..MOST_TRIED {
        match tx.in_savepoint(tx.query(&sql, &[(&external_id, Type::TEXT), (&skipped, Type::INT8)])).await? {
            Ok(written) if written.is_empty() => break,
            Ok(_) => return Ok(Some(true)),
            Err(_) => is_refused = Some(false),
        }
    }
    Ok(is_refused)
}
