//! Deletions: finds records that may be gone, keeps the evidence, stages tombstones, records manual decisions.

pub mod turn;

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{clock::version_id, for_entity, json_text::JsonText};
use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::lease::{Fence, FencedTx};
use crate::states::DeletionState;

/// Ids read at a time, so that memory stays bounded.
const IDS_A_PAGE: i64 = 10_000;

/// The set of ids that a walk saw.
pub trait Seen {
    /// Whether the walk saw the id.
    fn saw(&self, id: &str) -> bool;
}

/// A record that is gone according to the API, which was asked for it by id.
#[derive(Debug, Clone)]
pub struct Gone {
    /// Its id.
    pub external_id: String,
    /// The API's answer and its context.
    pub evidence: Value,
}

/// SQL condition that the date of a row (`t`) is within two days given as parameters, the first of them `$first`;
/// with a day's margin on both sides, since the time zone of the API's date filters is not known.
pub fn within_days(column: &str, first: usize) -> String {
    let second = first + 1;
    format!(
        "AND (${first}::date IS NULL OR t.{column} > ${first}) AND (${second}::date IS NULL OR t.{column} < ${second})"
    )
}

/// Supersedes the deletions of records that a walk saw at the source again: they no longer await approval, and
/// earlier decisions to keep or delete them no longer apply.
pub async fn settle_seen(
    db: &Db,
    fence: &Fence,
    entity: &Entity,
    seen: &(dyn Seen + Sync),
) -> Result<(), DbError> {
    let rows = db
        .query(
            "SELECT DISTINCT external_id FROM {schema}.sync_deletions
              WHERE entity = $1 AND state IN ('withheld', 'dismissed', 'approved')",
            &[(&entity.name, Type::TEXT)],
        )
        .await?;
    let seen_again: Vec<&str> =
        rows.iter().map(|row| row.get::<_, &str>(0)).filter(|id| seen.saw(id)).collect();
    if seen_again.is_empty() {
        return Ok(());
    }
    let mut connection = db.connection().await?;
    let tx = fence.begin(&mut connection).await?;
    supersede(
        &tx,
        entity,
        &seen_again,
        &[DeletionState::Withheld, DeletionState::Dismissed, DeletionState::Approved],
    )
    .await?;
    tx.commit().await
}

/// Withdraws the withheld deletions of records that exist after all: they no longer await approval, and approving
/// the rest of their run does not delete them.
///
/// # Errors
/// The database's, and a lease that is lost.
pub async fn settle_existing(db: &Db, fence: &Fence, entity: &Entity, ids: &[&str]) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut connection = db.connection().await?;
    let tx = fence.begin(&mut connection).await?;
    supersede(&tx, entity, ids, &[DeletionState::Withheld]).await?;
    tx.commit().await
}

async fn supersede(
    tx: &FencedTx<'_>,
    entity: &Entity,
    ids: &[&str],
    states: &[DeletionState],
) -> Result<(), DbError> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    tx.execute(
        "UPDATE {schema}.sync_deletions SET state = 'superseded'
          WHERE entity = $1 AND external_id = ANY ($2::text[]) AND state = ANY ($3::text[])",
        &[(&entity.name, Type::TEXT), (&ids, Type::TEXT_ARRAY), (&states, Type::TEXT_ARRAY)],
    )
    .await?;
    Ok(())
}

/// The records that production holds within these days (none: all) and that a walk did not see, except those kept
/// by a manual decision; and how many records of the entity production holds in all.
pub async fn suspects(
    db: &Db,
    entity: &Entity,
    from: Option<Date>,
    until: Option<Date>,
    seen: &(dyn Seen + Sync),
) -> Result<(Vec<String>, u64), DbError> {
    let mut suspects = Vec::new();
    let days = match entity.own_date() {
        Some(date) => within_days(date, 3),
        None => "AND $3::date IS NULL AND $4::date IS NULL".to_owned(),
    };
    let sql = include_str!("suspects.sql").replace("{table}", entity.tables[0].name).replace("{days}", &days);
    let kept = in_state(db, entity, DeletionState::Dismissed).await?;
    let mut after = String::new();
    loop {
        let rows = db
            .query(
                &sql,
                &[(&after, Type::TEXT), (&IDS_A_PAGE, Type::INT8), (&from, Type::DATE), (&until, Type::DATE)],
            )
            .await?;
        for row in &rows {
            let id: &str = row.get(0);
            if !seen.saw(id) && !kept.contains(id) {
                suspects.push(id.to_owned());
            }
        }
        match rows.last() {
            Some(last) if rows.len() as i64 == IDS_A_PAGE => after = last.get(0),
            _ => break,
        }
    }
    if !suspects.is_empty() {
        // A run that was killed before stage 2 has staged their tombstones already.
        let rows = db
            .query(&for_entity(include_str!("buried.sql"), entity), &[(&suspects, Type::TEXT_ARRAY)])
            .await?;
        let buried: HashSet<&str> = rows.iter().map(|row| row.get(0)).collect();
        suspects.retain(|id| !buried.contains(id.as_str()));
    }
    let held = db
        .query(
            &format!("SELECT count(*) FROM {{schema}}.{} WHERE deleted_at IS NULL", entity.tables[0].name),
            &[],
        )
        .await?;
    Ok((suspects, held.first().map_or(0, |row| row.get::<_, i64>(0) as u64)))
}

/// The records that only staging holds and that a walk did not see: what a killed run left pending and, with
/// `faulty`, what is in quarantine. Without this they would come into production, or stay in quarantine, although
/// they are gone. The versions of run `but_for` count as seen.
///
/// Must be called before [`suspects`]: what stage 2 processes in between is in production then.
pub async fn staged_suspects(
    db: &Db,
    entity: &Entity,
    faulty: bool,
    but_for: Option<Uuid>,
    seen: &(dyn Seen + Sync),
) -> Result<Vec<String>, DbError> {
    let template = include_str!("staged_suspects.sql").replace("{table}", entity.tables[0].name);
    let rows =
        db.query(&for_entity(&template, entity), &[(&but_for, Type::UUID), (&faulty, Type::BOOL)]).await?;
    let kept = in_state(db, entity, DeletionState::Dismissed).await?;
    let ids = rows.iter().map(|row| row.get::<_, &str>(0));
    Ok(ids.filter(|id| !seen.saw(id) && !kept.contains(*id)).map(str::to_owned).collect())
}

/// The records that were found gone and await manual approval.
pub async fn waiting_for_word(db: &Db, entity: &Entity) -> Result<HashSet<String>, DbError> {
    in_state(db, entity, DeletionState::Withheld).await
}

/// The records whose deletion is in this state.
async fn in_state(db: &Db, entity: &Entity, state: DeletionState) -> Result<HashSet<String>, DbError> {
    let rows = db
        .query(
            "SELECT external_id FROM {schema}.sync_deletions WHERE entity = $1 AND state = $2",
            &[(&entity.name, Type::TEXT), (&state.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// How many records are held, in production or in quarantine only, although they were found gone at the source:
/// withheld by the guard, or kept by a manual decision.
pub async fn kept(tx: &Tx<'_>, entity: &Entity) -> Result<u64, DbError> {
    let sql = for_entity(include_str!("kept.sql"), entity).replace("{table}", entity.tables[0].name);
    let rows = tx.query(&sql, &[(&entity.name, Type::TEXT)]).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64))
}

/// Stores the evidence of deletions, as done or (`withheld`) as awaiting manual approval. One that awaits approval
/// already stays with the run that found it first; one that is done no longer awaits it.
pub async fn note(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[Gone],
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
        supersede(tx, entity, &ids, &[DeletionState::Withheld]).await?;
    }
    tx.execute(
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
    Ok(())
}

/// Stages a tombstone for each record, newer than every version of it. Returns how many.
pub async fn stage_tombstones(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[Gone],
    at: Timestamp,
) -> Result<u64, DbError> {
    insert_tombstones(tx, entity, run_id, gone, at, false).await
}

/// Stages a tombstone for each record, dated when it was found gone; none for a record of which a version was seen
/// since then. Returns how many.
pub async fn stage_tombstones_found_at(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[Gone],
    found_at: Timestamp,
) -> Result<u64, DbError> {
    insert_tombstones(tx, entity, run_id, gone, found_at, true).await
}

async fn insert_tombstones(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[Gone],
    at: Timestamp,
    unless_seen_since: bool,
) -> Result<u64, DbError> {
    if gone.is_empty() {
        return Ok(0);
    }
    let staging_ids: Vec<Uuid> = gone.iter().map(|_| version_id(at)).collect();
    let (ids, texts) = columns(gone);
    let evidence: Vec<JsonText<'_>> = texts.iter().map(|text| JsonText(text)).collect();
    tx.execute(
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
    .await
}

fn columns(gone: &[Gone]) -> (Vec<&str>, Vec<String>) {
    (
        gone.iter().map(|gone| gone.external_id.as_str()).collect(),
        gone.iter().map(|gone| gone.evidence.to_string()).collect(),
    )
}

/// A deletion found, as `deletions list` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// The run that found it.
    pub run_id: Uuid,
    /// `appointments`, …
    pub entity: String,
    /// The record's id.
    pub external_id: String,
    /// `deleted`, `withheld`, `approved`, `dismissed` or `superseded`.
    pub state: String,
    /// The API's answer and its context.
    pub evidence: Value,
    /// When it was found.
    pub found_at: Timestamp,
    /// When it was decided manually; none if it was not.
    pub decided_at: Option<Timestamp>,
}

/// The deletions found, newest first; if asked, only those that await manual approval, or only a run's.
pub async fn found(db: &Db, only_withheld: bool, run: Option<Uuid>) -> Result<Vec<Found>, DbError> {
    let rows =
        db.query(include_str!("found.sql"), &[(&only_withheld, Type::BOOL), (&run, Type::UUID)]).await?;
    Ok(rows
        .iter()
        .map(|row| Found {
            run_id: row.get("run_id"),
            entity: row.get("entity"),
            external_id: row.get("external_id"),
            state: row.get("state"),
            evidence: row.get("evidence"),
            found_at: row.get("found_at"),
            decided_at: row.get("decided_at"),
        })
        .collect())
}

/// At most `limit` undecided deletions of an entity that a run withheld, each with when it was found.
///
/// # Errors
/// Those of the database.
pub async fn waiting(
    tx: &Tx<'_>,
    entity: &Entity,
    run_id: Uuid,
    limit: i64,
) -> Result<Vec<(Gone, Timestamp)>, DbError> {
    let rows = tx
        .query(
            include_str!("waiting.sql"),
            &[(&run_id, Type::UUID), (&entity.name, Type::TEXT), (&limit, Type::INT8)],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            (Gone { external_id: row.get("external_id"), evidence: row.get("evidence") }, row.get("found_at"))
        })
        .collect())
}

/// Of these records, those whose deletion was approved manually.
///
/// # Errors
/// Those of the database.
pub async fn approved(tx: &Tx<'_>, entity: &Entity, records: &[String]) -> Result<HashSet<String>, DbError> {
    let rows = tx
        .query(
            "SELECT DISTINCT external_id FROM {schema}.sync_deletions
              WHERE entity = $1 AND external_id = ANY ($2::text[]) AND state = 'approved'",
            &[(&entity.name, Type::TEXT), (&records, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Records the manual decision on these deletions, which a run withheld for an entity. Returns how many it changed.
pub async fn decide(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    gone: &[Gone],
    approved: bool,
    at: Timestamp,
) -> Result<u64, DbError> {
    let ids: Vec<&str> = gone.iter().map(|gone| gone.external_id.as_str()).collect();
    let state = if approved { DeletionState::Approved } else { DeletionState::Dismissed };
    tx.execute(
        "UPDATE {schema}.sync_deletions SET state = $3, decided_at = $4
          WHERE run_id = $1 AND entity = $2 AND state = 'withheld' AND external_id = ANY ($5::text[])",
        &[
            (&run_id, Type::UUID),
            (&entity.name, Type::TEXT),
            (&state.as_str(), Type::TEXT),
            (&at, Type::TIMESTAMPTZ),
            (&ids, Type::TEXT_ARRAY),
        ],
    )
    .await
}
