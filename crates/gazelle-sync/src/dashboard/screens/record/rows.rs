//! The rows of production, as a page shows them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::fed::FilledColumns;
use super::read::{MOST_ROWS, ProductionRow};
use crate::dashboard::links;
use crate::dashboard::page::entity_name;
use crate::dashboard::values::Value;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::record as w;
use crate::entities::table::{Rule, Table};
use crate::entities::{Entity, FOREIGN_KEYS, entity_of_table};
use crate::explain::find;

/// The rows of a table.
pub(in crate::dashboard::screens) struct TableView {
    pub(in crate::dashboard::screens) name: String,
    pub(in crate::dashboard::screens) table: &'static str,
    /// The record's own row, which is not folded.
    pub(in crate::dashboard::screens) is_own: bool,
    pub(in crate::dashboard::screens) rows: Vec<RowView>,
    /// How many they are, where that is enough to fold them together.
    pub(in crate::dashboard::screens) many: Option<String>,
    /// Set where not all rows are shown.
    pub(in crate::dashboard::screens) first: Option<String>,
}

impl TableView {
    /// Whether one of its rows is open.
    pub(in crate::dashboard::screens) fn is_open(&self) -> bool {
        self.rows.iter().any(|row| row.is_open)
    }
}

/// The most rows of another table that are not folded together.
const UNFOLDED: usize = 10;

/// A row.
pub(in crate::dashboard::screens) struct RowView {
    /// The id of its element.
    pub(in crate::dashboard::screens) anchor: String,
    pub(in crate::dashboard::screens) heading: String,
    pub(in crate::dashboard::screens) is_deleted: bool,
    pub(in crate::dashboard::screens) is_open: bool,
    pub(in crate::dashboard::screens) cells: Vec<CellView>,
    /// Columns without a value.
    pub(in crate::dashboard::screens) empty: Vec<CellView>,
    pub(in crate::dashboard::screens) empty_count: String,
}

/// A value of a row.
pub(in crate::dashboard::screens) struct CellView {
    pub(in crate::dashboard::screens) column: String,
    pub(in crate::dashboard::screens) value: Value,
    /// Leads to its explanation; none for a column that users added.
    pub(in crate::dashboard::screens) href: Option<String>,
    /// A date or an hour that is UTC's.
    pub(in crate::dashboard::screens) is_utc: bool,
    pub(in crate::dashboard::screens) is_explained: bool,
    /// Whether the marked field feeds it.
    pub(in crate::dashboard::screens) is_fed: bool,
    /// The record that it names.
    pub(in crate::dashboard::screens) other: Option<String>,
}

/// What is marked in the rows.
#[derive(Default)]
pub(in crate::dashboard::screens) struct Marks<'m> {
    /// Table, key and column that are explained.
    pub(in crate::dashboard::screens) explained: Option<(&'m str, &'m str, &'m str)>,
    /// What a field feeds.
    pub(in crate::dashboard::screens) fed: FilledColumns,
}

/// The id of the element of a row.
pub(in crate::dashboard::screens) fn anchor(key: &str) -> String {
    format!("row-{}", links::encoded(key))
}

/// The tables of a record, those with rows.
pub(in crate::dashboard::screens) fn tables(
    entity: &'static Entity,
    id: &str,
    rows: &[ProductionRow],
    marks: &Marks<'_>,
    t: &Locale,
) -> Vec<TableView> {
    let of_table = |table: &'static Table| {
        let of_it: Vec<&ProductionRow> = rows.iter().filter(|row| std::ptr::eq(row.table, table)).collect();
        let is_only = of_it.len() == 1;
        TableView {
            name: table_name(entity, table, t),
            table: table.name,
            is_own: table.owner.is_none(),
            rows: of_it
                .iter()
                .take(MOST_ROWS)
                .map(|row| view(entity, id, row, (marks, is_only), t))
                .collect(),
            many: (of_it.len() > UNFOLDED).then(|| t.count(w::ROWS, of_it.len().min(MOST_ROWS))),
            first: (of_it.len() > MOST_ROWS)
                .then(|| t.fill(w::FIRST_ROWS, &[("n", &t.number(MOST_ROWS as i64))])),
        }
    };
    entity.tables.iter().map(|table| of_table(table)).filter(|table| !table.rows.is_empty()).collect()
}

fn table_name(entity: &Entity, table: &Table, t: &Locale) -> String {
    match &table.heading {
        Some(heading) if t.is_french() => heading.fr.to_owned(),
        Some(heading) => heading.en.to_owned(),
        None if table.owner.is_none() => entity_name(entity.name, t),
        None => table.name.to_owned(),
    }
}

fn view(
    entity: &'static Entity,
    id: &str,
    row: &ProductionRow,
    (marks, is_only): (&Marks<'_>, bool),
    t: &Locale,
) -> RowView {
    let key = find::key_of(row.table, &row.row);
    let values: BTreeMap<String, &RawValue> = serde_json::from_str(&row.text).unwrap_or_default();
    let ours: Vec<&str> = row.table.all_columns().collect();
    let theirs = values.keys().map(String::as_str).filter(|name| !ours.contains(name));
    let is_explained = |column: &str| marks.explained == Some((row.table.name, key.as_str(), column));
    let cell = |column: &str| {
        let value = values.get(column).map_or("null", |value| value.get());
        let is_ours = ours.contains(&column);
        let href = is_ours.then(|| explanation(entity, id, row.table, (&key, column)));
        CellView {
            column: column.to_owned(),
            value: Value::of_json(value, t),
            href,
            is_utc: is_utc(row.table, column),
            is_explained: is_explained(column),
            is_fed: marks.fed.holds(row.table.name, column),
            other: other(row, column),
        }
    };
    let (empty, cells): (Vec<CellView>, Vec<CellView>) = ours
        .iter()
        .copied()
        .chain(theirs)
        .map(cell)
        .partition(|cell| cell.value.is_empty && !cell.is_fed && !cell.is_explained);
    RowView {
        anchor: anchor(&key),
        heading: heading(row).unwrap_or_else(|| key.clone()),
        is_deleted: !row.row["deleted_at"].is_null(),
        is_open: is_only || cells.iter().any(|cell| cell.is_explained || cell.is_fed),
        empty_count: t.count(w::EMPTY_COLUMNS, empty.len() as i64),
        cells,
        empty,
    }
}

/// The address of an explanation. The row is named where it is not the record's own.
fn explanation(entity: &Entity, id: &str, table: &Table, (key, column): (&str, &str)) -> String {
    let page = links::record(entity.name, id);
    let address = match table.owner {
        None => links::with(&page, &[("explain", Some(column))]),
        Some(_) => {
            let column = format!("{}.{column}", table.name);
            links::with(&page, &[("explain", Some(&column)), ("row", Some(key))])
        }
    };
    format!("{address}#explain")
}

fn is_utc(table: &Table, column: &str) -> bool {
    table.column(column).is_some_and(|column| matches!(column.rule, Rule::UtcDate | Rule::UtcTime))
}

/// The page of the record that a value names.
fn other(row: &ProductionRow, column: &str) -> Option<String> {
    let (_, _, of) =
        FOREIGN_KEYS.iter().find(|(table, name, _)| *table == row.table.name && *name == column)?;
    Some(links::record(entity_of_table(of)?.name, row.row[column].as_str()?))
}

/// What a row inside a record is called.
fn heading(row: &ProductionRow) -> Option<String> {
    let text = |column: &str| row.row[column].as_str().map(str::trim).filter(|text| !text.is_empty());
    let joined = |columns: &[&str], between: &str| {
        let texts: Vec<&str> = columns.iter().filter_map(|column| text(column)).collect();
        (!texts.is_empty()).then(|| texts.join(between))
    };
    let name = joined(&["first_name", "last_name"], " ").or_else(|| joined(&["address_line1", "city"], ", "));
    name.map(|name| crate::dashboard::raw::cut(&name).0.to_owned())
}
