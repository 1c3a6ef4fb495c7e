//! Records whose warnings could not be noted: they are reconciled again by the next run, which tries to note them. One
//! note of each, so that runs and lanes do not wait for each other.

use tokio_postgres::types::Type;

use crate::db::{Bisect, Db, DbError, Param};
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::staging::outcome::again::{self, KeptRecords};
use crate::staging::{for_entity, written};

/// Most records of an entity that are taken up again at a time.
const A_TIME: i64 = 1_000;
/// After so many notes that the database refuses to remove, the others of the same page are not tried: to find each takes
/// several statements.
const MOST_REFUSALS: usize = 16;

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

/// Makes the versions of such records that production holds pending again, and removes the notes of those that are
/// pending now, or of which production holds none. The others keep their notes. It stops after the first
/// 1,000 notes of which any is pending; the next call continues after these, and after the last note with the first.
/// Returns the records that the database kept as they are.
///
/// # Errors
/// Those of the database that concern no record.
pub async fn take_up_again(tx: &FencedTx<'_>, entity: &Entity) -> Result<KeptRecords, DbError> {
    let prefix = prefix(entity);
    let noted_turn = turn(tx, entity).await?;
    let (mut kept, mut next_turn) = (KeptRecords::new(), None);
    let start = noted_turn.clone().unwrap_or_else(|| prefix.clone());
    let up_to_start = noted_turn.as_ref().map(|turn| (prefix.clone(), Some(turn)));
    'taken: for (mut after, until) in [(start, None)].into_iter().chain(up_to_start) {
        loop {
            let params: [Param<'_>; 4] =
                [(&prefix, Type::TEXT), (&A_TIME, Type::INT8), (&after, Type::TEXT), (&until, Type::TEXT)];
            let keys: Vec<String> =
                tx.query(include_str!("noted.sql"), &params).await?.iter().map(|row| row.get(0)).collect();
            let Some(last) = keys.last() else { break };
            after.clone_from(last);
            let records: Vec<&str> = keys.iter().map(|key| &key[prefix.len()..]).collect();
            let taken = take_up(tx, entity, &records).await?;
            kept.extend(taken.kept);
            kept.extend(forget(tx, &prefix, &taken.done).await?);
            // Notes that stay keep no others from their turn.
            if taken.pending > 0 {
                next_turn = (keys.len() as i64 == A_TIME).then_some(after);
                break 'taken;
            }
        }
    }
    if next_turn != noted_turn {
        note_turn(tx, entity, next_turn.as_deref()).await?;
    }
    Ok(kept)
}

/// The result of taking up records again.
struct TakenUp {
    /// The records whose notes are done with.
    done: Vec<String>,
    /// How many of them are pending.
    pending: u64,
    /// The records that the database kept as they are.
    kept: KeptRecords,
}

/// Makes the versions of these records that production holds pending again.
async fn take_up(tx: &FencedTx<'_>, entity: &Entity, records: &[&str]) -> Result<TakenUp, DbError> {
    let sql = for_entity(include_str!("in_production.sql"), entity);
    let due = tx.query(&sql, &[(&records, Type::TEXT_ARRAY)]).await?;
    let made = again::pending_where_possible(tx, entity, &due).await?;
    let is_done = |record: &&&str| !made.kept.contains_key(**record);
    let done = records.iter().filter(is_done).map(|record| (*record).to_owned()).collect();
    Ok(TakenUp { done, pending: made.ids.len() as u64, kept: made.kept })
}

/// Removes the notes of these records. Returns those of which the database keeps the notes: they are reconciled once more.
async fn forget(tx: &FencedTx<'_>, prefix: &str, records: &[String]) -> Result<KeptRecords, DbError> {
    let mut kept = KeptRecords::new();
    let mut parts = Bisect::new(records);
    while let Some(part) = parts.next() {
        if kept.len() >= MOST_REFUSALS {
            kept.extend(part.iter().map(|id| (id.clone(), "not tried after other refusals".to_owned())));
        } else if let Err(refusal) = tx.in_savepoint(remove(tx, prefix, part)).await?
            && let Some((alone, refusal)) = parts.failed(part, refusal)?
        {
            kept.insert(alone.clone(), refusal.to_string());
        }
    }
    Ok(kept)
}

async fn remove(tx: &FencedTx<'_>, prefix: &str, records: &[String]) -> Result<(), DbError> {
    let keys: Vec<String> = records.iter().map(|id| format!("{prefix}{id}")).collect();
    let sql = "DELETE FROM {schema}.sync_notes WHERE key = ANY ($1::text[]) RETURNING key";
    let removed = tx.query(sql, &[(&keys, Type::TEXT_ARRAY)]).await?;
    written::check(tx, "sync_notes", keys.len().saturating_sub(removed.len()), "removed").await
}

/// The key in `sync_notes` of the note up to which records of an entity were taken up again.
fn turn_key(entity: &Entity) -> String {
    format!("warnings_taken_up:{}", entity.name)
}

/// The note after which the next records are taken up; none for the first.
async fn turn(tx: &FencedTx<'_>, entity: &Entity) -> Result<Option<String>, DbError> {
    let sql = "SELECT value FROM {schema}.sync_notes WHERE key = $1";
    let rows = tx.query(sql, &[(&turn_key(entity), Type::TEXT)]).await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Stores after which note the next run continues; none for the first.
async fn note_turn(tx: &FencedTx<'_>, entity: &Entity, last: Option<&str>) -> Result<(), DbError> {
    let key: Param<'_> = (&turn_key(entity), Type::TEXT);
    let noted = match last {
        Some(last) => {
            let params = [key, (&last, Type::TEXT)];
            tx.in_savepoint(tx.query(include_str!("note_turn.sql"), &params)).await?.map(drop)
        }
        None => {
            let sql = "DELETE FROM {schema}.sync_notes WHERE key = $1";
            tx.in_savepoint(tx.query(sql, &[key])).await?.map(drop)
        }
    };
    // The notes themselves are told; the same records are taken up again.
    if let Err(error) = noted {
        tracing::warn!(entity = entity.name, %error, "which warnings come next could not be noted");
    }
    Ok(())
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
