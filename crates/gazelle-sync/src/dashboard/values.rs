//! Values as pages show them: bounded, an instant also in the zone of the page, and the differences of two versions.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::page::ShownTime;
use super::raw;
use super::words::locale::Locale;
use super::words::record as w;
use crate::explain::diff::{Change, ChangeKind};

/// Differences of one record that are listed.
const MOST: usize = 40;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// The value: text without its quotes, anything else as JSON writes it.
    pub(super) text: String,
    /// Whether there is nothing to see: null, or an empty text.
    pub(super) is_empty: bool,
    /// A sentence that says how much is left out.
    pub(super) left_out: Option<String>,
    /// An instant, in the zone of the page.
    pub(super) instant: Option<ShownTime>,
}

impl Value {
    pub(super) fn of(value: &Json, t: &Locale) -> Value {
        match value {
            Json::Null => Value::of_text("", t),
            Json::String(text) => Value::of_text(text, t),
            other => Value::of_text(&other.to_string(), t),
        }
    }

    /// The value that this JSON text is; a number keeps its digits.
    pub(super) fn of_json(json: &str, t: &Locale) -> Value {
        match json.as_bytes().first() {
            Some(b'"') => Value::of(&serde_json::from_str(json).unwrap_or_default(), t),
            _ if json == "null" => Value::of(&Json::Null, t),
            _ => Value::of_text(json, t),
        }
    }

    fn of_text(whole: &str, t: &Locale) -> Value {
        let (shown, left_out) = raw::cut(whole);
        Value {
            text: shown.to_owned(),
            is_empty: whole.trim().is_empty(),
            left_out: (left_out > 0).then(|| left_out_text(left_out, t)),
            instant: instant(whole).map(|at| ShownTime::date_hour(at, t)),
        }
    }
}

/// How much of a value is left out.
pub(super) fn left_out_text(bytes: usize, t: &Locale) -> String {
    t.fill(w::LEFT_OUT, &[("bytes", &t.bytes(i64::try_from(bytes).unwrap_or(i64::MAX)))])
}

/// The instant that a text is, if it is one with its zone.
fn instant(text: &str) -> Option<Timestamp> {
    let looks_so = (20..=40).contains(&text.len()) && text.as_bytes().get(10) == Some(&b'T');
    looks_so.then(|| text.parse().ok()).flatten()
}

/// A field that differs between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) path: String,
    /// `added`, `removed` or `reordered`, where the values do not say it.
    pub(super) what: Option<String>,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

/// The differences of two versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Differences {
    pub(super) fields: Vec<Difference>,
    /// A sentence that says how many more there are.
    pub(super) more: Option<String>,
}

impl Differences {
    pub(super) fn of(changes: &[Change], t: &Locale) -> Differences {
        let more = changes.len().saturating_sub(MOST);
        // Every change moves it: what else changed comes first.
        let mut changes: Vec<&Change> = changes.iter().collect();
        changes.sort_by_key(|change| change.path == "updatedAt");
        Differences {
            fields: changes.into_iter().take(MOST).map(|change| Difference::of(change, t)).collect(),
            more: (more > 0).then(|| t.count(w::MORE_FIELDS, more as i64)),
        }
    }
}

impl Difference {
    fn of(change: &Change, t: &Locale) -> Difference {
        let what = match change.kind {
            ChangeKind::Added => Some(w::ADDED),
            ChangeKind::Removed => Some(w::REMOVED),
            ChangeKind::Reordered => Some(w::REORDERED),
            ChangeKind::Changed => None,
        };
        let (path, _) = raw::cut(&change.path);
        Difference {
            path: if path.is_empty() { "$".to_owned() } else { path.to_owned() },
            what: what.map(|what| t.say(what).into_owned()),
            before: change.before.as_ref().map(|value| Value::of(value, t)),
            after: change.after.as_ref().map(|value| Value::of(value, t)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Language;
    use crate::explain::diff;
    use crate::time;

    fn locale() -> Locale {
        let now = "2026-11-24T19:22:00Z".parse().unwrap();
        Locale::new(Language::En, time::zone(time::MONTREAL).unwrap(), now)
    }

    #[test]
    fn a_value_is_shown_as_it_is_and_an_instant_also_in_local_time() {
        let t = locale();
        for (json, text, is_empty, local) in [
            ("null", "", true, None),
            ("\"\"", "", true, None),
            ("\"Loïc \\\"L.\\\"\"", "Loïc \"L.\"", false, None),
            ("1970670598291982300123", "1970670598291982300123", false, None),
            ("1.50", "1.50", false, None),
            ("[\"a\",1]", "[\"a\",1]", false, None),
            ("true", "true", false, None),
            ("\"2026-01-09T12:00:00Z\"", "2026-01-09T12:00:00Z", false, Some("2026-01-09 07:00")),
            ("\"2026-01-09T12:00:00+00:00\"", "2026-01-09T12:00:00+00:00", false, Some("2026-01-09 07:00")),
            ("\"2026-01-09\"", "2026-01-09", false, None),
            ("\"2026-01-09T12:00:00\"", "2026-01-09T12:00:00", false, None),
        ] {
            let value = Value::of_json(json, &t);
            assert_eq!((value.text.as_str(), value.is_empty), (text, is_empty), "{json}");
            assert_eq!(value.instant.map(|shown| shown.local).as_deref(), local, "{json}");
        }
        let long = Value::of(&json!("x".repeat(5_000)), &t);
        assert_eq!(long.text.len(), 2_048);
        assert_eq!(long.left_out.as_deref(), Some("2.9\u{a0}KiB more are not shown here"));
    }

    #[test]
    fn a_difference_names_what_the_values_do_not_say() {
        let (before, after) = (
            json!({"a": 1, "b": null, "l": [{"id": "x"}, {"id": "y"}]}),
            json!({"a": 2, "c": 3, "l": [{"id": "y"}, {"id": "x"}]}),
        );
        let told = Differences::of(&diff::changes(&before, &after), &locale());
        let told: Vec<_> = told.fields.iter().map(|one| (one.path.as_str(), one.what.as_deref())).collect();
        assert_eq!(
            told,
            [("a", None), ("b", Some("removed")), ("l", Some("reordered")), ("c", Some("added"))]
        );
        let many: serde_json::Map<String, Json> = (0..100).map(|n| (format!("f{n}"), json!(n))).collect();
        let told = Differences::of(&diff::changes(&json!({}), &many.into()), &locale());
        assert_eq!((told.fields.len(), told.more.as_deref()), (MOST, Some("60 more fields differ")));
    }
}
