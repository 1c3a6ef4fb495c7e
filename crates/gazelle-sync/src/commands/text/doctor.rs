//! Formats the output of `doctor`.

use super::words::verify as w;
use crate::config::Language;
use crate::dashboard::words::findings;
use crate::display::{self, Lines};
use crate::doctor::{Level, Report};
use crate::words::locale::Locale;

pub(crate) fn text(report: &Report, t: &Locale) -> Lines {
    let names: Vec<String> = report.checks.iter().map(|line| said(&line.check, findings::check, t)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let levels =
        [Level::Ok, Level::Warning, Level::Problem].map(|level| level_name(level, t).chars().count());
    let level_width = levels.into_iter().max().unwrap_or(0);
    let mut text = Lines::new();
    for (line, name) in report.checks.iter().zip(names) {
        let level = level_name(line.level, t);
        let found = said(&line.said, findings::finding, t);
        let said_line = format!("{level:level_width$}  {name:width$}  {found}");
        let fix = line.fix.as_ref().map(|fix| format!("-> {}", said(fix, findings::remedy, t)));
        let indent = level_width + width + 4;
        // The remedy may be a command to copy: on a terminal it is printed on separate lines.
        match (fix, display::terminal_width().is_some()) {
            (None, _) => text.wrapped(said_line, indent),
            (Some(fix), false) => text.line(format!("{said_line}  {fix}")),
            (Some(fix), true) => {
                let under = " ".repeat(level_width + 2);
                text.wrapped(said_line, indent).wrapped(format!("{under}{fix}"), level_width + 5)
            }
        };
    }
    let [ok, warnings, problems] =
        [report.ok, report.warnings, report.problems].map(|count| count.to_string());
    text.line(t.fill(w::SUM, &[("ok", &ok), ("warnings", &warnings), ("problems", &problems)]));
    text
}

fn level_name(level: Level, t: &Locale) -> String {
    let said = match level {
        Level::Ok => w::OK,
        Level::Warning => w::WARNING,
        Level::Problem => w::PROBLEM,
    };
    t.say(said).into_owned()
}

/// What a check wrote in English, in the language of the report.
fn said(english: &str, french: fn(&str) -> Option<String>, t: &Locale) -> String {
    let found = match t.language {
        Language::En => None,
        Language::Fr => french(english),
    };
    found.unwrap_or_else(|| english.to_owned())
}
