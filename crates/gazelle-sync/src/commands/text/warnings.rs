//! Formats the output of `warnings`, and explains each kind of warning about a record.

use jiff::tz::TimeZone;

use crate::display::{self, Column, Lines, Table};
use crate::entities::ENTITIES;
use crate::entities::read::{UNREADABLE_FIELD, UNREADABLE_ROW, WARNINGS, WarningCode};
use crate::run_log::warnings::{RecordWarnings, Warnings};
use crate::time;

pub fn text(warnings: &Warnings, zone: &TimeZone) -> Lines {
    if warnings.records.is_empty() && warnings.runs.is_empty() {
        return "no warnings".into();
    }
    let mut text = Lines::new();
    if !warnings.records.is_empty() {
        let mut table = Table::new([
            Column::text("entity"),
            Column::text("warning"),
            Column::number("records"),
            Column::text("last noted"),
            Column::ids("such as"),
        ]);
        for kind in &warnings.records {
            let mut samples: Vec<&str> =
                kind.samples.iter().map(|sample| sample.external_id.as_str()).collect();
            // Count a record with several such fields once.
            samples.dedup();
            let more = if kind.records > samples.len() as i64 { ", …" } else { "" };
            table.row([
                kind.entity.clone(),
                meaning(&kind.code).unwrap_or_else(|| kind.code.clone()),
                display::count(kind.records),
                time::show(kind.last_seen_at, zone),
                format!("{}{more}", samples.join(", ")),
            ]);
        }
        text.table(&table);
        unreadable(warnings, &mut text);
    }
    if !warnings.runs.is_empty() {
        let mut table = Table::new([Column::text("run of"), Column::text("warning"), Column::ids("run")]);
        for warning in &warnings.runs {
            table.row([
                time::show(warning.started_at, zone),
                warning.message.clone(),
                warning.run_id.clone(),
            ]);
        }
        text.blank().table(&table);
    }
    text
}

/// Fields that cannot be read, record by record, with the shape of the value.
fn unreadable(warnings: &Warnings, text: &mut Lines) {
    let of_fields = |kind: &&RecordWarnings| {
        [UNREADABLE_FIELD, UNREADABLE_ROW].iter().any(|code| code.as_str() == kind.code)
    };
    let mut table = Table::new([
        Column::ids("record"),
        Column::text("field"),
        Column::text("is"),
        Column::text("NULL in production"),
    ]);
    let (mut shown, mut ids) = (0, std::collections::BTreeSet::new());
    for sample in warnings.records.iter().filter(of_fields).flat_map(|kind| &kind.samples) {
        shown += 1;
        ids.insert(sample.external_id.as_str());
        table.row([
            sample.external_id.clone(),
            sample.field.clone(),
            sample.shape.clone().unwrap_or_default(),
            sample.column.clone().unwrap_or_else(|| "its row".to_owned()),
        ]);
    }
    let records: i64 = warnings.records.iter().filter(of_fields).map(|kind| kind.records).sum();
    if shown > 0 {
        text.blank().table(&table);
        if records > ids.len() as i64 {
            text.line(format!("{} of {} records (--limit N shows more)", ids.len(), display::count(records)));
        }
    }
}

/// The codes of warnings about records: first those of any entity, then those of each.
fn kinds() -> impl Iterator<Item = WarningCode> {
    WARNINGS.iter().chain(ENTITIES.iter().flat_map(|entity| entity.warnings)).copied()
}

/// The explanation of a kind of warning, with its code for `--code`.
fn meaning(code: &str) -> Option<String> {
    kinds().find(|of| of.as_str() == code).map(|of| format!("{} ({code})", of.meaning()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::run_log::report::RunWarningCode;

    fn text_of(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The part of docs/commands.md between two markers, and the table that belongs there.
    fn table_of(marker: &str, title: &str, rows: &[(&str, &str)]) -> (String, String) {
        let page = text_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md"));
        let (_, rest) = page.split_once(&format!("<!-- {marker} -->\n")).expect("the first marker");
        let (table, _) = rest.split_once(&format!("<!-- /{marker} -->")).expect("the second marker");
        let mut expected = format!("| code | {title} |\n|---|---|\n");
        for (code, says) in rows {
            expected.push_str(&format!("| `{code}` | {says} |\n"));
        }
        (table.to_owned(), expected)
    }

    #[test]
    fn the_page_of_commands_lists_the_warnings_as_they_are() {
        let of_records: Vec<_> = kinds().map(|code| (code.as_str(), code.meaning())).collect();
        let of_runs: Vec<_> =
            RunWarningCode::ALL.iter().map(|code| (code.as_str(), code.meaning())).collect();
        for (table, expected) in [
            table_of("warnings", "says of a record", &of_records),
            table_of("run warnings", "says of a run", &of_runs),
        ] {
            assert_eq!(table, expected, "put the right-hand side into docs/commands.md");
        }
    }

    #[test]
    fn the_french_page_of_commands_has_the_same_codes() {
        let page = text_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fr/commands.md"));
        let of = |marker: &str| -> Vec<String> {
            let (_, rest) = page.split_once(&format!("<!-- {marker} -->\n")).expect("the first marker");
            let (table, _) = rest.split_once(&format!("<!-- /{marker} -->")).expect("the second marker");
            let codes = table.lines().skip(2).filter_map(|line| line.split('`').nth(1));
            codes.map(str::to_owned).collect()
        };
        assert_eq!(of("warnings"), kinds().map(|code| code.as_str().to_owned()).collect::<Vec<_>>());
        let of_runs: Vec<_> = RunWarningCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
        assert_eq!(of("run warnings"), of_runs);
    }

    /// The codes that a file declares, tests left out.
    fn declared(path: &Path) -> Vec<String> {
        let text = text_of(path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let codes = code.split("WarningCode::new(").skip(1).filter_map(|rest| rest.split('"').nth(1));
        codes.map(str::to_owned).collect()
    }

    #[test]
    fn every_code_that_is_declared_is_listed_once() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut left: Vec<PathBuf> = vec![src.join("entities"), src.join("staging_to_production")];
        let mut found: Vec<String> = Vec::new();
        while let Some(path) = left.pop() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if name.ends_with(".rs") && !["tests.rs", "made_up.rs"].contains(&name.as_str()) {
                found.extend(declared(&path));
            }
        }
        found.sort();
        let mut listed: Vec<&str> = kinds().map(WarningCode::as_str).collect();
        listed.sort_unstable();
        assert_eq!(found, listed);
        assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "{listed:?}");
    }
}
