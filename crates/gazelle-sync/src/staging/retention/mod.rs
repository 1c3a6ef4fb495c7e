//! Deletes old versions according to the setting `retention`: only those that nothing needs any more.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::for_entity;
use crate::db::{Db, DbError};
use crate::entities::{ENTITIES, Entity};
use crate::lease::{Fence, FencedTx};

/// Most versions deleted in one transaction.
const BATCH: i64 = 2_000;
/// The key of the note since when staging is whole.
const WHOLE_SINCE: &str = "staging_whole_since";

/// Deletes versions of an entity that were superseded before `cutoff`, batch by batch, and returns how many.
/// Versions that were current at `cutoff` stay, so that every state since then can be rebuilt.
///
/// Effects: one transaction for each batch, under the run's lease.
///
/// # Errors
/// Those of the database; what was deleted before stays deleted.
pub async fn drop_superseded(
    db: &Db,
    fence: &Fence,
    entity: &Entity,
    cutoff: Timestamp,
) -> Result<u64, DbError> {
    let due = for_entity(include_str!("due.sql"), entity).replace("{and_not_needed}", &needed_by(entity));
    let delete = for_entity("DELETE FROM {schema}.{staging_table} WHERE id = ANY ($1::uuid[])", entity);
    let mut from = String::new();
    let mut dropped = 0;
    loop {
        let drop_some = async |tx: &FencedTx<'_>| {
            let params =
                [(&cutoff as _, Type::TIMESTAMPTZ), (&from as _, Type::TEXT), (&BATCH as _, Type::INT8)];
            let rows = tx.query(&due, &params).await?;
            let ids: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
            let Some(last) = rows.last() else { return Ok(None) };
            let gone = tx.execute(&delete, &[(&ids, Type::UUID_ARRAY)]).await?;
            let value = cutoff.to_string();
            tx.execute(
                include_str!("note_whole_since.sql"),
                &[(&WHOLE_SINCE, Type::TEXT), (&value, Type::TEXT), (&cutoff, Type::TIMESTAMPTZ)],
            )
            .await?;
            Ok(Some((last.get("external_id"), gone, ids.len() as i64)))
        };
        let Some((last, gone, found)) = fence.transaction(db, drop_some).await? else { return Ok(dropped) };
        from = last;
        dropped += gone;
        if found < BATCH {
            return Ok(dropped);
        }
    }
}

/// Since when staging holds every version that counted; none if nothing was ever deleted. Earlier states cannot be
/// rebuilt, neither for an undo nor for a look into the past.
pub async fn whole_since(db: &Db) -> Result<Option<Timestamp>, DbError> {
    let sql = "SELECT noted_at FROM {schema}.sync_notes WHERE key = $1";
    let rows = db.query(sql, &[(&WHOLE_SINCE, Type::TEXT)]).await?;
    Ok(rows.first().and_then(|row| row.get(0)))
}

/// Sets a note in the future, left by a wrong clock that deleted versions as if they were old, to now: what is
/// staged from now on stays. Nothing is promised of what was before.
///
/// # Errors
/// Those of the database.
pub async fn believe_whole_since(db: &Db, fence: &Fence, now: Timestamp) -> Result<(), DbError> {
    if whole_since(db).await?.is_none_or(|whole| whole <= now) {
        return Ok(());
    }
    let sql = "UPDATE {schema}.sync_notes SET value = $2, noted_at = $3 WHERE key = $1";
    let params = [
        (&WHOLE_SINCE as _, Type::TEXT),
        (&now.to_string() as _, Type::TEXT),
        (&now as _, Type::TIMESTAMPTZ),
    ];
    fence.transaction(db, async |tx| tx.execute(sql, &params).await).await?;
    Ok(())
}

/// The runs and requests that staging refers to.
#[derive(Debug, Default)]
pub struct NamedRuns {
    /// Runs that staged or withdrew a version.
    pub runs: HashSet<Uuid>,
    /// The numbers of the requests that received a version, by run.
    pub requests: HashMap<Uuid, Vec<i32>>,
}

impl NamedRuns {
    /// Reads them, which takes a scan of all staging tables.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn read(db: &Db) -> Result<NamedRuns, DbError> {
        let mut named = NamedRuns::default();
        for entity in ENTITIES.iter().copied() {
            let rows = db.query(&for_entity(include_str!("named_runs.sql"), entity), &[]).await?;
            for row in &rows {
                let (run, request): (Uuid, Option<i32>) = (row.get(0), row.get(1));
                named.runs.insert(run);
                named.requests.entry(run).or_default().extend(request);
            }
        }
        Ok(named)
    }
}

/// SQL conditions that keep what production rests on: the version that a row came from, and the version that left a
/// row out and so dates its deletion.
fn needed_by(entity: &Entity) -> String {
    let mut conditions = String::new();
    for table in entity.tables {
        let name = table.name;
        conditions.push_str(&format!(
            "\n   AND NOT EXISTS (SELECT 1 FROM {{schema}}.{name} p WHERE p.staging_id = s.id)"
        ));
        if let Some(owner) = table.owner {
            conditions.push_str(&format!(
                "\n   AND NOT EXISTS (SELECT 1 FROM {{schema}}.{name} p
                      WHERE p.{owner} = s.external_id AND p.deleted_at = s.fetched_at)"
            ));
        }
    }
    conditions
}
