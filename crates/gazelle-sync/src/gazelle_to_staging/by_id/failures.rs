//! Counts the lookups that failed in a run, and decides when those of an entity stop, because its getter is at fault. An
//! error that any request would meet ends those of all entities (`is_about_any_getter`).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entities::Entity;
use crate::gazelle_to_staging::records::faults::concerns_all_records;
use crate::source::{ErrorClass, SourceError};

/// After more failures of one entity's getter in a row than this, the run looks up no more of its records. Those of
/// other entities may be had all the same.
pub(crate) const MOST_FAILED_IN_A_ROW: usize = 5;

/// After this many failures of one entity's getter, the run looks up no more of its records, because each
/// failure costs all retries and their waits, also if every second lookup succeeds.
pub(crate) const MOST_FAILED: usize = 30;

/// The failures of a run so far.
#[derive(Debug, Default)]
pub struct GetterFailures(Mutex<HashMap<&'static str, FailureCounts>>);

/// The failures of one entity's getter.
#[derive(Debug, Default)]
struct FailureCounts {
    failed: usize,
    in_a_row: usize,
    /// Why its lookups have stopped; none while they go on.
    stopped: Option<String>,
}

impl FailureCounts {
    /// Counts a failure; `ends` says that it ends the lookups by itself.
    fn count(&mut self, ends: bool, why: impl FnOnce() -> String) {
        if ends || self.in_a_row > MOST_FAILED_IN_A_ROW || self.failed >= MOST_FAILED {
            self.stopped.get_or_insert_with(why);
        }
    }
}

impl GetterFailures {
    /// Whether the lookups of this entity have stopped.
    pub(crate) fn has_stopped(&self, entity: &Entity) -> bool {
        self.counts().get(entity.name).is_some_and(|counts| counts.stopped.is_some())
    }

    /// Notes a lookup that was answered, which ends a row of failures.
    pub(crate) fn note_answer(&self, entity: &'static Entity) {
        self.counts().entry(entity.name).or_default().in_a_row = 0;
    }

    /// Notes a failure.
    pub(crate) fn note_failure(&self, entity: &'static Entity, error: &SourceError) {
        let mut counts = self.counts();
        let counts = counts.entry(entity.name).or_default();
        counts.failed += 1;
        let is_limit = is_limit(error);
        // A query that is refused does not show whether the API answers others.
        counts.in_a_row += usize::from(!is_of_getter(error) && !is_limit);
        let ends = is_of_getter(error) || is_limit && counts.failed > MOST_FAILED_IN_A_ROW;
        counts.count(ends, || error.to_string());
    }

    /// Notes an answer that holds neither a record nor the statement that it does not exist.
    pub(crate) fn note_no_record(&self, entity: &'static Entity) {
        let mut counts = self.counts();
        let counts = counts.entry(entity.name).or_default();
        (counts.failed, counts.in_a_row) = (counts.failed + 1, counts.in_a_row + 1);
        counts.count(false, || "the API answers with errors in the place of records".to_owned());
    }

    /// The entities whose lookups have stopped, with the reason, sorted.
    pub(crate) fn into_stopped(self) -> Vec<(&'static str, String)> {
        let counts = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut stopped: Vec<(&'static str, String)> =
            counts.into_iter().filter_map(|(entity, counts)| Some((entity, counts.stopped?))).collect();
        stopped.sort_unstable();
        stopped
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<&'static str, FailureCounts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the same error would meet the lookup of any record, of any entity.
pub(crate) fn is_about_any_getter(error: &SourceError) -> bool {
    concerns_all_records(error) && !is_of_getter(error)
}

/// Whether an error is about the query of one getter, whichever record it looks up.
fn is_of_getter(error: &SourceError) -> bool {
    matches!(error.class(), ErrorClass::InvalidQuery { .. }) && !error.is_partial()
}

/// Whether the smallest query for a record exceeds a limit of the API: because of what the record holds, or, if
/// many fail in a row, because of the query.
fn is_limit(error: &SourceError) -> bool {
    error.is_over_limit() && !error.is_partial()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::entity;

    #[test]
    fn failures_in_a_row_end_the_lookups_of_their_entity_and_of_no_other() {
        let (pianos, users) = (entity("pianos").unwrap(), entity("users").unwrap());
        let failures = GetterFailures::default();
        for _ in 0..MOST_FAILED_IN_A_ROW {
            failures.note_no_record(pianos);
            failures.note_answer(users);
        }
        assert!(!failures.has_stopped(pianos));
        failures.note_no_record(pianos);
        failures.note_no_record(users);
        assert!(failures.has_stopped(pianos) && !failures.has_stopped(users));
        let stopped = failures.into_stopped();
        assert_eq!(stopped.iter().map(|(entity, _)| *entity).collect::<Vec<_>>(), ["pianos"]);
    }
}
