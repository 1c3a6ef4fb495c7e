//! A person's word on deletions that a run withheld.

use jiff::Timestamp;
use uuid::Uuid;

use super::lease::Lease;
use super::report::RunReport;
use super::run_sync::{Job, Stages, run_sync};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::{ENTITIES, Entity};
use crate::staging::deletions::{self, Gone};

/// The word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Delete them: tombstones are staged and reconciled.
    Approve,
    /// Keep them, also when later walks do not see them.
    Dismiss,
}

/// Decides on all that `run` withheld; returns how many records that were, and for an approval the run that
/// reconciled their tombstones.
pub async fn decide(
    db: &Db,
    settings: &Settings,
    run: Uuid,
    decision: Decision,
    progress: &Progress,
) -> Result<(u64, Option<RunReport>), DbError> {
    let waiting: Vec<_> = deletions::found(db, true, Some(run))
        .await?
        .into_iter()
        .filter(|found| found.run_id == run)
        .collect();
    if waiting.is_empty() {
        return Ok((0, None));
    }
    let lease = Lease::acquire(db, settings.lease()).await?;
    let mut decided = 0;
    let mut touched: Vec<&'static Entity> = Vec::new();
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    lease.fence().check(&tx).await?;
    for entity in ENTITIES {
        let of_entity: Vec<_> = waiting.iter().filter(|found| found.entity == entity.name).collect();
        let Some(found_at) = of_entity.iter().map(|found| found.found_at).min() else { continue };
        let gone: Vec<Gone> = of_entity
            .iter()
            .map(|found| Gone { external_id: found.external_id.clone(), evidence: found.evidence.clone() })
            .collect();
        if decision == Decision::Approve {
            deletions::stage_tombstones_found_at(&tx, entity, run, &gone, found_at).await?;
            touched.push(entity);
        }
        decided +=
            deletions::decide(&tx, entity, run, decision == Decision::Approve, Timestamp::now()).await?;
    }
    tx.commit().await?;
    drop(connection);
    lease.release().await?;
    if touched.is_empty() {
        return Ok((decided, None));
    }
    let job = Job {
        command: "deletions approve",
        stages: Stages::ReconcileOnly,
        full: false,
        since: None,
        entities: touched,
        trigger: "command",
    };
    let report = run_sync(db, None, settings, &job, progress).await?;
    Ok((decided, Some(report)))
}
