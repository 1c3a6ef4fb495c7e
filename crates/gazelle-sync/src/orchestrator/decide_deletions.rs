//! Manual approval or dismissal of the deletions that a run withheld.

use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::job::{Job, LeasedRun};
use super::run_sync::{run_leased, run_span};
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
    crate::migrate::prepare(db).await?;
    let lease = Lease::acquire(db, settings.lease()).await?;
    let leased = LeasedRun::begin(db, lease, CancellationToken::new()).await?;
    let mut touched: Vec<&'static Entity> = Vec::new();
    let noted = note(db, &leased, run, decision, &mut touched).await;
    let mut decided = match noted {
        Ok(decided) if !touched.is_empty() => decided,
        over => {
            let released = leased.lease.release().await;
            let decided = over?;
            released?;
            return Ok(decided);
        }
    };
    let job = Job::reconcile(RunCommand::DeletionsApprove, touched);
    let ran = run_leased(db, None, settings, &job, leased, progress).instrument(run_span(&job)).await;
    decided.run = Some(ran?);
    Ok(decided)
}

/// Records the decision and, for an approval, stages the tombstones: as versions of the approval's own run, so that it can
/// be undone apart from what the run that found them has staged. `touched` receives the entities of approved deletions.
async fn note(
    db: &Db,
    leased: &LeasedRun,
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
                    let staged =
                        noted::stage_tombstones_found_at(tx, entity, leased.run_id, &gone, found_at).await?;
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
    leased.lease.fence().transaction(db, write).await?;
    Ok(decided)
}
