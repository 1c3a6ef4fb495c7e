//! Manual approval or dismissal of the deletions that a run withheld.

use uuid::Uuid;

use super::job::Job;
use super::run_sync::run_sync;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::{ENTITIES, Entity};
use crate::lease::{FencedTx, Lease};
use crate::run_log::kinds::RunCommand;
use crate::run_log::report::RunReport;
use crate::staging::deletions::{self, GoneRecord, noted};

/// What to do with withheld deletions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Delete the records: tombstones are staged and reconciled.
    Approve,
    /// Keep the records, even if later walks do not list them.
    Dismiss,
}

/// The result of a decision.
#[derive(Debug, Default)]
pub struct DecisionReport {
    /// Withheld deletions that were decided on.
    pub records: u64,
    /// Approved deletions that were not carried out, because the record was seen at the source since.
    pub seen_since: u64,
    /// The run that reconciled the tombstones of an approval; none if there were none.
    pub run: Option<RunReport>,
}

/// Deletions decided on per statement: bounds memory, however many are undecided.
const A_TIME: i64 = 1_000;

/// Approves or dismisses all deletions that `run` withheld and that are still undecided.
///
/// # Errors
/// The database's.
pub async fn decide(
    db: &Db,
    settings: &Settings,
    run: Uuid,
    decision: Decision,
    progress: &Progress,
) -> Result<DecisionReport, DbError> {
    let mut touched: Vec<&'static Entity> = Vec::new();
    let mut decided =
        Lease::hold(db, settings.lease(), async |lease| note(db, lease, run, decision, &mut touched).await)
            .await?;
    if touched.is_empty() {
        return Ok(decided);
    }
    let job = Job::reconcile(RunCommand::DeletionsApprove, touched);
    decided.run = Some(run_sync(db, None, settings, &job, progress).await?);
    Ok(decided)
}

/// Records the decision and, for an approval, stages the tombstones. `touched` receives the entities of approved
/// deletions.
async fn note(
    db: &Db,
    lease: &Lease,
    run: Uuid,
    decision: Decision,
    touched: &mut Vec<&'static Entity>,
) -> Result<DecisionReport, DbError> {
    // Under the lease, so that no walk can see one of these records again before the decision is written.
    let mut decided = DecisionReport::default();
    let approved = decision == Decision::Approve;
    let write = async |tx: &FencedTx<'_>| {
        let now = tx.now().await?;
        for entity in ENTITIES.iter().copied() {
            loop {
                let waiting = deletions::waiting(tx, entity, run, A_TIME).await?;
                let Some(found_at) = waiting.iter().map(|(_, found_at)| *found_at).min() else { break };
                let gone: Vec<GoneRecord> = waiting.into_iter().map(|(gone, _)| gone).collect();
                if approved {
                    let staged = noted::stage_tombstones_found_at(tx, entity, run, &gone, found_at).await?;
                    decided.seen_since += gone.len() as u64 - staged;
                    if !touched.iter().any(|of| of.name == entity.name) {
                        touched.push(entity);
                    }
                }
                decided.records += noted::decide(tx, entity, run, &gone, approved, now).await?;
            }
        }
        Ok(())
    };
    lease.fence().transaction(db, write).await?;
    Ok(decided)
}
