//! The state that the service loop keeps between its steps.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::backoff::{Backoff, LONGEST_DATABASE_WAIT, LONGEST_WAIT};
use crate::db::Db;
use crate::entities::{ENTITIES, Entity};
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

    /// Records that the walk of an entity stayed incomplete. Returns how often in a row, and the delay until its retry.
    pub(super) fn note_short(
        &mut self,
        entity: &'static Entity,
        backoff: impl FnOnce() -> Backoff,
    ) -> (u32, Duration) {
        let retry = self.retries.entry(entity.name).or_insert_with(backoff);
        let wait = retry.failed();
        (retry.failures(), wait)
    }

    /// Records that a run of these entities completed no walk. If there are others, only these wait: the others are due
    /// as if nothing had been. Returns how often it was so in a row, and the longest delay until they are retried.
    pub(super) fn note_bad(
        &mut self,
        of: &[&'static Entity],
        backoff: impl Fn() -> Backoff,
    ) -> (u32, Duration) {
        if of.len() >= ENTITIES.len() {
            let wait = self.runs.failed();
            return (self.runs.failures(), wait);
        }
        let waits = of.iter().map(|entity| self.note_short(entity, &backoff));
        waits.fold((0, Duration::ZERO), |(failures, wait), (of_one, its)| {
            (failures.max(of_one), wait.max(its))
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::schedule::{DueNow, Schedule, Timetable};
    use crate::time;

    #[test]
    fn a_list_that_always_fails_keeps_no_other_entity_from_its_turn() {
        let zone = time::zone(time::MONTREAL).unwrap();
        let schedule = |cron| Schedule::new(cron, &zone).unwrap();
        let table = Timetable { incremental: schedule("*/15 * * * *"), full: schedule("0 3 * * *") };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let backoff = || Backoff::new(Duration::from_secs(60), LONGEST_WAIT);
        let mut state = LoopState::new(backoff());
        // The full run of three in the morning completed all walks but one.
        let (failing, others) = ENTITIES.split_last().unwrap();
        for entity in others {
            state.note_walked(entity, at("2026-01-10T08:00:00Z"), RunMode::Full);
        }
        state.retries.insert(failing.name, backoff());
        let due = |state: &LoopState, now: &str| {
            let awake = ENTITIES.iter().copied().filter(|entity| !state.is_backing_off(entity));
            let pasts: Vec<_> = awake.map(|entity| (entity, state.past_of(entity))).collect();
            let due = table.due_of(&pasts, at(now));
            due.map(|DueNow { mode, of }| (mode, of.iter().map(|entity| entity.name).collect::<Vec<_>>()))
        };
        assert_eq!(due(&state, "2026-01-10T08:05:00Z"), Some((RunMode::Full, vec![failing.name])));
        // Its retry fails alone, and a quarter of an hour passes.
        state.note_bad(&[failing], backoff);
        let names = others.iter().map(|entity| entity.name).collect();
        assert_eq!(due(&state, "2026-01-10T08:15:00Z"), Some((RunMode::Incremental, names)));
        assert_eq!(state.runs.left(), Duration::ZERO, "they do not wait");
        // If nothing can be read at all, everything waits.
        state.note_bad(&ENTITIES, backoff);
        assert!(!state.runs.left().is_zero());
    }
}
