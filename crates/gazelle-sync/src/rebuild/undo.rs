//! Undoing a run: its versions are withdrawn, and production is made what staging gives without them; one
//! transaction for both. Nothing leaves staging, so that an undo can be lifted, and the lifting undone.
//!
//! Content that was withdrawn counts as seen: the next sync does not stage it again, and what an undone run had found
//! gone is not found again. Whatever changes at the source after that is a new version like any other.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{FollowUp, Wish, Withheld, compare, decide, in_one_snapshot};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::ENTITIES;
use crate::lease::{FencedTx, Lease};
use crate::migrate;
use crate::orchestrator::judge;
use crate::run_log::kinds::{RunCommand, RunTrigger};
use crate::run_log::report::{RunReport, Status, milliseconds};
use crate::run_log::runs;
use crate::staging::clock::Clock;
use crate::staging::pending::Basis;
use crate::staging::quarantine::Waiting;
use crate::staging::{retention, undo};
use crate::staging_to_production::difference::{Part, TableDifference};
use crate::staging_to_production::rebuild;

/// What is done, once it is clear what was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The versions of this run are withdrawn.
    Undid(Uuid),
    /// The versions of this run count again.
    Lifted {
        /// The run.
        run: Uuid,
        /// The undo that had withdrawn them.
        undo: Uuid,
    },
}

/// What is undone, and how.
#[derive(Debug, Clone, Copy)]
pub struct UndoRequest {
    /// The run, an undo of it, or the lifting of one.
    pub id: Uuid,
    /// Lift the undo instead.
    pub lift: bool,
    /// Show what would change, and change nothing.
    pub dry_run: bool,
    /// Remove rows even where the guard, or rows of users' tables that would go with them, would withhold it.
    pub allow_deletions: bool,
}

/// What an undo did.
#[derive(Debug, Serialize)]
pub struct UndoReport {
    /// Names the run that it is itself.
    pub run_id: Uuid,
    /// How it ended.
    pub status: Status,
    /// Why nothing was changed, or would be, or what is not as it should be: one sentence each.
    pub reasons: Vec<String>,
    /// Records that stage 2 took up again and that wait in quarantine. Where the database refused them (`partial`), their
    /// rows are not what `tables` says; others wait as their newest version that counts always did, or for a parent that went.
    pub waiting: Vec<Waiting>,
    /// Deletions that wait for a person's decision; nothing was changed then.
    pub withheld: Vec<Withheld>,
    /// Whether it was only shown.
    pub dry_run: bool,
    /// What was done.
    pub step: Step,
    /// Versions withdrawn or given back.
    pub versions: u64,
    /// Records of which there were any.
    pub records: u64,
    /// Those of them that stay as they are, since a later run brought a newer version.
    pub newer: u64,
    /// What changes in production, table by table: `missing` rows come, `surplus` rows go.
    pub tables: Vec<TableDifference>,
    /// Rows written or removed.
    pub rows_written: u64,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
}

/// Undoes a run, or lifts its undo.
///
/// Errors: the database's, another runner at work, and an id that names nothing that can be undone or lifted.
pub async fn undo(
    db: &Db,
    settings: &Settings,
    wanted: UndoRequest,
    progress: &Progress,
) -> Result<UndoReport, DbError> {
    let started = Instant::now();
    migrate::prepare(db).await?;
    let mut report = Lease::hold(db, settings.lease(), async |lease| {
        recorded(db, settings, lease, wanted, progress).await
    })
    .await?;
    report.duration_ms = milliseconds(started.elapsed());
    Ok(report)
}

async fn recorded(
    db: &Db,
    settings: &Settings,
    lease: &Lease,
    wanted: UndoRequest,
    progress: &Progress,
) -> Result<UndoReport, DbError> {
    let step = what_is_meant(db, wanted.id, wanted.lift).await?;
    refuse_what_retention_dropped(db, step).await?;
    let clock = Clock::after_staged(db).await?;
    let run_id = clock.run_id();
    let find_and_apply = async || {
        in_one_snapshot(db, lease.fence(), async |tx| {
            in_transaction(tx, settings, wanted, run_id, step).await
        })
        .await
    };
    if wanted.dry_run {
        return find_and_apply().await;
    }
    let command = match step {
        Step::Undid(_) => RunCommand::Undo,
        Step::Lifted { .. } => RunCommand::UndoLift,
    };
    runs::start(db, run_id, command, None, RunTrigger::Command, lease.fence().token()).await?;
    let mut run = RunReport::new(run_id, None, Vec::new(), Duration::ZERO);
    let outcome = async {
        let mut report = find_and_apply().await?;
        if report.status != Status::Success {
            report.reasons.iter().for_each(|reason| run.note(report.status, reason));
            return Ok(report);
        }
        // Notes the outcome of what counts now, and puts what has lost its parent into quarantine.
        let follow_up = FollowUp { db, settings, fence: lease.fence(), run_id, clock, progress };
        let (rows_written, waiting) = follow_up.reconcile(&ENTITIES).await?;
        report.rows_written += rows_written;
        judge::compare(db, &mut run, &ENTITIES).await?;
        report.waiting = waiting;
        report
            .waiting
            .iter()
            .filter_map(Waiting::unwritten)
            .for_each(|reason| run.note(Status::Partial, reason));
        report.status = run.status;
        report.reasons.extend(run.reasons.iter().cloned());
        Ok(report)
    }
    .await;
    if let Err(error) = &outcome {
        let error: &DbError = error;
        run.note(Status::Failed, error.to_string());
    }
    runs::finish(db, &run).await?;
    outcome
}

/// Finds out what an id names: a run to undo, or an undo in force to lift; a lifting, when undone, undoes again.
async fn what_is_meant(db: &Db, id: Uuid, lift: bool) -> Result<Step, DbError> {
    let rows = db
        .query(
            "SELECT undo_id, run_id, undone_at, lifted_by FROM {schema}.sync_undos
              WHERE $1 IN (undo_id, run_id, lifted_by) ORDER BY undone_at DESC",
            &[(&id, Type::UUID)],
        )
        .await?;
    let known: Vec<(Uuid, Uuid, Timestamp, Option<Uuid>)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let in_force = known.iter().find(|(_, _, _, lifted_by)| lifted_by.is_none());
    let refuse = |what: String| Err(DbError::infrastructure(what));
    match (lift, in_force) {
        (true, Some((undo, run, _, _))) => Ok(Step::Lifted { run: *run, undo: *undo }),
        (true, None) => refuse(format!("the run {id} is not undone: there is nothing to lift")),
        (false, Some((undo, run, _, _))) if *undo == id => Ok(Step::Lifted { run: *run, undo: *undo }),
        (false, Some((undo, run, at, _))) => refuse(format!(
            "the run {run} is undone already, by {undo} at {at}; `gazelle-sync undo --lift {run}` takes that back"
        )),
        (false, None) => match known.first() {
            Some((undo, run, _, Some(lifted_by))) if *undo == id => refuse(format!(
                "this undo of the run {run} was lifted already, by {lifted_by}; `gazelle-sync undo {run}` undoes the run again"
            )),
            // The lifting, or the run itself, whose undo was lifted since.
            Some((_, run, _, _)) => Ok(Step::Undid(*run)),
            None => {
                let runs = db
                    .query("SELECT 1 FROM {schema}.sync_runs WHERE run_id = $1", &[(&id, Type::UUID)])
                    .await?;
                match runs.is_empty() {
                    true => {
                        refuse(format!("no run has the id {id}; `gazelle-sync status` lists the last ones"))
                    }
                    false => Ok(Step::Undid(id)),
                }
            }
        },
    }
}

/// Of a run from before that, the versions that stood until it may have been dropped: without them its records would go
/// instead of being as before.
async fn refuse_what_retention_dropped(db: &Db, step: Step) -> Result<(), DbError> {
    let (Step::Undid(run), Some(whole)) = (step, retention::whole_since(db).await?) else { return Ok(()) };
    let rows = db
        .query("SELECT started_at FROM {schema}.sync_runs WHERE run_id = $1", &[(&run, Type::UUID)])
        .await?;
    match rows.first().map(|row| row.get::<_, Timestamp>(0)) {
        Some(started_at) if started_at < whole => Err(DbError::infrastructure(format!(
            "the run {run} began at {started_at}, and what stood before it is no longer whole: by the setting `retention`, \
             superseded versions from before {whole} were dropped"
        ))),
        _ => Ok(()),
    }
}

/// Withdraws or gives back the versions, finds what production is to be by that, and makes it so.
async fn in_transaction(
    tx: FencedTx<'_>,
    settings: &Settings,
    wanted: UndoRequest,
    run_id: Uuid,
    step: Step,
) -> Result<UndoReport, DbError> {
    let at = tx.now().await?;
    let (mut versions, mut records, mut newer) = (0, 0, 0);
    let mut touched = Vec::new();
    for entity in ENTITIES.iter().copied() {
        let of_entity = match step {
            Step::Undid(run) => undo::withdraw(&tx, entity, run, run_id, at).await?,
            Step::Lifted { undo, .. } => undo::restore(&tx, entity, undo).await?,
        };
        if matches!(step, Step::Undid(_)) {
            newer += undo::with_newer(&tx, entity, run_id).await?;
        }
        versions += of_entity.versions;
        records += of_entity.records.len() as u64;
        touched.push(of_entity.records);
    }
    if versions == 0 {
        return Err(DbError::infrastructure(format!(
            "the run {} staged nothing that still counts: there is nothing to undo",
            id_of(step)
        )));
    }
    note(&tx, run_id, step, versions, records, at).await?;
    let unplaced = rebuild::rebuild(&tx, settings.batch_size, Basis::Everything).await?;
    let parts = ENTITIES.iter().map(|entity| Part::whole(entity)).collect();
    let found = compare(&tx, parts, unplaced).await?;
    let wish = Wish { dry_run: wanted.dry_run, allow_deletions: wanted.allow_deletions };
    let refused = |error: DbError| {
        let doing = refused_by(&error);
        error.while_doing(doing)
    };
    let decided = decide(&found, &tx, settings, wish, refused).await?;
    match decided.applied {
        Some(_) => {
            for (entity, mut records) in ENTITIES.iter().zip(touched) {
                records.extend(found.differing.get(entity.name).into_iter().flatten().cloned());
                records.sort_unstable();
                records.dedup();
                undo::take_up_again(&tx, entity, &records).await?;
            }
            tx.commit().await?;
        }
        None => tx.rollback().await?,
    }
    Ok(UndoReport {
        run_id,
        status: decided.status,
        reasons: decided.reasons,
        waiting: Vec::new(),
        withheld: decided.withheld,
        dry_run: wanted.dry_run,
        step,
        versions,
        records,
        newer,
        tables: found.tables,
        rows_written: decided.applied.unwrap_or_default().0,
        duration_ms: 0,
    })
}

/// What of the user's keeps production from being as before a run, and the way round it.
fn refused_by(error: &DbError) -> &'static str {
    match (&error.function, error.state.as_deref()) {
        // Whatever state it raises.
        (Some(_), _) | (None, Some("P0001")) => {
            "a trigger of yours refuses a row that would go, come back or change; nothing was changed: let the trigger pass \
             it, or switch it off for the time being (ALTER TABLE … DISABLE TRIGGER …)"
        }
        (None, Some("23503")) => {
            "a row of yours refers to a row that would go with the run, or a row that would come back refers to one that is \
             not there; nothing was changed: remove the reference or the foreign key first"
        }
        (None, Some(state)) if state.starts_with("23") => {
            "a constraint of yours refuses a row that would come back or change; nothing was changed: remove the constraint \
             first"
        }
        // A policy, a rule, a generated column, a trigger that returns NULL.
        (None, _) => {
            "something of yours keeps a row from going, coming back or changing; nothing was changed: `gazelle-sync doctor` \
             lists what was added to our tables"
        }
    }
}

/// The run whose versions are concerned.
fn id_of(step: Step) -> Uuid {
    match step {
        Step::Undid(run) | Step::Lifted { run, .. } => run,
    }
}

async fn note(
    tx: &FencedTx<'_>,
    run_id: Uuid,
    step: Step,
    versions: u64,
    records: u64,
    at: Timestamp,
) -> Result<(), DbError> {
    match step {
        Step::Undid(run) => {
            tx.execute(
                "INSERT INTO {schema}.sync_undos (undo_id, run_id, undone_at, versions, records)
                 VALUES ($1, $2, $3, $4, $5)",
                &[
                    (&run_id, Type::UUID),
                    (&run, Type::UUID),
                    (&at, Type::TIMESTAMPTZ),
                    (&(versions as i64), Type::INT8),
                    (&(records as i64), Type::INT8),
                ],
            )
            .await?;
        }
        Step::Lifted { undo, .. } => {
            tx.execute(
                "UPDATE {schema}.sync_undos SET lifted_at = $2, lifted_by = $3 WHERE undo_id = $1",
                &[(&undo, Type::UUID), (&at, Type::TIMESTAMPTZ), (&run_id, Type::UUID)],
            )
            .await?;
        }
    }
    Ok(())
}
