//! Formats the output of `replay`.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::differences::differences_lines;
use crate::display::{self, Column, Lines, Table};
use crate::rebuild::replay::ReplayReport;
use crate::rebuild::replay::into_schema::RestoredSchema;
use crate::run_log::report::RunOutcome;
use crate::time;
use crate::words::locale::Locale;

pub fn text(report: &ReplayReport) -> Lines {
    let mut text = Lines::new();
    differences_lines(
        &report.rebuild.tables,
        ["missing", "changed", "surplus"],
        &mut text,
        &Locale::english(),
    );
    for reason in &report.rebuild.reasons {
        text.line(reason);
    }
    let differing: i64 = report.rebuild.tables.iter().map(|t| t.missing + t.changed + t.surplus).sum();
    let took = display::duration(Duration::from_millis(report.rebuild.duration_ms));
    let of_what = match report.records {
        None => "production".to_owned(),
        Some(records) => format!("{} record(s) in production", display::count(records as i64)),
    };
    let withheld =
        report.rebuild.status == RunOutcome::Partial && report.rebuild.rows_written == 0 && differing > 0;
    text.line(match (differing, report.rebuild.dry_run || withheld) {
        (0, _) => format!("{of_what}: no difference from staging, nothing to do ({took})"),
        (n, true) => format!("{} row(s) differ; nothing was changed ({took})", display::count(n)),
        (n, false) if report.rebuild.waiting.iter().any(|waiting| waiting.unwritten().is_some()) => format!(
            "{} row(s) differed; those of the records above were not changed, the others have been corrected ({took})",
            display::count(n)
        ),
        (n, false) => {
            format!("{} row(s) differed and have been corrected ({took})", display::count(n))
        }
    });
    text
}

pub fn built_text(built: &RestoredSchema, zone: &TimeZone) -> Lines {
    let mut table = Table::new([Column::text("table"), Column::number("rows")]);
    for (name, rows) in &built.tables {
        table.row([(*name).to_owned(), display::count(*rows as i64)]);
    }
    let mut text = Lines::new();
    text.table(&table);
    for record in &built.unplaced {
        let (entity, id, reason) = (&record.entity, &record.external_id, &record.reason);
        text.line(format!("left out or unchanged: {entity} {id}: {reason}"));
    }
    text.line(format!(
        "production as of {} ({}) is in the schema {}{} ({})",
        time::show(built.as_of, zone),
        built.as_of,
        built.schema,
        if built.replaced { ", replacing what was built there before" } else { "" },
        display::duration(Duration::from_millis(built.duration_ms)),
    ));
    text
}
