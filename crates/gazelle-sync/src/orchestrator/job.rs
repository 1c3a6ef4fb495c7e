//! What is to be run ([`Job`]), and by whose right ([`LeasedRun`]).

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::lease::Lease;
use crate::run_log::kinds::{RunCommand, RunMode, RunTrigger};
use crate::staging::clock::Clock;

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

impl Stages {
    /// Whether stage 1 is among them.
    pub fn fetch(self) -> bool {
        self != Stages::ReconcileOnly
    }

    /// Whether stage 2 is among them.
    pub fn reconcile(self) -> bool {
        self != Stages::FetchOnly
    }
}

/// What to run.
#[derive(Clone)]
pub struct Job {
    /// The command, as noted in the run's record.
    pub command: RunCommand,
    /// Which stages.
    pub stages: Stages,
    /// Every entity whole, or the cheapest sound walk.
    pub mode: RunMode,
    /// Instead of the bookmark.
    pub since: Option<Timestamp>,
    /// In the order of [`ENTITIES`](crate::entities::ENTITIES).
    pub entities: Vec<&'static Entity>,
    /// Who started it.
    pub trigger: RunTrigger,
}

impl Job {
    /// A job of a command that reconciles what is pending of these entities.
    pub fn reconcile(command: RunCommand, entities: Vec<&'static Entity>) -> Job {
        Job {
            command,
            stages: Stages::ReconcileOnly,
            mode: RunMode::Incremental,
            since: None,
            entities,
            trigger: RunTrigger::Command,
        }
    }

    /// How much is walked; none where nothing is.
    pub fn walked(&self) -> Option<RunMode> {
        self.stages.fetch().then_some(self.mode)
    }

    /// Whether every entity is to be read whole.
    pub fn is_full(&self) -> bool {
        self.mode == RunMode::Full
    }
}

/// A run that holds the lease and has not begun.
pub struct LeasedRun {
    /// Held until the run has ended.
    pub lease: Lease,
    /// What versions, their ids and bookmarks are dated by; read when the lease was held.
    pub clock: Clock,
    /// Names the run; of version 7, made by the clock: the ids of versions that the run stages sort after it.
    pub run_id: Uuid,
    /// Ends the run early: what is under way is finished, and the run is recorded as interrupted.
    pub stop: CancellationToken,
}

impl LeasedRun {
    /// Begins a run by a lease that is held. The lease is released where that fails.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(db: &Db, lease: Lease, stop: CancellationToken) -> Result<LeasedRun, DbError> {
        match Clock::after_staged(db).await {
            Ok(clock) => Ok(LeasedRun { lease, clock, run_id: clock.run_id(), stop }),
            Err(error) => {
                let _ = lease.release().await;
                Err(error)
            }
        }
    }
}
