//! The state that the service loop keeps between its steps.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::backoff::{Backoff, LONGEST_DATABASE_WAIT, LONGEST_WAIT};
use crate::db::Db;
use crate::entities::Entity;
use crate::run_log::runs::LastStarts;
use crate::source::GazelleClient;
use crate::states::RunMode;

/// The state that the service loop keeps between its steps.
pub(super) struct LoopState {
    pub(super) open: Option<(Db, GazelleClient)>,
    /// What this process ran, by entity, in case the database lost it (restored from a backup).
    past: HashMap<&'static str, LastStarts>,
    pub(super) database: Backoff,
    pub(super) runs: Backoff,
    /// Runs that failed on a database error while the database could still be queried for what is due.
    pub(super) broken: Backoff,
    /// The same for a read-only database. Delays are shorter, because that state can end at any time.
    pub(super) read_only: Backoff,
    /// The last run was a requested one: a run that is due now goes first, so that a stream of requests does not
    /// block the timetable.
    pub(super) last_was_requested: bool,
    /// Entities whose walks stay incomplete while those of others complete: each is retried with its own delays.
    pub(super) retries: HashMap<&'static str, Backoff>,
    /// Entities whose last run failed although their walks were complete: the problem is shown until a run
    /// succeeds.
    failed: HashSet<&'static str>,
    /// It was already logged that another process holds the lease.
    pub(super) busy_was_logged: bool,
}

impl LoopState {
    /// An empty state, with the delays for failed runs.
    pub(super) fn new(runs: Backoff) -> LoopState {
        let second = Duration::from_secs(1);
        LoopState {
            open: None,
            past: HashMap::new(),
            database: Backoff::new(second, LONGEST_DATABASE_WAIT),
            runs,
            broken: Backoff::new(second, LONGEST_WAIT),
            read_only: Backoff::new(second, LONGEST_DATABASE_WAIT),
            last_was_requested: false,
            retries: HashMap::new(),
            failed: HashSet::new(),
            busy_was_logged: false,
        }
    }

    /// Whether no failure is outstanding.
    pub(super) fn is_healthy(&self) -> bool {
        self.runs.failures() == 0
            && self.retries.is_empty()
            && self.failed.is_empty()
            && self.broken_failures() == 0
    }

    /// Records a complete walk of an entity, by a run that began at `began` (UTC).
    pub(super) fn note_walked(&mut self, entity: &'static Entity, began: Timestamp, mode: RunMode) {
        let past = self.past.entry(entity.name).or_default();
        past.any = Some(began);
        past.full = if mode == RunMode::Full { Some(began) } else { past.full };
        self.retries.remove(entity.name);
    }

    /// Records whether a run failed for these entities although their walks were complete. The problem is then
    /// shown even while an incomplete walk of another entity is retried.
    pub(super) fn note_failed(&mut self, of: &[&'static Entity], failed: bool) {
        for entity in of {
            match failed {
                true => self.failed.insert(entity.name),
                false => self.failed.remove(entity.name),
            };
        }
    }

    pub(super) fn broken_failures(&self) -> u32 {
        self.broken.failures() + self.read_only.failures()
    }

    /// Records that a run ended without a database error.
    pub(super) fn note_database_ok(&mut self) {
        self.broken.succeeded();
        self.read_only.succeeded();
    }

    pub(super) fn past_of(&self, entity: &Entity) -> LastStarts {
        self.past.get(entity.name).copied().unwrap_or_default()
    }

    /// Whether an entity still waits for its own retry.
    pub(super) fn is_backing_off(&self, entity: &Entity) -> bool {
        self.retries.get(entity.name).is_some_and(|retry| !retry.left().is_zero())
    }
}
