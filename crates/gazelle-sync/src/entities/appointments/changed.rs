//! What changed of an appointment between two versions. Pure: two records in, kinds of change out.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::time;

/// When an appointment starts: `2026-11-24T15:00:00Z`, or `2026-11-24` where it lasts all day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Start {
    /// At an instant.
    At(Timestamp),
    /// On a day, as the view of appointments dates it.
    Day(Date),
}

/// What changed of an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Change {
    /// It was made within the day before it was first seen.
    New {
        /// When it is.
        start: Option<Start>,
    },
    /// Its start was moved.
    Moved {
        /// From when.
        from: Option<Start>,
        /// To when.
        to: Option<Start>,
    },
    /// It was given to another technician.
    Reassigned {
        /// The id of the one before.
        from: Option<String>,
        /// The id of the one now.
        to: Option<String>,
    },
    /// It was cancelled.
    Cancelled {
        /// When it would have been.
        start: Option<Start>,
    },
    /// It was cancelled, or gone, and is not any more.
    Reinstated {
        /// When it is.
        start: Option<Start>,
    },
    /// It does not exist any more.
    Gone {
        /// When it would have been.
        start: Option<Start>,
    },
}

/// What kind of change it is, without what it is from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// [`Change::New`]
    New,
    /// [`Change::Moved`]
    Moved,
    /// [`Change::Reassigned`]
    Reassigned,
    /// [`Change::Cancelled`]
    Cancelled,
    /// [`Change::Reinstated`]
    Reinstated,
    /// [`Change::Gone`]
    Gone,
}

impl ChangeKind {
    /// All kinds, in the order in which people are asked to choose one.
    pub const ALL: [ChangeKind; 6] = [
        ChangeKind::New,
        ChangeKind::Moved,
        ChangeKind::Reassigned,
        ChangeKind::Cancelled,
        ChangeKind::Reinstated,
        ChangeKind::Gone,
    ];

    /// The name in addresses and documents, as [`Change`] is serialized.
    pub const fn as_str(self) -> &'static str {
        match self {
            ChangeKind::New => "new",
            ChangeKind::Moved => "moved",
            ChangeKind::Reassigned => "reassigned",
            ChangeKind::Cancelled => "cancelled",
            ChangeKind::Reinstated => "reinstated",
            ChangeKind::Gone => "gone",
        }
    }

    /// The kind of this name, if there is one.
    pub fn named(name: &str) -> Option<ChangeKind> {
        ChangeKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Change {
    /// Its kind.
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Change::New { .. } => ChangeKind::New,
            Change::Moved { .. } => ChangeKind::Moved,
            Change::Reassigned { .. } => ChangeKind::Reassigned,
            Change::Cancelled { .. } => ChangeKind::Cancelled,
            Change::Reinstated { .. } => ChangeKind::Reinstated,
            Change::Gone { .. } => ChangeKind::Gone,
        }
    }
}

/// A version, as far as changes can be told from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Version<'v> {
    /// There is none: the record was not seen before.
    None,
    /// A record that can be read.
    Record(&'v Value),
    /// One that cannot be read here. Nothing is said of it but that it is gone.
    Unreadable,
    /// It says that the record is gone. With the last version that held a record, if one did.
    Gone(Option<&'v Value>),
}

/// The state of an appointment that is cancelled.
const CANCELLED: &str = "CANCELED";
/// A record that was made longer ago is not new when it is first seen: it was in no list, or this database is new.
const NEW_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What the two versions differ in, as far as it moves somebody's day. `seen_at`: when the later one was seen.
pub fn changes(before: Version<'_>, after: Version<'_>, seen_at: Timestamp) -> Vec<Change> {
    match (before, after) {
        (Version::None, Version::Record(after)) if is_new(after, seen_at) => {
            vec![Change::New { start: start(after) }]
        }
        (Version::Record(before), Version::Gone(_)) => vec![Change::Gone { start: start(before) }],
        (Version::Unreadable, Version::Gone(_)) => vec![Change::Gone { start: None }],
        (Version::Gone(last), Version::Record(after)) => {
            let is_back = after["status"] != CANCELLED;
            let back = is_back.then(|| Change::Reinstated { start: start(after) });
            back.into_iter().chain(last.map_or_else(Vec::new, |last| differences(last, after))).collect()
        }
        (Version::Record(before), Version::Record(after)) => {
            let state = match (before["status"] == CANCELLED, after["status"] == CANCELLED) {
                (false, true) => Some(Change::Cancelled { start: start(after) }),
                (true, false) => Some(Change::Reinstated { start: start(after) }),
                _ => None,
            };
            state.into_iter().chain(differences(before, after)).collect()
        }
        // From a version that cannot be read, or to one, nothing can be told; what was never seen is not gone.
        (_, Version::None | Version::Unreadable | Version::Gone(_))
        | (Version::None | Version::Unreadable, Version::Record(_)) => Vec::new(),
    }
}

fn is_new(record: &Value, seen_at: Timestamp) -> bool {
    instant(record, "createdAt").is_some_and(|made| seen_at.duration_since(made).abs() <= NEW_FOR)
}

/// Whether it was moved, and whether it was given to somebody else.
fn differences(before: &Value, after: &Value) -> Vec<Change> {
    let (from, to) = (start(before), start(after));
    let moved = (from != to).then_some(Change::Moved { from, to });
    let (from, to) = (technician(before), technician(after));
    let reassigned =
        (from != to).then(|| Change::Reassigned { from: from.map(str::to_owned), to: to.map(str::to_owned) });
    moved.into_iter().chain(reassigned).collect()
}

fn start(record: &Value) -> Option<Start> {
    let at = instant(record, "start").or_else(|| instant(record, "start_time"))?;
    let is_all_day = [&record["isAllDay"], &record["is_all_day"]].iter().any(|value| **value == true);
    Some(if is_all_day { Start::Day(time::all_day_date(at)) } else { Start::At(at) })
}

fn instant(record: &Value, field: &str) -> Option<Timestamp> {
    record[field].as_str().and_then(|text| time::read_any_instant(text).ok())
}

/// The id of the technician of a record.
pub fn technician(record: &Value) -> Option<&str> {
    let named = [&record["user"]["id"], &record["user_id"], &record["technician_id"]];
    named.into_iter().find_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Version::{Gone, None as Nothing, Record, Unreadable};
    use super::*;

    fn at(text: &str) -> Option<Start> {
        Some(Start::At(text.parse().unwrap()))
    }

    fn day(text: &str) -> Option<Start> {
        Some(Start::Day(text.parse().unwrap()))
    }

    fn record(start: &str, user: &str, status: &str) -> Value {
        json!({ "id": "evt_a", "start": start, "user": { "id": user }, "status": status, "createdAt": "2026-11-01T12:00:00Z" })
    }

    fn all_day(start: &str) -> Value {
        json!({ "start": start, "isAllDay": true, "user": { "id": "usr_1" }, "status": "ACTIVE" })
    }

    fn seen() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn moved(from: Option<Start>, to: Option<Start>) -> Change {
        Change::Moved { from, to }
    }

    fn reassigned(from: &str, to: Option<&str>) -> Change {
        Change::Reassigned { from: Some(from.to_owned()), to: to.map(str::to_owned) }
    }

    #[test]
    fn each_kind_of_change_is_told_from_two_versions() {
        let ten = record("2026-11-24T15:00:00Z", "usr_1", "ACTIVE");
        let later = record("2026-11-24T18:30:00Z", "usr_1", "ACTIVE");
        let others = record("2026-11-24T15:00:00Z", "usr_2", "ACTIVE");
        let both = record("2026-11-24T18:30:00Z", "usr_2", "ACTIVE");
        let nobodys = json!({ "start": "2026-11-24T15:00:00Z", "user": null, "status": "ACTIVE" });
        let cancelled = record("2026-11-24T15:00:00Z", "usr_1", "CANCELED");
        let (ten_at, later_at) = (at("2026-11-24T15:00:00Z"), at("2026-11-24T18:30:00Z"));
        for (before, after, expected) in [
            (Record(&ten), Record(&later), vec![moved(ten_at, later_at)]),
            (Record(&ten), Record(&others), vec![reassigned("usr_1", Some("usr_2"))]),
            (Record(&ten), Record(&nobodys), vec![reassigned("usr_1", None)]),
            (Record(&ten), Record(&both), vec![moved(ten_at, later_at), reassigned("usr_1", Some("usr_2"))]),
            (Record(&ten), Record(&cancelled), vec![Change::Cancelled { start: ten_at }]),
            (Record(&cancelled), Record(&ten), vec![Change::Reinstated { start: ten_at }]),
            (
                Record(&cancelled),
                Record(&later),
                vec![Change::Reinstated { start: later_at }, moved(ten_at, later_at)],
            ),
            (Record(&ten), Gone(None), vec![Change::Gone { start: ten_at }]),
            (Gone(Some(&ten)), Record(&ten), vec![Change::Reinstated { start: ten_at }]),
            (
                Gone(Some(&ten)),
                Record(&later),
                vec![Change::Reinstated { start: later_at }, moved(ten_at, later_at)],
            ),
            (Gone(None), Record(&ten), vec![Change::Reinstated { start: ten_at }]),
            (Gone(Some(&ten)), Record(&cancelled), vec![]),
            (Gone(Some(&ten)), Gone(None), vec![]),
            (Record(&ten), Record(&ten), vec![]),
            (Nothing, Gone(None), vec![]),
        ] {
            assert_eq!(changes(before, after, seen()), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_kind_has_the_name_under_which_its_changes_are_serialized() {
        for change in [
            Change::New { start: None },
            moved(None, None),
            reassigned("usr_1", None),
            Change::Cancelled { start: None },
            Change::Reinstated { start: None },
            Change::Gone { start: None },
        ] {
            let kind = change.kind();
            assert_eq!(serde_json::to_value(&change).unwrap()["kind"], kind.as_str());
            assert_eq!(ChangeKind::named(kind.as_str()), Some(kind));
        }
        assert_eq!(ChangeKind::named("Moved"), None);
    }

    #[test]
    fn what_was_made_long_before_it_was_first_seen_is_not_new() {
        let of = |made: Value| json!({ "start": "2026-11-24T15:00:00Z", "createdAt": made });
        for (made, is_new) in [
            (json!("2026-11-24T11:50:00Z"), true),
            (json!("2026-11-23T12:00:00Z"), true),
            (json!("2026-11-23T11:59:59Z"), false),
            // The clock of the source may be ahead.
            (json!("2026-11-24T12:03:00Z"), true),
            // A first sync: made over the years before.
            (json!("2019-04-02T15:00:00Z"), false),
            (Value::Null, false),
            (json!("hier"), false),
        ] {
            let record = of(made.clone());
            let found = changes(Nothing, Record(&record), seen());
            let new = Change::New { start: at("2026-11-24T15:00:00Z") };
            assert_eq!(found, if is_new { vec![new] } else { vec![] }, "{made}");
        }
        // The 11,000 records of a first sync are no news, whatever their states.
        let first = ["ACTIVE", "CANCELED", "COMPLETE"].into_iter().cycle().take(11_000);
        let news = first.flat_map(|state| {
            changes(Nothing, Record(&record("2026-11-24T15:00:00Z", "usr_1", state)), seen())
        });
        assert_eq!(news.count(), 0);
    }

    #[test]
    fn nothing_is_told_of_a_version_that_cannot_be_read_but_that_it_is_gone() {
        let made = json!({ "start": "2026-11-24T15:00:00Z", "createdAt": "2026-11-24T11:50:00Z" });
        assert_eq!(changes(Unreadable, Record(&made), seen()), [], "not new: there was one before");
        assert_eq!(changes(Record(&made), Unreadable, seen()), []);
        assert_eq!(changes(Nothing, Unreadable, seen()), []);
        assert_eq!(changes(Unreadable, Gone(None), seen()), [Change::Gone { start: None }]);
        // A start that cannot be read, and a record that is none.
        let broken = record("demain à 8h", "usr_1", "ACTIVE");
        let ten = record("2026-11-24T15:00:00Z", "usr_1", "ACTIVE");
        assert_eq!(changes(Record(&broken), Record(&ten), seen()), [moved(None, at("2026-11-24T15:00:00Z"))]);
        assert_eq!(changes(Record(&Value::Null), Record(&json!([1])), seen()), []);
    }

    #[test]
    fn a_move_across_midnight_and_in_the_nights_of_the_clock_changes_is_a_move() {
        for (from, to) in [
            // 23:30 to 00:30 by the clock of Montréal.
            ("2026-11-25T04:30:00Z", "2026-11-25T05:30:00Z"),
            // 01:30 in summer time to 01:30 an hour later.
            ("2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
            // 01:30 to 03:30, with an hour between them.
            ("2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z"),
        ] {
            let (before, after) = (record(from, "usr_1", "ACTIVE"), record(to, "usr_1", "ACTIVE"));
            assert_eq!(changes(Record(&before), Record(&after), seen()), [moved(at(from), at(to))]);
        }
        // The same instant, written otherwise, and in the field name of the specification.
        let ten = record("2026-11-24T15:00:00.000Z", "usr_1", "ACTIVE");
        for same in [
            record("2026-11-24T10:00:00-05:00", "usr_1", "ACTIVE"),
            json!({ "start_time": "2026-11-24T15:00:00Z", "technician_id": "usr_1", "status": "ACTIVE" }),
        ] {
            assert_eq!(changes(Record(&same), Record(&ten), seen()), []);
        }
    }

    #[test]
    fn what_lasts_all_day_starts_on_a_day() {
        for (from, to, expected) in [
            // Midnight UTC names the date itself; midnight in Montréal is the same day.
            ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", Some(("2026-11-24", "2026-11-25"))),
            ("2026-11-24T00:00:00Z", "2026-11-24T05:00:00Z", None),
            ("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", Some(("2026-11-01", "2026-11-02"))),
            ("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", Some(("2026-03-08", "2026-03-09"))),
        ] {
            let found = changes(Record(&all_day(from)), Record(&all_day(to)), seen());
            let expected = expected.map(|(from, to)| moved(day(from), day(to)));
            assert_eq!(found, Vec::from_iter(expected), "{from} {to}");
        }
        let at_ten = record("2026-11-24T15:00:00Z", "usr_1", "ACTIVE");
        let found = changes(Record(&at_ten), Record(&all_day("2026-11-24T00:00:00Z")), seen());
        assert_eq!(found, [moved(at("2026-11-24T15:00:00Z"), day("2026-11-24"))]);
    }
}
