//! The report of an action, as its page shows it.

use serde_json::Value as Json;

use super::description::kind;
use crate::dashboard::values::Value;
use crate::dashboard::words::actions as w;
use crate::dashboard::words::tongue::Tongue;
use crate::run_log::actions::{Action, ActionKind};

/// Rows of a table that are shown.
const MOST_SAMPLES: usize = 20;

/// What was found or done.
pub(super) struct Report {
    /// Lines above the tables.
    pub(super) lines: Vec<String>,
    /// Heading of the tables; none where the report has none.
    pub(super) heading: Option<String>,
    pub(super) tables: Vec<TableRow>,
    pub(super) samples: Vec<SampleView>,
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

/// A row that differs.
pub(super) struct SampleView {
    pub(super) class: &'static str,
    pub(super) shape: &'static str,
    pub(super) word: String,
    pub(super) table: String,
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
    pub(super) fn of(action: &Action, report: &Json, t: &Tongue) -> Option<Report> {
        Some(match kind(action)? {
            ActionKind::Verify => verification(report, t),
            ActionKind::Replay | ActionKind::Undo | ActionKind::Lift => rebuild(report, t),
            ActionKind::Delete => lines(vec![decided(report, w::DECIDED_DELETED, t), seen_since(report, t)]),
            ActionKind::Keep => lines(vec![decided(report, w::DECIDED_KEPT, t)]),
            ActionKind::Retry => {
                lines(vec![Some(t.count(w::RETRIED, report["retried"].as_i64().unwrap_or_default()))])
            }
            ActionKind::Sync | ActionKind::Dismiss => return None,
        })
    }

    /// What the button says that applies a dry run; none where there is nothing to apply.
    pub(super) fn apply_label(&self, t: &Tongue) -> Option<String> {
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
fn decided(report: &Json, counted: crate::dashboard::words::said::Counted, t: &Tongue) -> Option<String> {
    let number = |name: &str| report[name].as_i64().unwrap_or_default();
    Some(t.count(counted, number("decided") - number("seen_since")))
}

fn seen_since(report: &Json, t: &Tongue) -> Option<String> {
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

fn rebuild(report: &Json, t: &Tongue) -> Report {
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

fn samples(tables: &Json, t: &Tongue) -> Vec<SampleView> {
    let of_table = |table: &Json| {
        let name = text(&table["table"]);
        list(&table["samples"]).iter().map(|one| sample(one, &name, t)).collect::<Vec<_>>()
    };
    list(tables).iter().flat_map(of_table).take(MOST_SAMPLES).collect()
}

fn sample(one: &Json, table: &str, t: &Tongue) -> SampleView {
    let (class, shape, word) = match one["kind"].as_str() {
        Some("missing") => ("ok", "+", w::KIND_COMES),
        Some("surplus") => ("bad", "−", w::KIND_GOES),
        _ => ("run", "≠", w::KIND_CHANGES),
    };
    let side = |value: &Json| (!value.is_null()).then(|| Value::of(value, t));
    // Name, value in production, value from staging.
    let field = |of: &Json| FieldView { name: text(&of[0]), before: side(&of[1]), after: side(&of[2]) };
    SampleView {
        class,
        shape,
        word: t.say(word).into_owned(),
        table: table.to_owned(),
        key: text(&one["key"]),
        fields: list(&one["columns"])
            .iter()
            .filter(|of| !(of[1].is_null() && of[2].is_null()))
            .map(field)
            .collect(),
    }
}

fn verification(report: &Json, t: &Tongue) -> Report {
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
        samples: both.into_iter().flat_map(|tables| samples(tables, t)).take(MOST_SAMPLES).collect(),
        notes: texts(&report["notes"]),
        ..lines(vec![Some(t.fill(said, &facts))])
    }
}
