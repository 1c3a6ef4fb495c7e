//! Undoes a run: withdraws its versions, and makes production what staging gives without them, in one transaction.
//! Nothing is removed from staging, so an undo can be lifted, and the lifting undone.
//!
//! Withdrawn content counts as seen: the next sync does not stage it again, and deletions that the run found are
//! not found again. A later change at the source is a new version like any other.
//!
//! `step` determines what an id means.

mod step;

use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use step::{find_step, refuse_what_retention_dropped};

use super::comparison::Comparison;
use super::follow_up::{FollowUp, Remaining};
use super::{ApplyOptions, ForAction, LeasedContext, RebuildReport, compare, decide, in_one_snapshot};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::ENTITIES;
use crate::lease::{FencedTx, Lease};
use crate::migrate;
use crate::run_log::kinds::RunCommand;
use crate::run_log::report::milliseconds;
use crate::staging::pending::RebuildSource;
use crate::staging::versions::clock::RunClock;
use crate::staging::{undo, written};
use crate::staging_to_production::apply_difference::Records;
use crate::staging_to_production::difference::RecordSelection;
use crate::staging_to_production::rebuild;

pub use step::UndoOperation;

/// What to undo, and how.
#[derive(Debug, Clone, Copy)]
pub struct UndoRequest {
    /// The id of a run, of an undo, or of the lifting of one.
    pub id: Uuid,
    /// Lift the undo instead.
    pub lift: bool,
    /// Show what would change, and change nothing.
    pub dry_run: bool,
    /// Remove rows even if the guard, or rows of users' tables that would be affected, would withhold it.
    pub allow_deletions: bool,
}

/// The result of an undo.
#[derive(Debug, Serialize)]
pub struct UndoReport {
    /// What it did to production.
    #[serde(flatten)]
    pub rebuild: RebuildReport,
    /// What it did to staging.
    #[serde(flatten)]
    pub undone: UndoCounts,
}

/// What an undo did to staging.
#[derive(Debug, Serialize)]
pub struct UndoCounts {
    /// What was done.
    pub step: UndoOperation,
    /// Versions withdrawn or restored.
    pub versions: u64,
    /// The records of these versions.
    pub records: u64,
    /// Those of them that stay as they are, since a later run staged a newer version.
    pub newer: u64,
}

/// Undoes a run, or lifts its undo.
///
/// # Errors
/// The database's; another run in progress; an id that names nothing that can be undone or lifted.
pub async fn undo(
    db: &Db,
    settings: &Settings,
    request: UndoRequest,
    progress: &Progress,
) -> Result<UndoReport, DbError> {
    let started = Instant::now();
    migrate::prepare(db).await?;
    let mut report = Lease::hold(db, settings.lease(), async |lease| {
        undo_leased(LeasedContext { db, settings, lease, progress, action: ForAction::default() }, request)
            .await
    })
    .await?;
    report.rebuild.duration_ms = milliseconds(started.elapsed());
    Ok(report)
}

/// Undoes a run, or lifts its undo, under a lease that is held.
///
/// # Errors
/// As [`undo()`].
pub async fn undo_leased(held: LeasedContext<'_>, wanted: UndoRequest) -> Result<UndoReport, DbError> {
    let LeasedContext { db, settings, lease, progress, action } = held;
    let step = find_step(db, wanted.id, wanted.lift).await?;
    refuse_what_retention_dropped(db, step).await?;
    let clock = RunClock::after_staged(db).await?;
    let run_id = clock.run_id();
    let fence = lease.fence();
    let transaction =
        in_one_snapshot(db, fence, async |tx| in_transaction(tx, held, wanted, run_id, step).await);
    let transaction = Box::pin(transaction);
    if wanted.dry_run {
        return transaction.await;
    }
    let transaction = Box::pin(async {
        let UndoReport { rebuild, undone } = transaction.await?;
        // Stage 2 notes the outcome of versions that count now, and quarantines records that have lost their parent.
        let remaining = Remaining { entities: &ENTITIES, is_whole: true };
        let remaining = rebuild.is_applied().then_some(remaining);
        Ok((rebuild, undone, remaining))
    });
    let command = match step {
        UndoOperation::Undid(_) => RunCommand::Undo,
        UndoOperation::Lifted { .. } => RunCommand::UndoLift,
    };
    let follow_up = FollowUp { db, settings, fence, run_id, clock, progress, trigger: action.trigger() };
    let (rebuild, undone) = follow_up.recorded(command, transaction).await?;
    Ok(UndoReport { rebuild, undone })
}

/// Withdraws or restores the versions, computes what production should be then, and applies the difference.
async fn in_transaction(
    tx: FencedTx<'_>,
    held: LeasedContext<'_>,
    wanted: UndoRequest,
    run_id: Uuid,
    step: UndoOperation,
) -> Result<UndoReport, DbError> {
    let LeasedContext { settings, action, .. } = held;
    let at = tx.now().await?;
    let touched = AffectedByEntity::withdraw_or_restore(&tx, run_id, step, at).await?;
    if touched.versions == 0 {
        return Err(DbError::refused(format!(
            "the run {} staged nothing that still counts: there is nothing to undo",
            step.run()
        )));
    }
    note(&tx, run_id, step, &touched, at).await?;
    let unplaced = rebuild::rebuild(&tx, settings.batch_size, RebuildSource::Everything).await?;
    let parts = ENTITIES.iter().map(|entity| RecordSelection::whole(entity)).collect();
    let mut found = compare(&tx, parts, unplaced, action.detail).await?;
    found.let_wait();
    let options = ApplyOptions { dry_run: wanted.dry_run, allow_deletions: wanted.allow_deletions, action };
    let refused = |error: DbError| {
        let doing = refused_by(&error);
        error.while_doing(doing)
    };
    let result = decide(&found, &tx, settings, options, refused).await?;
    let applied = result.applied;
    let rebuild = RebuildReport::new(run_id, wanted.dry_run, found.tables.clone(), result);
    let records = touched.records();
    let undone = UndoCounts { step, versions: touched.versions, records, newer: touched.newer };
    let report = UndoReport { rebuild, undone };
    match applied {
        Some(_) => {
            make_pending(&tx, &touched, &found).await?;
            action.applied(&tx, run_id, &report).await?;
            crate::crash::at(crate::crash::CrashPoint::UndoApplied);
            tx.commit().await?;
        }
        None => tx.rollback().await?,
    }
    Ok(report)
}

/// The versions that are withdrawn or restored.
struct AffectedByEntity {
    versions: u64,
    /// Their records, by the name of their entity.
    of: Records,
    /// Records among them that stay as they are, since a later run staged a newer version.
    newer: u64,
}

impl AffectedByEntity {
    /// Withdraws the versions of a run, or restores them.
    async fn withdraw_or_restore(
        tx: &FencedTx<'_>,
        run_id: Uuid,
        step: UndoOperation,
        at: Timestamp,
    ) -> Result<AffectedByEntity, DbError> {
        let mut touched = AffectedByEntity { versions: 0, of: Records::new(), newer: 0 };
        for entity in ENTITIES.iter().copied() {
            let of_entity = match step {
                UndoOperation::Undid(run) => undo::withdraw(tx, entity, run, run_id, at).await?,
                UndoOperation::Lifted { undo, .. } => undo::restore(tx, entity, undo).await?,
            };
            if matches!(step, UndoOperation::Undid(_)) {
                touched.newer += undo::with_newer(tx, entity, run_id).await?;
            }
            touched.versions += of_entity.versions;
            touched.of.insert(entity.name, of_entity.records);
        }
        Ok(touched)
    }

    fn records(&self) -> u64 {
        self.of.values().map(|records| records.len() as u64).sum()
    }
}

/// Makes records pending again whose versions were touched, and those that differed.
async fn make_pending(
    tx: &FencedTx<'_>,
    touched: &AffectedByEntity,
    found: &Comparison,
) -> Result<(), DbError> {
    for entity in ENTITIES.iter().copied() {
        let both = [&touched.of, &found.differing];
        let mut records: Vec<String> =
            both.iter().filter_map(|of| of.get(entity.name)).flatten().cloned().collect();
        records.sort_unstable();
        records.dedup();
        undo::make_pending(tx, entity, &records).await?;
    }
    Ok(())
}

/// The message for what a user added and that refuses the change: the cause and what to do.
fn refused_by(error: &DbError) -> &'static str {
    match (&error.function, error.state.as_deref()) {
        // Whatever state it raises.
        (Some(_), _) | (None, Some("P0001")) => {
            "a trigger of yours refuses to let a row be removed, restored or updated; nothing was changed: change the trigger, or \
             disable it during the undo (ALTER TABLE … DISABLE TRIGGER …)"
        }
        (None, Some("23503")) => {
            "a row of yours refers to a row that would be removed with the run, or a row that would be restored refers to one \
             that does not exist; nothing was changed: remove the reference or the foreign key first"
        }
        (None, Some(state)) if state.starts_with("23") => {
            "a constraint of yours refuses a row that would be restored or updated; nothing was changed: remove the constraint \
             first"
        }
        // A policy, a rule, a generated column, a trigger that returns NULL.
        (None, _) => {
            "something of yours keeps a row from being removed, restored or updated; nothing was changed: `gazelle-sync doctor` \
             lists what was added to our tables"
        }
    }
}

async fn note(
    tx: &FencedTx<'_>,
    run_id: Uuid,
    step: UndoOperation,
    touched: &AffectedByEntity,
    at: Timestamp,
) -> Result<(), DbError> {
    let noted = match step {
        UndoOperation::Undid(run) => {
            tx.query(
                "INSERT INTO {schema}.sync_undos (undo_id, run_id, undone_at, versions, records)
                 VALUES ($1, $2, $3, $4, $5) RETURNING 1",
                &[
                    (&run_id, Type::UUID),
                    (&run, Type::UUID),
                    (&at, Type::TIMESTAMPTZ),
                    (&(touched.versions as i64), Type::INT8),
                    (&(touched.records() as i64), Type::INT8),
                ],
            )
            .await?
        }
        UndoOperation::Lifted { undo, .. } => {
            tx.query(
                "UPDATE {schema}.sync_undos SET lifted_at = $2, lifted_by = $3 WHERE undo_id = $1 RETURNING 1",
                &[(&undo, Type::UUID), (&at, Type::TIMESTAMPTZ), (&run_id, Type::UUID)],
            )
            .await?
        }
    };
    // Without it, the undo could not be lifted, or not be undone again.
    written::check(tx, "sync_undos", usize::from(noted.is_empty()), "noted").await
}
