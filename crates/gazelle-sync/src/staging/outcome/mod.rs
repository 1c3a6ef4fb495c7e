//! Notes the outcome of versions, in the transaction that wrote (or did not write) their rows.

pub mod again;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use self::again::MadePending;
use super::versions::Staged;
use super::{for_entity, written};
use crate::db::{DbError, Tx};
use crate::entities::{Entity, read::RecordError};
use crate::lease::FencedTx;

/// The counts of reconciling a batch of versions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct BatchCounts {
    /// Versions now processed.
    pub processed: u64,
    /// Versions now in quarantine.
    pub errors: u64,
    /// Versions of the same run that were released from quarantine, since their parent is in production now.
    pub released: u64,
    /// Records newly marked deleted.
    pub deleted: u64,
    /// Production rows inserted, updated or marked.
    pub rows_written: u64,
}

impl std::ops::AddAssign for BatchCounts {
    fn add_assign(&mut self, other: BatchCounts) {
        self.processed += other.processed;
        self.errors += other.errors;
        self.released += other.released;
        self.deleted += other.deleted;
        self.rows_written += other.rows_written;
    }
}

/// The counts of staging a batch of records, and of reconciling it if that was done in the same transaction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct BatchOutcome {
    /// Versions added, and records that needed none.
    pub staged: Staged,
    /// Of those added, what was reconciled at once.
    pub applied: BatchCounts,
    /// Of those added, the ones that are pending.
    pub left: u64,
}

impl BatchOutcome {
    /// The outcome of a batch whose versions are all pending.
    pub fn pending(staged: Staged) -> BatchOutcome {
        BatchOutcome { staged, left: staged.staged, ..BatchOutcome::default() }
    }
}

impl std::ops::AddAssign for BatchOutcome {
    fn add_assign(&mut self, other: BatchOutcome) {
        self.staged += other.staged;
        self.applied += other.applied;
        self.left += other.left;
    }
}

/// Marks versions as processed.
///
/// # Errors
/// Those of the database, also for versions that it left as they are without an error.
pub async fn processed(
    tx: &FencedTx<'_>,
    entity: &Entity,
    ids: &[Uuid],
    at: Timestamp,
) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    let marked = tx
        .query(
            &for_entity(include_str!("mark_processed.sql"), entity),
            &[(&ids, Type::UUID_ARRAY), (&at, Type::TIMESTAMPTZ)],
        )
        .await?;
    let left = written::missing(ids.iter().copied(), &marked).len();
    written::check(tx, entity.staging_table, left, "marked as processed").await
}

/// Marks versions as faulty, each with its reason.
///
/// # Errors
/// Those of the database, also for versions that it left as they are without an error.
pub async fn faulty(
    tx: &FencedTx<'_>,
    entity: &Entity,
    faults: &[(Uuid, &RecordError)],
    at: Timestamp,
) -> Result<(), DbError> {
    if faults.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = faults.iter().map(|(id, _)| *id).collect();
    let messages: Vec<&str> = faults.iter().map(|(_, error)| error.message.as_str()).collect();
    let codes: Vec<&str> = faults.iter().map(|(_, error)| error.code.as_str()).collect();
    let fields: Vec<&str> = faults.iter().map(|(_, error)| error.field.as_str()).collect();
    let stacks: Vec<String> = faults
        .iter()
        .map(|(_, error)| format!("entity {} > field {} > {}", entity.name, error.field, error.message))
        .collect();
    let marked = tx
        .query(
            &for_entity(include_str!("mark_error.sql"), entity),
            &[
                (&ids, Type::UUID_ARRAY),
                (&messages, Type::TEXT_ARRAY),
                (&stacks, Type::TEXT_ARRAY),
                (&codes, Type::TEXT_ARRAY),
                (&fields, Type::TEXT_ARRAY),
                (&at, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    let left = written::missing(ids, &marked).len();
    written::check(tx, entity.staging_table, left, "marked as faulty").await
}

/// Marks faulty versions as settled (status `processed`), since a newer version counts. The row keeps its reason,
/// which shows that it holds no content.
///
/// # Errors
/// Those of the database, also for faulty versions that it left as they are without an error.
pub async fn settled(tx: &FencedTx<'_>, entity: &Entity, ids: &[Uuid]) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    let settle = for_entity(include_str!("settle.sql"), entity);
    let done = tx.query(&settle, &[(&ids, Type::UUID_ARRAY)]).await?;
    let left = written::missing(ids.iter().copied(), &done);
    if left.is_empty() {
        return Ok(());
    }
    // Usually these are pending again, or processed already.
    let sql =
        "SELECT count(*) FROM {schema}.{staging_table} WHERE id = ANY ($1::uuid[]) AND sync_status = 'error'";
    let kept = tx.query(&for_entity(sql, entity), &[(&left, Type::UUID_ARRAY)]).await?;
    let kept = kept.first().map_or(0, |row| row.get::<_, i64>(0)).try_into().unwrap_or_default();
    written::check(tx, entity.staging_table, kept, "marked as settled").await
}

/// Makes versions pending again that a person named: those whose ids `due` has in its first column. Returns how many.
///
/// # Errors
/// The database's, also for versions that it kept as they are.
pub async fn pending_again(tx: &FencedTx<'_>, entity: &Entity, due: &[Row]) -> Result<u64, DbError> {
    let ids: Vec<Uuid> = due.iter().map(|row| row.get(0)).collect();
    again::make_pending(tx, entity, &ids).await?;
    Ok(due.len() as u64)
}

/// Makes pending again what an older reconciler version processed: the newest good version of each such row, and
/// every faulty version, which the new reconciler may read.
///
/// # Errors
/// Those of the database that concern no version.
pub async fn reset_older_reconciler(tx: &FencedTx<'_>, entity: &Entity) -> Result<MadePending, DbError> {
    let made = tx
        .query(
            &for_entity(
                "SELECT EXISTS (SELECT 1 FROM {schema}.{table} WHERE reconciler_version <> $1)
                     OR EXISTS (SELECT 1 FROM {schema}.sync_quarantine WHERE entity = $2)",
                entity,
            ),
            &[(&entity.reconciler_version, Type::INT4), (&entity.name, Type::TEXT)],
        )
        .await?;
    if !made.first().is_some_and(|row| row.get(0)) {
        return Ok(MadePending::default());
    }
    let sql = for_entity(include_str!("reset_older_reconciler.sql"), entity);
    let due = tx.query(&sql, &[(&entity.reconciler_version, Type::INT4)]).await?;
    again::pending_where_possible(tx, entity, &due).await
}

/// Makes faulty versions pending again that a newer version settled: if a newer reconciler reads them, their
/// records have a longer history, which tells when a child row went, or what a deleted record was.
///
/// # Errors
/// As [`reset_older_reconciler`].
pub async fn reset_settled_faults(tx: &FencedTx<'_>, entity: &Entity) -> Result<MadePending, DbError> {
    let due = tx.query(&for_entity(include_str!("reset_settled_faults.sql"), entity), &[]).await?;
    again::pending_where_possible(tx, entity, &due).await
}

/// Whether the noted reconciler version of an entity is this program's, so that no other one made rows in
/// production.
///
/// # Errors
/// Those of the database.
pub async fn is_reconciler_current(tx: &Tx<'_>, entity: &Entity) -> Result<bool, DbError> {
    let noted = tx
        .query(
            "SELECT version FROM {schema}.sync_reconcilers WHERE entity = $1",
            &[(&entity.name, Type::TEXT)],
        )
        .await?;
    Ok(noted.first().map(|row| row.get::<_, i32>(0)) == Some(entity.reconciler_version))
}

/// Notes this program's reconciler version of an entity.
///
/// # Errors
/// Those of the database.
pub async fn note_reconciler(tx: &FencedTx<'_>, entity: &Entity) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO {schema}.sync_reconcilers (entity, version) VALUES ($1, $2)
         ON CONFLICT (entity) DO UPDATE SET version = EXCLUDED.version",
        &[(&entity.name, Type::TEXT), (&entity.reconciler_version, Type::INT4)],
    )
    .await?;
    Ok(())
}
