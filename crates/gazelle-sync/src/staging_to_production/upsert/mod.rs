//! Writing rows into a production table, many in one statement.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::checked::{self, Write};
use super::target::{Order, Target};
use crate::db::{DbError, Param, Template, Tx, Utc};
use crate::entities::Entity;
use crate::entities::table::{Row, Rule, Table, Value};
use crate::staging::pending;

/// A row and the raw record it came from.
pub struct RowWithLineage<'r> {
    /// The row, in the order of its table's columns.
    pub row: &'r Row,
    /// The staging row it came from.
    pub staging_id: Uuid,
    /// When that version was seen.
    pub fetched_at: Timestamp,
}

/// What writing rows came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows that were not there before.
    pub inserted: u64,
    /// Rows that were there and differed.
    pub updated: u64,
}

/// Inserts new rows and updates those that differ, in this order in production; where all must be new
/// ([`Order::AllNew`]), one that is not is an error of the database.
///
/// # Errors
/// The database's; and rows that should have been written and were not.
pub async fn upsert(
    tx: &Tx<'_>,
    entity: &Entity,
    table: &Table,
    rows: &[RowWithLineage<'_>],
    target: Target,
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
    if target == Target::Scratch {
        let [update, insert] = rebuild_statements(entity, table);
        let updated = tx.execute(&update, &params).await?;
        return Ok(Written { inserted: tx.execute(&insert, &params).await?, updated });
    }
    let sql = Statements::of(entity, table);
    let inserted = match order {
        Order::AllNew => tx.execute(&sql.insert_all, &params).await?,
        Order::InsertFirst => tx.execute(&sql.insert_new, &params).await?,
        Order::UpdateFirst => 0,
    };
    let left = rows.len() as u64 - inserted;
    if order == Order::AllNew && left > 0 {
        let what = format!("{left} of {} were not written", rows.len());
        return Err(checked::suppressed(tx, table.name, &what).await?);
    }
    let updated = if left == 0 {
        0
    } else {
        // The rows just inserted are equal to themselves and stay untouched.
        let statements: &[&str] = match order {
            Order::UpdateFirst => &[&sql.update_held, &sql.insert_absent],
            _ => &[&sql.update_changed],
        };
        let write = Write { table: table.name, to_write: &sql.to_write, statements, done: "written" };
        checked::write(tx, write, &params).await?
    };
    crate::crash::at(crate::crash::Step::RowsWritten);
    Ok(Written { inserted, updated })
}

/// The statements of a production table. Public for the test that prepares every one.
#[derive(Debug)]
pub struct Statements {
    /// Inserts rows whose key is free.
    pub insert_new: String,
    /// Inserts rows of which all are new.
    pub insert_all: String,
    /// Counts the rows that are to be written.
    pub to_write: String,
    /// Writes those, new ones too.
    pub update_changed: String,
    /// Writes those that exist.
    pub update_held: String,
    /// Inserts rows that do not exist, and gives those that do to no trigger or constraint.
    pub insert_absent: String,
}

impl Statements {
    /// Those of a table.
    pub fn of(entity: &Entity, table: &Table) -> Statements {
        let insert_new = include_str!("insert_new.sql");
        let insert_all = insert_new.replace("ON CONFLICT ({key}) DO NOTHING\n", "");
        let update_changed = include_str!("update_changed.sql");
        let comparison = update_changed.split("INSERT INTO").next().unwrap_or_default();
        let to_write = format!("{comparison}{}", include_str!("to_write.sql"));
        let filled = |template: &str| fill(template, entity, table, Target::Production);
        Statements {
            insert_new: filled(insert_new),
            insert_all: filled(&insert_all),
            to_write: filled(&to_write),
            update_changed: filled(update_changed),
            update_held: filled(include_str!("update_held.sql")),
            insert_absent: filled(include_str!("insert_absent.sql")),
        }
    }

    /// All of them.
    pub fn all(&self) -> [&str; 6] {
        [
            &self.insert_new,
            &self.insert_all,
            &self.to_write,
            &self.update_changed,
            &self.update_held,
            &self.insert_absent,
        ]
    }
}

/// The statements of a scratch table: for rows that are there, and then for new ones. They are no variants of the
/// writer's: a rebuild that shared its statements would share its mistakes, and `verify` would call both equal.
fn rebuild_statements(entity: &Entity, table: &Table) -> [String; 2] {
    [include_str!("rebuild_update.sql"), include_str!("rebuild_insert.sql")]
        .map(|template| fill(template, entity, table, Target::Scratch))
}

/// Whether a row says what is incoming, so that it keeps the version it came from.
const IS_AS_HELD: &str = "held.deleted_at IS NULL
           AND held.synced_from_gazelle_at <= i.synced_from_gazelle_at
           AND ({held_values}) IS NOT DISTINCT FROM ({typed_values})";

/// A statement with the names of a table's columns.
fn fill(template: &str, entity: &Entity, table: &Table, target: Target) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let derived = table.derived.as_ref();
    let derived_columns = table.derived_columns();
    let all: Vec<&str> =
        names.iter().copied().chain(derived_columns.iter().map(|column| column.name)).collect();

    let mut parameters = String::new();
    for (index, column) in table.columns.iter().enumerate() {
        let _ = write!(parameters, "${}::{}[], ", index + 2, array_type(column.rule));
    }
    let _ = write!(parameters, "${}::uuid[], ${}::timestamptz[]", names.len() + 2, names.len() + 3);
    let side_by_side: Vec<String> = parameters
        .split(", ")
        .zip(names.iter().chain(&["staging_id", "synced_from_gazelle_at"]))
        .map(|(list, name)| format!("unnest({list}) AS {name}"))
        .collect();

    let cast = |name: &str| match table.columns.iter().find(|c| c.name == name) {
        Some(column) if column.rule.travels_as_text() => format!("::{}", column.rule.sql_type()),
        _ => String::new(),
    };
    let join = |each: &dyn Fn(&str) -> String, columns: &[&str]| {
        columns.iter().map(|name| each(name)).collect::<Vec<_>>().join(", ")
    };
    let selected = names
        .iter()
        .map(|name| format!("i.{name}{}", cast(name)))
        .chain(derived_columns.iter().map(|column| column.expression.to_owned()))
        .collect::<Vec<_>>()
        .join(", ");
    let derived_values: String =
        derived_columns.iter().map(|column| format!(", {} AS {}", column.expression, column.name)).collect();
    let not_key: Vec<&str> = all.iter().copied().filter(|name| !table.key.contains(name)).collect();
    let key_match: Vec<String> = table.key.iter().map(|key| format!("h.{key} = i.{key}")).collect();
    let held_match: Vec<String> = table.key.iter().map(|key| format!("held.{key} = i.{key}")).collect();

    let set_from_incoming = |name: &str| format!("{name} = i.{name}{}", cast(name));
    Template::new(template)
        .with("is_as_held", IS_AS_HELD)
        .with("selected", selected)
        .with("typed", join(&|name| format!("i.{name}{} AS {name}", cast(name)), &names))
        .with("typed_values", join(&|name| format!("i.{name}"), &all))
        .with("derived_values", derived_values)
        .with("derived_join", derived.map_or("", |d| d.join))
        .with("parameters", parameters)
        .with("side_by_side", side_by_side.join(", "))
        .with("columns", names.join(", "))
        .with("held_values", join(&|name| format!("held.{name}"), &all))
        .with("incoming_values", join(&|name| format!("i.{name}{}", cast(name)), &all))
        .with("all_columns", all.join(", "))
        .with("assignments", join(&|name| format!("{name} = EXCLUDED.{name}"), &not_key))
        .with("set_from_incoming", join(&set_from_incoming, &not_key))
        .with("set_typed", join(&|name| format!("{name} = i.{name}"), &not_key))
        .with("may_write", may_write(entity, table, target))
        .with("still_later", still_later(table))
        .with("key_match", key_match.join(" AND "))
        .with("held_match", held_match.join(" AND "))
        .with("held_key_text", join(&|name| format!("held.{name}::text"), table.key))
        .with("key_text", join(&|name| format!("{name}::text"), table.key))
        .with("first_key", table.key[0])
        .with("key", table.key.join(", "))
        .with("table", table.name)
        .with("prefix", target.prefix())
        .fill()
}

/// When a row that is there may be overwritten. A row that another record also claims (a contact that moved
/// to another client) belongs to the record seen last: not to one seen before a version of its holder that still had
/// it, which is any until its holder let it go. Beside production everything comes in the order in which it was seen.
fn may_write(entity: &Entity, table: &Table, target: Target) -> String {
    let Some(owner) = table.owner.filter(|owner| !table.key.contains(owner)) else {
        return "true".to_owned();
    };
    let mine = format!("held.{owner} IS NOT DISTINCT FROM i.{owner}");
    let later = "held.synced_from_gazelle_at < i.synced_from_gazelle_at";
    if target == Target::Scratch {
        return format!("{mine} OR {later}");
    }
    let holder = format!("held.{owner}");
    let held_since = pending::seen_between(entity, &holder, "i.synced_from_gazelle_at", "held.deleted_at");
    format!("{mine} OR ({later} AND NOT {held_since})")
}

/// The same of a row that another lane has written meanwhile: two records may claim it at the same time.
fn still_later(table: &Table) -> String {
    match table.owner.filter(|owner| !table.key.contains(owner)) {
        Some(owner) => format!(
            "WHERE held.{owner} IS NOT DISTINCT FROM EXCLUDED.{owner}
    OR held.synced_from_gazelle_at <= EXCLUDED.synced_from_gazelle_at"
        ),
        None => String::new(),
    }
}

/// The element type in which a column's values travel.
fn array_type(rule: Rule) -> &'static str {
    if rule.travels_as_text() { "text" } else { rule.sql_type() }
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
    Instant(Vec<Option<Utc>>),
}

impl<'r> ColumnArray<'r> {
    fn collect(table: &Table, index: usize, rows: &[RowWithLineage<'r>]) -> ColumnArray<'r> {
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
    use super::*;
    use crate::entities::{ENTITIES, appointments, clients};

    #[test]
    fn a_rebuild_shares_no_statement_with_what_it_checks() {
        for (entity, table) in ENTITIES.iter().flat_map(|e| e.tables.iter().map(move |table| (e, table))) {
            let beside = |sql: &str| sql.replace(Target::Production.prefix(), Target::Scratch.prefix());
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
