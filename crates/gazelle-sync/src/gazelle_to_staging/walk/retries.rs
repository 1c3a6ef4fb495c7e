//! Whether an incomplete walk is attempted again, and how the next attempt is made.

use std::collections::BTreeMap;

use super::report::WalkReport;
use crate::gazelle_to_staging::pages::seen::PageEnds;
use crate::gazelle_to_staging::pages::window::Shortfall;

/// How many attempts are made, and how the next one is made.
pub(super) struct Retries {
    /// The current attempt, from 1; 0 before the first.
    pub(super) attempt: u32,
    pub(super) allowed: u32,
    /// Whether the walk is split into windows.
    pub(super) splits: bool,
    /// The ids that the attempt before, or an earlier run, found listed more than once.
    pub(super) repeats: Option<Vec<String>>,
    /// Whether `repeats` were found by an earlier run.
    is_known: bool,
    /// Where the pages ended in the attempt that found `repeats`; none if an earlier run found them.
    pub(super) page_ends: Option<BTreeMap<String, PageEnds>>,
    /// Whether pages are to end at other records than in the first attempt.
    pub(super) ends_pages_elsewhere: bool,
    /// Whether the next attempt keeps the windows of the one before.
    pub(super) keeps_windows: bool,
}

impl Retries {
    /// Before the first attempt. `known`: the ids that an earlier run found listed more than once.
    pub(super) fn new(allowed: u32, known: Vec<String>) -> Retries {
        Retries {
            attempt: 0,
            allowed: allowed.max(1),
            splits: true,
            repeats: Some(known),
            is_known: true,
            page_ends: None,
            ends_pages_elsewhere: false,
            keeps_windows: false,
        }
    }

    /// Why the walk is to be repeated after an incomplete attempt; `None` if another attempt would not help. Puts the
    /// reason why the attempt was incomplete into the report. `known_shortfall`: by how many records the walks of
    /// earlier runs were short.
    pub(super) fn repeats_after(
        &mut self,
        shortfall: Shortfall,
        known_shortfall: Option<i64>,
        report: &mut WalkReport,
    ) -> Option<String> {
        let reason = match shortfall {
            Shortfall::Endless(reason) => {
                report.reason = Some(reason);
                return None;
            }
            Shortfall::Unsplittable(reason) => {
                self.splits = false;
                self.allowed = self.allowed.max(self.attempt + 1);
                reason
            }
            Shortfall::Shifted(reason) => {
                // The same difference as in earlier runs: another attempt would find it again.
                if report.short_by.is_some() && report.short_by == known_shortfall {
                    report.reason = Some(reason);
                    return None;
                }
                // Page ends can be compared only within the same windows.
                self.keeps_windows = self.page_ends.is_some();
                reason
            }
            Shortfall::Repeats(ids) => {
                let reason = format!("the API lists {} record(s) more than once", ids.len());
                // A second attempt is made even if only one is allowed. It shows whether the list holds these
                // ids more than once, or repeats them only at the end of one page and the start of the next, in
                // the place of records that are missing.
                self.ends_pages_elsewhere = !self.ends_pages_elsewhere;
                if std::mem::take(&mut self.is_known) {
                    self.allowed = self.allowed.max(self.attempt + 1);
                }
                self.repeats = Some(ids);
                self.page_ends = Some(std::mem::take(&mut report.page_ends));
                // Ends of pages can only be compared in the same windows.
                self.keeps_windows = true;
                reason
            }
        };
        report.reason = Some(reason.clone());
        Some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gazelle_to_staging::Scope;

    /// The first attempt of as many as are allowed.
    fn first_of(allowed: u32) -> Retries {
        Retries { attempt: 1, ..Retries::new(allowed, Vec::new()) }
    }

    fn report() -> WalkReport {
        WalkReport::new(Scope::WHOLE)
    }

    #[test]
    fn a_walk_is_repeated_unless_another_attempt_would_end_in_the_same_way() {
        let moved = || Shortfall::Shifted("records moved".to_owned());
        let endless = || Shortfall::Endless("its pages do not end".to_owned());
        let in_windows = || Shortfall::Unsplittable("a record has no date".to_owned());
        let repeats = || Shortfall::Repeats(vec!["a".to_owned(), "b".to_owned()]);
        let twice = "the API lists 2 record(s) more than once";
        // What was missed, by how many the attempt was short, and the walks of earlier runs; then the reason, and
        // whether the walk is repeated.
        for (shortfall, short_by, known, reason, is_repeated) in [
            (moved(), None, None, "records moved", true),
            (moved(), Some(3), None, "records moved", true),
            (moved(), Some(3), Some(2), "records moved", true),
            (moved(), Some(3), Some(3), "records moved", false),
            (endless(), None, None, "its pages do not end", false),
            (endless(), Some(3), Some(2), "its pages do not end", false),
            (in_windows(), None, None, "a record has no date", true),
            (in_windows(), Some(3), Some(3), "a record has no date", true),
            (repeats(), None, None, twice, true),
            (repeats(), Some(3), Some(3), twice, true),
        ] {
            let mut report = WalkReport { short_by, ..report() };
            let case = format!("{shortfall:?} {short_by:?} {known:?}");
            let repeated = first_of(2).repeats_after(shortfall, known, &mut report);
            assert_eq!(report.reason.as_deref(), Some(reason), "{case}");
            assert_eq!(repeated.as_deref(), is_repeated.then_some(reason), "{case}");
        }
    }

    #[test]
    fn windows_that_cannot_have_all_records_are_given_up_at_the_price_of_one_more_attempt() {
        for (allowed, then_allowed) in [(1, 2), (2, 2), (5, 5)] {
            let mut retries = first_of(allowed);
            assert!(retries.splits);
            let shortfall = Shortfall::Unsplittable("a record has no date".to_owned());
            retries.repeats_after(shortfall, None, &mut report());
            assert_eq!((retries.splits, retries.allowed), (false, then_allowed), "{allowed}");
        }
    }

    #[test]
    fn the_first_repeats_that_are_found_get_one_more_attempt_with_other_pages_in_the_same_windows() {
        let mut retries = first_of(1);
        let repeats = |id: &str| Shortfall::Repeats(vec![id.to_owned()]);
        let mut report = report();
        report.page_ends.insert("whole".to_owned(), PageEnds::of(&[100, 200]));
        retries.repeats_after(repeats("a"), None, &mut report);
        assert_eq!((retries.allowed, retries.ends_pages_elsewhere, retries.keeps_windows), (2, true, true));
        assert_eq!(retries.repeats, Some(vec!["a".to_owned()]));
        assert_eq!(retries.page_ends.as_ref().map(BTreeMap::len), Some(1));

        // Others are found in the next attempt: it was the last.
        retries.attempt = 2;
        retries.repeats_after(repeats("b"), None, &mut report);
        assert_eq!((retries.allowed, retries.ends_pages_elsewhere), (2, false));
        assert_eq!(retries.repeats, Some(vec!["b".to_owned()]));
    }

    #[test]
    fn windows_are_kept_while_ends_of_pages_are_to_be_compared() {
        let moved = || Shortfall::Shifted("records moved".to_owned());
        let mut retries = first_of(5);
        retries.repeats_after(moved(), None, &mut report());
        assert!(!retries.keeps_windows);
        retries.repeats_after(Shortfall::Repeats(vec!["a".to_owned()]), None, &mut report());
        retries.keeps_windows = false;
        retries.repeats_after(moved(), None, &mut report());
        assert!(retries.keeps_windows);
    }
}
