//! One run of the service: takes the lease, checks that the run is still needed, runs it, and counts it.

use futures_util::future::BoxFuture;
use tracing::Instrument;
use uuid::Uuid;

use super::schedule::{Due, DueNow};
use super::{Opener, Service};
use crate::db::{Db, DbError, DbErrorClass};
use crate::display::{Progress, ProgressStyle};
use crate::entities::{ENTITIES, Entity};
use crate::lease::Lease;
use crate::orchestrator::{Job, LeasedRun, Stages, run_leased, run_span};
use crate::run_log::kinds::{RunCommand, RunMode, RunTrigger};
use crate::run_log::report::{RunOutcome, RunReport};
use crate::run_log::run_requests::{self, RequestedRun};
use crate::run_log::runs::{self, LastStarts};
use crate::source::GazelleClient;

/// The outcome of a run, as far as it matters to the loop.
pub(super) enum LoopOutcome {
    /// Another process holds the lease.
    Busy(String),
    /// Another process has done the work meanwhile.
    Nothing,
    /// The service was asked to stop.
    Interrupted,
    /// At least one walk was complete, or as complete as its list can get.
    Good {
        /// The mode of the run.
        mode: RunMode,
        /// The entities with complete walks.
        of: Vec<&'static Entity>,
        /// The entities whose walks stayed incomplete.
        short: Vec<&'static Entity>,
        /// Why walks stayed incomplete, or why the run failed.
        reasons: String,
        /// Whether the run's outcome is `failed`.
        failed: bool,
    },
    /// No walk was complete.
    Bad {
        /// The entities of the run.
        of: Vec<&'static Entity>,
        /// The reasons.
        reasons: String,
    },
    /// An action of the dashboard that is no sync was done, or there was nothing to do for it.
    Acted,
}

impl<O: Opener> Service<O> {
    /// Runs what is due, unless another process ran it while we waited for the lease.
    pub(super) async fn run_scheduled(
        &self,
        db: &Db,
        client: GazelleClient,
        due: DueNow<&'static Entity>,
        known: &[(&'static Entity, LastStarts)],
    ) -> Result<LoopOutcome, DbError> {
        let job = job(due.mode, RunTrigger::Schedule, due.of);
        let still_due = async |_: &Lease, _: Uuid| {
            let recorded = runs::past(db).await?;
            self.clock.follow(recorded.asked_at);
            let now = self.clock.now();
            Ok(job.entities.iter().any(|entity| {
                let of = |pasts: &[(&'static Entity, LastStarts)]| {
                    let found = pasts.iter().find(|(of, _)| of.name == entity.name);
                    found.map(|(_, past)| *past).unwrap_or_default()
                };
                matches!(self.timetable.due(of(known).and(of(&recorded.of), now), now), Due::Now { .. })
            }))
        };
        self.run_if(db, client, &job, still_due).await
    }

    /// Runs what was requested, unless another process did.
    pub(super) async fn run_requested(
        &self,
        db: &Db,
        client: GazelleClient,
        wanted: RequestedRun,
    ) -> Result<LoopOutcome, DbError> {
        let job = job(wanted.mode, RunTrigger::Request, wanted.entities);
        let claim = async |lease: &Lease, run_id: Uuid| {
            Ok(run_requests::claim(db, lease.fence(), &wanted.ids, run_id).await? > 0)
        };
        self.run_if(db, client, &job, claim).await
    }

    /// Runs a sync that somebody asked for in the dashboard, if `claim` says that it is still to be done.
    pub(super) async fn run_asked(
        &self,
        db: &Db,
        client: GazelleClient,
        mode: RunMode,
        claim: impl AsyncFnOnce(&Lease, Uuid) -> Result<bool, DbError>,
    ) -> Result<LoopOutcome, DbError> {
        self.run_if(db, client, &job(mode, RunTrigger::Request, ENTITIES.to_vec()), claim).await
    }

    async fn run_if(
        &self,
        db: &Db,
        client: GazelleClient,
        job: &Job,
        is_needed: impl AsyncFnOnce(&Lease, Uuid) -> Result<bool, DbError>,
    ) -> Result<LoopOutcome, DbError> {
        let mode = job.mode;
        let settings = &self.shared.settings;
        let run = async {
            let lease = match Lease::acquire(db, settings.lease()).await {
                Ok(lease) => lease,
                Err(busy) if busy.fault == DbErrorClass::Busy => {
                    return Ok(Err(LoopOutcome::Busy(busy.to_string())));
                }
                Err(error) => return Err(error),
            };
            let leased = LeasedRun::begin(db, lease, self.stop.clone()).await?;
            match is_needed(&leased.lease, leased.run_id).await {
                Ok(true) => {}
                Ok(false) => {
                    leased.lease.release().await?;
                    return Ok(Err(LoopOutcome::Nothing));
                }
                Err(error) => {
                    let _ = leased.lease.release().await;
                    return Err(error);
                }
            }
            self.shared.set_lease(leased.lease.fence().token());
            self.shared.set_running(mode, job.trigger);
            let _running = self.shared.metrics.run_begins();
            let shared = self.shared.clone();
            let client = client.observed_by(move |record| {
                shared.metrics.request_ended(&record);
                shared.mark_progress();
            });
            let progress = Progress::new(ProgressStyle::None);
            // A run is a deep tree of futures, which would take the stack of whoever polls the service.
            let run: BoxFuture<'_, _> =
                Box::pin(run_leased(db, Some(client), settings, job, leased, &progress));
            run.await.map(Ok)
        };
        let outcome = run.instrument(run_span(job)).await;
        match outcome {
            Ok(Err(ended)) => Ok(ended),
            Ok(Ok(report)) => {
                self.shared.metrics.run_ended(mode, &report);
                self.shared.runs_ended.send_modify(|runs| *runs += 1);
                Ok(judge(&report, job))
            }
            Err(error) => {
                self.shared.metrics.run_failed(mode);
                self.shared.runs_ended.send_modify(|runs| *runs += 1);
                Err(error)
            }
        }
    }
}

fn job(mode: RunMode, trigger: RunTrigger, entities: Vec<&'static Entity>) -> Job {
    Job {
        command: RunCommand::Sync,
        stages: Stages::Both,
        mode,
        since: None,
        entities,
        trigger,
        is_recorded: false,
    }
}

/// Splits the entities of a run by whether their walks were complete, whatever the outcome of the run: a failure of
/// one entity must not repeat the work for the others. Withheld deletions are no reason to retry: they wait for
/// approval.
fn judge(report: &RunReport, job: &Job) -> LoopOutcome {
    let is_short = |entity: &&'static Entity| {
        let of_entity = report.entities.iter().find(|of| of.entity == entity.name);
        of_entity.is_none_or(|of| of.walk_complete != Some(true) && !of.walk_settled)
    };
    let (short, of): (Vec<_>, Vec<_>) = job.entities.iter().copied().partition(is_short);
    let reasons = report.reasons.join("; ");
    match report.status {
        RunOutcome::Interrupted => LoopOutcome::Interrupted,
        _ if of.is_empty() => LoopOutcome::Bad { of: short, reasons },
        RunOutcome::Success | RunOutcome::Partial | RunOutcome::Failed => {
            let failed = report.status == RunOutcome::Failed;
            LoopOutcome::Good { mode: job.mode, of, short, reasons, failed }
        }
    }
}
