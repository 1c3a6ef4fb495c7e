//! What changed of an appointment between two versions. Pure: two records in, kinds of change out.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::time;

/// What changed of an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Change {
    /// It was made within the day before it was first seen.
    New {
        /// When it is.
        start: Option<Timestamp>,
    },
    /// Its start was moved.
    Moved {
        /// From when.
        from: Option<Timestamp>,
        /// To when.
        to: Option<Timestamp>,
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
        start: Option<Timestamp>,
    },
    /// It was cancelled, and is not any more.
    Reinstated {
        /// When it is.
        start: Option<Timestamp>,
    },
    /// It does not exist any more.
    Gone {
        /// When it would have been.
        start: Option<Timestamp>,
    },
}

/// The state of an appointment that is cancelled.
const CANCELLED: &str = "CANCELED";
/// A record that was made longer ago is not new when it is first seen: it was in no list, or this database is new.
const NEW_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// What the two versions differ in, as far as it moves somebody's day. `before` is none for the first version,
/// `after` for a record that is gone.
pub fn changes(before: Option<&Value>, after: Option<&Value>, seen_at: Timestamp) -> Vec<Change> {
    let (before, after) = match (before, after) {
        (None, None) => return Vec::new(),
        (None, Some(after)) => {
            let made = instant(after, "createdAt");
            let is_new = made.is_some_and(|made| seen_at.duration_since(made).abs() <= NEW_FOR);
            return if is_new { vec![Change::New { start: start(after) }] } else { Vec::new() };
        }
        (Some(before), None) => return vec![Change::Gone { start: start(before) }],
        (Some(before), Some(after)) => (before, after),
    };
    let mut found = Vec::new();
    let was_cancelled = before["status"] == CANCELLED;
    match (was_cancelled, after["status"] == CANCELLED) {
        (false, true) => found.push(Change::Cancelled { start: start(after) }),
        (true, false) => found.push(Change::Reinstated { start: start(after) }),
        _ => {}
    }
    let (from, to) = (start(before), start(after));
    if from != to {
        found.push(Change::Moved { from, to });
    }
    let (from, to) = (technician(before), technician(after));
    if from != to {
        found.push(Change::Reassigned { from, to });
    }
    found
}

fn start(record: &Value) -> Option<Timestamp> {
    instant(record, "start").or_else(|| instant(record, "start_time"))
}

fn instant(record: &Value, field: &str) -> Option<Timestamp> {
    record[field].as_str().and_then(|text| time::read_any_instant(text).ok())
}

fn technician(record: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    text(&record["user"]["id"])
        .or_else(|| text(&record["user_id"]))
        .or_else(|| text(&record["technician_id"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn record(start: &str, user: &str, status: &str) -> Value {
        json!({ "id": "evt_a", "start": start, "user": { "id": user }, "status": status, "createdAt": "2026-11-01T12:00:00Z" })
    }

    #[test]
    fn each_kind_of_change_is_told_from_two_versions() {
        let ten = record("2026-11-24T15:00:00Z", "usr_1", "ACTIVE");
        let half_past_one = record("2026-11-24T18:30:00Z", "usr_1", "ACTIVE");
        let others = record("2026-11-24T15:00:00Z", "usr_2", "ACTIVE");
        let cancelled = record("2026-11-24T15:00:00Z", "usr_1", "CANCELED");
        let (ten_at, later) = (Some(at("2026-11-24T15:00:00Z")), Some(at("2026-11-24T18:30:00Z")));
        let (one, two) = (Some("usr_1".to_owned()), Some("usr_2".to_owned()));
        let seen = at("2026-11-24T12:00:00Z");
        for (before, after, expected) in [
            (Some(&ten), Some(&half_past_one), vec![Change::Moved { from: ten_at, to: later }]),
            (Some(&ten), Some(&others), vec![Change::Reassigned { from: one, to: two }]),
            (Some(&ten), Some(&cancelled), vec![Change::Cancelled { start: ten_at }]),
            (Some(&cancelled), Some(&ten), vec![Change::Reinstated { start: ten_at }]),
            (Some(&ten), None, vec![Change::Gone { start: ten_at }]),
            (Some(&ten), Some(&ten), vec![]),
            // Seen for the first time, but made three weeks ago.
            (None, Some(&ten), vec![]),
        ] {
            assert_eq!(changes(before, after, seen), expected);
        }
    }

    #[test]
    fn what_was_made_within_a_day_is_new_and_a_start_written_otherwise_has_not_moved() {
        let mut made = record("2026-11-24T15:00:00Z", "usr_1", "ACTIVE");
        made["createdAt"] = json!("2026-11-24T11:50:00Z");
        let found = changes(None, Some(&made), at("2026-11-24T12:00:00Z"));
        assert_eq!(found, [Change::New { start: Some(at("2026-11-24T15:00:00Z")) }]);
        let other = record("2026-11-24T10:00:00-05:00", "usr_1", "ACTIVE");
        let same = record("2026-11-24T15:00:00.000Z", "usr_1", "ACTIVE");
        assert_eq!(changes(Some(&other), Some(&same), at("2026-11-24T12:00:00Z")), []);
    }
}
