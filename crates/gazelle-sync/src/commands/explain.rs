//! `explain`: shows where a value in production came from.

use anyhow::{Result, bail};
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value as Json;

use super::shared::context::Context;
use super::shared::record;
use super::shared::record::in_several;
use super::text::explain::text;
use crate::cli::{ExplainArgs, did_you_mean};
use crate::db::Tx;
use crate::entities::table::Table;
use crate::explain::column::{self, Explanation};
use crate::explain::find::FoundRecord;
use crate::staging::history::{self, Version};

/// The explanation of a value.
#[derive(Serialize)]
struct ExplainedValue {
    #[serde(flatten)]
    explanation: Explanation,
    /// What is wrong with the record's newest version, if the API could not return it completely.
    newest_fault: Option<String>,
}

/// Prints where the value came from.
///
/// # Errors
/// The database cannot be opened, or a statement fails; neither staging nor
/// production has the record; it is in staging only.
pub async fn run(context: &Context, args: ExplainArgs) -> Result<u8> {
    let tell = async |tx: &Tx<'_>, found: Vec<FoundRecord>, zone: &TimeZone| {
        explain(context, &args, tx, found, zone).await
    };
    record::about(context, &args.id, args.entity.as_ref(), tell).await
}

async fn explain(
    context: &Context,
    args: &ExplainArgs,
    tx: &Tx<'_>,
    mut found: Vec<FoundRecord>,
    zone: &TimeZone,
) -> Result<u8> {
    let entity = found[0].entity;
    let newest = history::newest(tx, entity, &found[0].record_id, 1).await?;
    let newest = newest.last();
    found.retain(|found| !found.rows.is_empty());
    if found.is_empty() {
        bail!(in_staging_alone(&args.id, entity.name, newest));
    }
    let asked = AskedColumn::of(&args.column);
    let (one, table, row) = match asked.row(&args.id, &found) {
        Ok(chosen) => chosen,
        Err(message) => return context.wrong_use(&message),
    };
    let Some(explanation) = column::explain(tx, one, table, row, asked.name, zone).await? else {
        let columns = column::columns(tx, table).await?;
        return context.wrong_use(&no_column(table, asked.name, &columns));
    };
    let explanation = ExplainedValue { explanation, newest_fault: newest.and_then(fault) };
    context.print(&explanation, || {
        text(&explanation.explanation, explanation.newest_fault.as_deref(), &context.settings.timezone)
    })?;
    Ok(0)
}

/// What is wrong with a record's newest version; production then holds an older one.
fn fault(newest: &Version) -> Option<String> {
    let message = newest.fault.as_ref()?.error().message;
    Some(newest.only_id().unwrap_or(message))
}

/// The message for a record without a row in production.
fn in_staging_alone(id: &str, entity: &str, newest: Option<&Version>) -> String {
    let only_id = newest.and_then(Version::only_id);
    let only_id = only_id.map_or_else(String::new, |only_id| format!(": {only_id}"));
    format!(
        "production has no row {id}: {entity} have it only in staging (gazelle-sync history {id} shows why){only_id}"
    )
}

/// The message for a column that the table does not have.
fn no_column(table: &Table, name: &str, columns: &[String]) -> String {
    let near = did_you_mean(name, columns.iter().map(String::as_str));
    format!("{} has no column {name:?}{near}; its columns: {}", table.name, columns.join(", "))
}

/// The requested column: `NAME`, or `TABLE.NAME` if the id is a key of several tables.
struct AskedColumn<'a> {
    table: Option<&'a str>,
    name: &'a str,
}

impl<'a> AskedColumn<'a> {
    fn of(argument: &'a str) -> AskedColumn<'a> {
        match argument.split_once('.') {
            Some((table, name)) => AskedColumn { table: Some(table), name },
            None => AskedColumn { table: None, name: argument },
        }
    }

    /// The requested row among those with this id; each of `found` has one.
    ///
    /// # Errors
    /// The id is ambiguous or not in the table: the message says how to name the row.
    fn row<'f>(
        &self,
        id: &str,
        found: &'f [FoundRecord],
    ) -> Result<(&'f FoundRecord, &'static Table, &'f Json), String> {
        let [one] = found else { return Err(in_several(id, found)) };
        let is_asked = |table: &Table| self.table.is_none_or(|wanted| wanted == table.name);
        let rows: Vec<&(&'static Table, Json)> =
            one.rows.iter().filter(|(table, _)| is_asked(table)).collect();
        match rows.as_slice() {
            [] => Err(not_in(id, self.table.unwrap_or_default(), one)),
            [(table, row)] => Ok((one, table, row)),
            several => {
                let names: Vec<String> =
                    several.iter().map(|(table, _)| format!("{}.{}", table.name, self.name)).collect();
                Err(format!("{id} is a key of {} tables: say {}", several.len(), names.join(" or ")))
            }
        }
    }
}

fn not_in(id: &str, table: &str, found: &FoundRecord) -> String {
    let tables: Vec<&str> = found.rows.iter().map(|(table, _)| table.name).collect();
    format!("{table:?} has no row {id}; {} has", tables.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::entities::entity;

    /// The record of an id, with a row in each of these tables of its entity.
    fn found(name: &str, tables: &[usize]) -> FoundRecord {
        let entity = entity(name).unwrap();
        let rows = tables.iter().map(|table| (entity.tables[*table], json!({ "table": table }))).collect();
        FoundRecord { entity, record_id: "1".to_owned(), rows }
    }

    #[test]
    fn a_column_is_one_of_the_only_row_or_says_of_which_table_it_is() {
        let tables = entity("clients").unwrap().tables;
        let second = format!("{}.title", tables[1].name);
        let both = format!("1 is a key of 2 tables: say {}.title or {second}", tables[0].name);
        for (asked, records, expected) in [
            ("title", vec![found("clients", &[1])], Ok(1)),
            (second.as_str(), vec![found("clients", &[0, 1])], Ok(1)),
            ("title", vec![found("clients", &[0, 1])], Err(both.as_str())),
            (
                "nowhere.title",
                vec![found("clients", &[0])],
                Err("\"nowhere\" has no row 1; gazelle_clients has"),
            ),
            (
                "title",
                vec![found("users", &[0]), found("clients", &[0])],
                Err("1 is an id of users and of clients: choose one with --entity users"),
            ),
        ] {
            let chosen = AskedColumn::of(asked).row("1", &records);
            let chosen = chosen.map(|(_, table, row)| {
                assert_eq!(tables[row["table"].as_u64().unwrap() as usize].name, table.name, "{asked}");
                row["table"].as_u64().unwrap()
            });
            assert_eq!(
                chosen.as_ref().map_err(String::as_str),
                expected.as_ref().map_err(|text| *text),
                "{asked}"
            );
        }
    }
}
