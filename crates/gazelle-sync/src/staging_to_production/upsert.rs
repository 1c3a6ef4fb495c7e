//! Writing rows into a production table, many in one statement.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::db::{DbError, Param, Tx};
use crate::entities::table::{Row, Rule, Table, Value};

/// A row and the raw record it came from.
pub struct Lined<'r> {
    /// The row, in the order of its table's columns.
    pub row: &'r Row,
    /// The staging row it came from.
    pub staging_id: Uuid,
    /// When that version was seen.
    pub fetched_at: Timestamp,
}

/// Inserts new rows and updates those that differ; returns how many were written. `prefix` starts the names
/// of the tables: empty for production.
pub async fn upsert(
    tx: &Tx<'_>,
    table: &Table,
    rows: &[Lined<'_>],
    reconciler_version: i32,
    prefix: &str,
) -> Result<u64, DbError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let columns: Vec<ColumnArray<'_>> =
        (0..table.columns.len()).map(|index| ColumnArray::collect(table, index, rows)).collect();
    let staging_ids: Vec<Uuid> = rows.iter().map(|row| row.staging_id).collect();
    let fetched_at: Vec<Timestamp> = rows.iter().map(|row| row.fetched_at).collect();
    let mut params: Vec<Param<'_>> = vec![(&reconciler_version, Type::INT4)];
    params.extend(columns.iter().map(ColumnArray::param));
    params.push((&staging_ids, Type::UUID_ARRAY));
    params.push((&fetched_at, Type::TIMESTAMPTZ_ARRAY));
    tx.execute(&statement(table, prefix), &params).await
}

/// The upsert of a table whose name starts with `prefix`. Public for the test that prepares every statement.
pub fn statement(table: &Table, prefix: &str) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let derived = table.derived.as_ref();
    let derived_names: Vec<&str> =
        derived.map(|d| d.columns.iter().map(|(name, _)| *name).collect()).unwrap_or_default();
    let all: Vec<&str> = names.iter().chain(&derived_names).copied().collect();

    let mut parameters = String::new();
    for (index, column) in table.columns.iter().enumerate() {
        let _ = write!(parameters, "${}::{}[], ", index + 2, array_type(column.rule));
    }
    let _ = write!(parameters, "${}::uuid[], ${}::timestamptz[]", names.len() + 2, names.len() + 3);

    let mut derived_values = String::new();
    for (name, expression) in derived.map(|d| d.columns).unwrap_or_default() {
        let _ = write!(derived_values, ", {expression} AS {name}");
    }
    // Lists travel as array literals, since Postgres has no arrays of arrays of different lengths.
    let incoming_value = |name: &str| match table.columns.iter().find(|c| c.name == name) {
        Some(column) if column.rule == Rule::TextList => format!("i.{name}::text[]"),
        _ => format!("i.{name}"),
    };
    let list_columns: Vec<String> = all
        .iter()
        .map(|name| match table.columns.iter().find(|c| c.name == *name) {
            Some(column) if column.rule == Rule::TextList => format!("{name}::text[]"),
            _ => (*name).to_owned(),
        })
        .collect();
    let may_write = match table.owner {
        Some(owner) if !table.key.contains(&owner) => format!(
            "held.{owner} IS NOT DISTINCT FROM i.{owner} OR held.synced_from_gazelle_at < i.synced_from_gazelle_at"
        ),
        _ => "true".to_owned(),
    };
    let assignments: Vec<String> = all
        .iter()
        .filter(|name| !table.key.contains(name))
        .map(|name| format!("{name} = EXCLUDED.{name}"))
        .collect();
    let key_match: Vec<String> = table.key.iter().map(|key| format!("h.{key} = i.{key}")).collect();

    include_str!("upsert.sql")
        .replace("SELECT {all_columns},", &format!("SELECT {},", list_columns.join(", ")))
        .replace("{derived_values}", &derived_values)
        .replace("{derived_join}", derived.map_or("", |d| d.join))
        .replace("{parameters}", &parameters)
        .replace("{columns}", &names.join(", "))
        .replace("{held_values}", &all.iter().map(|n| format!("held.{n}")).collect::<Vec<_>>().join(", "))
        .replace("{incoming_values}", &all.iter().map(|n| incoming_value(n)).collect::<Vec<_>>().join(", "))
        .replace("{all_columns}", &all.join(", "))
        .replace("{assignments}", &assignments.join(", "))
        .replace("{may_write}", &may_write)
        .replace("{key_match}", &key_match.join(" AND "))
        .replace("{first_key}", table.key[0])
        .replace("{key}", &table.key.join(", "))
        .replace("{table}", table.name)
        .replace("{prefix}", prefix)
}

/// The element type in which a column's values travel.
fn array_type(rule: Rule) -> &'static str {
    if rule == Rule::TextList { "text" } else { rule.sql_type() }
}

/// One column of many rows, as a parameter.
enum ColumnArray<'r> {
    Text(Vec<Option<&'r str>>),
    Literal(Vec<Option<String>>),
    Integer(Vec<Option<i32>>),
    Float(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
    Date(Vec<Option<Date>>),
    Time(Vec<Option<Time>>),
    Instant(Vec<Option<Timestamp>>),
}

impl<'r> ColumnArray<'r> {
    fn collect(table: &Table, index: usize, rows: &[Lined<'r>]) -> ColumnArray<'r> {
        /// Every value of the column as what `$pattern` binds; NULL and strangers become NULL.
        macro_rules! take {
            ($pattern:pat => $value:expr) => {
                rows.iter()
                    .map(|lined| match &lined.row.values[index] {
                        $pattern => Some($value),
                        _ => None,
                    })
                    .collect()
            };
        }
        match table.columns[index].rule {
            Rule::Text | Rule::Id => ColumnArray::Text(take!(Value::Text(text) => text.as_str())),
            Rule::TextList => ColumnArray::Literal(take!(Value::TextList(items) => array_literal(items))),
            Rule::Integer => ColumnArray::Integer(take!(Value::Integer(number) => *number)),
            Rule::Float => ColumnArray::Float(take!(Value::Float(number) => *number)),
            Rule::Boolean => ColumnArray::Boolean(take!(Value::Boolean(flag) => *flag)),
            Rule::Date | Rule::UtcDate => ColumnArray::Date(take!(Value::Date(date) => *date)),
            Rule::UtcTime => ColumnArray::Time(take!(Value::Time(time) => *time)),
            Rule::Instant => ColumnArray::Instant(take!(Value::Instant(instant) => *instant)),
        }
    }

    fn param(&self) -> Param<'_> {
        let (value, ty): (&(dyn ToSql + Sync), Type) = match self {
            ColumnArray::Text(values) => (values, Type::TEXT_ARRAY),
            ColumnArray::Literal(values) => (values, Type::TEXT_ARRAY),
            ColumnArray::Integer(values) => (values, Type::INT4_ARRAY),
            ColumnArray::Float(values) => (values, Type::FLOAT8_ARRAY),
            ColumnArray::Boolean(values) => (values, Type::BOOL_ARRAY),
            ColumnArray::Date(values) => (values, Type::DATE_ARRAY),
            ColumnArray::Time(values) => (values, Type::TIME_ARRAY),
            ColumnArray::Instant(values) => (values, Type::TIMESTAMPTZ_ARRAY),
        };
        (value, ty)
    }
}

/// Postgres's text form of a `text[]`: every item quoted, quotes and backslashes escaped.
fn array_literal(items: &[String]) -> String {
    let quoted: Vec<String> =
        items.iter().map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_survives_its_literal_form() {
        let items = ["a".to_owned(), "b\"c".to_owned(), "d\\e".to_owned(), "f,{g}".to_owned(), String::new()];
        assert_eq!(array_literal(&items), r#"{"a","b\"c","d\\e","f,{g}",""}"#);
        assert_eq!(array_literal(&[]), "{}");
    }
}
