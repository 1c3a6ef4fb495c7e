//! Formats the output of `verify`.

use super::differences::samples_lines;
use super::words::recorded::told;
use super::words::verify as w;
use crate::display::{Column, Lines, Table};
use crate::rebuild::verify::{VerifyReport, VerifyVerdict};
use crate::words::locale::Locale;

pub(crate) fn text(report: &VerifyReport, t: &Locale) -> Lines {
    let mut table = Table::new([
        Column::text(t.say(w::CHECKED)),
        Column::number(t.say(w::OF)),
        Column::number(t.say(w::DIFFERENCES)),
    ]);
    for check in &report.checks {
        table.row([told(&check.name, t.language), t.number(check.checked), t.number(check.differences)]);
    }
    let mut text = Lines::new();
    text.table(&table);
    for check in report.checks.iter().filter(|check| check.differences > 0) {
        text.blank().wrapped(told(&check.name, t.language), 2);
        for line in &check.said {
            text.wrapped(format!("  {}", told(line, t.language)), 4);
        }
        if check.differences > check.said.len() as u64 && check.said.len() > 1 {
            text.line("  …");
        }
    }
    for (title, tables) in [(w::FROM_STAGING, &report.tables), (w::FROM_API, &report.sample_tables)] {
        if !tables.is_empty() {
            text.blank().line(t.say(title));
            samples_lines(tables, &mut text, t);
        }
    }
    for note in &report.notes {
        text.wrapped(format!("  - {}", told(note, t.language)), 4);
    }
    text.wrapped(verdict(report, t), 2);
    text
}

/// The verdict in one line.
fn verdict(report: &VerifyReport, t: &Locale) -> String {
    let count = i64::try_from(report.differences).unwrap_or(i64::MAX);
    let (rows, sampled) = (t.number(report.rows), t.number(report.sampled));
    let facts = [("rows", &*rows), ("sampled", &sampled), ("n", &t.number(count))];
    let figures = t.fill(w::FIGURES.of(count, t.language), &facts);
    let said = match report.status {
        VerifyVerdict::Equal => w::EQUAL,
        VerifyVerdict::Incomplete => w::INCOMPLETE,
        VerifyVerdict::Different => w::DIFFERENT,
    };
    let (at, seed) = (t.clock(report.as_of), report.seed.to_string());
    t.fill(said, &[("at", &at), ("figures", &figures), ("seed", &seed)])
}
