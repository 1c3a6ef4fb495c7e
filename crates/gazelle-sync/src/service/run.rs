//! One run of the service: the lease, a second look whether it is still wanted, the run, its count.

use tracing::Instrument;
use uuid::Uuid;

use super::{Opener, Service};
use crate::db::{Db, DbError, Fault};
use crate::display::{Progress, ProgressStyle};
use crate::entities::Entity;
use crate::lease::Lease;
use crate::orchestrator::schedule::{Due, DueNow};
use crate::orchestrator::{Job, LeasedRun, Stages, run_leased, run_span};
use crate::run_log::kinds::{RunCommand, RunMode, RunTrigger};
use crate::run_log::report::{RunReport, Status};
use crate::run_log::runs::{self, Past};
use crate::run_log::wanted_runs::{self, RequestedRun};
use crate::source::GazelleClient;

/// How a run of the service ended.
pub(super) enum Ended {
    /// Another runner is at work.
    Busy(String),
    /// Nothing was left to do: another runner had done it.
    Nothing,
    /// The service was asked to stop.
    Interrupted,
    /// Walks were complete, or as complete as their lists get.
    Good {
        /// How they were walked.
        mode: RunMode,
        /// Of these entities.
        of: Vec<&'static Entity>,
        /// The walks of these stayed incomplete.
        short: Vec<&'static Entity>,
        /// Why; or why it failed, although they did not.
        reasons: String,
        /// Whether the run failed as such.
        failed: bool,
    },
    /// No walk was complete.
    Bad(String),
}

impl<O: Opener> Service<O> {
    /// Runs what is due, unless another runner did it while we waited for the lease.
    pub(super) async fn run_scheduled(
        &self,
        db: &Db,
        client: GazelleClient,
        due: DueNow<&'static Entity>,
        known: &[(&'static Entity, Past)],
    ) -> Result<Ended, DbError> {
        let job = job(due.mode, RunTrigger::Schedule, due.of);
        let still_due = async |_: &Lease, _: Uuid| {
            let recorded = runs::past(db).await?;
            self.clock.follow(recorded.asked_at);
            let now = self.clock.now();
            Ok(job.entities.iter().any(|entity| {
                let of = |pasts: &[(&'static Entity, Past)]| {
                    let found = pasts.iter().find(|(of, _)| of.name == entity.name);
                    found.map(|(_, past)| *past).unwrap_or_default()
                };
                matches!(self.timetable.due(of(known).and(of(&recorded.of), now), now), Due::Now { .. })
            }))
        };
        self.run_if(db, client, &job, still_due).await
    }

    /// Runs what somebody asked for, unless another runner did.
    pub(super) async fn run_wanted(
        &self,
        db: &Db,
        client: GazelleClient,
        wanted: RequestedRun,
    ) -> Result<Ended, DbError> {
        let job = job(wanted.mode, RunTrigger::Request, wanted.entities);
        let claim = async |lease: &Lease, run_id: Uuid| {
            Ok(wanted_runs::claim(db, lease.fence(), &wanted.ids, run_id).await? > 0)
        };
        self.run_if(db, client, &job, claim).await
    }

    async fn run_if(
        &self,
        db: &Db,
        client: GazelleClient,
        job: &Job,
        is_wanted: impl AsyncFnOnce(&Lease, Uuid) -> Result<bool, DbError>,
    ) -> Result<Ended, DbError> {
        let mode = job.mode;
        let settings = &self.shared.settings;
        let run = async {
            let lease = match Lease::acquire(db, settings.lease()).await {
                Ok(lease) => lease,
                Err(busy) if busy.fault == Fault::Busy => return Ok(Err(Ended::Busy(busy.to_string()))),
                Err(error) => return Err(error),
            };
            let leased = LeasedRun::begin(db, lease, self.stop.clone()).await?;
            match is_wanted(&leased.lease, leased.run_id).await {
                Ok(true) => {}
                Ok(false) => {
                    leased.lease.release().await?;
                    return Ok(Err(Ended::Nothing));
                }
                Err(error) => {
                    let _ = leased.lease.release().await;
                    return Err(error);
                }
            }
            self.shared.set_lease(leased.lease.fence().token());
            self.shared.set_state("running", Some(mode.as_str()), Some(job.trigger.as_str()));
            let _running = self.shared.metrics.run_begins();
            let shared = self.shared.clone();
            let client = client.observed_by(move |record| {
                shared.metrics.request_ended(&record);
                shared.mark_progress();
            });
            let progress = Progress::new(ProgressStyle::None);
            run_leased(db, Some(client), settings, job, leased, &progress).await.map(Ok)
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
    Job { command: RunCommand::Sync, stages: Stages::Both, mode, since: None, entities, trigger }
}

/// Which entities a run did its work for, whatever its status: one that failed for one of them is not to be repeated for the
/// others. What is only withheld until it is approved does not come by trying again.
fn judge(report: &RunReport, job: &Job) -> Ended {
    let is_short = |entity: &&'static Entity| {
        let of_entity = report.entities.iter().find(|of| of.entity == entity.name);
        of_entity.is_none_or(|of| of.walk_complete != Some(true) && !of.walk_settled)
    };
    let (short, of): (Vec<_>, Vec<_>) = job.entities.iter().copied().partition(is_short);
    let reasons = report.reasons.join("; ");
    match report.status {
        Status::Interrupted => Ended::Interrupted,
        _ if of.is_empty() => Ended::Bad(reasons),
        Status::Success | Status::Partial | Status::Failed => {
            let failed = report.status == Status::Failed;
            Ended::Good { mode: job.mode, of, short, reasons, failed }
        }
    }
}
