//! One run: the lease, the two stages, the judgement, the record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::Instrument;
use uuid::Uuid;

use super::scope::{self, Clocks};
use super::stages::{self, Parents, Walked, Walking};
use super::{judge, unread};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::drift::{self, Drift};
use crate::entities::{ENTITIES, Entity};
use crate::gazelle_to_staging::absent::Guard;
use crate::gazelle_to_staging::sizes::AllSizes;
use crate::gazelle_to_staging::{Errand, Fetch, FetchError, Scope, broken_off};
use crate::lease::Lease;
use crate::run_log::report::{EntityReport, RunReport, Status, milliseconds};
use crate::run_log::{forget_runs, runs, runs::RequestLog};
use crate::source::{ErrorClass, GazelleClient, SourceError};
use crate::staging::clock::Clock;
use crate::staging_to_production::{Applied, Reconciliation, Unread};
use crate::stop::Stop;

/// Which stages a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stages {
    /// Fetch, then reconcile: `sync`.
    Both,
    /// `fetch`.
    FetchOnly,
    /// `reconcile`.
    ReconcileOnly,
}

/// What to run.
#[derive(Clone)]
pub struct Job {
    /// The command, as noted in the run's record.
    pub command: &'static str,
    /// Which stages.
    pub stages: Stages,
    /// Every entity whole, or the cheapest sound walk.
    pub full: bool,
    /// Instead of the bookmark.
    pub since: Option<Timestamp>,
    /// In the order of [`ENTITIES`].
    pub entities: Vec<&'static Entity>,
    /// Who started it: `command`, `schedule`, …
    pub trigger: &'static str,
}

/// Runs a job. The client is not needed where stage 1 does not run.
///
/// Errors: the database's; everything the API does is in the report. A run that was recorded as started is
/// recorded as failed as far as the database still allows.
pub async fn run_sync(
    db: &Db,
    client: Option<GazelleClient>,
    settings: &Settings,
    job: &Job,
    progress: &Progress,
) -> Result<RunReport, DbError> {
    async {
        crate::migrate::prepare(db).await?;
        let lease = Lease::acquire(db, settings.lease()).await?;
        let right = Right::begin(db, lease, Stop::never()).await?;
        run_by_right(db, client, settings, job, right, progress).await
    }
    .instrument(run_span(job))
    .await
}

/// What a run needs before it begins.
pub struct Right {
    /// Held until the run has ended.
    pub lease: Lease,
    /// What versions, their ids and bookmarks are dated by; read when the lease was held.
    pub clock: Clock,
    /// Names the run; of version 7, made by the clock: the ids of versions that the run stages sort after it.
    pub run_id: Uuid,
    /// Ends the run early: what is under way is finished, and the run is recorded as interrupted.
    pub stop: Stop,
}

impl Right {
    /// Begins a run by a lease that is held. The lease is released where that fails.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(db: &Db, lease: Lease, stop: Stop) -> Result<Right, DbError> {
        match Clock::after_staged(db).await {
            Ok(clock) => Ok(Right { lease, clock, run_id: clock.run_id(), stop }),
            Err(error) => {
                let _ = lease.release().await;
                Err(error)
            }
        }
    }
}

/// What every log line of a run is told in; its number is known when the run begins. Of the gravest level, so
/// that it is there whatever is logged.
pub fn run_span(job: &Job) -> tracing::Span {
    let full = job.full;
    tracing::error_span!(
        "run",
        run_id = tracing::field::Empty,
        command = job.command,
        full,
        trigger = job.trigger
    )
}

/// Runs a job by a lease that is held, inside [`run_span`]. Otherwise as [`run_sync`].
pub async fn run_by_right(
    db: &Db,
    client: Option<GazelleClient>,
    settings: &Settings,
    job: &Job,
    right: Right,
    progress: &Progress,
) -> Result<RunReport, DbError> {
    let Right { lease, clock, run_id, stop } = right;
    tracing::Span::current().record("run_id", tracing::field::display(run_id));
    let outcome = recorded(db, client, settings, job, &lease, run_id, clock, &stop, progress).await;
    // However it ended: a run whose start or end could not be noted holds the lease no longer than another.
    let released = lease.release().await;
    match outcome {
        Ok(report) => {
            released?;
            Ok(report)
        }
        Err(error) => {
            if let Err(error) = released {
                tracing::warn!(%error, "the lease could not be given back and will expire");
            }
            tracing::error!(%error, "run failed");
            Err(error)
        }
    }
}

/// A run with its record: started, done, finished.
#[allow(clippy::too_many_arguments, reason = "the parts of one run, used once")]
async fn recorded(
    db: &Db,
    client: Option<GazelleClient>,
    settings: &Settings,
    job: &Job,
    lease: &Lease,
    run_id: Uuid,
    clock: Clock,
    stop: &Stop,
    progress: &Progress,
) -> Result<RunReport, DbError> {
    let started = Instant::now();
    let mode = (job.stages != Stages::ReconcileOnly).then_some(if job.full { "full" } else { "incremental" });
    runs::start(db, run_id, job.command, mode, job.trigger, lease.fence().token()).await?;
    tracing::info!(mode, "run started");

    let request_log = RequestLog::start(db.clone(), run_id, clock);
    let client = client.map(|client| client.stopped_by(stop).observed_by(request_log.observer()));
    let outcome = run_stages(db, client, settings, job, lease, run_id, clock, stop, progress).await;
    // What was asked is noted of a run that fails too.
    let requests = request_log.close().await;
    let mut report = match outcome {
        Ok(report) => report,
        Err(error) => {
            let mut failed = RunReport::new(run_id, mode.map(Into::into), Vec::new(), started.elapsed());
            failed.note(Status::Failed, error.to_string());
            if let Err(error) = runs::finish(db, &failed).await {
                tracing::warn!(%error, "the end of the failed run could not be noted");
            }
            return Err(error);
        }
    };
    report.sum_requests(&requests);
    report.mode = mode.map(Into::into);
    report.duration_ms = milliseconds(started.elapsed());
    runs::finish(db, &report).await?;
    tracing::info!(
        status = report.status.as_str(),
        fetched = report.fetched,
        staged = report.staged,
        processed = report.processed,
        errors = report.errors,
        duration_ms = report.duration_ms,
        "run ended"
    );
    Ok(report)
}

#[allow(clippy::too_many_arguments, reason = "the parts of one run, used once")]
async fn run_stages(
    db: &Db,
    client: Option<GazelleClient>,
    settings: &Settings,
    job: &Job,
    lease: &Lease,
    run_id: Uuid,
    clock: Clock,
    stop: &Stop,
    progress: &Progress,
) -> Result<RunReport, DbError> {
    let mut interrupted = false;
    let mut entities: Vec<EntityReport> = job
        .entities
        .iter()
        .map(|entity| EntityReport { entity: entity.name.to_owned(), ..EntityReport::default() })
        .collect();
    let mut clocks = Clocks::default();
    let unread: Arc<Unread> = Arc::default();
    let sizes = Arc::new(AllSizes::load(db, settings.page_size, job.full).await?);
    let fetch = client.map(|client| Fetch {
        client,
        db: db.clone(),
        fence: lease.fence().clone(),
        run_id,
        page_size: settings.page_size,
        sizes: sizes.clone(),
        batch_size: settings.batch_size,
        known: Arc::default(),
        unread: unread.clone(),
        concurrency: settings.concurrency,
        walk_attempts: settings.walk_attempts,
        clock,
        delete_guard: Guard {
            records: settings.delete_guard_records,
            percent: settings.delete_guard_percent,
        },
    });
    let batch_size = settings.batch_size;
    let reconciliation = Reconciliation { db, fence: lease.fence(), run_id, batch_size, unread, clock };

    let drift = match fetch.as_ref().filter(|_| job.full && job.stages != Stages::ReconcileOnly) {
        Some(fetch) => drift::check(&fetch.client, db, lease.fence(), run_id, &job.entities).await?,
        None => Drift::default(),
    };
    if !drift.missing.is_empty() {
        let mut report = RunReport::new(run_id, None, entities, Duration::ZERO);
        drift.missing.into_iter().for_each(|missing| report.note(Status::Failed, missing));
        report.warnings = drift.warnings;
        return Ok(report);
    }

    let mut errands = Vec::new();
    let mut held_before = Vec::new();
    let mut walks = tokio::task::JoinSet::new();
    let mut walking: Vec<Walking> = Vec::new();
    if let Some(fetch) = fetch.as_ref().filter(|_| job.stages != Stages::ReconcileOnly) {
        for entity in &job.entities {
            let (scope, moves_bookmark) =
                clocks.note_bookmark(scope::of(db, settings, job, entity, &clock).await?, entity);
            let held = judge::held_before(db, entity, scope).await?;
            held_before.push(held);
            let credible = judge::credible(held, settings.shrink_guard_percent);
            let known_shortfall = runs::known_shortfall(db, entity, scope == Scope::WHOLE).await?;
            errands.push((*entity, Errand { scope, moves_bookmark, credible, known_shortfall }));
        }
        (walking, walks) = stages::start_walks(fetch, &errands, job.stages == Stages::Both, progress);
    }

    if job.stages != Stages::FetchOnly {
        for entity in &job.entities {
            let begun = Instant::now();
            let walk = walking.iter_mut().find(|walking| walking.entity.name == entity.name);
            // Cut off, a batch is rolled back and waits as pending.
            let applied = tokio::select! {
                applied = stages::reconcile(&reconciliation, entity, walk, progress)
                    .instrument(tracing::error_span!("reconcile", entity = entity.name)) => applied?,
                () = stop.overdue() => { interrupted = true; break; }
            };
            add_applied(&mut entities, entity, applied, begun.elapsed());
        }
    }
    // Walks that stage 2 did not come to stage what they have received.
    drop(walking);
    let mut walked: Vec<Walked> = Vec::new();
    while let Some(joined) = walks.join_next().await {
        match joined {
            Ok(walk) => walked.push(walk),
            Err(error) => return Err(broken_off(error)),
        }
    }

    let mut report = RunReport::new(run_id, None, Vec::new(), Duration::ZERO);
    report.warnings = drift.warnings;
    clocks.note_walks(walked.iter().filter_map(|walked| walked.report.as_ref().ok()));
    report.warnings.extend(clocks.warnings(&clock));
    report.warnings.extend(crate::additions::warnings(db).await?);
    let mut failures: Vec<(&'static str, SourceError)> = Vec::new();
    for (position, (entity, _)) in errands.iter().enumerate() {
        let Some(index) = walked.iter().position(|walk| walk.entity.name == entity.name) else { continue };
        let Walked { report: walk, took, .. } = walked.swap_remove(index);
        let walk = match walk {
            Ok(walk) => walk,
            Err(FetchError::Database(error)) => return Err(error),
            Err(FetchError::Source(error)) => return Err(DbError::infrastructure(error.to_string())),
        };
        judge::warn_of_walk(&mut report, entity, &walk);
        let is_settled = walk.short_by.is_some() && walk.short_by == errands[position].1.known_shortfall;
        if walk.failure.as_ref().is_some_and(|failure| *failure.class() == ErrorClass::Stopped) {
            interrupted = true;
        } else {
            failures.extend(walk.failure.clone().map(|failure| (entity.name, failure)));
            let guard = settings.shrink_guard_percent;
            judge::judge_walk(&mut report, entity, &walk, held_before[position], guard, is_settled);
            if let Some(whole) = walk.whole_total {
                let held = judge::held_before(db, entity, Scope::WHOLE).await?;
                judge::judge_empty_window(&mut report, entity, whole, held, guard);
            }
        }
        if let Some(of_entity) = entities.iter_mut().find(|e| e.entity == entity.name) {
            of_entity.walk = Some(walk.walk.clone());
            of_entity.walk_complete = Some(walk.complete);
            (of_entity.walk_settled, of_entity.short_by) = (is_settled, walk.short_by);
            of_entity.incomplete_reason = walk.reason.clone();
            of_entity.source_total = walk.total;
            of_entity.seen = Some(walk.seen);
            of_entity.fetched += walk.fetched;
            of_entity.staged += walk.done.staged.staged + walk.absent.tombstones;
            of_entity.unchanged += walk.done.staged.unchanged;
            // Days of which a walk saw less are no list of all.
            let is_whole = errands[position].1.scope == Scope::WHOLE;
            of_entity.unlisted += if is_whole { walk.absent.unlisted } else { 0 };
            of_entity.fetch_ms = Some(milliseconds(took));
            add_applied(&mut entities, entity, walk.done.applied, Duration::ZERO);
        }
    }
    judge::judge_failures(&mut report, errands.len(), &failures);
    judge::warn_of_limits(&mut report, &sizes, &failures);
    sizes.save(db, lease.fence()).await?;

    if let (Some(fetch), Stages::Both, true) = (&fetch, job.stages, failures.is_empty() && !interrupted) {
        match stages::fetch_missing_parents(fetch, &reconciliation, progress).await {
            Ok(parents) => {
                for Parents { entity, staged, applied, refused } in parents {
                    judge::note_refused(&mut report, entity, &refused);
                    add_applied(&mut entities, entity, applied, Duration::ZERO);
                    if let Some(of_entity) = entities.iter_mut().find(|e| e.entity == entity.name) {
                        of_entity.staged += staged.staged;
                        of_entity.unchanged += staged.unchanged;
                        of_entity.found_by_id += staged.staged;
                    }
                }
            }
            Err(FetchError::Database(error)) => return Err(error),
            Err(FetchError::Source(error)) if *error.class() == ErrorClass::Stopped => interrupted = true,
            Err(FetchError::Source(error)) => {
                report.note(Status::Partial, format!("missing parents could not be fetched: {error}"));
            }
        }
    }
    drop(fetch);

    report.entities = entities;
    report.add_up();
    if interrupted {
        report.note(Status::Interrupted, "the program was asked to stop; the next run goes on from here");
    } else if job.stages != Stages::FetchOnly {
        judge::compare(db, &mut report, &job.entities).await?;
        unread::judge(db, &mut report, unread::Guard::of(settings)).await?;
        // Reads staging whole, which an incremental sync has no time for.
        if job.full || job.stages == Stages::ReconcileOnly {
            let now = clock.database_now();
            stages::drop_old_versions(db, settings, lease.fence(), now, &mut report).await?;
            // Old bookkeeping is no reason for a run to fail.
            if let Err(error) = forget_runs::forget(db, settings.runs_retention).await {
                tracing::warn!(%error, "old runs could not be forgotten; the next full sync tries again");
            }
        }
    }
    Ok(report)
}

/// Adds stage 2's result to an entity's report; one that was not asked for (a parent) gets its own line.
fn add_applied(entities: &mut Vec<EntityReport>, entity: &Entity, applied: Applied, took: Duration) {
    if applied == Applied::default() && !entities.iter().any(|e| e.entity == entity.name) {
        return;
    }
    let position = entities.iter().position(|e| e.entity == entity.name).unwrap_or_else(|| {
        entities.push(EntityReport { entity: entity.name.to_owned(), ..EntityReport::default() });
        let order = |name: &str| ENTITIES.iter().position(|e| e.name == name);
        entities.sort_by_key(|e| order(&e.entity));
        entities.iter().position(|e| e.entity == entity.name).unwrap_or_default()
    });
    let of_entity = &mut entities[position];
    of_entity.processed += applied.processed;
    // What this run put into quarantine and let out again is no error of it.
    of_entity.errors = (of_entity.errors + applied.errors).saturating_sub(applied.released);
    of_entity.deleted += applied.deleted;
    of_entity.rows_written += applied.rows_written;
    of_entity.reconcile_ms = Some(of_entity.reconcile_ms.unwrap_or_default() + milliseconds(took));
}
