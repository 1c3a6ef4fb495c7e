//! Failures of getters in a run: each costs the entity whose getter it is, and the asking ends only where any request would meet it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entities::Entity;
use crate::gazelle_to_staging::records::faults::is_about_all;
use crate::source::{ErrorClass, SourceError};

/// Records in a row that the API fails at, before it is taken to fail as such and asked for no more of them in this run.
pub(crate) const MOST_FAILED_IN_A_ROW: usize = 5;

/// Records of an entity that the API fails at, before it is asked for no more of them in this run: each takes all attempts and
/// their waits, also where every second one is answered.
pub(crate) const MOST_FAILED: usize = 30;

/// What a run has met so far.
#[derive(Debug, Default)]
pub struct GetterFailures(Mutex<FailureCounts>);

#[derive(Debug, Default)]
struct FailureCounts {
    in_a_row: usize,
    of: HashMap<&'static str, usize>,
    /// The entities that are asked for no more, with the error that ended it.
    ended: Vec<(&'static str, SourceError)>,
}

impl GetterFailures {
    /// Whether records of this entity are asked for no more.
    pub(crate) fn have_ended(&self, entity: &Entity) -> bool {
        self.met().ended.iter().any(|(of, _)| *of == entity.name)
    }

    /// Notes an answer.
    pub(crate) fn answered(&self) {
        self.met().in_a_row = 0;
    }

    /// Notes a failure; says whether nothing more is to be asked for.
    pub(crate) fn note(&self, entity: &'static Entity, error: &SourceError) -> bool {
        let mut met = self.met();
        let failed = met.of.entry(entity.name).or_default();
        *failed += 1;
        let is_limit = is_limit(error);
        let ends_entity =
            is_of_getter(error) || is_limit && *failed > MOST_FAILED_IN_A_ROW || *failed >= MOST_FAILED;
        if ends_entity && !met.ended.iter().any(|(of, _)| *of == entity.name) {
            met.ended.push((entity.name, error.clone().without_answer()));
        }
        // A query that is refused says nothing of whether the API answers others.
        met.in_a_row += usize::from(!is_of_getter(error) && !is_limit);
        met.in_a_row > MOST_FAILED_IN_A_ROW
    }

    /// The entities that were asked for no more, with the error that ended it.
    pub(crate) fn into_ended(self) -> Vec<(&'static str, SourceError)> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).ended
    }

    fn met(&self) -> MutexGuard<'_, FailureCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error is about any record that is asked for, whatever its entity.
pub(crate) fn is_about_any_getter(error: &SourceError) -> bool {
    is_about_all(error) && !is_of_getter(error)
}

/// Whether an error is about the query of one getter, whichever record it asks for.
fn is_of_getter(error: &SourceError) -> bool {
    matches!(error.class(), ErrorClass::InvalidQuery { .. }) && !error.is_partial()
}

/// Whether the smallest query for a record exceeds a limit of the API: for what that record holds, or, where many do in a row, for
/// what the query asks.
fn is_limit(error: &SourceError) -> bool {
    matches!(error.class(), ErrorClass::OverLimit { .. }) && !error.is_partial()
}
