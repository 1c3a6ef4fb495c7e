//! Formats the output of `doctor`.

use crate::display::{self, Lines};
use crate::doctor::{Level, Report};

pub fn text(report: &Report) -> Lines {
    let width = report.checks.iter().map(|line| line.check.chars().count()).max().unwrap_or(0);
    let mut text = Lines::new();
    for line in &report.checks {
        let level = match line.level {
            Level::Ok => "ok     ",
            Level::Warning => "WARNING",
            Level::Problem => "PROBLEM",
        };
        let said = format!("{level}  {:width$}  {}", line.check, line.said);
        let mend = line.mend.as_ref().map(|mend| format!("-> {mend}"));
        // The remedy may be a command to copy: on a terminal it is printed on separate lines.
        match (mend, display::terminal_width().is_some()) {
            (None, _) => text.wrapped(said, width + 11),
            (Some(mend), false) => text.line(format!("{said}  {mend}")),
            (Some(mend), true) => text.wrapped(said, width + 11).wrapped(format!("         {mend}"), 12),
        };
    }
    let Report { ok, warnings, problems, .. } = report;
    text.line(format!("{ok} ok, {warnings} warning(s), {problems} problem(s)"));
    text
}
