//! Withdraws versions for an undo, and restores them when it is lifted. They stay in staging, and their content
//! still counts as seen: the next sync does not stage it again.

use std::collections::HashSet;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{for_entity, outcome, template, written};
use crate::db::{DbError, Param, Tx};
use crate::entities::Entity;
use crate::lease::FencedTx;

/// Counts the deletions that meet a condition.
const DELETIONS: &str = "SELECT count(*) FROM {schema}.sync_deletions d WHERE {condition}";

/// Versions that were withdrawn or restored.
#[derive(Debug, Default)]
pub struct AffectedVersions {
    /// How many.
    pub versions: u64,
    /// The ids of their records, each once.
    pub records: Vec<String>,
}

/// Withdraws the versions that a run staged and that still count. Closes their quarantine cases, and dismisses the
/// deletions that the run found.
///
/// # Errors
/// Those of the database, also for versions that it left as they are without an error.
pub async fn withdraw(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run: Uuid,
    undo: Uuid,
    at: Timestamp,
) -> Result<AffectedVersions, DbError> {
    let rows = tx
        .query(&for_entity(include_str!("withdraw.sql"), entity), &[(&run, Type::UUID), (&undo, Type::UUID)])
        .await?;
    all_of(tx, entity, "run_id = $1 AND withdrawn_by IS NULL", run, "withdrawn").await?;
    let of = || -> Param<'_> { (&entity.name, Type::TEXT) };
    let sql = for_entity(include_str!("close_quarantine.sql"), entity);
    tx.execute(&sql, &[of(), (&undo, Type::UUID), (&at, Type::TIMESTAMPTZ)]).await?;
    let still_open = for_entity(include_str!("still_open.sql"), entity);
    let params = [of(), (&undo, Type::UUID)];
    written::check_none_left(tx, "sync_quarantine", &still_open, &params, "closed").await?;
    let of_run = template(include_str!("deletions_of.sql").trim_end(), entity).fill();
    let params = [of(), (&run, Type::UUID), (&undo, Type::UUID), (&at, Type::TIMESTAMPTZ)];
    tx.execute(&include_str!("dismiss_deletions.sql").replace("{of_run}", &of_run), &params).await?;
    let left = DELETIONS.replace("{condition}", &of_run);
    let params = [of(), (&run, Type::UUID), (&undo, Type::UUID)];
    written::check_none_left(tx, "sync_deletions", &left, &params, "dismissed").await?;
    Ok(touched(&rows))
}

/// Restores what an undo withdrew. Faulty versions are tried again, unless they were dismissed.
///
/// # Errors
/// Those of the database, also for versions that it left as they are without an error.
pub async fn restore(tx: &FencedTx<'_>, entity: &Entity, undo: Uuid) -> Result<AffectedVersions, DbError> {
    let rows = tx.query(&for_entity(include_str!("restore.sql"), entity), &[(&undo, Type::UUID)]).await?;
    all_of(tx, entity, "withdrawn_by = $1", undo, "restored").await?;
    // A record that was seen at the source meanwhile is no longer dismissed: there is no deletion to restore.
    let params: [Param<'_>; 2] = [(&entity.name, Type::TEXT), (&undo, Type::UUID)];
    tx.execute(include_str!("give_back_deletions.sql"), &params).await?;
    let left = DELETIONS.replace("{condition}", "d.entity = $1 AND d.undone_by = $2");
    written::check_none_left(tx, "sync_deletions", &left, &params, "given back").await?;
    Ok(touched(&rows))
}

/// Fails if a trigger of a user's kept versions as they were: those of which a condition with `id` still holds.
async fn all_of(
    tx: &FencedTx<'_>,
    entity: &Entity,
    condition: &str,
    id: Uuid,
    done: &str,
) -> Result<(), DbError> {
    let sql = format!("SELECT count(*) FROM {{schema}}.{{staging_table}} WHERE {condition}");
    let params: [Param<'_>; 1] = [(&id, Type::UUID)];
    written::check_none_left(tx, entity.staging_table, &for_entity(&sql, entity), &params, done).await
}

fn touched(rows: &[Row]) -> AffectedVersions {
    let mut records: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let versions = records.len() as u64;
    records.sort_unstable();
    records.dedup();
    AffectedVersions { versions, records }
}

/// How many of these records have a version that counts and is newer than those that an undo withdrew: they stay as
/// they are.
///
/// # Errors
/// Those of the database.
pub async fn with_newer(tx: &Tx<'_>, entity: &Entity, undo: Uuid) -> Result<u64, DbError> {
    let rows = tx.query(&for_entity(include_str!("with_newer.sql"), entity), &[(&undo, Type::UUID)]).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64))
}

/// Makes the newest version that counts of each of these records pending again; a dismissed one does not count. Returns
/// how many.
///
/// # Errors
/// Those of the database, also for versions that it left as they are without an error.
pub async fn make_pending(tx: &FencedTx<'_>, entity: &Entity, records: &[String]) -> Result<u64, DbError> {
    let due = newest_of(tx, entity, records).await?;
    outcome::pending_again(tx, entity, &due).await
}

/// The newest version that counts of each of these records, unless it is pending.
async fn newest_of(tx: &FencedTx<'_>, entity: &Entity, records: &[String]) -> Result<Vec<Row>, DbError> {
    let sql = for_entity(include_str!("newest_that_count.sql"), entity);
    tx.query(&sql, &[(&records, Type::TEXT_ARRAY)]).await
}

/// Of these records, those whose newest version is withdrawn: production differs from the source on purpose.
///
/// # Errors
/// Those of the database.
pub async fn kept_as_before<'i>(
    tx: &Tx<'_>,
    entity: &Entity,
    records: &[&'i str],
) -> Result<HashSet<&'i str>, DbError> {
    let rows = tx
        .query(&for_entity(include_str!("kept_as_before.sql"), entity), &[(&records, Type::TEXT_ARRAY)])
        .await?;
    Ok(rows
        .iter()
        .filter_map(|row| usize::try_from(row.get::<_, i64>(0) - 1).ok())
        .filter_map(|position| records.get(position).copied())
        .collect())
}

/// How many records exist at the source, as far as we know, and do not count here, because an undo withdrew the
/// versions that say so.
///
/// # Errors
/// Those of the database.
pub async fn hidden(tx: &Tx<'_>, entity: &Entity) -> Result<u64, DbError> {
    let rows = tx.query(&for_entity(include_str!("hidden.sql"), entity), &[]).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64))
}
