//! Writes rows into a production table, many in one statement.

mod statements;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

pub use statements::Statements;
use statements::rebuild_statements;

use super::checked::{self, Write};
use super::target::{Order, Target};
use crate::db::{DbError, Param, Utc};
use crate::entities::Entity;
use crate::entities::table::{Row, Rule, Table, Value};
use crate::staging::written;

/// A row and the raw record it came from.
pub struct RowWithLineage<'r> {
    /// The row, in the order of its table's columns.
    pub row: &'r Row,
    /// The staging row it came from.
    pub staging_id: Uuid,
    /// When that version was seen.
    pub fetched_at: Timestamp,
}

/// How many rows were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// New rows.
    pub inserted: u64,
    /// Existing rows that differed.
    pub updated: u64,
}

/// Inserts new rows and updates those that differ, in production in the given order. With [`Order::AllNew`], an
/// existing row is an error of the database.
///
/// # Errors
/// The database's; and rows that should have been written and were not.
pub(super) async fn upsert(
    target: Target<'_>,
    entity: &Entity,
    table: &Table,
    rows: &[RowWithLineage<'_>],
    order: Order,
) -> Result<Written, DbError> {
    if rows.is_empty() {
        return Ok(Written::default());
    }
    let columns: Vec<ColumnArray<'_>> =
        (0..table.columns.len()).map(|index| ColumnArray::collect(table, index, rows)).collect();
    let staging_ids: Vec<Uuid> = rows.iter().map(|row| row.staging_id).collect();
    let fetched_at: Vec<Timestamp> = rows.iter().map(|row| row.fetched_at).collect();
    let mut params: Vec<Param<'_>> = vec![(&entity.reconciler_version, Type::INT4)];
    params.extend(columns.iter().map(ColumnArray::param));
    params.push((&staging_ids, Type::UUID_ARRAY));
    params.push((&fetched_at, Type::TIMESTAMPTZ_ARRAY));
    let tx = match target {
        Target::Production(tx) => tx,
        Target::Scratch(tx) => {
            let [update, insert] = rebuild_statements(entity, table);
            let updated = tx.execute(&update, &params).await?;
            return Ok(Written { inserted: tx.execute(&insert, &params).await?, updated });
        }
    };
    let sql = Statements::of(entity, table);
    let inserted = match order {
        Order::AllNew => tx.execute(&sql.insert_all, &params).await?,
        Order::InsertFirst => tx.execute(&sql.insert_new, &params).await?,
        Order::UpdateFirst => 0,
    };
    let left = rows.len() as u64 - inserted;
    if order == Order::AllNew && left > 0 {
        let what = format!("{left} of {} were not written", rows.len());
        return Err(written::suppressed(tx, table.name, &what).await?);
    }
    let updated = if left == 0 {
        0
    } else {
        // Rows that were just inserted do not differ, and are not written again.
        let statements: &[&str] = match order {
            Order::UpdateFirst => &[&sql.update_held, &sql.insert_absent],
            _ => &[&sql.update_changed],
        };
        let write = Write { table: table.name, to_write: &sql.to_write, statements, done: "written" };
        checked::write(tx, write, &params).await?
    };
    crate::crash::at(crate::crash::CrashPoint::RowsWritten);
    Ok(Written { inserted, updated })
}

/// One column of many rows, as a query parameter.
enum ColumnArray<'r> {
    Text(Vec<Option<&'r str>>),
    Literal(Vec<Option<String>>),
    Integer(Vec<Option<i32>>),
    Float(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
    Date(Vec<Option<Date>>),
    Time(Vec<Option<Time>>),
    Instant(Vec<Option<Utc>>),
}

impl<'r> ColumnArray<'r> {
    fn collect(table: &Table, index: usize, rows: &[RowWithLineage<'r>]) -> ColumnArray<'r> {
        /// Every value of the column as what `$pattern` binds; NULL and values of other types become NULL.
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
            Rule::Decimal => ColumnArray::Text(take!(Value::Decimal(text) => text.as_str())),
            Rule::Json => ColumnArray::Text(take!(Value::Jsonb(text) => text.as_str())),
            Rule::Integer => ColumnArray::Integer(take!(Value::Integer(number) => *number)),
            Rule::Float => ColumnArray::Float(take!(Value::Float(number) => *number)),
            Rule::Boolean => ColumnArray::Boolean(take!(Value::Boolean(flag) => *flag)),
            Rule::Date | Rule::UtcDate => ColumnArray::Date(take!(Value::Date(date) => *date)),
            Rule::UtcTime => ColumnArray::Time(take!(Value::Time(time) => *time)),
            Rule::Instant => ColumnArray::Instant(take!(Value::Instant(instant) => Utc(*instant))),
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
    use super::super::target::TableSet;
    use super::*;
    use crate::entities::{ENTITIES, appointments, clients};

    #[test]
    fn a_rebuild_shares_no_statement_with_what_it_checks() {
        for (entity, table) in ENTITIES.iter().flat_map(|e| e.tables.iter().map(move |table| (e, table))) {
            let beside = |sql: &str| sql.replace(TableSet::Production.prefix(), TableSet::Scratch.prefix());
            let of_writer = Statements::of(entity, table).all().map(beside);
            for sql in rebuild_statements(entity, table) {
                assert!(!of_writer.contains(&sql), "{}: {sql}", table.name);
                assert!(!sql.contains("ON CONFLICT") && !sql.contains('{'), "{}: {sql}", table.name);
            }
        }
    }

    /// What is sent for a table with derived columns, and for one whose rows may change their owner.
    #[test]
    fn the_statements_of_a_table_are_these() {
        for (entity, table) in [
            (&appointments::ENTITY, &appointments::GAZELLE_APPOINTMENTS),
            (&clients::ENTITY, &clients::GAZELLE_CONTACTS),
        ] {
            let [rebuild_update, rebuild_insert] = rebuild_statements(entity, table);
            let of_writer = Statements::of(entity, table);
            let named = [
                ("insert_new", &of_writer.insert_new),
                ("to_write", &of_writer.to_write),
                ("update_changed", &of_writer.update_changed),
                ("update_held", &of_writer.update_held),
                ("insert_absent", &of_writer.insert_absent),
                ("rebuild_update", &rebuild_update),
                ("rebuild_insert", &rebuild_insert),
            ];
            let text: Vec<String> = named.map(|(name, sql)| format!("-- {name}\n{}\n", sql.trim())).into();
            insta::assert_snapshot!(table.name, text.join("\n"));
        }
    }

    #[test]
    fn a_list_survives_its_literal_form() {
        let items = ["a".to_owned(), "b\"c".to_owned(), "d\\e".to_owned(), "f,{g}".to_owned(), String::new()];
        assert_eq!(array_literal(&items), r#"{"a","b\"c","d\\e","f,{g}",""}"#);
        assert_eq!(array_literal(&[]), "{}");
    }
}
