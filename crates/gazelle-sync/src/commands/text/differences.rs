//! Formats the rows that differ between production and what staging gives.

use crate::display::{self, Column, Lines, Table};
use crate::staging_to_production::difference::{DifferenceKind, Sample, TableDifference};

/// One line per table with the numbers of missing, changed and surplus rows under these headings, then samples of
/// the rows.
pub fn differences_lines(
    tables: &[TableDifference],
    [missing, changed, surplus]: [&'static str; 3],
    text: &mut Lines,
) {
    let mut table = Table::new([
        Column::text("table"),
        Column::number(missing),
        Column::number(changed),
        Column::number(surplus),
    ]);
    for of in tables {
        table.row([
            of.table.to_owned(),
            display::count(of.missing),
            display::count(of.changed),
            display::count(of.surplus),
        ]);
    }
    text.table(&table);
    samples_lines(tables, text);
}

/// Samples of each kind of difference, column by column.
pub fn samples_lines(tables: &[TableDifference], text: &mut Lines) {
    for of in tables {
        for sample in &of.samples {
            sample_lines(of.table, sample, text);
        }
        let shown = of.samples.len() as i64;
        let more = of.missing + of.changed + of.surplus - shown;
        if shown > 0 && more > 0 {
            text.line(format!("{}: {} more row(s) differ", of.table, display::count(more)));
        }
    }
}

fn sample_lines(table: &str, sample: &Sample, text: &mut Lines) {
    let said = match sample.kind {
        DifferenceKind::Missing => "is missing: production has no such row; rebuilt from staging:",
        DifferenceKind::Surplus => "is surplus: no version in staging gives it; in production:",
        DifferenceKind::Changed => "differs: in production -> rebuilt from staging",
    };
    text.line(format!("{table} {} {said}", sample.key));
    for (column, held, rebuilt) in &sample.columns {
        text.line(match sample.kind {
            DifferenceKind::Missing => format!("    {column}: {rebuilt}"),
            DifferenceKind::Surplus => format!("    {column}: {held}"),
            DifferenceKind::Changed => format!("    {column}: {held} -> {rebuilt}"),
        });
    }
}
