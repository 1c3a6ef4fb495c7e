//! Keeps the quarantine cases of records that could not be reconciled: opens, releases, closes and deletes them.

pub mod forget;
pub mod one;
pub mod pages;
mod waiting;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::outcome::again::{self, KeptRecords};
use super::{for_entity, missing_parents, outcome, template, written};
use crate::db::{self, Db, DbError, Param};
use crate::entities::{
    Entity,
    read::{ErrorCode, RecordError},
};
use crate::lease::FencedTx;
use crate::states::CaseState;

pub use waiting::{QuarantinedRecords, waiting_since};

/// The table of cases, for messages.
const TABLE: &str = "sync_quarantine";

/// A fault to be noted.
pub struct NewCase<'a> {
    /// The staging row.
    pub staging_id: Uuid,
    /// The record's id.
    pub external_id: &'a str,
    /// Why it could not be reconciled.
    pub error: &'a RecordError,
}

/// Opens (or keeps open) the cases of faulty versions. `run_id` is noted with cases that were not open before.
///
/// # Errors
/// Those of the database, also for cases that it did not store although it reported no error.
pub async fn open(
    tx: &FencedTx<'_>,
    entity: &Entity,
    faults: &[NewCase<'_>],
    run_id: Uuid,
    at: Timestamp,
) -> Result<(), DbError> {
    if faults.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = faults.iter().map(|fault| fault.staging_id).collect();
    let external_ids: Vec<&str> = faults.iter().map(|fault| fault.external_id).collect();
    let codes: Vec<&str> = faults.iter().map(|fault| fault.error.code.as_str()).collect();
    let fields: Vec<&str> = faults.iter().map(|fault| fault.error.field.as_str()).collect();
    let tables: Vec<Option<&str>> =
        faults.iter().map(|fault| fault.error.waits_for.as_ref().map(|(table, _)| *table)).collect();
    let parents: Vec<Option<&str>> =
        faults.iter().map(|fault| fault.error.waits_for.as_ref().map(|(_, id)| id.as_str())).collect();
    let opened = tx
        .query(
            include_str!("open.sql"),
            &[
                (&entity.name, Type::TEXT),
                (&ids, Type::UUID_ARRAY),
                (&external_ids, Type::TEXT_ARRAY),
                (&codes, Type::TEXT_ARRAY),
                (&fields, Type::TEXT_ARRAY),
                (&tables, Type::TEXT_ARRAY),
                (&parents, Type::TEXT_ARRAY),
                (&at, Type::TIMESTAMPTZ),
                (&entity.reconciler_version, Type::INT4),
                (&run_id, Type::UUID),
            ],
        )
        .await?;
    let left = written::missing(ids, &opened).len();
    written::check(tx, TABLE, left, "noted").await?;
    crate::crash::at(crate::crash::CrashPoint::QuarantineOpened);
    supersede_not_asked(tx, entity, faults, at).await
}

/// Closes earlier cases, noted when only the list had failed, of records that have now been asked for by id.
async fn supersede_not_asked(
    tx: &FencedTx<'_>,
    entity: &Entity,
    faults: &[NewCase<'_>],
    at: Timestamp,
) -> Result<(), DbError> {
    let is_asked =
        |fault: &&NewCase<'_>| matches!(fault.error.code, ErrorCode::IncompleteAtSource | ErrorCode::NotText);
    let (external_ids, ids): (Vec<&str>, Vec<Uuid>) =
        faults.iter().filter(is_asked).map(|fault| (fault.external_id, fault.staging_id)).unzip();
    if ids.is_empty() {
        return Ok(());
    }
    let not_asked = ErrorCode::NotAskedYet.as_str();
    let [of, records, versions]: [Param<'_>; 3] =
        [(&entity.name, Type::TEXT), (&external_ids, Type::TEXT_ARRAY), (&ids, Type::UUID_ARRAY)];
    let code: Param<'_> = (&not_asked, Type::TEXT);
    let params = [of.clone(), records.clone(), versions.clone(), code.clone()];
    // Not checked: what a trigger keeps from being carried loses nothing, the case counts as a new one.
    tx.execute(include_str!("carry_first_seen.sql"), &params).await?;
    let params = [of, records, versions, (&at, Type::TIMESTAMPTZ), code];
    let rows = tx.query(include_str!("supersede_not_asked.sql"), &params).await?;
    let superseded: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    outcome::settled(tx, entity, &superseded).await
}

/// Closes the cases of records of which a good version was written: the same version after a retry, or a newer one.
/// The older faulty version then counts as processed.
///
/// # Errors
/// Those of the database, also for cases and versions that it left as they are without an error.
pub async fn close(
    tx: &FencedTx<'_>,
    entity: &Entity,
    good: &[(&str, Uuid, Timestamp)],
    at: Timestamp,
) -> Result<(), DbError> {
    let external_ids: Vec<&str> = good.iter().map(|(id, _, _)| *id).collect();
    let staging_ids: Vec<Uuid> = good.iter().map(|(_, id, _)| *id).collect();
    let fetched_at: Vec<Timestamp> = good.iter().map(|(_, _, at)| *at).collect();
    let rows = tx
        .query(
            &for_entity(include_str!("settled_cases.sql"), entity),
            &[
                (&entity.name, Type::TEXT),
                (&external_ids, Type::TEXT_ARRAY),
                (&staging_ids, Type::UUID_ARRAY),
                (&fetched_at, Type::TIMESTAMPTZ_ARRAY),
            ],
        )
        .await?;
    if rows.is_empty() {
        return Ok(());
    }
    let (cases, superseded): (Vec<Uuid>, Vec<bool>) =
        rows.iter().map(|row| (row.get::<_, Uuid>("staging_id"), row.get::<_, bool>("is_moot"))).unzip();
    let params: [Param<'_>; 4] = [
        (&cases, Type::UUID_ARRAY),
        (&superseded, Type::BOOL_ARRAY),
        (&at, Type::TIMESTAMPTZ),
        (&entity.reconciler_version, Type::INT4),
    ];
    let closed = tx.query(include_str!("close.sql"), &params).await?;
    let left = written::missing(cases.iter().copied(), &closed).len();
    written::check(tx, TABLE, left, "closed").await?;
    let moot = cases.iter().zip(&superseded).filter(|(_, superseded)| **superseded);
    let moot: Vec<Uuid> = moot.map(|(case, _)| *case).collect();
    outcome::settled(tx, entity, &moot).await?;
    crate::crash::at(crate::crash::CrashPoint::QuarantineClosed);
    Ok(())
}

/// Makes records pending again whose missing parent is now in production. Returns how many versions of this run are
/// among them, and the records that the database kept as they are.
///
/// # Errors
/// Those of the database that concern no record.
pub async fn release(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
) -> Result<(u64, KeptRecords), DbError> {
    let (mut own, mut kept) = (0, KeptRecords::new());
    for table in parent_tables(entity) {
        let sql = template(include_str!("release_waiting.sql"), entity).with("parent", table).fill();
        let waiting = tx.query(&sql, &[(&entity.name, Type::TEXT), (&table, Type::TEXT)]).await?;
        let mut pending = again::pending_where_possible(tx, entity, &waiting).await?;
        let is_own = |row: &&Row| {
            pending.ids.contains(&row.get::<_, Uuid>("id"))
                && row.get::<_, Option<Uuid>>("run_id") == Some(run_id)
        };
        own += waiting.iter().filter(is_own).count() as u64;
        kept.append(&mut pending.kept);
    }
    Ok((own, kept))
}

/// Makes faulty versions pending again: all of an entity, or those of some ids (of records, or of staging rows).
/// Dismissed ones only when named. Returns how many.
///
/// # Errors
/// Those of the database, also for versions that it left as they are without an error.
pub async fn retry(
    tx: &FencedTx<'_>,
    entity: &Entity,
    only: &[String],
    code: Option<&str>,
) -> Result<u64, DbError> {
    // A retry includes the look-up of missing parents.
    missing_parents::ask_again(tx).await?;
    let params: [Param<'_>; 3] = [(&entity.name, Type::TEXT), (&only, Type::TEXT_ARRAY), (&code, Type::TEXT)];
    let due = tx.query(&for_entity(include_str!("retry.sql"), entity), &params).await?;
    outcome::pending_again(tx, entity, &due).await
}

/// A quarantine case, open or closed, as `errors` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// `appointments`, …
    pub entity: String,
    /// The record's id.
    pub external_id: String,
    /// The staging row.
    pub staging_id: String,
    /// Its state.
    pub state: CaseState,
    /// The kind of fault.
    pub error_code: String,
    /// The field or column.
    pub error_field: Option<String>,
    /// A message of one line.
    pub message: Option<String>,
    /// The table of the parent it waits for.
    pub waits_for: Option<String>,
    /// The id of the parent it waits for.
    pub waits_for_id: Option<String>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Why it is closed.
    pub closed_reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When the fault was noted first.
    pub first_seen_at: Timestamp,
    /// When the fault was noted last.
    pub last_seen_at: Timestamp,
    /// When the version was seen.
    pub fetched_at: Timestamp,
    /// The record, as `jsonb` holds it; none unless it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_data: Option<String>,
}

/// A filter of cases; a condition that is none holds for all.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter<'w> {
    /// The kind of fault.
    pub code: Option<&'w str>,
    /// The id of the record, or of the staging row.
    pub id: Option<&'w str>,
    /// The state is one of these.
    pub states: Option<Vec<CaseState>>,
    /// Whether the raw records are read too.
    pub with_raw: bool,
}

impl CaseFilter<'_> {
    /// The states as the database holds them.
    fn states_text(&self) -> Option<Vec<&'static str>> {
        self.states.as_ref().map(|states| states.iter().map(|state| state.as_str()).collect())
    }
}

/// How many cases of an entity there are.
///
/// # Errors
/// Those of the database.
pub async fn count(db: &Db, entity: &Entity, which: &CaseFilter<'_>) -> Result<u64, DbError> {
    let rows = db
        .query(
            &for_entity(include_str!("count.sql"), entity),
            &[
                (&entity.name, Type::TEXT),
                (&which.code, Type::TEXT),
                (&which.states_text(), Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0)).unsigned_abs())
}

/// The cases of an entity, newest first; `after` a case that was read before, if one is given.
///
/// # Errors
/// Those of the database.
pub async fn cases(
    db: &Db,
    entity: &Entity,
    which: &CaseFilter<'_>,
    limit: i64,
    after: Option<&Case>,
) -> Result<Vec<Case>, DbError> {
    let states = which.states_text();
    let last_seen_at = after.map(|case| case.last_seen_at);
    let external_id = after.map(|case| case.external_id.as_str());
    let staging_id = after.and_then(|case| Uuid::parse_str(&case.staging_id).ok());
    let rows = db
        .query(
            &for_entity(include_str!("cases.sql"), entity),
            &[
                (&entity.name, Type::TEXT),
                (&which.code, Type::TEXT),
                (&which.id, Type::TEXT),
                (&limit, Type::INT8),
                (&states, Type::TEXT_ARRAY),
                (&which.with_raw, Type::BOOL),
                (&last_seen_at, Type::TIMESTAMPTZ),
                (&external_id, Type::TEXT),
                (&staging_id, Type::UUID),
            ],
        )
        .await?;
    rows.iter().map(|row| Case::of(entity, row)).collect()
}

impl Case {
    fn of(entity: &Entity, row: &Row) -> Result<Case, DbError> {
        Ok(Case {
            entity: entity.name.to_owned(),
            external_id: row.get("external_id"),
            staging_id: row.get("staging_id"),
            state: db::word(row, "state")?,
            error_code: row.get("error_code"),
            error_field: row.get("error_field"),
            message: row.get("message"),
            waits_for: row.get("waits_for"),
            waits_for_id: row.get("waits_for_id"),
            closed_reason: row.get("closed_reason"),
            attempts: row.get("attempts"),
            first_seen_at: row.get("first_seen_at"),
            last_seen_at: row.get("last_seen_at"),
            fetched_at: row.get("fetched_at"),
            raw_data: row.get("raw_data"),
            closed_at: row.get("closed_at"),
        })
    }
}

/// Dismisses the cases of some records. Returns how many.
///
/// # Errors
/// Those of the database.
pub async fn dismiss(
    tx: &FencedTx<'_>,
    entity: &Entity,
    ids: &[String],
    reason: &str,
    at: Timestamp,
) -> Result<u64, DbError> {
    let of = || -> [Param<'_>; 2] { [(&entity.name, Type::TEXT), (&ids, Type::TEXT_ARRAY)] };
    let [name, of_ids] = of();
    let params = [name, of_ids, (&at, Type::TIMESTAMPTZ), (&reason, Type::TEXT)];
    let dismissed = tx.execute(include_str!("dismiss.sql"), &params).await?;
    written::check_none_left(tx, TABLE, include_str!("not_dismissed.sql"), &of(), "dismissed").await?;
    Ok(dismissed)
}

/// The parent tables that an entity's rows reference.
fn parent_tables(entity: &Entity) -> Vec<&'static str> {
    let mut tables: Vec<&'static str> =
        entity.tables.iter().flat_map(|table| table.columns.iter().filter_map(|c| c.parent)).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}
