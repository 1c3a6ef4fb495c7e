//! Decides whether a walk was complete: compares the API's count with the distinct ids seen.

use std::collections::BTreeMap;

use super::report::WalkReport;
use crate::entities::{ApiList, Entity};
use crate::gazelle_to_staging::pages::seen::PageEnds;
use crate::gazelle_to_staging::pages::window::{Shortfall, WindowEnd};

/// How one attempt at a walk is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptOptions<'a> {
    /// In several windows at the same time (if the counts allow it), or in one sequence of pages.
    pub(crate) splits: bool,
    /// The ids, sorted, that the attempt before or an earlier run found listed more than once.
    pub(crate) repeats: Option<&'a [String]>,
    /// If this attempt is to confirm `repeats` of an attempt before: where the pages of that one ended, by window.
    pub(crate) confirms: Option<&'a BTreeMap<String, PageEnds>>,
    /// Whether pages are to end at other records than in the first attempt.
    pub(crate) ends_pages_elsewhere: bool,
}

/// The results of all windows of an attempt.
#[derive(Debug, Default)]
pub(crate) struct WindowsOutcome {
    /// The API's count before the walk; none if it was not requested.
    pub(crate) total: Option<u64>,
    /// The result of each window.
    pub(crate) ends: Vec<WindowEnd>,
    /// Whether the API's counts changed during the walk. Records that moved between pages or windows show
    /// either here or in the number of ids seen.
    pub(crate) counts_changed: bool,
}

/// Returns why the walk was not complete, or none if it was: the API's count must equal the ids seen, plus the
/// records whose ids the API does not give, plus the repeats confirmed by two attempts. Fills in the counts and
/// times of the report, which already has what was seen. `null_nodes` is the number of entries that came as
/// null.
pub(crate) fn judge(
    entity: &Entity,
    fetched: &WindowsOutcome,
    null_nodes: u64,
    options: AttemptOptions<'_>,
    report: &mut WalkReport,
) -> Option<Shortfall> {
    report.total = fetched.total;
    report.short_by = None;
    report.counted_twice.clear();
    report.page_ends = fetched.ends.iter().map(|end| (end.window.clone(), end.page_ends.clone())).collect();
    // Records whose ids the API does not give are counted by it all the same.
    let records = report.seen + report.nameless;
    if !report.was_split
        && let [end] = fetched.ends.as_slice()
    {
        let is_connection = matches!(entity.walk.shape, ApiList::Connection { .. });
        report.total = end.total.or(fetched.total).or((!is_connection).then_some(records));
        report.started_at = report.started_at.or(end.started_at);
        report.api_ahead = report.api_ahead.or(end.api_ahead);
    }
    if let Some(shortfall) = fetched.ends.iter().find_map(|end| end.incomplete.clone()) {
        return Some(shortfall);
    }
    if null_nodes > 0 {
        let reason = format!("the API gave null for {null_nodes} record(s)");
        return Some(Shortfall::Shifted(reason));
    }
    if let Some(total) = report.total.filter(|total| *total != records) {
        let mut repeats: Vec<String> = fetched.ends.iter().flat_map(|end| end.repeats.clone()).collect();
        repeats.sort_unstable();
        if !repeats.is_empty() && total == records + repeats.len() as u64 && !fetched.counts_changed {
            let shortfall = match options.confirms {
                _ if options.repeats != Some(&repeats) => Some(Shortfall::Repeats(repeats.clone())),
                Some(before) => unconfirmed(before, &fetched.ends, &repeats),
                None => None,
            };
            if shortfall.is_some() {
                // Reported, so that a list that stays so in every run does not cause more frequent full syncs.
                report.short_by = i64::try_from(repeats.len()).ok();
                return shortfall;
            }
            report.listed_twice.extend(repeats.iter().cloned());
            report.counted_twice = repeats;
            return None;
        }
        report.short_by = i64::try_from(i128::from(total) - i128::from(records)).ok();
        let reason = format!("the API counts {total} and {records} distinct ids were seen");
        return Some(Shortfall::Shifted(reason));
    }
    if fetched.counts_changed {
        return Some(Shortfall::Shifted("the count changed while walking".to_owned()));
    }
    None
}

/// Why an attempt does not confirm that the list holds ids more than once. A record may also be repeated at the
/// end of a page in the place of another that is then missing. Two attempts distinguish the cases if no page
/// between the two positions of an id ended at the same record in both.
fn unconfirmed(
    before: &BTreeMap<String, PageEnds>,
    ends: &[WindowEnd],
    repeats: &[String],
) -> Option<Shortfall> {
    for end in ends.iter().filter(|end| !end.repeats.is_empty()) {
        // The windows differ, so the ends of their pages cannot be compared.
        let Some(before) = before.get(&end.window) else { return Some(Shortfall::Repeats(repeats.to_vec())) };
        if end.spans.iter().any(|span| end.page_ends.have_one_in_common(before, *span)) {
            return Some(Shortfall::Shifted(format!(
                "the API lists {} record(s) more than once, each time where a page ends, however many are asked for: others may \
                 be missing",
                repeats.len()
            )));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::entity;
    use crate::gazelle_to_staging::Scope;

    /// An attempt at clients, and how it is judged.
    #[derive(Default)]
    struct Case {
        seen: u64,
        nameless: u64,
        null_nodes: u64,
        was_split: bool,
        fetched: WindowsOutcome,
        before: Option<Vec<String>>,
        /// Whether `before` was found by an earlier attempt of this walk, whose pages ended at the positions
        /// `ended_after`.
        confirms: bool,
        ended_after: PageEnds,
    }

    impl Case {
        fn judge(&self) -> (String, WalkReport) {
            let mut report = WalkReport::new(Scope::WHOLE);
            (report.seen, report.nameless, report.was_split) = (self.seen, self.nameless, self.was_split);
            let ended_after = [(String::new(), self.ended_after.clone())].into();
            let options = AttemptOptions {
                splits: self.was_split,
                repeats: self.before.as_deref(),
                confirms: self.confirms.then_some(&ended_after),
                ends_pages_elsewhere: self.confirms,
            };
            let clients = entity("clients").unwrap();
            let told = match judge(clients, &self.fetched, self.null_nodes, options, &mut report) {
                None => "complete".to_owned(),
                Some(Shortfall::Shifted(why)) => format!("shifted: {why}"),
                Some(Shortfall::Repeats(ids)) => format!("repeats: {}", ids.join(" ")),
                Some(Shortfall::Endless(why)) => format!("endless: {why}"),
                Some(Shortfall::Unsplittable(why)) => format!("unsplittable: {why}"),
            };
            (told, report)
        }
    }

    fn end(total: Option<u64>) -> WindowEnd {
        WindowEnd { total, ..WindowEnd::default() }
    }

    fn of_ends(total: Option<u64>, ends: Vec<WindowEnd>) -> WindowsOutcome {
        WindowsOutcome { total, ends, counts_changed: false }
    }

    #[test]
    fn a_walk_is_complete_when_it_saw_as_many_ids_as_the_api_counts() {
        let whole = |seen, total| Case { seen, fetched: of_ends(None, vec![end(total)]), ..Case::default() };
        let split = |seen| Case {
            seen,
            was_split: true,
            fetched: of_ends(Some(7), vec![end(Some(3)), end(Some(4))]),
            ..Case::default()
        };
        for (case, told, short_by) in [
            (whole(7, Some(7)), "complete", None),
            (whole(7, None), "complete", None),
            (whole(6, Some(7)), "shifted: the API counts 7 and 6 distinct ids were seen", Some(1)),
            (whole(8, Some(7)), "shifted: the API counts 7 and 8 distinct ids were seen", Some(-1)),
            (Case { nameless: 1, ..whole(6, Some(7)) }, "complete", None),
            (Case { null_nodes: 1, ..whole(6, Some(7)) }, "shifted: the API gave null for 1 record(s)", None),
            (split(7), "complete", None),
            (split(5), "shifted: the API counts 7 and 5 distinct ids were seen", Some(2)),
        ] {
            let (said, report) = case.judge();
            assert_eq!(
                (said.as_str(), report.short_by),
                (told, short_by),
                "{} of {:?}",
                case.seen,
                report.total
            );
        }
    }

    #[test]
    fn a_count_that_changed_makes_another_walk_needed_although_the_ids_add_up() {
        let mut case =
            Case { seen: 7, was_split: true, fetched: of_ends(Some(7), Vec::new()), ..Case::default() };
        assert_eq!(case.judge().0, "complete");
        case.fetched.counts_changed = true;
        assert_eq!(case.judge().0, "shifted: the count changed while walking");
    }

    #[test]
    fn ids_listed_twice_are_believed_when_two_walks_find_the_same() {
        let twice = WindowEnd { repeats: vec!["b".to_owned(), "a".to_owned()], ..end(Some(9)) };
        let mut case = Case { seen: 7, fetched: of_ends(None, vec![twice]), ..Case::default() };
        assert_eq!(case.judge().0, "repeats: a b");
        case.before = Some(vec!["a".to_owned()]);
        assert_eq!(case.judge().0, "repeats: a b", "other ids than before");
        case.before = Some(vec!["a".to_owned(), "b".to_owned()]);
        let (said, report) = case.judge();
        assert_eq!((said.as_str(), report.listed_twice.len(), report.short_by), ("complete", 2, None));
        assert_eq!(report.counted_twice, ["a", "b"]);
        // Another attempt is evidence only if its pages end elsewhere.
        case.confirms = true;
        case.ended_after = PageEnds::of(&[2, 4, 6]);
        case.fetched.ends[0].page_ends = PageEnds::of(&[1, 3, 5]);
        case.fetched.ends[0].spans = vec![(0, 3)];
        assert_eq!(case.judge().0, "complete");
        // An equal end of a page matters only between the two positions of an id.
        case.fetched.ends[0].page_ends = PageEnds::of(&[1, 4, 7]);
        case.fetched.ends[0].spans = vec![(0, 1)];
        assert_eq!(case.judge().0, "complete");
        case.fetched.ends[0].spans = vec![(0, 2)];
        let (said, report) = case.judge();
        assert!(
            said.starts_with(
                "shifted: the API lists 2 record(s) more than once, each time where a page ends"
            )
        );
        assert_eq!(report.short_by, Some(2), "as often before, where it stays so");
        case.fetched.ends[0].window = "another".to_owned();
        assert_eq!(case.judge().0, "repeats: a b");
        case.fetched.ends[0].window = String::new();
        // A record is missing as well.
        case.seen = 6;
        assert_eq!(case.judge().0, "shifted: the API counts 9 and 6 distinct ids were seen");
    }

    #[test]
    fn a_window_that_was_not_walked_whole_says_why() {
        let stopped = WindowEnd { incomplete: Some(Shortfall::Endless("no end".to_owned())), ..end(Some(7)) };
        let case = Case { seen: 7, fetched: of_ends(None, vec![stopped]), ..Case::default() };
        assert_eq!(case.judge().0, "endless: no end");
    }
}
