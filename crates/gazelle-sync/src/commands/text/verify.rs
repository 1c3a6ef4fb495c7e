//! Formats the output of `verify`.

use jiff::tz::TimeZone;

use super::differences::samples_lines;
use crate::display::{self, Column, Lines, Table};
use crate::rebuild::verify::{VerifyReport, VerifyVerdict};
use crate::time;

pub fn text(report: &VerifyReport, zone: &TimeZone) -> Lines {
    let mut table =
        Table::new([Column::text("checked"), Column::number("of"), Column::number("differences")]);
    for check in &report.checks {
        table.row([check.name.clone(), display::count(check.checked), display::count(check.differences)]);
    }
    let mut text = Lines::new();
    text.table(&table);
    for check in report.checks.iter().filter(|check| check.differences > 0) {
        text.blank().line(&check.name);
        for line in &check.said {
            text.line(format!("  {line}"));
        }
        if check.differences > check.said.len() as u64 && check.said.len() > 1 {
            text.line("  …");
        }
    }
    for (title, tables) in [
        ("production -> rebuilt from staging", &report.tables),
        ("production -> answered by the API", &report.sample_tables),
    ] {
        if !tables.is_empty() {
            text.blank().line(title);
            samples_lines(tables, &mut text);
        }
    }
    for note in &report.notes {
        text.line(format!("  - {note}"));
    }
    text.line(verdict(report, zone));
    text
}

/// The verdict in one line.
fn verdict(report: &VerifyReport, zone: &TimeZone) -> String {
    let at = time::show_hour(report.as_of, zone);
    let figures = format!(
        "{} rows, {} sampled, {} difference{}",
        display::count(report.rows),
        display::count(report.sampled),
        display::count(report.differences),
        if report.differences == 1 { "" } else { "s" }
    );
    match report.status {
        VerifyVerdict::Equal => format!("equal as of {at}: {figures}"),
        VerifyVerdict::Incomplete => {
            format!("no difference as of {at}, but not everything was compared with the API: {figures}")
        }
        VerifyVerdict::Different => {
            format!("DIFFERENT as of {at}: {figures} (sample repeated with --seed {})", report.seed)
        }
    }
}
