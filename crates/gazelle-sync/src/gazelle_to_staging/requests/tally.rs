//! Counts the records that a walk has listed, and those that the API failed to give, also because of a list inside
//! them. If it failed at most of them, the API is at fault; otherwise the records are.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::source::{ErrorClass, SourceError};

/// Up to this many failing records are never blamed on the API.
const FEW_FAILURES: u64 = 2;
/// Up to this many records with a failing long list are never blamed on the API: a company may have only a few records
/// whose lists need further requests, and each of these may be faulty.
const FEW_FAILING_LISTS: u64 = 5;

/// The most entries that all lists of a run may have together. Two hashes of each id are kept: one until the
/// run ends, one until its window ends.
pub(crate) const MOST_LISTED: u64 = 2_500_000;
/// Bytes per entry: both hashes, in tables that double as they grow.
#[cfg(test)]
pub(crate) const BYTES_AN_ENTRY: u64 = 48;

/// The counts of the walk that is running.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<TallyCounts>,
    /// Entries listed by the current walks of all entities.
    listed: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct TallyCounts {
    walked: u64,
    failing: u64,
    /// Records with a list that was read to its end by further requests, and those at whose list the API failed.
    lists: u64,
    failing_lists: u64,
    first_error: Option<SourceError>,
}

impl Tally {
    /// A tally that adds its entries to the count that it shares with the walks of the other entities.
    pub(crate) fn with_shared_count(listed: Arc<AtomicU64>) -> Tally {
        Tally { counts: Mutex::default(), listed }
    }

    /// Starts again from zero for a new attempt at the walk, and takes the old entries out of the shared count.
    pub(crate) fn begin_walk(&self) {
        let before = std::mem::take(&mut *self.counts());
        self.listed.fetch_sub(before.walked, Relaxed);
    }

    /// Whether the lists of the run have more entries than [`MOST_LISTED`].
    pub(crate) fn exceeds_limit_of_entries(&self) -> bool {
        self.listed.load(Relaxed) > MOST_LISTED
    }

    /// Counts the entries of a page, and those of them that the API failed to give.
    pub(crate) fn count_page(&self, entries: u64, failing: u64) {
        let mut counts = self.counts();
        counts.walked += entries;
        counts.failing += failing;
        self.listed.fetch_add(entries, Relaxed);
    }

    /// Counts as failing a record that its page counted as whole, because a list inside it could not be read.
    pub(crate) fn count_failing(&self) {
        self.counts().failing += 1;
    }

    /// Counts a record with a list that needs further requests, and the error with which the API failed at it.
    pub(crate) fn count_list(&self, error: Option<&SourceError>) {
        let mut counts = self.counts();
        counts.lists += 1;
        if let Some(error) = error {
            counts.failing_lists += 1;
            counts.first_error.get_or_insert_with(|| error.clone().without_answer());
        }
    }

    /// Keeps the first error with which the API failed to give records.
    pub(crate) fn note_error(&self, error: &SourceError) {
        self.counts().first_error.get_or_insert_with(|| error.clone().without_answer());
    }

    /// Whether the API failed at more than half of the records, or of the lists inside them that need further
    /// requests, so that the API is at fault.
    pub(crate) fn blames_the_api(&self) -> bool {
        let counts = self.counts();
        counts.fails_at_most_records(0) || counts.fails_at_most_lists()
    }

    /// Whether the API failed at more than half of the records walked so far, and of `total` if that is more.
    pub(crate) fn fails_at_most_records(&self, total: u64) -> bool {
        self.counts().fails_at_most_records(total)
    }

    /// The message for a walk in which the API is at fault, which was read to its end or not. With the API's
    /// error if it gave no record at all.
    pub(crate) fn verdict(&self, is_read_to_end: bool) -> (String, Option<SourceError>) {
        let counts = self.counts();
        let at = match counts.first_error.as_ref().map(SourceError::class) {
            Some(ErrorClass::PartialData { paths }) => paths.first().map(|path| format!(", such as {path}")),
            _ => None,
        };
        let TallyCounts { walked, failing, lists, failing_lists, .. } = *counts;
        let what = match counts.fails_at_most_lists() && !counts.fails_at_most_records(0) {
            true => format!("the long lists inside {failing_lists} of {lists} records"),
            false => format!("{failing} of {walked} records"),
        };
        let others = match is_read_to_end {
            true => "all others were read",
            false => "what came before is kept, and the list was not read to its end",
        };
        let said = format!(
            "the API fails at {what}{}: that is its own fault and no record's; {others}",
            at.unwrap_or_default()
        );
        (said, counts.first_error.clone().filter(|_| failing >= walked))
    }

    fn counts(&self) -> MutexGuard<'_, TallyCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TallyCounts {
    fn fails_at_most_records(&self, total: u64) -> bool {
        self.failing > FEW_FAILURES && self.failing.saturating_mul(2) > self.walked.max(total)
    }

    fn fails_at_most_lists(&self) -> bool {
        self.failing_lists > FEW_FAILING_LISTS && self.failing_lists.saturating_mul(2) > self.lists
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_lists_of_a_run_have_together_is_bounded_and_a_walk_that_begins_again_counts_once() {
        let listed = Arc::new(AtomicU64::new(0));
        let [one, other] = [Tally::with_shared_count(listed.clone()), Tally::with_shared_count(listed)];
        one.count_page(MOST_LISTED / 2, 0);
        other.count_page(MOST_LISTED / 2, 0);
        assert!(!one.exceeds_limit_of_entries());
        one.begin_walk();
        one.count_page(MOST_LISTED / 2, 0);
        assert!(!other.exceeds_limit_of_entries());
        other.count_page(1, 0);
        assert!(one.exceeds_limit_of_entries() && other.exceeds_limit_of_entries());
    }

    #[test]
    fn whose_fault_it_is_depends_on_the_share_of_all_that_was_walked() {
        for (walked, failing, is_api) in
            [(1, 1, false), (2, 2, false), (3, 3, true), (40, 20, false), (40, 21, true), (4_010, 100, false)]
        {
            let counts = TallyCounts { walked, failing, ..TallyCounts::default() };
            assert_eq!(counts.fails_at_most_records(0), is_api, "{failing} of {walked}");
        }
    }

    #[test]
    fn a_few_failing_lists_are_those_of_their_records_however_few_others_there_are() {
        for (lists, failing_lists, is_api) in
            [(3, 3, false), (5, 5, false), (6, 6, true), (40, 20, false), (40, 21, true), (4_010, 100, false)]
        {
            let counts = TallyCounts { walked: 4_010, lists, failing_lists, ..TallyCounts::default() };
            assert_eq!(counts.fails_at_most_lists(), is_api, "{failing_lists} of {lists}");
        }
    }
}
