//! Deletions: finds records that may be gone, keeps the evidence ([`noted`]), records manual decisions.

pub mod noted;

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{for_entity, template};
use crate::db::{self, Db, DbError, Param, Tx};
use crate::entities::{ENTITIES, Entity};
use crate::states::DeletionState;

/// Ids read at a time, so that memory stays bounded.
const IDS_A_PAGE: i64 = 10_000;
/// Deletions that are listed at most.
pub const MOST_FOUND: i64 = 10_000;

/// The set of ids that a walk saw.
pub trait IdSet {
    /// Whether the walk saw the id.
    fn saw(&self, id: &str) -> bool;
}

/// A record that is gone according to the API, which was asked for it by id.
#[derive(Debug, Clone)]
pub struct GoneRecord {
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

/// The records that production holds within these days (none: all) and that a walk did not see, except those kept
/// by a manual decision; and how many records of the entity production holds in all.
///
/// # Errors
/// Those of the database.
pub async fn suspects(
    db: &Db,
    entity: &Entity,
    from: Option<Date>,
    until: Option<Date>,
    seen: &(dyn IdSet + Sync),
) -> Result<(Vec<String>, u64), DbError> {
    let mut suspects = Vec::new();
    let sql = suspects_sql(entity);
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
        .query(&for_entity("SELECT count(*) FROM {schema}.{table} WHERE deleted_at IS NULL", entity), &[])
        .await?;
    Ok((suspects, held.first().map_or(0, |row| row.get::<_, i64>(0) as u64)))
}

pub(super) fn suspects_sql(entity: &Entity) -> String {
    let days = match entity.own_date() {
        Some(date) => within_days(date, 3),
        None => "AND $3::date IS NULL AND $4::date IS NULL".to_owned(),
    };
    template(include_str!("suspects.sql"), entity).with("days", days).fill()
}

/// The records that only staging holds and that a walk did not see: what a killed run left pending and, with
/// `faulty`, what is in quarantine. Without this they would come into production, or stay in quarantine, although
/// they are gone. The versions of run `but_for` count as seen.
///
/// Must be called before [`suspects`]: what stage 2 processes in between is in production then.
///
/// # Errors
/// Those of the database.
pub async fn staged_suspects(
    db: &Db,
    entity: &Entity,
    faulty: bool,
    but_for: Option<Uuid>,
    seen: &(dyn IdSet + Sync),
) -> Result<Vec<String>, DbError> {
    let sql = for_entity(include_str!("staged_suspects.sql"), entity);
    let rows = db.query(&sql, &[(&but_for, Type::UUID), (&faulty, Type::BOOL)]).await?;
    let kept = in_state(db, entity, DeletionState::Dismissed).await?;
    let ids = rows.iter().map(|row| row.get::<_, &str>(0));
    Ok(ids.filter(|id| !seen.saw(id) && !kept.contains(*id)).map(str::to_owned).collect())
}

/// The records that were found gone and await manual approval.
///
/// # Errors
/// Those of the database.
pub async fn awaiting_approval(db: &Db, entity: &Entity) -> Result<HashSet<String>, DbError> {
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
///
/// # Errors
/// Those of the database.
pub async fn kept(tx: &Tx<'_>, entity: &Entity) -> Result<u64, DbError> {
    let sql = for_entity(include_str!("kept.sql"), entity);
    let rows = tx.query(&sql, &[(&entity.name, Type::TEXT)]).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64))
}

/// A deletion found, as `deletions list` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct FoundDeletion {
    /// The run that found it.
    pub run_id: Uuid,
    /// `appointments`, …
    pub entity: String,
    /// The record's id.
    pub external_id: String,
    /// Its state.
    pub state: DeletionState,
    /// The API's answer and its context.
    pub evidence: Value,
    /// When it was found.
    pub found_at: Timestamp,
    /// When it was decided manually; none if it was not.
    pub decided_at: Option<Timestamp>,
}

/// The deletions found, newest first, of all at most [`MOST_FOUND`]; if asked, only those that await manual approval, or
/// only a run's.
///
/// # Errors
/// Those of the database.
pub async fn found(db: &Db, only_withheld: bool, run: Option<Uuid>) -> Result<Vec<FoundDeletion>, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    found_in(&tx, only_withheld, run, MOST_FOUND).await
}

/// The same in a transaction, `limit` at most.
///
/// # Errors
/// Those of the database.
pub async fn found_in(
    tx: &Tx<'_>,
    only_withheld: bool,
    run: Option<Uuid>,
    limit: i64,
) -> Result<Vec<FoundDeletion>, DbError> {
    let params = [(&only_withheld as _, Type::BOOL), (&run as _, Type::UUID), (&limit as _, Type::INT8)];
    let rows = tx.query(include_str!("found.sql"), &params).await?;
    let found = |row: &tokio_postgres::Row| {
        Ok(FoundDeletion {
            run_id: row.get("run_id"),
            entity: row.get("entity"),
            external_id: row.get("external_id"),
            state: db::word(row, "state")?,
            evidence: row.get("evidence"),
            found_at: row.get("found_at"),
            decided_at: row.get("decided_at"),
        })
    };
    rows.iter().map(found).collect()
}

/// When the last new versions of records, each given by its entity and id, were staged. An unchanged record is seen later too, and
/// not staged again. Those never staged are left out.
///
/// # Errors
/// Those of the database.
pub async fn last_seen(
    tx: &Tx<'_>,
    entities: &[&str],
    ids: &[&str],
) -> Result<Vec<(String, String, Timestamp)>, DbError> {
    let of = |entity: &&Entity| {
        template(include_str!("last_seen.sql").trim_end(), entity).with("entity", entity.name).fill()
    };
    let sql = ENTITIES.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ");
    let rows = tx.query(&sql, &[(&entities, Type::TEXT_ARRAY), (&ids, Type::TEXT_ARRAY)]).await?;
    let seen = |row: &tokio_postgres::Row| (row.get("entity"), row.get("external_id"), row.get("fetched_at"));
    Ok(rows.iter().map(seen).collect())
}

/// How many deletions of an entity that a run withheld are undecided, but for those of the records `except`.
///
/// # Errors
/// Those of the database.
pub async fn count_waiting(
    tx: &Tx<'_>,
    entity: &Entity,
    run_id: Uuid,
    except: &[String],
) -> Result<u64, DbError> {
    let sql = "SELECT count(*) FROM {schema}.sync_deletions
                WHERE run_id = $1 AND entity = $2 AND state = 'withheld' AND external_id <> ALL ($3::text[])";
    let params: [Param<'_>; 3] =
        [(&run_id, Type::UUID), (&entity.name, Type::TEXT), (&except, Type::TEXT_ARRAY)];
    let rows = tx.query(sql, &params).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
}

/// At most `limit` undecided deletions of an entity that a run withheld, but for those of the records `except`, each with when
/// it was found.
///
/// # Errors
/// Those of the database.
pub async fn waiting(
    tx: &Tx<'_>,
    entity: &Entity,
    run_id: Uuid,
    except: &[String],
    limit: i64,
) -> Result<Vec<(GoneRecord, Timestamp)>, DbError> {
    let rows = tx
        .query(
            include_str!("waiting.sql"),
            &[
                (&run_id, Type::UUID),
                (&entity.name, Type::TEXT),
                (&limit, Type::INT8),
                (&except, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            (
                GoneRecord { external_id: row.get("external_id"), evidence: row.get("evidence") },
                row.get("found_at"),
            )
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
