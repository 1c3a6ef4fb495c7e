//! Records whose warnings could not be noted: they are reconciled again by the next run, which tries to note them. One
//! note of each, so that runs and lanes do not wait for each other.

use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Param, Refusals};
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::staging::outcome::again::{self, KeptRecords};
use crate::staging::{for_entity, notes, written};

/// Most records of an entity that are made pending again at a time.
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

/// Makes the versions of such records that production holds pending again, and removes the notes of those that are
/// pending now, or of which production holds none. The others keep their notes. It stops after the first
/// 1,000 notes of which any is pending; the next call continues after these, and after the last note with the first.
/// Returns the records of which the database refused to change the version or to remove the note.
///
/// # Errors
/// Those of the database that concern no record.
pub async fn retry(tx: &FencedTx<'_>, entity: &Entity) -> Result<KeptRecords, DbError> {
    let prefix = prefix(entity);
    let noted = notes::read_in(tx, &last_retried_key(entity)).await?;
    let (mut kept, mut last_retried) = (KeptRecords::new(), None);
    let start = noted.clone().unwrap_or_else(|| prefix.clone());
    let up_to_start = noted.as_ref().map(|noted| (prefix.clone(), Some(noted)));
    'retried: for (mut after, until) in [(start, None)].into_iter().chain(up_to_start) {
        loop {
            let params: [Param<'_>; 4] =
                [(&prefix, Type::TEXT), (&A_TIME, Type::INT8), (&after, Type::TEXT), (&until, Type::TEXT)];
            let keys: Vec<String> =
                tx.query(include_str!("noted.sql"), &params).await?.iter().map(|row| row.get(0)).collect();
            let Some(last) = keys.last() else { break };
            after.clone_from(last);
            let records: Vec<&str> = keys.iter().map(|key| &key[prefix.len()..]).collect();
            let retried = make_pending(tx, entity, &records).await?;
            kept.extend(retried.kept);
            kept.extend(remove_notes(tx, &prefix, &retried.done).await?);
            // Notes that cannot be removed do not prevent that later ones are retried.
            if retried.pending > 0 {
                last_retried = (keys.len() as i64 == A_TIME).then_some(after);
                break 'retried;
            }
        }
    }
    if last_retried != noted {
        note_last_retried(tx, entity, last_retried.as_deref()).await?;
    }
    Ok(kept)
}

/// The result of making records pending again.
struct Retried {
    /// The records whose notes are no longer needed.
    done: Vec<String>,
    /// How many of them are pending.
    pending: u64,
    /// The records of which the database refused to change the version.
    kept: KeptRecords,
}

/// Makes the versions of these records that production holds pending again.
async fn make_pending(tx: &FencedTx<'_>, entity: &Entity, records: &[&str]) -> Result<Retried, DbError> {
    let sql = for_entity(include_str!("in_production.sql"), entity);
    let due = tx.query(&sql, &[(&records, Type::TEXT_ARRAY)]).await?;
    let made = again::pending_where_possible(tx, entity, &due).await?;
    let is_done = |record: &&&str| !made.kept.contains_key(**record);
    let done = records.iter().filter(is_done).map(|record| (*record).to_owned()).collect();
    Ok(Retried { done, pending: made.ids.len() as u64, kept: made.kept })
}

/// Removes the notes of these records. Returns the records whose notes the database refused to remove: they are reconciled
/// once more.
async fn remove_notes(tx: &FencedTx<'_>, prefix: &str, records: &[String]) -> Result<KeptRecords, DbError> {
    let mut parts = Refusals::new(records);
    while let Some(part) = parts.next_part() {
        let keys: Vec<String> = part.iter().map(|id| format!("{prefix}{id}")).collect();
        let removed = tx.in_savepoint(async {
            let removed = notes::remove(tx, &keys).await? as usize;
            written::check(tx, "sync_notes", keys.len().saturating_sub(removed), "removed").await
        });
        parts.add_result(part, removed.await?)?;
    }
    Ok(parts.into_refused().into_iter().map(|(id, why)| (id.clone(), why)).collect())
}

/// The key in `sync_notes` under which [`retry`] stores the key of the last note that it tried.
fn last_retried_key(entity: &Entity) -> String {
    format!("warnings_taken_up:{}", entity.name)
}

/// Stores after which note the next run continues; none for the first.
async fn note_last_retried(tx: &FencedTx<'_>, entity: &Entity, last: Option<&str>) -> Result<(), DbError> {
    let key = last_retried_key(entity);
    let noted = tx.in_savepoint(async {
        match last {
            Some(last) => notes::store(tx, &key, last).await.map(drop),
            None => notes::remove(tx, std::slice::from_ref(&key)).await.map(drop),
        }
    });
    // The run's report names the notes; the next run only tries the same ones again.
    if let Err(error) = noted.await? {
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
