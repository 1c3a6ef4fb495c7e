//! Formats the output of `warnings`, and explains each kind of warning about a record.

use jiff::tz::TimeZone;

use crate::display::{self, Column, Lines, Table};
use crate::entities::ENTITIES;
use crate::entities::read::{UNREADABLE_FIELD, UNREADABLE_ROW, WARNINGS};
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
    let of_fields = |kind: &&RecordWarnings| [UNREADABLE_FIELD, UNREADABLE_ROW].contains(&kind.code.as_str());
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

/// Kinds of warnings about records with their explanations: first those of any entity, then those of each.
fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    WARNINGS.iter().chain(ENTITIES.iter().flat_map(|entity| entity.warnings)).copied()
}

/// The explanation of a kind of warning, with its code for `--code`.
fn meaning(code: &str) -> Option<String> {
    kinds().find(|(of, _)| *of == code).map(|(_, says)| format!("{says} ({code})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::read::{UNREADABLE_FIELD, UNREADABLE_ROW};

    fn text_of(path: &str) -> String {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    #[test]
    fn the_readme_lists_the_warnings_as_they_are() {
        let mut expected = String::from("| code | says of a record |\n|---|---|\n");
        for (code, says) in kinds() {
            expected.push_str(&format!("| `{code}` | {says} |\n"));
        }
        let readme = text_of("../../README.md");
        let table = readme
            .split_once("<!-- warnings -->\n")
            .and_then(|(_, rest)| rest.split_once("<!-- /warnings -->"));
        let (table, _) = table.expect("the README has a table of warnings between its markers");
        assert_eq!(table, expected, "put the right-hand side into README.md");
    }

    #[test]
    fn every_warning_that_the_code_gives_is_a_kind() {
        let mut given = vec![UNREADABLE_FIELD.to_owned(), UNREADABLE_ROW.to_owned()];
        // Those that the tables of lists declare.
        for table in ENTITIES.iter().flat_map(|entity| entity.tables) {
            given.extend(table.list.as_ref().map(|list| list.doubled.to_owned()));
            given.extend(table.unnamed.as_ref().map(|unnamed| unnamed.warning.to_owned()));
        }
        let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut left = vec![src.join("entities"), src.join("staging_to_production")];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let is_code = path.extension().is_some_and(|ending| ending == "rs");
            let text = if is_code { std::fs::read_to_string(&path).unwrap() } else { continue };
            let codes = text.split("warn(\"").skip(1).filter_map(|rest| rest.split('"').next());
            given.extend(codes.map(str::to_owned));
        }
        given.sort();
        given.dedup();
        let mut listed: Vec<&str> = kinds().map(|(code, _)| code).collect();
        listed.sort_unstable();
        assert_eq!(given, listed);
    }
}
