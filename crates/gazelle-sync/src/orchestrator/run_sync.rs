//! One run from start to end: acquires the lease, executes the steps ([`super::run`]) and keeps the run's record.

use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::job::{Job, LeasedRun};
use super::run::Run;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::lease::Lease;
use crate::run_log::kinds::RunMode;
use crate::run_log::report::RunReport;
use crate::run_log::runs::{self, NewRun, RequestLog};
use crate::source::GazelleClient;

/// Runs a job. A job without stage 1 needs no client.
///
/// # Errors
/// The database's; errors of the API are in the report. A run that was recorded as started is recorded as failed,
/// if the database still allows it.
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
        let leased = LeasedRun::begin(db, lease, CancellationToken::new()).await?;
        run_leased(db, client, settings, job, leased, progress).await
    }
    .instrument(run_span(job))
    .await
}

/// The tracing span of all log lines of a run; `run_id` is filled in when the run begins. Its level is ERROR, so
/// that no log level filters it out.
pub fn run_span(job: &Job) -> tracing::Span {
    let full = job.is_full();
    tracing::error_span!(
        "run",
        run_id = tracing::field::Empty,
        command = job.command.as_str(),
        full,
        trigger = job.trigger.as_str()
    )
}

/// Runs a job whose lease is held, inside [`run_span`], and releases the lease. Otherwise like [`run_sync`].
///
/// # Errors
/// Those of [`run_sync`].
pub async fn run_leased(
    db: &Db,
    client: Option<GazelleClient>,
    settings: &Settings,
    job: &Job,
    leased: LeasedRun,
    progress: &Progress,
) -> Result<RunReport, DbError> {
    let outcome = run_held(db, client, settings, job, &leased, progress).await;
    // Also after an error: a run whose start or end could not be recorded must not keep the lease.
    let released = leased.lease.release().await;
    match outcome {
        Ok(report) => {
            released?;
            Ok(report)
        }
        Err(error) => {
            if let Err(error) = released {
                tracing::warn!(%error, "the lease could not be released and will expire");
            }
            tracing::error!(%error, "run failed");
            Err(error)
        }
    }
}

/// Runs a job under a lease that stays held.
///
/// # Errors
/// Those of [`run_sync`].
pub(super) async fn run_held(
    db: &Db,
    client: Option<GazelleClient>,
    settings: &Settings,
    job: &Job,
    leased: &LeasedRun,
    progress: &Progress,
) -> Result<RunReport, DbError> {
    tracing::Span::current().record("run_id", tracing::field::display(leased.run_id));
    recorded(&Run { db, settings, job, leased, progress }, client).await
}

/// Records the start of the run, executes it, and records its end.
async fn recorded(run: &Run<'_>, client: Option<GazelleClient>) -> Result<RunReport, DbError> {
    let Run { db, job, leased, .. } = *run;
    let run_id = leased.run_id;
    let mode = job.walked();
    let of_run = NewRun { run_id, command: job.command, mode, trigger: job.trigger };
    let work = Box::pin(async {
        tracing::info!(mode = mode.map(RunMode::as_str), "run started");
        let request_log = RequestLog::start(db.clone(), run_id, leased.clock);
        let client = client.map(|client| client.stopped_by(&leased.stop).observed_by(request_log.observer()));
        let outcome = run.execute(client).await;
        // The requests of a run that fails are recorded too.
        let requests = request_log.close().await;
        let mut report = outcome?;
        report.sum_requests(&requests);
        Ok(((), report))
    });
    let fence = leased.lease.fence();
    let ((), report) = match job.is_recorded {
        true => runs::started(db, fence, of_run, work).await?,
        false => runs::recorded(db, fence, of_run, work).await?,
    };
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
