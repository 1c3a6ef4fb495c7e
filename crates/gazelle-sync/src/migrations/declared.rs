//! Generates the SQL for declared tables and columns that no numbered migration creates.
//!
//! Every text has `{schema}` to be filled in and may contain several statements.

use super::{TABLES, staging_tables};
use crate::entities::table::{LINEAGE, Table};
use crate::entities::{ENTITIES, Entity};

/// The templates that together create a staging table as all migrations leave it, in order.
const STAGING: [&str; 4] = [
    include_str!("0002_staging_tables.sql"),
    include_str!("0015_request_of_a_version.sql"),
    include_str!("0019_faults_of_the_source.sql"),
    include_str!("0024_indexes_of_what_is_left.sql"),
];

/// Whether a numbered migration creates this table.
pub(crate) fn is_migrated(table: &str) -> bool {
    TABLES.contains(&table) || staging_tables().any(|staging| staging == table)
}

/// The entities' staging and production tables that no migration creates, parents first.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    let of = |entity: &&'static Entity| {
        [entity.staging_table].into_iter().chain(entity.tables.iter().map(|table| table.name))
    };
    ENTITIES.iter().flat_map(of).filter(|name| !is_migrated(name))
}

/// Creates the staging table of an entity.
pub fn staging_table(entity: &Entity) -> String {
    STAGING.map(|template| template.replace("{staging_table}", entity.staging_table)).join("\n")
}

/// Creates a production table: its columns, keys, and an index for each reference that its primary key does not
/// cover.
pub fn production_table(table: &Table) -> String {
    let mut lines: Vec<String> =
        table.stored_columns().map(|(name, _)| format!("    {}", definition(table, name))).collect();
    lines.extend(table.generated.iter().map(|column| {
        format!("    {} {} GENERATED ALWAYS AS ({}) STORED", column.name, column.sql_type, column.expression)
    }));
    lines.push(format!("    PRIMARY KEY ({})", table.key.join(", ")));
    let mut sql = format!("CREATE TABLE {{schema}}.{} (\n{}\n);\n", table.name, lines.join(",\n"));
    for (column, _) in table.references().filter(|(column, _)| table.key[0] != *column) {
        sql.push_str(&index(table, column));
    }
    sql
}

/// Adds a column to a table; existing rows have NULL in it until their record is reconciled again.
pub(crate) fn column(table: &Table, name: &str) -> String {
    let mut sql = match table.generated.iter().find(|column| column.name == name) {
        Some(column) => format!(
            "ALTER TABLE {{schema}}.{} ADD COLUMN {name} {} GENERATED ALWAYS AS ({}) STORED;\n",
            table.name, column.sql_type, column.expression
        ),
        None => format!("ALTER TABLE {{schema}}.{} ADD COLUMN {};\n", table.name, definition(table, name)),
    };
    if table.references().any(|(column, _)| column == name) {
        sql.push_str(&index(table, name));
    }
    sql
}

/// Creates the view that counts the versions of each entity by status.
pub(crate) fn dashboard() -> String {
    let of = |entity: &&Entity| {
        format!(
            "SELECT '{}' AS entity, sync_status, count(*) AS count, min(fetched_at) AS oldest_record, max(fetched_at) AS newest_record\n  \
             FROM {{schema}}.{} GROUP BY sync_status",
            entity.name, entity.staging_table
        )
    };
    let each: Vec<String> = ENTITIES.iter().map(of).collect();
    format!(
        "CREATE OR REPLACE VIEW {{schema}}.v_sync_dashboard_entities WITH (security_invoker = true) AS\n{};\n",
        each.join("\nUNION ALL\n")
    )
}

/// Creates all production tables, parents first, as the migrations do, but without the indexes that only serve
/// users' queries.
pub(crate) fn production_tables() -> impl Iterator<Item = String> {
    ENTITIES.iter().flat_map(|entity| entity.tables.iter().copied()).map(production_table)
}

/// The definition of a column with its type and reference.
fn definition(table: &Table, name: &str) -> String {
    let sql_type = table.stored_columns().find(|(column, _)| *column == name).map_or("text", |(_, of)| of);
    let mut sql = format!("{name} {sql_type}");
    if LINEAGE.iter().any(|(lineage, _)| *lineage == name) && name != "deleted_at" {
        sql.push_str(" NOT NULL");
    }
    if let Some((_, of)) = table.references().find(|(column, _)| *column == name) {
        sql.push_str(&format!(" REFERENCES {{schema}}.{of} (external_id)"));
        // A row whose key includes its owner cannot exist without it.
        if table.owner == Some(name) && table.key.contains(&name) {
            sql.push_str(" ON DELETE CASCADE");
        }
    }
    sql
}

fn index(table: &Table, column: &str) -> String {
    let named = column.trim_end_matches("_external_id");
    format!("CREATE INDEX {table}_{named} ON {{schema}}.{table} ({column});\n", table = table.name)
}
