//! Runs stage 1 and stage 2 side by side: entities are walked at once, as far as the API's request slots and the
//! memory for open lists allow, while stage 2 reconciles them one after the other, parents before children.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::config::{Retention, Settings};
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::{ENTITIES, Entity};
use crate::gazelle_to_staging::open_lists::OpenLists;
use crate::gazelle_to_staging::walk::{WalkReport, walk};
use crate::gazelle_to_staging::{Fetch, FetchError, WalkSpec, task_error};
use crate::lease::{Fence, FencedTx};
use crate::run_log::report::{RunOutcome, RunReport, RunWarning, RunWarningCode};
use crate::source::{ErrorClass, SourceError};
use crate::staging::notes::unnoted;
use crate::staging::notes::whole_since;
use crate::staging::outcome::{self, BatchCounts};
use crate::staging::quarantine;
use crate::staging::removal::retention;
use crate::staging_to_production::{Gaps, Reconciliation};

/// What is walked of an entity.
#[derive(Debug, Clone, Copy)]
pub struct PlannedWalk {
    /// The entity.
    pub entity: &'static Entity,
    /// What to walk, and how to judge the walk.
    pub spec: WalkSpec,
    /// How many records of that scope production held before the run.
    pub held_before: u64,
}

/// A walk in progress. Dropping it aborts the walk.
pub struct RunningWalk {
    /// What is walked.
    pub planned: PlannedWalk,
    /// Tells the walk's lanes that stage 2 has reached their entity; dropped if it will not.
    gate: Option<watch::Sender<bool>>,
    task: AbortOnDropHandle<EndedWalk>,
    ended: Option<Result<EndedWalk, JoinError>>,
}

/// The result of a walk.
pub struct EndedWalk {
    /// Its report, or the database's error.
    pub report: Result<WalkReport, FetchError>,
    /// Duration of the walk.
    pub took: Duration,
}

impl RunningWalk {
    /// Lets the walk reconcile what it stages, and waits for its end. Returns how many versions it left pending;
    /// none if that is not known.
    async fn follow(&mut self) -> Option<u64> {
        if let Some(gate) = &self.gate {
            gate.send_replace(true);
        }
        let ended = match self.ended.take() {
            Some(ended) => ended,
            None => (&mut self.task).await,
        };
        let report = ended.as_ref().ok().and_then(|walked| walked.report.as_ref().ok());
        let left = report.map(|report| report.done.left);
        self.ended = Some(ended);
        left
    }

    async fn end(self) -> Result<EndedWalk, JoinError> {
        match self.ended {
            Some(ended) => ended,
            None => self.task.await,
        }
    }
}

/// Starts the walks in their order, as many at once as lists may be open ([`OpenLists`]). If stage 2 follows, a
/// walk stages nothing before stage 2 reaches its entity. Entities that cannot be read whole in this run are
/// noted in `gaps`.
pub fn start_walks(
    fetch: &Fetch,
    gaps: &Arc<Gaps>,
    planned: &[PlannedWalk],
    stage_two_follows: bool,
    progress: &Progress,
) -> Vec<RunningWalk> {
    let mut lists = OpenLists::default();
    let start = |planned: &PlannedWalk| {
        let PlannedWalk { entity, spec, .. } = *planned;
        let (gate, opened) = watch::channel(false);
        let opened = stage_two_follows.then_some(opened);
        let (fetch, gaps, progress) = (fetch.clone(), gaps.clone(), progress.entity(entity.name));
        let list = lists.queue();
        let walking = async move {
            let _open = list.open().await;
            let started = Instant::now();
            let report = walk(&fetch, entity, spec, opened, &progress).await;
            match &report {
                Ok(walk) if !lets_read_nothing(walk) => {
                    if leaves_unlisted(walk) {
                        gaps.unread.note_unlisted(entity);
                    }
                }
                _ => gaps.unread.note(entity),
            }
            EndedWalk { report, took: started.elapsed() }
        };
        let span = tracing::error_span!("walk", entity = entity.name);
        let task = AbortOnDropHandle::new(tokio::spawn(walking.instrument(span)));
        RunningWalk { planned: *planned, gate: Some(gate), task, ended: None }
    };
    planned.iter().map(start).collect()
}

/// Whether the records of a walk that failed cannot be had by their ids either: any request would fail, none
/// follows, or the API failed at most of its records. Not if the list was read to its end, and only lookups after it failed.
fn lets_read_nothing(walk: &WalkReport) -> bool {
    let of_all = |error: &SourceError| {
        error.concerns_any_request() || matches!(error.class(), ErrorClass::Throttled { .. })
    };
    !walk.complete && (walk.fails_at_most_records || walk.failure.as_ref().is_some_and(of_all))
}

/// Whether a walk did not reach the end of its list, so that any number of records may be missing from it. Some of
/// those that others name are asked for by their ids.
fn leaves_unlisted(walk: &WalkReport) -> bool {
    !walk.complete && walk.short_by.is_none()
}

/// Waits for the end of all walks. Walks that stage 2 did not reach stage what they have received as pending.
///
/// # Errors
/// A walk that broke off; returned after all other walks have ended. A walk's panic is passed on.
pub async fn collect(mut walks: Vec<RunningWalk>) -> Result<Vec<(PlannedWalk, EndedWalk)>, DbError> {
    walks.iter_mut().for_each(|walk| drop(walk.gate.take()));
    let mut ended = Vec::new();
    for walk in walks {
        ended.push((walk.planned, walk.end().await));
    }
    ended.into_iter().map(|(planned, walked)| Ok((planned, walked.map_err(task_error)?))).collect()
}

/// Stage 2 of one entity: reconciles what was left pending before this run, lets the walk reconcile as it stages,
/// and reconciles what the walk left pending.
///
/// # Errors
/// The database's.
pub async fn reconcile(
    reconciliation: &Reconciliation<'_>,
    entity: &'static Entity,
    walking: Option<&mut RunningWalk>,
    progress: &Progress,
) -> Result<BatchCounts, DbError> {
    let shown = progress.entity(entity.name);
    let report = |applied: BatchCounts| {
        shown.reconciled(applied.processed).errors(applied.errors);
    };
    let is_newer = redo_older_reconciler(reconciliation, entity).await?;
    let released = release_waiting(reconciliation, entity).await?;
    let mut applied = BatchCounts { released, ..reconciliation.run_left(entity, &report).await? };
    if is_newer {
        redo_settled_faults(reconciliation, entity).await?;
        applied += reconciliation.run_left(entity, &report).await?;
    }
    let left = match walking {
        Some(walking) => walking.follow().await,
        // Not known for parents fetched by id, or for a second pass over an entity.
        None => None,
    };
    if left != Some(0) {
        applied += reconciliation.run_own(entity, &report).await?;
    }
    shown.done();
    Ok(applied)
}

/// Makes records pending again whose missing parent is now in production, and those whose warnings an earlier run could
/// not note. Returns how many of them this run had quarantined. What the database refuses to change is noted.
async fn release_waiting(reconciliation: &Reconciliation<'_>, entity: &Entity) -> Result<u64, DbError> {
    let release = async |tx: &FencedTx<'_>| {
        let (own, mut kept) = quarantine::release(tx, entity, reconciliation.run_id).await?;
        kept.extend(unnoted::retry(tx, entity).await?);
        crate::crash::at(crate::crash::CrashPoint::WaitingReleased);
        Ok((own, kept))
    };
    let (own, kept) = reconciliation.fence.transaction(reconciliation.db, release).await?;
    reconciliation.left.note_kept(entity, kept);
    Ok(own)
}

/// If the reconciler's version was raised, makes what an older one processed pending again. Returns whether it was
/// raised.
async fn redo_older_reconciler(
    reconciliation: &Reconciliation<'_>,
    entity: &Entity,
) -> Result<bool, DbError> {
    let reset = async |tx: &FencedTx<'_>| match outcome::is_reconciler_current(tx, entity).await? {
        true => Ok(None),
        false => outcome::reset_older_reconciler(tx, entity).await.map(Some),
    };
    let Some(again) = reconciliation.fence.transaction(reconciliation.db, reset).await? else {
        return Ok(false);
    };
    if !again.ids.is_empty() {
        tracing::info!(
            entity = entity.name,
            records = again.ids.len(),
            "reconciled again by a newer reconciler"
        );
    }
    reconciliation.left.note_kept(entity, again.kept);
    Ok(true)
}

/// The second step after a raised version: makes faulty versions pending again that a newer version of their record
/// had settled. By now the newer versions are processed, so that the old content never becomes current in
/// production. The new reconciler version is noted last: a kill in between repeats both steps. So does the next run if the
/// database kept versions as they are in either step.
async fn redo_settled_faults(reconciliation: &Reconciliation<'_>, entity: &Entity) -> Result<(), DbError> {
    let reset = async |tx: &FencedTx<'_>| {
        let again = outcome::reset_settled_faults(tx, entity).await?;
        if again.kept.is_empty() && !reconciliation.left.has_kept(entity) {
            outcome::note_reconciler(tx, entity).await?;
        }
        Ok(again.kept)
    };
    let kept = reconciliation.fence.transaction(reconciliation.db, reset).await?;
    reconciliation.left.note_kept(entity, kept);
    Ok(())
}

/// Deletes superseded versions older than the setting `retention`, unless the run failed, whose unfinished work may
/// need them. `now` must come from the database's clock, which dates versions: by another clock, new ones could
/// look old.
///
/// # Errors
/// The database's.
pub async fn drop_old_versions(
    db: &Db,
    settings: &Settings,
    fence: &Fence,
    now: Timestamp,
    report: &mut RunReport,
) -> Result<(), DbError> {
    whole_since::correct(db, fence, now).await?;
    let Retention::Days(days) = settings.retention else { return Ok(()) };
    if report.status == RunOutcome::Failed {
        return Ok(());
    }
    let kept = SignedDuration::from_hours(24 * i64::from(days));
    let cutoff = now.saturating_sub(kept).unwrap_or(Timestamp::UNIX_EPOCH);
    for entity in ENTITIES.iter().copied() {
        if let Some(of_entity) = report.entities.iter_mut().find(|e| e.entity == entity.name) {
            let removed = retention::drop_superseded(db, fence, entity, cutoff).await?;
            of_entity.dropped = removed.gone;
            let warning = |message| RunWarning {
                code: RunWarningCode::KeptOldRows,
                subject: entity.staging_table.to_owned(),
                message,
            };
            report.warnings.extend(removed.kept_rows_message(entity.staging_table).map(warning));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::gazelle_to_staging::Scope;

    fn walking(task: impl Future<Output = EndedWalk> + Send + 'static) -> RunningWalk {
        let spec = WalkSpec {
            scope: Scope::WHOLE,
            is_full: true,
            moves_bookmark: true,
            credible: 0,
            known_shortfall: None,
        };
        RunningWalk {
            planned: PlannedWalk { entity: ENTITIES[0], spec, held_before: 0 },
            gate: Some(watch::channel(false).0),
            task: AbortOnDropHandle::new(tokio::spawn(task)),
            ended: None,
        }
    }

    #[tokio::test]
    async fn a_walk_that_breaks_off_lets_the_others_come_to_their_ends() {
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let has_ended = Arc::new(AtomicBool::new(false));
        let mut broken = walking(async { panic!("of the test") });
        let ended = has_ended.clone();
        let other = walking(async move {
            gone.await.unwrap();
            ended.store(true, Ordering::SeqCst);
            let why = DbError::infrastructure("it came to its end");
            EndedWalk { report: Err(FetchError::Database(why)), took: Duration::ZERO }
        });
        assert_eq!(broken.follow().await, None, "stage 2 goes on");
        go.send(()).unwrap();
        // A panic of a walk is a panic of the run.
        let collected = tokio::spawn(collect(vec![broken, other])).await;
        assert!(collected.is_err_and(|error| error.is_panic()));
        assert!(has_ended.load(Ordering::SeqCst));
    }
}
