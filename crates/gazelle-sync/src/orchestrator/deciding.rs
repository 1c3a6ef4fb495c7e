//! Executes manual decisions about records under the lease, for a command or a dashboard action.

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::job::{Job, LeasedRun};
use super::run_sync::{run_held, run_span};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::Entity;
use crate::lease::{FencedTx, Lease};
use crate::run_log::actions;
use crate::run_log::kinds::{RunCommand, RunTrigger};
use crate::run_log::report::RunReport;
use crate::run_log::runs::{self, NewRun};

/// A decision that is carried out under a lease that is held.
#[derive(Clone, Copy)]
pub struct Deciding<'a> {
    /// The database.
    pub db: &'a Db,
    /// The settings.
    pub settings: &'a Settings,
    /// The lease, and the run that follows the decision.
    pub leased: &'a LeasedRun,
    /// What that run reports its progress to.
    pub progress: &'a Progress,
    /// The action that it is done for; none for a command.
    pub action: Option<Uuid>,
}

impl Deciding<'_> {
    /// Takes the lease for a command, carries out a decision, and releases the lease, also after an error.
    ///
    /// # Errors
    /// As [`Lease::acquire`]; those of `work`.
    pub async fn hold<T>(
        db: &Db,
        settings: &Settings,
        progress: &Progress,
        work: impl AsyncFnOnce(Deciding<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let lease = Lease::acquire(db, settings.lease()).await?;
        let leased = LeasedRun::begin(db, lease, CancellationToken::new()).await?;
        // Boxed here and below: a decision and its run are a deep tree of futures, which the caller's would contain.
        let deciding = Deciding { db, settings, leased: &leased, progress, action: None };
        let done = Box::pin(work(deciding)).await;
        let released = leased.lease.release().await;
        let done = done?;
        released?;
        Ok(done)
    }

    /// Notes in the transaction of the decision that its action is applied.
    pub(super) async fn applied(&self, tx: &FencedTx<'_>, report: Value) -> Result<(), DbError> {
        match self.action {
            Some(action) => actions::applied(tx, action, Some(self.leased.run_id), report).await,
            None => Ok(()),
        }
    }

    fn trigger(&self) -> RunTrigger {
        if self.action.is_some() { RunTrigger::Request } else { RunTrigger::Command }
    }

    /// Records the start of the run that follows, in the transaction of the decision: what that stages is then of a run that
    /// is known, whatever happens before the run executes.
    pub(super) async fn record_start(&self, tx: &FencedTx<'_>, command: RunCommand) -> Result<(), DbError> {
        let run = NewRun { run_id: self.leased.run_id, command, mode: None, trigger: self.trigger() };
        runs::start(tx, run, self.leased.lease.fence().token()).await
    }

    /// Lets stage 2 process what the decision made pending. `is_recorded`: [`record_start`](Deciding::record_start) was called.
    pub(super) async fn reconcile(
        &self,
        command: RunCommand,
        entities: Vec<&'static Entity>,
        is_recorded: bool,
    ) -> Result<RunReport, DbError> {
        let job = Job { trigger: self.trigger(), is_recorded, ..Job::reconcile(command, entities) };
        let run = run_held(self.db, None, self.settings, &job, self.leased, self.progress);
        Box::pin(run.instrument(run_span(&job))).await
    }
}
