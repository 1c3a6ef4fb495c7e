//! Formats the output of `explain`.

use super::source::request_text;
use super::source::run_text;
use super::source::value_text;
use crate::display::Lines;
use crate::explain::column::{CheckedPath, Explanation, FilledBy, Source};
use crate::explain::times::Times;

/// The value and the values that it is computed from; and what is wrong with the record's newest version, if
/// production holds an older one.
pub fn text(told: &Explanation, newest_fault: Option<&str>, zone: &str) -> Lines {
    let mut lines = Lines::new();
    value_lines(told, "", zone, None, &mut lines);
    if let Some(fault) = newest_fault {
        let fault = fault.replace(['\n', '\t'], " ");
        lines.line(format!("{:<14}not in production: {fault}", "newest version"));
    }
    lines
}

/// `margin` is the prefix of every line about a value that another one is computed from; its version is printed
/// only if it differs from `outer`.
fn value_lines(told: &Explanation, margin: &str, zone: &str, outer: Option<&Source>, text: &mut Lines) {
    let is_told =
        outer.zip(told.source.as_ref()).is_some_and(|(outer, own)| outer.staging_id == own.staging_id);
    let mut line = |name: &str, value: &str| {
        text.line(format!("{margin}{name:<14}{}", value.replace(['\n', '\t'], " ")));
    };
    line("value", &format!("{}.{} of {} = {}", told.table, told.column, told.row, value_text(&told.value)));
    if let Some(at) = &told.deleted_at {
        line("deleted", &format!("since {}", at.text()));
    }
    line("rule", &format!("{} ({})", told.rule, filled_by(told.filled_by)));
    for looked in &told.looked_at {
        line("path", &looked_text(looked));
    }
    if let Some(source) = &told.source {
        if !is_told {
            source_lines(source, &mut line);
        }
    } else if matches!(told.filled_by, FilledBy::Record | FilledBy::Reconciler) {
        line("version", "the version that the row names is no longer in staging");
    }
    if let Some(made) = &told.made {
        line("made of it", &value_text(made));
    }
    match told.agrees {
        Some(false) if told.filled_by == FilledBy::AnotherRow => {
            line("differs", "the other row has a different value now")
        }
        Some(false) => line(
            "differs",
            "production has a different value: it was changed by hand (`gazelle-sync verify` finds such rows, `replay` corrects them)",
        ),
        _ => {}
    }
    if let Some(times) = &told.times {
        times_lines(times, zone, &mut line);
    }
    for said in &told.said {
        let note = said.note.as_deref().map_or_else(String::new, |note| format!(" ({note})"));
        let what =
            format!("version {}, {}: {}{note}", said.version, said.seen_at.text(), value_text(&said.value));
        line("said by", &what);
    }
    if told.filled_by == FilledBy::AnotherRow && told.rests_on.is_empty() {
        line("derived from", "nothing: no such row is named");
    }
    for inner in &told.rests_on {
        text.line(format!("{margin}derived from"));
        value_lines(inner, &format!("{margin}    "), zone, told.source.as_ref().or(outer), text);
    }
}

fn filled_by(what: FilledBy) -> &'static str {
    match what {
        FilledBy::Record => "taken from the record",
        FilledBy::Reconciler => "set by the reconciler",
        FilledBy::AnotherRow => "taken from another row of production",
        FilledBy::Database => "computed by the database",
        FilledBy::View => "computed when it is read",
        FilledBy::Lineage => "names the origin of the row",
    }
}

fn looked_text(looked: &CheckedPath) -> String {
    match (looked.found, looked.used) {
        (false, _) => format!("{}: absent", looked.path),
        (true, true) => format!("{}: {}", looked.path, value_text(&looked.raw)),
        (true, false) => format!("{}: {} (checked)", looked.path, value_text(&looked.raw)),
    }
}

fn source_lines(source: &Source, line: &mut impl FnMut(&str, &str)) {
    line("record", &source.record);
    let place = format!("{} of {}, seen {}", source.version, source.versions_held, source.seen_at.text());
    line("version", &place);
    line("staging row", &source.staging_id.to_string());
    line("run", run_text(source.run.as_ref()).trim_start_matches("run "));
    match &source.request {
        Some(request) => line("request", request_text(request).trim_start_matches("request ")),
        None => line("request", "not noted"),
    }
    for request in &source.completed_by {
        line("completed by", request_text(request).trim_start_matches("request "));
    }
}

fn times_lines(times: &Times, zone: &str, line: &mut impl FnMut(&str, &str)) {
    if let Some(raw) = &times.raw {
        line("text", raw);
    }
    line("instant", &format!("{} UTC", times.instant.to_string().trim_end_matches('Z').replace('T', " ")));
    line("in UTC", &format!("date {}, time {}", times.utc_date, times.utc_time));
    line("local", &format!("{} in {zone}", times.local));
    if let Some(row) = &times.view {
        line("in the view", &row.text());
    }
}
