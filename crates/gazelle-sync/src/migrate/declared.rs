//! Finds and adds the tables and columns that the entities declare and a database lacks, so that a new entity, or a
//! new column of one, needs no migration.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Tx};
use crate::entities::table::{LINEAGE, Table};
use crate::entities::{ENTITIES, Entity};
use crate::migrations::declared;

/// A declared object that a database lacks.
pub(super) enum Missing {
    /// The staging table of an entity.
    Staging(&'static Entity),
    /// A production table.
    Production(&'static Table),
    /// A column of an existing table.
    Column(&'static Table, &'static str),
    /// An entity's part of the view that counts versions.
    Dashboard,
}

impl Missing {
    /// What it is, for messages.
    pub(super) fn name(&self) -> String {
        match self {
            Missing::Staging(entity) => format!("table {}", entity.staging_table),
            Missing::Production(table) => format!("table {}", table.name),
            Missing::Column(table, column) => format!("column {}.{column}", table.name),
            Missing::Dashboard => "view v_sync_dashboard_entities".to_owned(),
        }
    }

    fn sql(&self) -> String {
        match self {
            Missing::Staging(entity) => declared::staging_table(entity),
            Missing::Production(table) => declared::production_table(table),
            Missing::Column(table, column) => declared::column(table, column),
            Missing::Dashboard => declared::dashboard(),
        }
    }
}

/// The columns of each of our tables in a database, and the tables that the dashboard view reads.
pub(super) struct ExistingColumns {
    columns: BTreeMap<String, BTreeSet<String>>,
    counted: BTreeSet<String>,
}

/// Reads what exists. Writes nothing.
pub(super) async fn found(db: &Db) -> Result<ExistingColumns, DbError> {
    let params = [(&db.schema() as _, Type::TEXT), (&declared_names() as _, Type::TEXT_ARRAY)];
    Ok(read(&db.query(include_str!("found.sql"), &params).await?))
}

async fn found_in(tx: &Tx<'_>) -> Result<ExistingColumns, DbError> {
    let params = [(&tx.schema() as _, Type::TEXT), (&declared_names() as _, Type::TEXT_ARRAY)];
    Ok(read(&tx.query(include_str!("found.sql"), &params).await?))
}

fn declared_names() -> Vec<&'static str> {
    let tables = ENTITIES.iter().flat_map(|entity| entity.tables.iter().map(|table| table.name));
    tables.chain(ENTITIES.iter().map(|entity| entity.staging_table)).collect()
}

fn read(rows: &[tokio_postgres::Row]) -> ExistingColumns {
    let mut found = ExistingColumns { columns: BTreeMap::new(), counted: BTreeSet::new() };
    for row in rows {
        let (table, column): (String, Option<String>) = (row.get("table_name"), row.get("column_name"));
        match column {
            Some(column) => {
                found.columns.entry(table).or_default().insert(column);
            }
            None => {
                found.counted.insert(table);
            }
        }
    }
    found
}

/// A table with one of our names that lacks columns which all our tables have.
pub(super) struct UnknownTable {
    pub(super) table: &'static str,
    lacks: Vec<&'static str>,
}

impl UnknownTable {
    /// The error if a migration of ours created the table, so that somebody must have dropped the columns; `None`
    /// otherwise.
    pub(super) fn dropped_columns_error(&self, schema: &str, migrated: bool) -> Option<DbError> {
        if !migrated || !declared::is_migrated(self.table) {
            return None;
        }
        let columns: Vec<String> =
            self.lacks.iter().map(|column| format!("{}.{column}", self.table)).collect();
        Some(DbError::refused(format!(
            "the schema {schema} lacks the column {}, which a migration created and somebody dropped; nothing was read or written, \
             and `migrate` does not add it back, since its values are lost: restore the table from a backup, or build the copy \
             again in another schema (GAZELLE_SYNC_SCHEMA)",
            columns.join(", ")
        )))
    }
}

impl ExistingColumns {
    /// A table that has the name of one of ours, and not the columns that all of ours have.
    pub(super) fn unknown_table(&self) -> Option<UnknownTable> {
        let lineage = LINEAGE.map(|(name, _)| name);
        let lacking = |table: &'static str, ours: &[&'static str]| {
            let found = self.columns.get(table)?;
            let lacks: Vec<&str> = ours.iter().copied().filter(|column| !found.contains(*column)).collect();
            (!lacks.is_empty()).then_some(UnknownTable { table, lacks })
        };
        ENTITIES.iter().find_map(|entity| {
            lacking(entity.staging_table, &["external_id", "raw_data", "fetched_at"])
                .or_else(|| entity.tables.iter().find_map(|table| lacking(table.name, &lineage)))
        })
    }

    /// What the declarations add, parents first. `migrated` says whether all numbered migrations are applied; until
    /// then, tables that those create are not checked.
    pub(super) fn missing(&self, migrated: bool) -> Vec<Missing> {
        let mut missing = Vec::new();
        for entity in ENTITIES.iter().copied() {
            let is_ours = |name: &str| migrated || !declared::is_migrated(name);
            if is_ours(entity.staging_table) && !self.columns.contains_key(entity.staging_table) {
                missing.push(Missing::Staging(entity));
            }
            for table in entity.tables.iter().copied().filter(|table| is_ours(table.name)) {
                match self.columns.get(table.name) {
                    None => missing.push(Missing::Production(table)),
                    Some(found) => missing.extend(
                        table
                            .all_columns()
                            .filter(|column| !found.contains(*column))
                            .map(|column| Missing::Column(table, column)),
                    ),
                }
            }
        }
        let is_counted = |entity: &&Entity| self.counted.contains(entity.staging_table);
        if migrated && !ENTITIES.iter().all(is_counted) {
            missing.push(Missing::Dashboard);
        }
        missing
    }
}

/// Adds what is missing, after all migrations are applied. The caller commits.
pub(super) async fn add(tx: &Tx<'_>) -> Result<(), DbError> {
    for missing in found_in(tx).await?.missing(true) {
        tx.batch(&missing.sql()).await?;
    }
    Ok(())
}
