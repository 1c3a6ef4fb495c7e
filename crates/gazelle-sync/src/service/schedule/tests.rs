use super::*;
use crate::time;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn table(incremental: &str, full: &str) -> Timetable {
    let zone = time::zone(time::MONTREAL).unwrap();
    Timetable {
        incremental: Schedule::new(incremental, &zone).unwrap(),
        full: Schedule::new(full, &zone).unwrap(),
    }
}

/// Every time the timetable fires from one instant to another, by a clock that goes on by a minute.
fn fired(table: &Timetable, from: &str, until: &str) -> Vec<(Timestamp, bool)> {
    let (mut now, until) = (at(from), at(until));
    let mut past = LastStarts { any: Some(now), full: Some(now) };
    let mut fired = Vec::new();
    while now < until {
        if let Due::Now { mode } = table.due(past, now) {
            let full = mode == RunMode::Full;
            fired.push((now, full));
            past.any = Some(now);
            if full {
                past.full = Some(now);
            }
            assert!(matches!(table.due(past, now), Due::Later { .. }), "twice at {now}");
        }
        now += SignedDuration::from_mins(1);
    }
    fired
}

fn full_runs(fired: &[(Timestamp, bool)]) -> Vec<String> {
    let full = fired.iter().filter(|(_, full)| *full);
    full.map(|(at, _)| at.to_string()).collect()
}

#[test]
fn three_in_the_morning_comes_once_a_day_over_both_clock_changes() {
    let table = table("*/15 * * * *", "0 3 * * *");
    let spring = fired(&table, "2026-03-07T05:30:00Z", "2026-03-10T05:30:00Z");
    let wanted = ["2026-03-07T08:00:00Z", "2026-03-08T07:00:00Z", "2026-03-09T07:00:00Z"];
    assert_eq!(full_runs(&spring), wanted, "8 March has 23 hours, and its 03:00 is 07:00 UTC");
    let autumn = fired(&table, "2026-10-31T04:30:00Z", "2026-11-03T04:30:00Z");
    let wanted = ["2026-10-31T07:00:00Z", "2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z"];
    assert_eq!(full_runs(&autumn), wanted, "1 November has 25 hours");
    // Every quarter of an hour, in the short and in the long day as well, and never two of a minute.
    for days in [&spring, &autumn] {
        assert!(
            days.windows(2).all(|two| two[1].0.duration_since(two[0].0) == SignedDuration::from_mins(15))
        );
    }
    assert_eq!((spring.len(), autumn.len()), (3 * 96 - 1, 3 * 96 - 1), "from the first after the start");
}

#[test]
fn hours_that_a_clock_change_leaves_out_or_repeats_come_once() {
    for (cron, from, until, wanted) in [
        // 02:30 does not exist on 8 March: it comes at the change, not never.
        ("30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T05:00:00Z", 1),
        // 01:30 comes twice on 1 November by the clock on the wall.
        ("30 1 * * *", "2026-11-01T04:30:00Z", "2026-11-02T04:30:00Z", 1),
        ("0 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T05:00:00Z", 1),
        ("0 3 * * *", "2026-03-08T05:00:00Z", "2026-03-09T05:00:00Z", 1),
    ] {
        let runs = full_runs(&fired(&table("0 0 1 1 *", cron), from, until));
        assert_eq!(runs.len(), wanted, "{cron} from {from}: {runs:?}");
    }
}

#[test]
fn what_was_missed_is_caught_up_once() {
    let table = table("*/15 * * * *", "0 3 * * *");
    let past = LastStarts { any: Some(at("2026-01-10T12:00:00Z")), full: Some(at("2026-01-10T08:00:00Z")) };
    // Down for nine days: one full run, then the ordinary times.
    let now = at("2026-01-19T16:07:00Z");
    assert_eq!(table.due(past, now), Due::Now { mode: RunMode::Full });
    let past = LastStarts { any: Some(now), full: Some(now) };
    let later = Due::Later { incremental: at("2026-01-19T16:15:00Z"), full: at("2026-01-20T08:00:00Z") };
    assert_eq!(table.due(past, now + SignedDuration::from_secs(1)), later);
    // Down for an hour in the afternoon: one incremental run.
    let now = at("2026-01-19T17:20:00Z");
    assert_eq!(table.due(past, now), Due::Now { mode: RunMode::Incremental });
}

#[test]
fn where_nothing_ran_the_first_run_is_a_full_one() {
    let table = table("*/15 * * * *", "0 3 * * *");
    let now = at("2026-01-19T16:07:00Z");
    assert_eq!(table.due(LastStarts::default(), now), Due::Now { mode: RunMode::Full });
    assert_eq!(table.due(LastStarts { any: Some(now), full: None }, now), Due::Now { mode: RunMode::Full });
}

#[test]
fn a_full_run_makes_the_incremental_one_of_its_minute_superfluous() {
    let table = table("*/15 * * * *", "0 3 * * *");
    let nights = fired(&table, "2026-01-10T07:50:00Z", "2026-01-10T08:16:00Z");
    assert_eq!(nights, [(at("2026-01-10T08:00:00Z"), true), (at("2026-01-10T08:15:00Z"), false)]);
}

#[test]
fn a_clock_that_steps_neither_repeats_nor_skips() {
    let table = table("*/15 * * * *", "0 3 * * *");
    let ran = at("2026-01-10T08:00:02Z");
    let past = LastStarts { any: Some(ran), full: Some(ran) };
    // Set back by ten minutes: 03:00 comes again on the wall, and nothing runs.
    let back = at("2026-01-10T07:50:00Z");
    assert_eq!(past.and(LastStarts::default(), back), past);
    for minutes in 0..25 {
        let now = back + SignedDuration::from_mins(minutes);
        let due = table.due(past.and(LastStarts::default(), now), now);
        assert!(matches!(due, Due::Later { .. }), "{minutes} minutes later: {due:?}");
    }
    let now = at("2026-01-10T08:15:00Z");
    assert_eq!(table.due(past, now), Due::Now { mode: RunMode::Incremental });
    // Set forward by two days: once.
    let now = at("2026-01-12T20:00:00Z");
    assert_eq!(table.due(past, now), Due::Now { mode: RunMode::Full });
    assert!(matches!(table.due(LastStarts { any: Some(now), full: Some(now) }, now), Due::Later { .. }));
}

#[test]
fn runs_dated_by_a_clock_that_was_a_year_ahead_hold_nothing_up() {
    let now = at("2026-01-10T08:00:00Z");
    let wrong = at("2027-01-10T08:00:00Z");
    let right = at("2026-01-10T07:45:00Z");
    let past = LastStarts { any: Some(wrong), full: Some(wrong) }
        .and(LastStarts { any: Some(right), full: None }, now);
    assert_eq!(past, LastStarts { any: Some(right), full: None });
}

#[test]
fn seconds_may_be_given_and_nonsense_is_refused() {
    let zone = time::zone(time::MONTREAL).unwrap();
    let every_five = Schedule::new("*/5 * * * * *", &zone).unwrap();
    assert_eq!(every_five.next_after(at("2026-01-10T08:00:01Z")), Some(at("2026-01-10T08:00:05Z")));
    assert!(Schedule::new("0 3 31 2 *", &zone).unwrap_err().contains("never comes"));
    assert!(Schedule::new("soon", &zone).unwrap_err().contains("cannot be read"));
}

#[test]
fn what_is_due_is_told_by_entity_and_in_full_first() {
    let table = table("*/15 * * * *", "0 3 * * *");
    let now = at("2026-01-10T15:01:00Z");
    let quiet = LastStarts { any: Some(at("2026-01-10T15:00:30Z")), full: Some(at("2026-01-10T08:00:10Z")) };
    let waits = LastStarts { any: Some(at("2026-01-10T14:50:00Z")), ..quiet };
    let short = LastStarts { full: Some(at("2026-01-09T08:00:10Z")), ..quiet };
    assert_eq!(table.due_of(&[("a", quiet), ("b", quiet)], now), None);
    let due = table.due_of(&[("a", quiet), ("b", waits), ("c", short)], now);
    assert_eq!(
        due,
        Some(DueNow { mode: RunMode::Full, of: vec!["c"] }),
        "the others wait for no other's retry"
    );
    let due = table.due_of(&[("a", quiet), ("b", waits)], now);
    assert_eq!(due, Some(DueNow { mode: RunMode::Incremental, of: vec!["b"] }));
}
