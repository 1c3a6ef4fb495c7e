//! What the loop of the service remembers from step to step.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::backoff::{Backoff, LONGEST_DATABASE_WAIT, LONGEST_WAIT};
use crate::db::Db;
use crate::entities::Entity;
use crate::run_log::runs::Past;
use crate::source::GazelleClient;

/// What the loop remembers from step to step.
pub(super) struct Memory {
    pub(super) open: Option<(Db, GazelleClient)>,
    /// Runs of this process by entity, should the database have forgotten them.
    past: HashMap<&'static str, Past>,
    pub(super) database: Backoff,
    pub(super) runs: Backoff,
    /// Runs that the database broke off while it could still be asked for what is due.
    pub(super) broken: Backoff,
    /// The same while it takes no writes, which ends without warning.
    pub(super) read_only: Backoff,
    /// The last run was asked for: what is due by the timetable goes first now, so that a stream of requests does not
    /// keep it from its turn.
    pub(super) last_was_wanted: bool,
    /// Entities whose walks stay incomplete while others do not: each is tried again by itself.
    pub(super) retries: HashMap<&'static str, Backoff>,
    /// Entities whose last run failed although all of its walks were complete: that goes on being told.
    failed: HashSet<&'static str>,
    /// That another runner is at work was said.
    pub(super) said_busy: bool,
}

impl Memory {
    /// Nothing yet; with the waits after runs that do not do their work.
    pub(super) fn new(runs: Backoff) -> Memory {
        let second = Duration::from_secs(1);
        Memory {
            open: None,
            past: HashMap::new(),
            database: Backoff::new(second, LONGEST_DATABASE_WAIT),
            runs,
            broken: Backoff::new(second, LONGEST_WAIT),
            read_only: Backoff::new(second, LONGEST_DATABASE_WAIT),
            last_was_wanted: false,
            retries: HashMap::new(),
            failed: HashSet::new(),
            said_busy: false,
        }
    }

    /// Whether nothing that went wrong still stands.
    pub(super) fn is_well(&self) -> bool {
        self.runs.failures() == 0
            && self.retries.is_empty()
            && self.failed.is_empty()
            && self.broken_failures() == 0
    }

    /// A run that began then read the list of this entity whole.
    pub(super) fn has_done(&mut self, entity: &'static Entity, began: Timestamp, full: bool) {
        let past = self.past.entry(entity.name).or_default();
        past.any = Some(began);
        past.full = if full { Some(began) } else { past.full };
        self.retries.remove(entity.name);
    }

    /// Notes whether a run of these entities failed for another reason than a list that could not be read: that is told as long as
    /// the list is tried again.
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

    /// A run got to its end with the database.
    pub(super) fn database_held(&mut self) {
        self.broken.succeeded();
        self.read_only.succeeded();
    }

    pub(super) fn past_of(&self, entity: &Entity) -> Past {
        self.past.get(entity.name).copied().unwrap_or_default()
    }

    /// Whether an entity waits for another try of its own.
    pub(super) fn rests(&self, entity: &Entity) -> bool {
        self.retries.get(entity.name).is_some_and(|retry| !retry.left().is_zero())
    }
}
