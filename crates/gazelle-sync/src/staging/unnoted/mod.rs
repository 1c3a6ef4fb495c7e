//! Records whose warnings could not be noted: they are reconciled again by the next run, which tries to note them. One
//! note of each, so that runs and lanes do not wait for each other.

use tokio_postgres::types::Type;

use super::{outcome, undo, written};
use crate::db::{DbError, Param};
use crate::entities::Entity;
use crate::lease::FencedTx;

/// Most records that a run takes up again of an entity.
const A_TIME: i64 = 1_000;

/// The beginning of the keys of an entity's records in `sync_notes`.
fn prefix(entity: &Entity) -> String {
    format!("unnoted_warnings:{}:", entity.name)
}

/// Notes records, in the transaction that writes them without their warnings.
///
/// # Errors
/// The database's.
pub async fn note(tx: &FencedTx<'_>, entity: &Entity, records: &[&str]) -> Result<(), DbError> {
    let prefix = prefix(entity);
    let keys: Vec<String> = records.iter().map(|id| format!("{prefix}{id}")).collect();
    tx.query(include_str!("note.sql"), &[(&keys, Type::TEXT_ARRAY)]).await?;
    let left = "SELECT count(*) FROM unnest($1::text[]) AS noted (key)
                 WHERE noted.key NOT IN (SELECT n.key FROM {schema}.sync_notes n)";
    written::check_none_left(tx, "sync_notes", left, &[(&keys, Type::TEXT_ARRAY)], "noted").await
}

/// Makes the newest versions of such records pending again, and forgets the notes. Returns how many.
///
/// # Errors
/// The database's.
pub async fn take_up_again(tx: &FencedTx<'_>, entity: &Entity) -> Result<u64, DbError> {
    let prefix = prefix(entity);
    let params: [Param<'_>; 2] = [(&prefix, Type::TEXT), (&A_TIME, Type::INT8)];
    let noted = tx.query(include_str!("noted.sql"), &params).await?;
    if noted.is_empty() {
        return Ok(0);
    }
    let keys: Vec<&str> = noted.iter().map(|row| row.get(0)).collect();
    let records: Vec<String> = keys.iter().map(|key| key[prefix.len()..].to_owned()).collect();
    let due = undo::newest_of(tx, entity, &records).await?;
    let pending = outcome::pending_where_possible(tx, entity, &due).await?;
    // Not checked: a note that stays has its record reconciled once more.
    let sql = "DELETE FROM {schema}.sync_notes WHERE key = ANY ($1::text[])";
    tx.execute(sql, &[(&keys, Type::TEXT_ARRAY)]).await?;
    Ok(pending.len() as u64)
}
