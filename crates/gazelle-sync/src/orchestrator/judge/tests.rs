//! Tests of how a run is judged by its walks.

use super::*;
use crate::gazelle_to_staging::by_id::absent::report::CountedWith;

#[test]
fn none_is_never_credible_where_there_were_some() {
    for guard in [0.0, 20.0, 100.0] {
        assert_eq!(credible(0, guard), 0);
        for held in [1, MANY - 1, MANY, 4_000] {
            assert!(credible(held, guard) >= 1, "{held} held, guard {guard}");
        }
    }
    assert_eq!(credible(MANY - 1, 20.0), 1, "few say nothing");
    assert_eq!((credible(100, 20.0), credible(100, 45.0), credible(101, 20.0)), (80, 55, 81));
}

#[test]
fn what_is_withheld_is_told_with_all_that_the_guard_counted() {
    let told = |awaiting, deleted_before, unknown| {
        let mut walk = WalkReport::new(Scope::WHOLE);
        walk.absent.withheld = 3;
        walk.absent.counted_with = CountedWith { deleted_before, awaiting, unknown };
        let mut report = RunReport::new(uuid::Uuid::nil(), None, Vec::new(), std::time::Duration::ZERO);
        judge_withheld(&mut report, "clients", &walk);
        report.reasons.join(" ")
    };
    assert!(told(0, 0, 0).starts_with("clients: 3 records are gone at the source, more than"));
    assert!(told(2, 0, 0).contains("the source and 2 others await approval already: together, more than"));
    assert!(
        told(2, 4, 5).contains(
            "the source and 2 others await approval already, 4 others were deleted by the runs just before, 5 others may be \
             gone too, since the API does not say whether they exist: together, more than"
        )
    );
}

/// A walk that listed a hundred records.
fn complete_walk() -> WalkReport {
    let mut walk = WalkReport::new(Scope::WHOLE);
    (walk.complete, walk.seen) = (true, 100);
    walk
}

/// The status and the reasons that a walk of clients leads to.
fn judged(walk: &WalkReport, held_before: u64, is_settled: bool) -> (RunOutcome, Vec<String>) {
    let mut report = RunReport::new(uuid::Uuid::nil(), None, Vec::new(), std::time::Duration::ZERO);
    judge_walk(&mut report, &entities::clients::ENTITY, walk, held_before, 20.0, is_settled);
    (report.status, report.reasons)
}

#[test]
fn a_walk_is_a_success_only_if_it_is_complete_and_nothing_is_missing() {
    let complete = |change: &dyn Fn(&mut WalkReport)| {
        let mut walk = complete_walk();
        change(&mut walk);
        walk
    };
    // The walk, how many were held before, and words of the reason; none is a success.
    let cases: [(&str, WalkReport, u64, &str); 10] = [
        ("complete", complete(&|_| {}), 100, ""),
        ("a fifth fewer", complete(&|walk| walk.seen = 80), 100, ""),
        ("fewer than that", complete(&|walk| walk.seen = 79), 100, "lists 79 where production held 100"),
        ("none of a few", complete(&|walk| walk.seen = 0), 3, "lists 0 where production held 3"),
        (
            "nameless ones count",
            complete(&|walk| (walk.seen, walk.nameless) = (79, 1)),
            100,
            "1 record(s) cannot be read",
        ),
        ("incomplete", WalkReport::new(Scope::WHOLE), 0, "the walk is incomplete: unknown reason"),
        (
            "not whole",
            complete(&|walk| walk.faulty = [("cli_1".to_owned(), "phone".to_owned())].into()),
            100,
            "could not give 1 record(s) whole (cli_1 at phone)",
        ),
        (
            "not asked for",
            complete(&|walk| walk.unasked = ["cli_1".to_owned()].into()),
            100,
            "were not asked for by their ids",
        ),
        (
            "refused",
            complete(&|walk| walk.refused = [("cli_1".to_owned(), "a check".to_owned())].into()),
            100,
            "(cli_1: a check)",
        ),
        ("withheld", complete(&|walk| walk.absent.withheld = 11), 100, "11 records are gone at the source"),
    ];
    for (name, walk, held, words) in cases {
        let (status, reasons) = judged(&walk, held, false);
        if words.is_empty() {
            assert_eq!((status, reasons), (RunOutcome::Success, Vec::new()), "{name}");
        } else {
            assert_eq!((status, reasons.len()), (RunOutcome::Partial, 1), "{name}: {reasons:?}");
            assert!(reasons[0].starts_with("clients: ") && reasons[0].contains(words), "{name}: {reasons:?}");
        }
    }
}

#[test]
fn an_incomplete_walk_says_why_and_whether_it_was_so_before() {
    let mut walk = WalkReport::new(Scope::WHOLE);
    walk.reason = Some("the API counts 5 and 4 distinct ids were seen".to_owned());
    let [new, settled] = [false, true].map(|is_settled| judged(&walk, 5, is_settled).1.remove(0));
    assert!(new.ends_with("the API counts 5 and 4 distinct ids were seen"), "{new}");
    assert!(settled.starts_with(&new) && settled.contains("it was so in the runs before"), "{settled}");
}

#[test]
fn unlisted_records_that_are_left_for_later_runs_are_counted() {
    let mut walk = complete_walk();
    (walk.absent.asked, walk.absent.unasked) = (1000, 20);
    let (status, reasons) = judged(&walk, 100, false);
    assert_eq!((status, reasons.len()), (RunOutcome::Partial, 1), "{reasons:?}");
    assert!(
        reasons[0].contains("1000 of 1020 record(s)") && reasons[0].contains("20 are left to the next runs"),
        "{reasons:?}"
    );
}
