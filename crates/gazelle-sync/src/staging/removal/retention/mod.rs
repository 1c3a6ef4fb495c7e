//! Deletes old versions according to the setting `retention`: only those that nothing needs any more.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Db, DbError};
use crate::entities::{ENTITIES, Entity};
use crate::lease::Fence;
use crate::staging::notes::whole_since;
use crate::staging::removal::{self, Holders, Removed};
use crate::staging::{for_entity, template};

/// Most versions deleted in one transaction.
const BATCH: i64 = 2_000;

/// Deletes versions of an entity that were superseded before `cutoff`, batch by batch, and returns what became of them.
/// Versions that were current at `cutoff` stay, so that every state since then can be rebuilt; so do those that
/// something of a user's rests on.
///
/// Effects: one transaction for each batch, under the run's lease, and more where the database refuses a deletion.
///
/// # Errors
/// Those of the database; what was deleted before stays deleted.
pub async fn drop_superseded(
    db: &Db,
    fence: &Fence,
    entity: &Entity,
    cutoff: Timestamp,
) -> Result<Removed, DbError> {
    let due = due_sql(entity);
    let mut removed = Removed::default();
    let mut position = (String::new(), Timestamp::UNIX_EPOCH);
    let mut holders: Option<Holders> = None;
    loop {
        let params = [
            (&cutoff as _, Type::TIMESTAMPTZ),
            (&position.0 as _, Type::TEXT),
            (&BATCH as _, Type::INT8),
            (&position.1 as _, Type::TIMESTAMPTZ),
        ];
        let rows = db.query(&due, &params).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
        let Some(last) = rows.last() else { return Ok(removed) };
        // By position: whatever stays is not found again.
        position = (last.get("external_id"), last.get("fetched_at"));
        let holders = match &mut holders {
            Some(holders) => holders,
            None => holders.insert(holders_of(db, fence, entity).await?),
        };
        let mut parts = removal::parts(&ids);
        while let Some(part) = removed.next(&mut parts) {
            let dropped = drop_some(db, fence, holders, part, cutoff).await;
            removed.add_result(&mut parts, part, dropped)?;
        }
        if (ids.len() as i64) < BATCH {
            return Ok(removed);
        }
    }
}

pub(in crate::staging) fn due_sql(entity: &Entity) -> String {
    template(include_str!("due.sql"), entity).with("and_not_needed", needed_by(entity)).fill()
}

/// Deletes versions in one transaction, and notes since when staging is whole.
async fn drop_some(
    db: &Db,
    fence: &Fence,
    holders: &Holders,
    ids: &[Uuid],
    cutoff: Timestamp,
) -> Result<Removed, DbError> {
    let mut connection = db.connection().await?;
    let tx = fence.begin(&mut connection).await?;
    let removed = holders.remove(&tx, "id", ids).await?;
    if removed.gone > 0 {
        whole_since::note(&tx, cutoff).await?;
    }
    tx.commit().await?;
    Ok(removed)
}

async fn holders_of(db: &Db, fence: &Fence, entity: &Entity) -> Result<Holders, DbError> {
    let mut connection = db.connection().await?;
    let tx = fence.begin(&mut connection).await?;
    Holders::of(&tx, entity.staging_table).await
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
                let (run, request): (Uuid, Option<i32>) = (row.get("run_id"), row.get("request"));
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
