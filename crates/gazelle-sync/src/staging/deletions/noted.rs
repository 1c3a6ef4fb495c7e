//! Writes deletions: the evidence for them, their tombstones, and what becomes of them.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{GoneRecord, IdSet};
use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::lease::{Fence, FencedTx};
use crate::staging::versions::clock::version_id;
use crate::staging::versions::json_text::JsonText;
use crate::staging::{for_entity, written};
use crate::states::DeletionState;

/// The table of deletions, for messages.
const TABLE: &str = "sync_deletions";

/// The states in which a record that is at the source again may be.
pub const SEEN_AGAIN: [DeletionState; 3] =
    [DeletionState::Withheld, DeletionState::Dismissed, DeletionState::Approved];

/// The records found gone that a walk saw at the source again: their deletions no longer await approval, and earlier
/// decisions to keep or delete them no longer apply. See [`supersede`].
///
/// # Errors
/// The database's.
pub async fn seen_again(db: &Db, entity: &Entity, seen: &(dyn IdSet + Sync)) -> Result<Vec<String>, DbError> {
    let sql = "SELECT DISTINCT external_id FROM {schema}.sync_deletions
                WHERE entity = $1 AND state = ANY ($2::text[])";
    let states = SEEN_AGAIN.map(|state| state.as_str());
    let params = [(&entity.name as _, Type::TEXT), (&states.as_slice() as _, Type::TEXT_ARRAY)];
    let rows = db.query(sql, &params).await?;
    Ok(rows.iter().map(|row| row.get::<_, &str>(0)).filter(|id| seen.saw(id)).map(str::to_owned).collect())
}

/// Supersedes the deletions of records that exist after all, in one transaction. Each of them has one in one of these
/// states. Approving the rest of their run does not delete them then.
///
/// # Errors
/// The database's, also for deletions that it kept as they are; a lease that is lost.
pub async fn supersede(
    db: &Db,
    fence: &Fence,
    entity: &Entity,
    ids: &[&str],
    states: &[DeletionState],
) -> Result<(), DbError> {
    let mut connection = db.connection().await?;
    let tx = fence.begin(&mut connection).await?;
    let left = not_superseded(&tx, entity, ids, states).await?;
    written::check(&tx, TABLE, left, "superseded").await?;
    tx.commit().await
}

/// Supersedes deletions in these states. Returns of how many records none was.
async fn not_superseded(
    tx: &FencedTx<'_>,
    entity: &Entity,
    ids: &[&str],
    states: &[DeletionState],
) -> Result<usize, DbError> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let rows = tx
        .query(
            include_str!("supersede.sql"),
            &[(&entity.name, Type::TEXT), (&ids, Type::TEXT_ARRAY), (&states, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(written::missing(ids.iter().copied(), &rows).len())
}

/// Stores the evidence of deletions, as done or (`withheld`) as awaiting manual approval. One that awaits approval
/// already stays with the run that found it first; one that is done no longer awaits it. Those that are done must
/// have their tombstones.
///
/// # Errors
/// The database's, also for evidence that it did not store without saying so.
pub async fn note(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[GoneRecord],
    withheld: bool,
    at: Timestamp,
) -> Result<(), DbError> {
    if gone.is_empty() {
        return Ok(());
    }
    let (ids, texts) = columns(gone);
    let evidence: Vec<JsonText<'_>> = texts.iter().map(|text| JsonText(text)).collect();
    let state = if withheld { DeletionState::Withheld } else { DeletionState::Deleted };
    if !withheld {
        // Most of them have awaited nothing.
        not_superseded(tx, entity, &ids, &[DeletionState::Withheld]).await?;
    }
    let noted = tx
        .query(
            include_str!("note.sql"),
            &[
                (&run_id, Type::UUID),
                (&entity.name, Type::TEXT),
                (&ids, Type::TEXT_ARRAY),
                (&evidence, Type::JSONB_ARRAY),
                (&state.as_str(), Type::TEXT),
                (&at, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    let mut left = written::missing(ids, &noted);
    if withheld && !left.is_empty() {
        let waiting = awaiting(tx, entity, &left).await?;
        left.retain(|id| !waiting.iter().any(|waits| waits == id));
    }
    written::check(tx, TABLE, left.len(), "noted").await
}

/// Of these records, those whose deletion awaits approval.
async fn awaiting(tx: &Tx<'_>, entity: &Entity, ids: &[&str]) -> Result<Vec<String>, DbError> {
    let sql = "SELECT external_id FROM {schema}.sync_deletions
                WHERE entity = $1 AND state = 'withheld' AND external_id = ANY ($2::text[])";
    let rows = tx.query(sql, &[(&entity.name, Type::TEXT), (&ids, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Stages a tombstone for each record, newer than every version of it. Returns how many.
///
/// # Errors
/// The database's, also for tombstones that it did not store without saying so.
pub async fn stage_tombstones(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[GoneRecord],
    at: Timestamp,
) -> Result<u64, DbError> {
    let left = insert_tombstones(tx, entity, run_id, gone, at, false).await?;
    written::check(tx, entity.staging_table, left.len(), "stored").await?;
    Ok(gone.len() as u64)
}

/// Stages a tombstone for each record, dated when it was found gone; none for a record of which a version was seen
/// since then. Returns how many.
///
/// # Errors
/// As [`stage_tombstones`].
pub async fn stage_tombstones_found_at(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[GoneRecord],
    found_at: Timestamp,
) -> Result<u64, DbError> {
    let left = insert_tombstones(tx, entity, run_id, gone, found_at, true).await?;
    if !left.is_empty() {
        let sql = for_entity(include_str!("not_seen_since.sql"), entity);
        let params = [(&left as _, Type::TEXT_ARRAY), (&found_at as _, Type::TIMESTAMPTZ)];
        let suppressed = tx.query(&sql, &params).await?.len();
        written::check(tx, entity.staging_table, suppressed, "stored").await?;
    }
    Ok((gone.len() - left.len()) as u64)
}

/// Returns the records of which none was stored.
async fn insert_tombstones<'g>(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &'g [GoneRecord],
    at: Timestamp,
    unless_seen_since: bool,
) -> Result<Vec<&'g str>, DbError> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let staging_ids: Vec<Uuid> = gone.iter().map(|_| version_id(at)).collect();
    let (ids, texts) = columns(gone);
    let evidence: Vec<JsonText<'_>> = texts.iter().map(|text| JsonText(text)).collect();
    let stored = tx
        .query(
            &for_entity(include_str!("insert_tombstones.sql"), entity),
            &[
                (&staging_ids, Type::UUID_ARRAY),
                (&ids, Type::TEXT_ARRAY),
                (&evidence, Type::JSONB_ARRAY),
                (&at, Type::TIMESTAMPTZ),
                (&run_id, Type::UUID),
                (&unless_seen_since, Type::BOOL),
            ],
        )
        .await?;
    let left: Vec<Uuid> = written::missing(staging_ids.iter().copied(), &stored);
    let of = |(id, gone): (&Uuid, &'g GoneRecord)| left.contains(id).then_some(gone.external_id.as_str());
    Ok(staging_ids.iter().zip(gone).filter_map(of).collect())
}

fn columns(gone: &[GoneRecord]) -> (Vec<&str>, Vec<String>) {
    (
        gone.iter().map(|gone| gone.external_id.as_str()).collect(),
        gone.iter().map(|gone| gone.evidence.to_string()).collect(),
    )
}

/// Records the manual decision on these deletions, which a run withheld for an entity. Returns how many it changed.
///
/// # Errors
/// The database's, also for deletions that it kept as they are.
pub async fn decide(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[GoneRecord],
    approved: bool,
    at: Timestamp,
) -> Result<u64, DbError> {
    let ids: Vec<&str> = gone.iter().map(|gone| gone.external_id.as_str()).collect();
    let state = if approved { DeletionState::Approved } else { DeletionState::Dismissed };
    let decided = tx
        .query(
            include_str!("decide.sql"),
            &[
                (&run_id, Type::UUID),
                (&entity.name, Type::TEXT),
                (&state.as_str(), Type::TEXT),
                (&at, Type::TIMESTAMPTZ),
                (&ids, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    // The caller asks for those that are undecided until there are none.
    let left = written::missing(ids, &decided).len();
    written::check(tx, TABLE, left, "decided").await?;
    Ok(decided.len() as u64)
}
