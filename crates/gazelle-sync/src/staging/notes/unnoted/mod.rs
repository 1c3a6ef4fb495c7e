//! Records whose warnings could not be noted: they are reconciled again by the next run, which tries to note them. One
//! note of each, so that runs and lanes do not wait for each other.

use std::collections::HashSet;

use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Db, DbError, Param};
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::staging::{for_entity, notes, outcome, written};

/// Most records that are taken up again of an entity at a time; a run stops after the first such number of which any is.
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

/// Makes the versions of such records that production holds pending again, and forgets the notes of those that are
/// pending now, or of which production holds none. The others keep their notes. Returns how many are pending.
///
/// # Errors
/// The database's.
pub async fn take_up_again(tx: &FencedTx<'_>, entity: &Entity) -> Result<u64, DbError> {
    let prefix = prefix(entity);
    let mut after = prefix.clone();
    loop {
        let params: [Param<'_>; 3] = [(&prefix, Type::TEXT), (&A_TIME, Type::INT8), (&after, Type::TEXT)];
        let noted = tx.query(include_str!("noted.sql"), &params).await?;
        let Some(last) = noted.last() else { return Ok(0) };
        after = last.get(0);
        let records: Vec<String> =
            noted.iter().map(|row| row.get::<_, String>(0)[prefix.len()..].to_owned()).collect();
        let (done, pending) = take_up(tx, entity, &records).await?;
        let keys: Vec<String> = done.iter().map(|id| format!("{prefix}{id}")).collect();
        // Not checked: a note that stays has its record reconciled once more.
        notes::remove(tx, &keys).await?;
        // Notes that stay keep no others from their turn.
        if pending > 0 {
            return Ok(pending);
        }
    }
}

/// Makes the versions of these records that production holds pending again. Returns the records whose notes are done
/// with, and how many of them are pending.
async fn take_up(
    tx: &FencedTx<'_>,
    entity: &Entity,
    records: &[String],
) -> Result<(Vec<String>, u64), DbError> {
    let sql = for_entity(include_str!("in_production.sql"), entity);
    let due = tx.query(&sql, &[(&records, Type::TEXT_ARRAY)]).await?;
    let pending = outcome::pending_where_possible(tx, entity, &due).await?;
    let kept: HashSet<String> = due
        .iter()
        .filter(|row| !pending.contains(&row.get::<_, Uuid>("id")))
        .map(|row| row.get("external_id"))
        .collect();
    let done = records.iter().filter(|record| !kept.contains(*record)).cloned().collect();
    Ok((done, pending.len() as u64))
}

/// The records of an entity that still have a note.
#[derive(Debug)]
pub struct RemainingNotes {
    /// How many.
    pub records: u64,
    /// The first of them.
    pub named: Vec<String>,
}

/// The records of an entity whose warnings could not be noted yet, `most` of them by name; none if there are none.
///
/// # Errors
/// The database's.
pub async fn remaining(db: &Db, entity: &Entity, most: i32) -> Result<Option<RemainingNotes>, DbError> {
    let prefix = prefix(entity);
    let params: [Param<'_>; 2] = [(&prefix, Type::TEXT), (&most, Type::INT4)];
    let rows = db.query(include_str!("remaining.sql"), &params).await?;
    let Some(row) = rows.first().filter(|row| row.get::<_, i64>("notes") > 0) else { return Ok(None) };
    let keys: Vec<String> = row.get("keys");
    let named = keys.iter().map(|key| key[prefix.len()..].to_owned()).collect();
    Ok(Some(RemainingNotes { records: row.get::<_, i64>("notes") as u64, named }))
}
