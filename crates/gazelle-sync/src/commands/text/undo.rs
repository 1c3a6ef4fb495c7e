//! Formats the output of `undo`.

use std::time::Duration;

use super::differences::differences_lines;
use crate::display::{self, Lines};
use crate::entities::read::ErrorCode;
use crate::rebuild::undo::{UndoOperation, UndoReport};
use crate::run_log::report::RunOutcome;
use crate::words::locale::Locale;

pub fn text(report: &UndoReport) -> Lines {
    let mut text = Lines::new();
    differences_lines(&report.rebuild.tables, ["come", "change", "go"], &mut text, &Locale::english());
    if report.undone.newer > 0 {
        text.line(format!(
            "{} of the records have a newer version from a later run and do not change",
            display::count(report.undone.newer)
        ));
    }
    for reason in &report.rebuild.reasons {
        text.line(reason);
    }
    for waiting in
        report.rebuild.waiting.iter().filter(|it| it.error_code != ErrorCode::RefusedByDatabase.as_str())
    {
        text.line(format!(
            "{} record(s) of {} wait in quarantine: {} {}",
            display::count(waiting.records),
            waiting.entity,
            waiting.error_code,
            waiting.error_field
        ));
    }
    // If records wait, the rest was done.
    let nothing_done = report.rebuild.status == RunOutcome::Partial
        && report.rebuild.rows_written == 0
        && !report.rebuild.reasons.is_empty()
        && report.rebuild.waiting.is_empty();
    if nothing_done && !report.rebuild.dry_run {
        return text;
    }
    text.line(outcome(report));
    if let (UndoOperation::Undid(run), false) = (report.undone.step, report.rebuild.dry_run) {
        text.line(format!("reverse it with: gazelle-sync undo --lift {run}"));
    }
    text
}

/// What was done, or would be.
fn outcome(report: &UndoReport) -> String {
    let (versions, records) = (display::count(report.undone.versions), display::count(report.undone.records));
    let took = display::duration(Duration::from_millis(report.rebuild.duration_ms));
    match (report.undone.step, report.rebuild.dry_run) {
        (UndoOperation::Undid(run), true) => format!(
            "undoing {run} would withdraw {versions} version(s) of {records} record(s); nothing was changed ({took})"
        ),
        (UndoOperation::Lifted { run, .. }, true) => format!(
            "lifting the undo of {run} would restore {versions} version(s) of {records} record(s); nothing was changed ({took})"
        ),
        (UndoOperation::Undid(run), false) => {
            format!("undid {run}: {versions} version(s) of {records} record(s) withdrawn ({took})")
        }
        (UndoOperation::Lifted { run, .. }, false) => {
            format!(
                "lifted the undo of {run}: {versions} version(s) of {records} record(s) count again ({took})"
            )
        }
    }
}
