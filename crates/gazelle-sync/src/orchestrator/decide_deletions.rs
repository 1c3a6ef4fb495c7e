//! Manual approval or dismissal of the deletions that a run withheld.

use serde_json::json;
use uuid::Uuid;

use super::deciding::Deciding;
use crate::db::DbError;
use crate::entities::{ENTITIES, Entity};
use crate::lease::FencedTx;
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

/// Which withheld deletions are decided.
#[derive(Debug, Clone, Copy)]
pub struct DeletionSelection<'a> {
    /// The run that withheld them.
    pub run: Uuid,
    /// Of this entity; of all if none is given.
    pub entity: Option<&'static Entity>,
    /// Records that are left as they are.
    pub except: &'a [String],
    /// How many were shown; none of them is decided if there are more by now. None for no limit.
    pub shown: Option<u64>,
}

impl<'a> DeletionSelection<'a> {
    /// All that a run withheld.
    pub fn all_of(run: Uuid) -> DeletionSelection<'a> {
        DeletionSelection { run, entity: None, except: &[], shown: None }
    }

    fn entities(&self) -> impl Iterator<Item = &'static Entity> {
        let chosen = self.entity;
        ENTITIES.iter().copied().filter(move |entity| chosen.is_none_or(|one| one.name == entity.name))
    }
}

/// The result of a decision.
#[derive(Debug, Default)]
pub struct DecisionReport {
    /// Withheld deletions that were decided on.
    pub records: u64,
    /// Approved deletions that were not carried out, because the record was seen at the source since.
    pub seen_since: u64,
    /// How many wait, if they are more than were shown: none was decided then.
    pub grown_to: Option<u64>,
    /// The run that reconciled the tombstones of an approval; none if there were none.
    pub run: Option<RunReport>,
}

/// Deletions decided on per statement: bounds memory, however many are undecided.
const A_TIME: i64 = 1_000;

/// Approves or dismisses deletions that a run withheld and that are still undecided.
///
/// # Errors
/// The database's.
pub async fn decide(
    deciding: Deciding<'_>,
    selection: DeletionSelection<'_>,
    decision: Decision,
) -> Result<DecisionReport, DbError> {
    let mut touched: Vec<&'static Entity> = Vec::new();
    // Under the lease, so that no walk can see one of these records again before the decision is written.
    let write = async |tx: &FencedTx<'_>| {
        let decided = note(tx, selection, deciding.leased.run_id, decision, &mut touched).await?;
        if decided.records > 0 {
            let report = json!({ "decided": decided.records, "seen_since": decided.seen_since });
            deciding.applied(tx, report).await?;
        }
        if !touched.is_empty() {
            deciding.record_start(tx, RunCommand::DeletionsApprove).await?;
        }
        Ok(decided)
    };
    let mut decided = deciding.leased.lease.fence().transaction(deciding.db, write).await?;
    if !touched.is_empty() {
        decided.run = Some(deciding.reconcile(RunCommand::DeletionsApprove, touched, true).await?);
    }
    Ok(decided)
}

/// Records the decision and, for an approval, stages the tombstones: as versions of the approval's own run `run_id`, so that it
/// can be undone apart from what the run that found them has staged. `touched` receives the entities of approved deletions.
async fn note(
    tx: &FencedTx<'_>,
    which: DeletionSelection<'_>,
    run_id: Uuid,
    decision: Decision,
    touched: &mut Vec<&'static Entity>,
) -> Result<DecisionReport, DbError> {
    let mut decided = DecisionReport::default();
    if let Some(shown) = which.shown {
        let mut waiting = 0;
        for entity in which.entities() {
            waiting += deletions::count_waiting(tx, entity, which.run, which.except).await?;
        }
        if waiting > shown {
            return Ok(DecisionReport { grown_to: Some(waiting), ..decided });
        }
    }
    let now = tx.now().await?;
    let approved = decision == Decision::Approve;
    for entity in which.entities() {
        loop {
            let waiting = deletions::waiting(tx, entity, which.run, which.except, A_TIME).await?;
            let Some(found_at) = waiting.iter().map(|(_, found_at)| *found_at).min() else { break };
            let gone: Vec<GoneRecord> = waiting.into_iter().map(|(gone, _)| gone).collect();
            if approved {
                let staged = noted::stage_tombstones_found_at(tx, entity, run_id, &gone, found_at).await?;
                decided.seen_since += gone.len() as u64 - staged;
                if !touched.iter().any(|of| of.name == entity.name) {
                    touched.push(entity);
                }
            }
            decided.records += noted::decide(tx, entity, which.run, &gone, approved, now).await?;
        }
    }
    Ok(decided)
}
