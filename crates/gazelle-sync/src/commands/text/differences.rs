//! Formats the rows that differ between production and what staging gives.

use super::words::verify as w;
use crate::display::{Column, Lines, Table};
use crate::staging_to_production::difference::{DifferenceKind, Sample, TableDifference};
use crate::words::locale::Locale;

/// One line per table with the numbers of missing, changed and surplus rows under these headings, then samples of
/// the rows.
pub(crate) fn differences_lines(
    tables: &[TableDifference],
    [missing, changed, surplus]: [&'static str; 3],
    text: &mut Lines,
    t: &Locale,
) {
    let mut table = Table::new([
        Column::text("table"),
        Column::number(missing),
        Column::number(changed),
        Column::number(surplus),
    ]);
    for of in tables {
        let counts = [of.missing, of.changed, of.surplus].map(|count| t.number(count));
        table.row([of.table.to_owned()].into_iter().chain(counts));
    }
    text.table(&table);
    samples_lines(tables, text, t);
}

/// Samples of each kind of difference, column by column.
pub(crate) fn samples_lines(tables: &[TableDifference], text: &mut Lines, t: &Locale) {
    for of in tables {
        for sample in &of.samples {
            sample_lines(of.table, sample, text, t);
        }
        let shown = of.samples.len() as i64;
        let more = of.missing + of.changed + of.surplus - shown;
        if shown > 0 && more > 0 {
            text.wrapped(t.fill(w::MORE_DIFFER, &[("table", of.table), ("n", &t.number(more))]), 2);
        }
    }
}

fn sample_lines(table: &str, sample: &Sample, text: &mut Lines, t: &Locale) {
    let said = t.say(match sample.kind {
        DifferenceKind::Missing => w::IS_MISSING,
        DifferenceKind::Surplus => w::IS_SURPLUS,
        DifferenceKind::Changed => w::DIFFERS,
    });
    text.wrapped(format!("{table} {} {said}", sample.key), 2);
    for (column, held, rebuilt) in &sample.columns {
        let label = t.label(column);
        let said = match sample.kind {
            DifferenceKind::Missing => format!("    {label} {rebuilt}"),
            DifferenceKind::Surplus => format!("    {label} {held}"),
            DifferenceKind::Changed => format!("    {label} {held} -> {rebuilt}"),
        };
        text.wrapped(said, 6);
    }
}
