//! How many records a walk has met and how many of them the API fails at: whether the records are at fault, or the API itself, is
//! told by their share of all that was walked.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::source::{ErrorClass, SourceError};

/// As few failing records as this are never the API's fault as such.
const FEW: u64 = 2;

/// Entries that all lists of a run may have together. Of each a hash of its id is kept, and another one until its window ends.
pub(crate) const MOST_LISTED: u64 = 2_500_000;
/// Bytes that each may take so: both hashes, in tables that double as they grow.
#[cfg(test)]
pub(crate) const BYTES_AN_ENTRY: u64 = 48;

/// What the windows of a walk have met so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    met: Mutex<TallyCounts>,
    /// The entries that the walks of all entities have met.
    listed: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct TallyCounts {
    walked: u64,
    failing: u64,
    first: Option<SourceError>,
}

impl Tally {
    /// One of a walk beside those that count in `listed` too.
    pub(crate) fn beside(listed: Arc<AtomicU64>) -> Tally {
        Tally { met: Mutex::default(), listed }
    }

    /// A walk begins.
    pub(crate) fn begin(&self) {
        let before = std::mem::take(&mut *self.met());
        self.listed.fetch_sub(before.walked, Relaxed);
    }

    /// Whether the lists of the run have more entries than can be kept in mind.
    pub(crate) fn lists_too_many(&self) -> bool {
        self.listed.load(Relaxed) > MOST_LISTED
    }

    /// Counts the entries of a page, and those of them that the API fails at.
    pub(crate) fn note(&self, entries: u64, failing: u64) {
        let mut met = self.met();
        met.walked += entries;
        met.failing += failing;
        self.listed.fetch_add(entries, Relaxed);
    }

    /// Counts a record, noted with its page as whole, of which a list inside then could not be read.
    pub(crate) fn note_failing(&self) {
        self.met().failing += 1;
    }

    /// With what the API failed at records.
    pub(crate) fn failed_with(&self, error: &SourceError) {
        self.met().first.get_or_insert_with(|| error.clone().without_answer());
    }

    /// Whether it fails at more records than not, so that none of them is to blame.
    pub(crate) fn blames_the_api(&self) -> bool {
        self.met().blames_the_api()
    }

    /// What is to be told where the API itself is at fault, and its error, where it gave no record whole.
    pub(crate) fn told(&self) -> (String, Option<SourceError>) {
        let met = self.met();
        let at = match met.first.as_ref().map(SourceError::class) {
            Some(ErrorClass::PartialData { paths }) => paths.first().map(|path| format!(", such as {path}")),
            _ => None,
        };
        let said = format!(
            "the API fails at {} of {} records{}: that is its own fault and no record's; all others were read",
            met.failing,
            met.walked,
            at.unwrap_or_default()
        );
        (said, met.first.clone().filter(|_| met.failing >= met.walked))
    }

    fn met(&self) -> MutexGuard<'_, TallyCounts> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TallyCounts {
    fn blames_the_api(&self) -> bool {
        self.failing > FEW && self.failing * 2 > self.walked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_lists_of_a_run_have_together_is_bounded_and_a_walk_that_begins_again_counts_once() {
        let listed = Arc::new(AtomicU64::new(0));
        let [one, other] = [Tally::beside(listed.clone()), Tally::beside(listed)];
        one.note(MOST_LISTED / 2, 0);
        other.note(MOST_LISTED / 2, 0);
        assert!(!one.lists_too_many());
        one.begin();
        one.note(MOST_LISTED / 2, 0);
        assert!(!other.lists_too_many());
        other.note(1, 0);
        assert!(one.lists_too_many() && other.lists_too_many());
    }

    #[test]
    fn whose_fault_it_is_depends_on_the_share_of_all_that_was_walked() {
        for (walked, failing, is_api) in
            [(1, 1, false), (2, 2, false), (3, 3, true), (40, 20, false), (40, 21, true), (4_010, 100, false)]
        {
            let met = TallyCounts { walked, failing, first: None };
            assert_eq!(met.blames_the_api(), is_api, "{failing} of {walked}");
        }
    }
}
