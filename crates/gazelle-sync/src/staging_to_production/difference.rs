//! The difference between production and its rebuilt copy: shown first, then applied and nothing else.

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::Type;

use super::rebuild::production_tables;
use crate::db::{DbError, Tx};
use crate::entities::table::Table;

/// What differs in one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableDifference {
    /// The table.
    pub table: &'static str,
    /// Rows that staging has and production lacks.
    pub missing: i64,
    /// Rows whose content differs.
    pub changed: i64,
    /// Rows of production that no version in staging gives.
    pub surplus: i64,
    /// Some of them.
    pub samples: Vec<Sample>,
}

impl TableDifference {
    /// Whether anything differs.
    pub fn is_some(&self) -> bool {
        self.missing + self.changed + self.surplus > 0
    }
}

/// A row that differs.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// `missing`, `changed` or `surplus`.
    pub kind: String,
    /// The row's key.
    pub key: String,
    /// Column by column what production says and what staging gives; null throughout on the side that has no row.
    pub columns: Vec<(String, Value, Value)>,
}

/// A table, and the records of it that are meant: its own, or those that its rows belong to; none for all.
pub type Part = (&'static Table, Option<Vec<String>>);

/// Compares every table with its rebuilt copy, as [`of_table`] does.
pub async fn difference(
    tx: &Tx<'_>,
    prefix: &str,
    samples: i64,
    records: Option<&[String]>,
) -> Result<Vec<TableDifference>, DbError> {
    let mut differences = Vec::new();
    for table in production_tables() {
        differences.push(of_table(tx, prefix, samples, table, records).await?);
    }
    Ok(differences)
}

/// Compares a table with its rebuilt copy, or some records of it. Lineage is not compared: a row may come from an
/// older version with the same content.
pub async fn of_table(
    tx: &Tx<'_>,
    prefix: &str,
    samples: i64,
    table: &'static Table,
    records: Option<&[String]>,
) -> Result<TableDifference, DbError> {
    let sql = fill(include_str!("difference.sql"), table, prefix);
    let rows = tx.query(&sql, &[(&samples, Type::INT8), (&records, Type::TEXT_ARRAY)]).await?;
    let mut found =
        TableDifference { table: table.name, missing: 0, changed: 0, surplus: 0, samples: Vec::new() };
    for row in &rows {
        let (kind, count): (String, i64) = (row.get(0), row.get(1));
        match kind.as_str() {
            "missing" => found.missing = count,
            "changed" => found.changed = count,
            _ => found.surplus = count,
        }
        let (held, rebuilt): (Option<Value>, Option<Value>) = (row.get(3), row.get(4));
        found.samples.push(Sample { kind, key: row.get(2), columns: columns(table, held, rebuilt) });
    }
    Ok(found)
}

/// The records of which a row of a table differs from its rebuilt copy.
pub async fn records(tx: &Tx<'_>, prefix: &str, table: &Table) -> Result<Vec<String>, DbError> {
    let rows = tx.query(&fill(include_str!("differing_records.sql"), table, prefix), &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Makes these parts of production equal to their rebuilt copies. Rows that are equal are not touched.
/// Returns how many rows were written or removed.
pub async fn apply(tx: &Tx<'_>, prefix: &str, parts: &[Part]) -> Result<u64, DbError> {
    let mut written = 0;
    for (table, records) in parts {
        let sql = fill(include_str!("apply_difference.sql"), table, prefix);
        written += tx.execute(&sql, &[(records, Type::TEXT_ARRAY)]).await?;
    }
    for (table, records) in parts.iter().rev() {
        let sql = fill(include_str!("remove_surplus.sql"), table, prefix);
        written += tx.execute(&sql, &[(records, Type::TEXT_ARRAY)]).await?;
    }
    Ok(written)
}

/// The columns whose content is compared, `deleted_at` included.
fn content_columns(table: &Table) -> Vec<&'static str> {
    let derived = table.derived.as_ref().map(|d| d.columns).unwrap_or_default();
    table
        .columns
        .iter()
        .map(|column| column.name)
        .chain(derived.iter().map(|(name, _)| *name))
        .chain(["deleted_at"])
        .collect()
}

fn fill(template: &str, table: &Table, prefix: &str) -> String {
    let content = content_columns(table);
    let all: Vec<&str> = content
        .iter()
        .copied()
        .chain(["staging_id", "reconciler_version", "synced_from_gazelle_at"])
        .collect();
    let of = |alias: &str, columns: &[&str]| {
        columns.iter().map(|column| format!("{alias}.{column}")).collect::<Vec<_>>().join(", ")
    };
    let assignments: Vec<String> = all
        .iter()
        .filter(|column| !table.key.contains(column))
        .map(|column| format!("{column} = EXCLUDED.{column}"))
        .collect();
    let match_key: Vec<String> = table.key.iter().map(|key| format!("held.{key} = rebuilt.{key}")).collect();
    template
        .replace("{held_content}", &of("held", &content))
        .replace("{rebuilt_content}", &of("rebuilt", &content))
        .replace("{rebuilt_all}", &of("rebuilt", &all))
        .replace("{all}", &all.join(", "))
        .replace("{assignments}", &assignments.join(", "))
        .replace("{key_match}", &match_key.join(" AND "))
        .replace("{held_key}", &of("held", table.key))
        .replace("{rebuilt_key}", &of("rebuilt", table.key))
        .replace("{first_key}", table.key[0])
        .replace("{record}", table.owner.unwrap_or(table.key[0]))
        .replace("{key}", &table.key.join(", "))
        .replace("{prefix}", prefix)
        .replace("{table}", table.name)
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
