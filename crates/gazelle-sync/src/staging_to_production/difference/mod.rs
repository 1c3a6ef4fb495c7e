//! Compares production with its rebuilt copy. [`apply_difference`](super::apply_difference) makes them equal.

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::target::TableSet;
use crate::db::{self, DbError, Param, Template, Tx};
use crate::entities::Entity;
use crate::entities::table::Table;
use crate::states::words;

/// What differs in one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableDifference {
    /// The table.
    pub table: &'static str,
    /// Rows that staging has and production lacks.
    pub missing: i64,
    /// Rows whose content differs.
    pub changed: i64,
    /// Rows of production without a version in staging.
    pub surplus: i64,
    /// Some of the rows that differ.
    pub samples: Vec<Sample>,
    /// The keys of the rows that differ, as many as were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<DifferingKey>,
}

impl TableDifference {
    /// Nothing differs.
    pub fn none(table: &'static str) -> TableDifference {
        TableDifference { table, missing: 0, changed: 0, surplus: 0, samples: Vec::new(), keys: Vec::new() }
    }

    /// Whether anything differs.
    pub fn is_some(&self) -> bool {
        self.missing + self.changed + self.surplus > 0
    }
}

words! {
    /// How a row differs between production and the rebuild.
    DifferenceKind {
        /// Production has no such row.
        Missing = "missing",
        /// Both have it, with different values.
        Changed = "changed",
        /// The rebuild has no such row.
        Surplus = "surplus",
    }
}

/// The key of a row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferingKey {
    /// How the row differs.
    pub kind: DifferenceKind,
    /// The row's key.
    pub key: String,
}

/// A row that differs.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// How it differs.
    pub kind: DifferenceKind,
    /// The row's key.
    pub key: String,
    /// The columns that differ: name, value in production, value from staging. All values are null on a side that
    /// has no row.
    pub columns: Vec<(String, Value, Value)>,
}

/// A selection of an entity's records. A row belongs to it if either side says that it is of a selected record, and
/// neither that it is of an excluded one.
#[derive(Debug, Clone)]
pub struct RecordSelection {
    /// The entity.
    pub entity: &'static Entity,
    /// The selected records; none selects all.
    pub records: Option<Vec<String>>,
    /// Excluded records.
    pub except: Vec<String>,
}

impl RecordSelection {
    /// All records of an entity.
    pub fn whole(entity: &'static Entity) -> RecordSelection {
        RecordSelection { entity, records: None, except: Vec::new() }
    }

    /// Some records of an entity.
    pub fn of(entity: &'static Entity, records: Vec<String>) -> RecordSelection {
        RecordSelection { records: Some(records), ..RecordSelection::whole(entity) }
    }

    /// The parameters `$1` and `$2` of every statement that is filled in by [`fill`].
    pub(super) fn params(&self) -> [Param<'_>; 2] {
        [(&self.records, Type::TEXT_ARRAY), (&self.except, Type::TEXT_ARRAY)]
    }
}

/// Compares the tables of an entity with their rebuilt copies.
///
/// # Errors
/// Those of the database.
pub async fn of_part(
    tx: &Tx<'_>,
    samples: i64,
    part: &RecordSelection,
) -> Result<Vec<TableDifference>, DbError> {
    let mut differences = Vec::new();
    for table in part.entity.tables {
        differences.push(of_table(tx, samples, table, part).await?);
    }
    Ok(differences)
}

/// Compares a table with its rebuilt copy. Lineage is not compared: a row may come from an older version with the same
/// content.
async fn of_table(
    tx: &Tx<'_>,
    samples: i64,
    table: &'static Table,
    part: &RecordSelection,
) -> Result<TableDifference, DbError> {
    let sql = fill(include_str!("difference.sql"), table);
    let [records, except] = part.params();
    let rows = tx.query(&sql, &[records, except, (&samples, Type::INT8)]).await?;
    let mut found = TableDifference::none(table.name);
    for row in &rows {
        let (kind, count) = (kind_of(row, table)?, row.get("total"));
        match kind {
            DifferenceKind::Missing => found.missing = count,
            DifferenceKind::Changed => found.changed = count,
            DifferenceKind::Surplus => found.surplus = count,
        }
        let (held, rebuilt): (Option<Value>, Option<Value>) = (row.get("held"), row.get("rebuilt"));
        if samples > 0 {
            found.samples.push(Sample { kind, key: row.get("key"), columns: columns(table, held, rebuilt) });
        }
    }
    Ok(found)
}

/// Adds the keys of the rows that differ, up to a limit for each table.
///
/// # Errors
/// Those of the database.
pub async fn add_keys(
    tx: &Tx<'_>,
    most: i64,
    part: &RecordSelection,
    found: &mut [TableDifference],
) -> Result<(), DbError> {
    for (of_table, table) in found.iter_mut().zip(part.entity.tables) {
        if most == 0 || !of_table.is_some() {
            continue;
        }
        let [records, except] = part.params();
        let sql = fill(include_str!("keys.sql"), table);
        for row in tx.query(&sql, &[records, except, (&most, Type::INT8)]).await? {
            of_table.keys.push(DifferingKey { kind: kind_of(&row, table)?, key: row.get("key") });
        }
    }
    Ok(())
}

fn kind_of(row: &Row, table: &Table) -> Result<DifferenceKind, DbError> {
    db::word(row, "kind").map_err(|error| error.while_doing(table.name))
}

/// The records of a part of which a row differs from its rebuilt copy, sorted.
///
/// # Errors
/// Those of the database.
pub async fn differing_records(tx: &Tx<'_>, part: &RecordSelection) -> Result<Vec<String>, DbError> {
    records_by(tx, include_str!("differing_records.sql"), part).await
}

/// The records of a part of which production holds a row that the rebuild does not give, sorted.
///
/// # Errors
/// Those of the database.
pub async fn surplus_records(tx: &Tx<'_>, part: &RecordSelection) -> Result<Vec<String>, DbError> {
    records_by(tx, include_str!("surplus_records.sql"), part).await
}

/// The records of a part of which production holds a live row that the rebuild gives as deleted, sorted.
///
/// # Errors
/// Those of the database.
pub async fn newly_marked_records(tx: &Tx<'_>, part: &RecordSelection) -> Result<Vec<String>, DbError> {
    records_by(tx, include_str!("newly_marked_records.sql"), part).await
}

/// Of these records, those that production holds and the rebuild lacks, or has from an older version.
///
/// # Errors
/// Those of the database.
pub async fn newer_in_production(
    tx: &Tx<'_>,
    entity: &Entity,
    records: &[String],
) -> Result<Vec<String>, DbError> {
    let sql = fill(include_str!("newer_in_production.sql"), entity.tables[0]);
    let rows = tx.query(&sql, &[(&records, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The versions from which the rebuilt rows of these records come: record id and staging id.
///
/// # Errors
/// Those of the database.
pub async fn rebuilt_from(
    tx: &Tx<'_>,
    entity: &Entity,
    records: &[String],
) -> Result<Vec<(String, Uuid)>, DbError> {
    let mut versions = Vec::new();
    for table in entity.tables {
        let template =
            "SELECT DISTINCT {record} AS record, staging_id FROM {prefix}{table} WHERE {record} = ANY ($1)";
        let rows = tx.query(&fill(template, table), &[(&records, Type::TEXT_ARRAY)]).await?;
        versions.extend(rows.iter().map(|row| (row.get("record"), row.get("staging_id"))));
    }
    Ok(versions)
}

async fn records_by(tx: &Tx<'_>, template: &str, part: &RecordSelection) -> Result<Vec<String>, DbError> {
    let mut records = Vec::new();
    for table in part.entity.tables {
        let rows = tx.query(&fill(template, table), &part.params()).await?;
        records.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    records.sort_unstable();
    records.dedup();
    Ok(records)
}

/// The columns whose content is compared, `deleted_at` included.
fn content_columns(table: &Table) -> Vec<&'static str> {
    let derived = table.derived_columns();
    table
        .columns
        .iter()
        .map(|column| column.name)
        .chain(derived.iter().map(|column| column.name))
        .chain(["deleted_at"])
        .collect()
}

/// The condition that a row belongs to the part whose parameters are `$1` and `$2`.
const IS_MEANT: &str = "($1::text[] IS NULL OR held.{record} = ANY ($1) OR rebuilt.{record} = ANY ($1))
   AND coalesce(held.{record}, '') <> ALL ($2::text[]) AND coalesce(rebuilt.{record}, '') <> ALL ($2::text[])";

/// Fills a statement that compares a table (`held`) with its rebuilt copy (`rebuilt`).
pub(super) fn fill(text: &str, table: &Table) -> String {
    template(text, table).fill()
}

/// The same as a template, to which more values can be added.
pub(super) fn template<'t>(text: &'t str, table: &Table) -> Template<'t> {
    let content = content_columns(table);
    let all: Vec<&str> = table.stored_columns().map(|(name, _)| name).collect();
    let of = |alias: &str, columns: &[&str]| {
        columns.iter().map(|column| format!("{alias}.{column}")).collect::<Vec<_>>().join(", ")
    };
    let assignments: Vec<String> = all
        .iter()
        .filter(|column| !table.key.contains(column))
        .map(|column| format!("{column} = rebuilt.{column}"))
        .collect();
    let match_key: Vec<String> = table.key.iter().map(|key| format!("held.{key} = rebuilt.{key}")).collect();
    Template::new(text)
        .with("is_meant", IS_MEANT)
        .with("held_content", of("held", &content))
        .with("rebuilt_content", of("rebuilt", &content))
        .with("rebuilt_all", of("rebuilt", &all))
        .with("all", all.join(", "))
        .with("assignments", assignments.join(", "))
        .with("key_match", match_key.join(" AND "))
        .with("first_key", table.key[0])
        .with("record", table.owner.unwrap_or(table.key[0]))
        .with("key", table.key.join(", "))
        .with("prefix", TableSet::Scratch.prefix())
        .with("table", table.name)
}

/// The columns in which two rows differ; of a row that only one side has, those that hold a value.
fn columns(table: &Table, held: Option<Value>, rebuilt: Option<Value>) -> Vec<(String, Value, Value)> {
    let value = |row: &Option<Value>, column: &str| {
        row.as_ref().and_then(|row| row.get(column)).cloned().unwrap_or(Value::Null)
    };
    content_columns(table)
        .into_iter()
        .map(|column| (column.to_owned(), value(&held, column), value(&rebuilt, column)))
        .filter(|(_, held, rebuilt)| held != rebuilt)
        .collect()
}

#[cfg(test)]
mod tests;
