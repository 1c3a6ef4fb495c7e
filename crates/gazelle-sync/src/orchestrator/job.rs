//! What a run is to do ([`Job`]), and the lease and clock that it runs with ([`LeasedRun`]).

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::lease::Lease;
use crate::run_log::kinds::{RunCommand, RunMode, RunTrigger};
use crate::staging::versions::clock::RunClock;

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
    /// Full (every entity whole), or incremental (the smallest walk that misses no change).
    pub mode: RunMode,
    /// Start of the window; none starts at the bookmark.
    pub since: Option<Timestamp>,
    /// In the order of [`ENTITIES`](crate::entities::ENTITIES).
    pub entities: Vec<&'static Entity>,
    /// Who started it.
    pub trigger: RunTrigger,
    /// Whether its start is recorded already, by the transaction that gave it its work.
    pub is_recorded: bool,
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
            is_recorded: false,
        }
    }

    /// The mode of the walks; none for a job without stage 1.
    pub fn walked(&self) -> Option<RunMode> {
        self.stages.fetch().then_some(self.mode)
    }

    /// Whether every entity is walked whole.
    pub fn is_full(&self) -> bool {
        self.mode == RunMode::Full
    }
}

/// A run that holds the lease and has not started yet.
pub struct LeasedRun {
    /// Held until the run has ended.
    pub lease: Lease,
    /// Dates versions, their ids and bookmarks; read after the lease was acquired.
    pub clock: RunClock,
    /// The run's id: a UUID of version 7 made by `clock`, so that the ids of the versions that the run stages sort
    /// after it.
    pub run_id: Uuid,
    /// Ends the run early: work in progress is finished, and the run is recorded as interrupted.
    pub stop: CancellationToken,
}

impl LeasedRun {
    /// Prepares a run under a lease that is held. On failure the lease is released.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(db: &Db, lease: Lease, stop: CancellationToken) -> Result<LeasedRun, DbError> {
        match RunClock::after_staged(db).await {
            Ok(clock) => Ok(LeasedRun { lease, clock, run_id: clock.run_id(), stop }),
            Err(error) => {
                let _ = lease.release().await;
                Err(error)
            }
        }
    }
}
