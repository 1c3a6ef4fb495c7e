//! Counts the lookups that failed in a run, and decides when to stop: for one entity if its getter is at fault,
//! for all entities if any request would fail.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entities::Entity;
use crate::gazelle_to_staging::records::faults::concerns_all_records;
use crate::source::{ErrorClass, SourceError};

/// After more failures in a row than this, the API as such is at fault, and the run looks up nothing more.
pub(crate) const MOST_FAILED_IN_A_ROW: usize = 5;

/// After this many failures of one entity's getter, the run looks up no more of its records, because each
/// failure costs all retries and their waits, also if every second lookup succeeds.
pub(crate) const MOST_FAILED: usize = 30;

/// The failures of a run so far.
#[derive(Debug, Default)]
pub struct GetterFailures(Mutex<FailureCounts>);

#[derive(Debug, Default)]
struct FailureCounts {
    in_a_row: usize,
    by_entity: HashMap<&'static str, usize>,
    /// The entities whose lookups have stopped, with the error that stopped them.
    stopped: Vec<(&'static str, SourceError)>,
}

impl GetterFailures {
    /// Whether the lookups of this entity have stopped.
    pub(crate) fn has_stopped(&self, entity: &Entity) -> bool {
        self.counts().stopped.iter().any(|(of, _)| *of == entity.name)
    }

    /// Notes a lookup that was answered, which ends a row of failures.
    pub(crate) fn note_answer(&self) {
        self.counts().in_a_row = 0;
    }

    /// Notes a failure. Returns whether the lookups of all entities must stop.
    pub(crate) fn note_failure(&self, entity: &'static Entity, error: &SourceError) -> bool {
        let mut counts = self.counts();
        let failed = counts.by_entity.entry(entity.name).or_default();
        *failed += 1;
        let is_limit = is_limit(error);
        let ends_entity =
            is_of_getter(error) || is_limit && *failed > MOST_FAILED_IN_A_ROW || *failed >= MOST_FAILED;
        if ends_entity && !counts.stopped.iter().any(|(of, _)| *of == entity.name) {
            counts.stopped.push((entity.name, error.clone().without_answer()));
        }
        // A query that is refused does not show whether the API answers others.
        counts.in_a_row += usize::from(!is_of_getter(error) && !is_limit);
        counts.in_a_row > MOST_FAILED_IN_A_ROW
    }

    /// The entities whose lookups have stopped, with the error that stopped them.
    pub(crate) fn into_stopped(self) -> Vec<(&'static str, SourceError)> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).stopped
    }

    fn counts(&self) -> MutexGuard<'_, FailureCounts> {
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
