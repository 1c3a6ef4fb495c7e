//! The report of an action, as its page shows it.

use serde_json::Value as Json;

use super::description::kind;
use crate::dashboard::values::Value;
use crate::dashboard::words::actions as w;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::sentence::{CountedSentence, Sentence};
use crate::run_log::actions::{Action, ActionKind};

/// Rows of a table that are shown column by column.
const MOST_SAMPLES: usize = 20;
/// Keys that a page lists, of all tables.
const MOST_KEYS: usize = 1000;

/// What was found or done.
pub(super) struct Report {
    /// Lines above the tables.
    pub(super) lines: Vec<String>,
    /// Heading of the tables; none where the report has none.
    pub(super) heading: Option<String>,
    pub(super) tables: Vec<TableRow>,
    pub(super) samples: Vec<TableSamples>,
    pub(super) checks: Vec<CheckRow>,
    /// In English.
    pub(super) notes: Vec<String>,
    /// Rows that a dry run would change, and whether any version would be withdrawn or restored.
    changes: Option<(i64, bool)>,
}

/// What changes in one table.
pub(super) struct TableRow {
    pub(super) name: String,
    pub(super) come: String,
    pub(super) change: String,
    pub(super) go: String,
}

/// Rows of a table that differ.
pub(super) struct TableSamples {
    pub(super) table: String,
    pub(super) rows: Vec<SampleView>,
    pub(super) keys: Option<Keys>,
}

/// The keys of the rows of a table that differ.
pub(super) struct Keys {
    pub(super) heading: String,
    /// The shape and the word of the kind, and the key.
    pub(super) listed: Vec<(&'static str, String, String)>,
    /// That more differ than are listed.
    pub(super) more: Option<String>,
}

/// A row that differs.
pub(super) struct SampleView {
    pub(super) class: &'static str,
    pub(super) shape: &'static str,
    pub(super) word: String,
    pub(super) key: String,
    pub(super) fields: Vec<FieldView>,
}

/// A column that differs.
pub(super) struct FieldView {
    pub(super) name: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

/// A check of a verification.
pub(super) struct CheckRow {
    pub(super) name: String,
    pub(super) checked: String,
    pub(super) differences: String,
    pub(super) is_equal: bool,
    pub(super) said: Vec<String>,
}

impl Report {
    /// The report of an action; none where there is nothing to show.
    pub(super) fn of(action: &Action, report: &Json, t: &Locale) -> Option<Report> {
        Some(match kind(action)? {
            ActionKind::Verify => verification(report, t),
            ActionKind::Replay | ActionKind::Undo | ActionKind::Lift => rebuild(report, t),
            ActionKind::Delete => lines(vec![decided(report, w::DECIDED_DELETED, t), seen_since(report, t)]),
            ActionKind::Keep => lines(vec![decided(report, w::DECIDED_KEPT, t)]),
            ActionKind::Retry => {
                lines(vec![Some(t.count(w::RETRIED, report["retried"].as_i64().unwrap_or_default()))])
            }
            // An examination has a page of its own, which operators alone see.
            ActionKind::Sync | ActionKind::Dismiss | ActionKind::Doctor => return None,
        })
    }

    /// What the button says that applies a dry run; none where there is nothing to apply.
    pub(super) fn apply_label(&self, t: &Locale) -> Option<String> {
        match self.changes? {
            (0, false) => None,
            (0, true) => Some(t.say(w::APPLY_VERSIONS).into_owned()),
            (rows, _) => Some(t.count(w::APPLY, rows)),
        }
    }
}

fn lines(lines: Vec<Option<String>>) -> Report {
    Report {
        lines: lines.into_iter().flatten().collect(),
        heading: None,
        tables: Vec::new(),
        samples: Vec::new(),
        checks: Vec::new(),
        notes: Vec::new(),
        changes: None,
    }
}

/// How many were decided on, without those that were seen since.
fn decided(report: &Json, counted: CountedSentence, t: &Locale) -> Option<String> {
    let number = |name: &str| report[name].as_i64().unwrap_or_default();
    Some(t.count(counted, number("decided") - number("seen_since")))
}

fn seen_since(report: &Json, t: &Locale) -> Option<String> {
    let seen = report["seen_since"].as_i64().filter(|seen| *seen > 0)?;
    Some(t.count(w::SEEN_AGAIN, seen))
}

fn list(of: &Json) -> &[Json] {
    of.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn texts(of: &Json) -> Vec<String> {
    list(of).iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn text(of: &Json) -> String {
    of.as_str().unwrap_or_default().to_owned()
}

fn rebuild(report: &Json, t: &Locale) -> Report {
    let is_dry_run = report["dry_run"].as_bool() == Some(true);
    let number = |of: &Json, name: &str| of[name].as_i64().unwrap_or_default();
    let rows_of = |of: &Json| number(of, "missing") + number(of, "changed") + number(of, "surplus");
    let changed: Vec<&Json> = list(&report["tables"]).iter().filter(|table| rows_of(table) > 0).collect();
    let rows: i64 = changed.iter().map(|table| rows_of(table)).sum();
    let row = |of: &&Json| TableRow {
        name: text(&of["table"]),
        come: t.number(number(of, "missing")),
        change: t.number(number(of, "changed")),
        go: t.number(number(of, "surplus")),
    };
    let versions = report["versions"].as_i64().filter(|versions| *versions > 0);
    let newer = report["newer"].as_i64().filter(|newer| *newer > 0);
    let nothing = (rows == 0).then(|| t.say(w::NO_CHANGE).into_owned());
    let said = [
        versions.map(|versions| t.count(w::VERSIONS, versions)),
        newer.map(|newer| t.count(w::NEWER_STAY, newer)),
        nothing,
    ];
    let heading = if is_dry_run { w::WOULD_CHANGE } else { w::DID_CHANGE };
    Report {
        heading: Some(t.say(heading).into_owned()),
        tables: changed.iter().map(row).collect(),
        samples: samples(&report["tables"], t),
        changes: is_dry_run.then_some((rows, versions.is_some())),
        ..lines(said.into())
    }
}

/// The rows that a report holds of each table, and the keys as long as there is room for them.
fn samples(tables: &Json, t: &Locale) -> Vec<TableSamples> {
    let mut room = MOST_KEYS;
    let of_table = |table: &Json| {
        let rows = of_each_kind(list(&table["samples"]), MOST_SAMPLES);
        let keys = keys(table, room, t);
        room -= keys.as_ref().map_or(0, |keys| keys.listed.len());
        TableSamples {
            table: text(&table["table"]),
            rows: rows.into_iter().map(|one| sample(one, t)).collect(),
            keys,
        }
    };
    list(tables).iter().map(of_table).filter(|of| !of.rows.is_empty()).collect()
}

/// The first rows up to the limit, with some of each kind of difference if there are several; in their order.
fn of_each_kind(rows: &[Json], most: usize) -> Vec<&Json> {
    let place = |at: usize| rows[..at].iter().filter(|row| row["kind"] == rows[at]["kind"]).count();
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by_key(|at| place(*at));
    places.truncate(most);
    places.sort_unstable();
    places.into_iter().map(|at| &rows[at]).collect()
}

/// The keys of a table, if it has more rows that differ than are shown column by column.
fn keys(table: &Json, room: usize, t: &Locale) -> Option<Keys> {
    let number = |name: &str| table[name].as_i64().unwrap_or_default();
    let rows = number("missing") + number("changed") + number("surplus");
    let all = list(&table["keys"]);
    if all.len() <= MOST_SAMPLES {
        return None;
    }
    let one = |of: &Json| {
        let (_, shape, word) = kind_of_row(of);
        (shape, t.say(word).into_owned(), text(&of["key"]))
    };
    let listed: Vec<_> = all.iter().take(room).map(one).collect();
    let more = rows - i64::try_from(listed.len()).unwrap_or(i64::MAX);
    Some(Keys {
        heading: t.count(w::KEYS, rows),
        more: (more > 0).then(|| t.count(w::MORE_KEYS, more)),
        listed,
    })
}

fn kind_of_row(one: &Json) -> (&'static str, &'static str, Sentence) {
    match one["kind"].as_str() {
        Some("missing") => ("ok", "+", w::KIND_COMES),
        Some("surplus") => ("bad", "−", w::KIND_GOES),
        _ => ("run", "≠", w::KIND_CHANGES),
    }
}

fn sample(one: &Json, t: &Locale) -> SampleView {
    let (class, shape, word) = kind_of_row(one);
    let side = |value: &Json| (!value.is_null()).then(|| Value::of(value, t));
    // Name, value in production, value from staging.
    let field = |of: &Json| FieldView { name: text(&of[0]), before: side(&of[1]), after: side(&of[2]) };
    SampleView {
        class,
        shape,
        word: t.say(word).into_owned(),
        key: text(&one["key"]),
        fields: list(&one["columns"])
            .iter()
            .filter(|of| !(of[1].is_null() && of[2].is_null()))
            .map(field)
            .collect(),
    }
}

fn verification(report: &Json, t: &Locale) -> Report {
    let number = |name: &str| report[name].as_i64().unwrap_or_default();
    let (rows, asked) = (t.number(number("rows")), t.number(number("sampled")));
    let differences = t.count(w::DIFFERENCES, number("differences"));
    let facts = [("rows", rows.as_str()), ("asked", asked.as_str()), ("differences", &differences)];
    let said = match report["status"].as_str() {
        Some("equal") => w::VERDICT_EQUAL,
        Some("incomplete") => w::VERDICT_INCOMPLETE,
        _ => w::VERDICT_DIFFERENT,
    };
    let check = |of: &Json| {
        let differences = of["differences"].as_i64().unwrap_or_default();
        CheckRow {
            name: text(&of["name"]),
            checked: t.number(of["checked"].as_i64().unwrap_or_default()),
            differences: t.number(differences),
            is_equal: differences == 0,
            said: texts(&of["said"]),
        }
    };
    let both = [&report["tables"], &report["sample_tables"]];
    Report {
        checks: list(&report["checks"]).iter().map(check).collect(),
        samples: both.into_iter().flat_map(|tables| samples(tables, t)).collect(),
        notes: texts(&report["notes"]),
        ..lines(vec![Some(t.fill(said, &facts))])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Language;
    use crate::time;

    fn locale() -> Locale {
        Locale::new(
            Language::En,
            time::zone(time::MONTREAL).unwrap(),
            "2026-11-24T14:22:00Z".parse().unwrap(),
        )
    }

    fn rows(kind: &str, count: usize) -> Vec<Json> {
        let row = |n| json!({ "kind": kind, "key": format!("{kind}_{n}"), "columns": [["title", "a", "b"]] });
        (0..count).map(row).collect()
    }

    #[test]
    fn twenty_rows_of_each_table_are_shown_with_some_of_each_kind() {
        let all = [rows("changed", 20), rows("missing", 20), rows("surplus", 3)].concat();
        let shown = of_each_kind(&all, 20);
        let of = |kind: &str| shown.iter().filter(|row| row["kind"] == kind).count();
        assert_eq!((of("changed"), of("missing"), of("surplus")), (9, 8, 3));
        assert_eq!(of_each_kind(&all[..20], 20).len(), 20);
        let tables = json!([{ "table": "a", "samples": all }, { "table": "b", "samples": all }]);
        let tables = samples(&tables, &locale());
        assert_eq!(tables.iter().map(|of| of.rows.len()).collect::<Vec<_>>(), [20, 20]);
    }

    #[test]
    fn keys_are_listed_to_a_thousand_and_the_rest_is_counted() {
        let table = |name: &str, count: usize| {
            json!({
                "table": name, "missing": 0, "changed": 2500, "surplus": 0,
                "samples": rows("changed", 20), "keys": rows("changed", count),
            })
        };
        let tables = samples(&json!([table("a", 900), table("b", 1000)]), &locale());
        let keys: Vec<&Keys> = tables.iter().filter_map(|of| of.keys.as_ref()).collect();
        assert_eq!(keys.iter().map(|keys| keys.listed.len()).collect::<Vec<_>>(), [900, 100]);
        assert_eq!(keys[1].more.as_deref(), Some("and 2,400 more"));
        assert_eq!(keys[1].heading, "All 2,500 rows");
        // Where all rows are shown, there is nothing to list.
        let few =
            json!({ "table": "a", "changed": 5, "samples": rows("changed", 5), "keys": rows("changed", 5) });
        assert!(samples(&json!([few]), &locale())[0].keys.is_none());
    }
}
