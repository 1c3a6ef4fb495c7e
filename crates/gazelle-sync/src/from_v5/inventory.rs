//! Lists what version 5 left in the schema, and what depends on it. Only reads.

use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::names::{OLD_FUNCTION, OLD_TRIGGER, local_view};
use super::rights::{self, RevokedReader};
use crate::db::{DbError, Tx};
use crate::migrations;
use crate::staging_to_production::rebuild::production_tables;

/// What the migration from version 5 does or did.
#[derive(Debug, Clone, Serialize)]
pub struct Inventory {
    /// The account's schema.
    pub schema: String,
    /// The schema that the old tables are moved to.
    pub backup_schema: String,
    /// The relations that are moved.
    pub moving: Vec<Moving>,
    /// The dropped triggers: `table.trigger`.
    pub triggers: Vec<String>,
    /// The moved functions: `name(arguments)`.
    pub functions: Vec<String>,
    /// The roles that lose access to the old tables: PUBLIC and Supabase's public roles.
    pub loses_access: Vec<RevokedReader>,
    /// Objects that depend on the old tables and are not moved, for the user to check.
    pub dependents: Vec<Dependent>,
}

/// A table or view that has the name of one of ours.
#[derive(Debug, Clone, Serialize)]
pub struct Moving {
    /// Its name.
    pub name: String,
    /// Its kind in SQL: `table`, `foreign table`, `view` or `materialized view`.
    pub kind: String,
    /// The number of rows; `None` if it is not a table.
    pub rows: Option<i64>,
    /// Its columns that the new table does not have; readable by `external_id` if the old table has that column.
    pub local_columns: Vec<String>,
    /// Whether the old table has the column `external_id`.
    pub has_external_id: bool,
}

/// An object that depends on an old table and is not moved.
#[derive(Debug, Clone, Serialize)]
pub struct Dependent {
    /// `view`, `foreign key`, `function`, `policy`, `publication` or `trigger`.
    pub kind: String,
    /// Its name, with its schema if it has one.
    pub name: String,
    /// The old table it depends on.
    pub depends_on: String,
    /// Its definition before anything is moved.
    pub definition: String,
    /// Columns it uses that the new table does not have.
    pub lacks: Vec<String>,
    /// What happens to it, and what to do.
    pub advice: String,
}

/// Reads the inventory. In definitions every name has its schema, since no account's schema is on the transaction's
/// search path.
///
/// # Errors
/// There is no old table; our own tables exist already; an object with one of our names cannot be moved; a right on
/// it cannot be revoked; the backup schema exists. Those of the database.
pub async fn read(tx: &Tx<'_>, schema: &str, backup_schema: &str) -> Result<Inventory, DbError> {
    let found = old_relations(tx, schema).await?;
    refuse_taken(tx, backup_schema).await?;
    let mut moving = Vec::new();
    for relation in found {
        moving.push(relation.moving(tx, schema).await?);
    }
    let names: Vec<&str> = moving.iter().map(|moved| moved.name.as_str()).collect();
    let triggers = old_triggers(tx, schema, &names).await?;
    let functions = old_functions(tx, schema).await?;
    let dependents = dependents(tx, schema, backup_schema, &names).await?;
    let held = rights::of(tx, schema, &names).await?;
    rights::check_removable(&held, schema)?;
    Ok(Inventory {
        schema: schema.to_owned(),
        backup_schema: backup_schema.to_owned(),
        triggers: triggers.into_iter().map(|trigger| trigger.name).collect(),
        functions,
        loses_access: rights::losing(&held),
        moving,
        dependents,
    })
}

/// An object in the account's schema that has one of our names.
struct OldRelation {
    name: String,
    /// Its kind in SQL; `None` if it is neither a table nor a view.
    kind: Option<String>,
    may_move: bool,
    /// Whether it is our register of migrations, which version 5 did not have.
    is_register: bool,
    columns: Vec<String>,
}

impl OldRelation {
    fn of(row: &Row) -> OldRelation {
        OldRelation {
            name: row.get("name"),
            kind: row.get("kind"),
            may_move: row.get("may_move"),
            is_register: row.get("is_register"),
            columns: row.get("columns"),
        }
    }

    /// How it is moved.
    ///
    /// # Errors
    /// It cannot be moved.
    async fn moving(self, tx: &Tx<'_>, schema: &str) -> Result<Moving, DbError> {
        let OldRelation { name, kind, may_move, columns, .. } = self;
        let Some(kind) = kind else {
            return Err(DbError::refused(format!(
                "{schema}.{name} has a name of ours and is neither a table nor a view: rename it first"
            )));
        };
        if !may_move {
            return Err(DbError::refused(format!(
                "the role in DATABASE_URL may not move {schema}.{name}: use the role that owns it"
            )));
        }
        let rows = if kind == "table" { Some(count(tx, &name).await?) } else { None };
        let has_external_id = columns.iter().any(|column| column == "external_id");
        let local_columns = local_columns(&name, columns);
        Ok(Moving { name, kind, rows, local_columns, has_external_id })
    }
}

/// The old relations with our names.
///
/// # Errors
/// Our own tables exist already; there is no old one.
async fn old_relations(tx: &Tx<'_>, schema: &str) -> Result<Vec<OldRelation>, DbError> {
    let ours = migrations::relation_names();
    let rows =
        tx.query(include_str!("relations.sql"), &[(&schema, Type::TEXT), (&ours, Type::TEXT_ARRAY)]).await?;
    let found: Vec<OldRelation> = rows.iter().map(OldRelation::of).collect();
    if let Some(ours) = found.iter().find(|relation| relation.is_register) {
        return Err(DbError::refused(format!(
            "schema {schema} already holds the tables of gazelle-sync ({}): there is nothing to come from; \
             `gazelle-sync migrate` upgrades them",
            ours.name
        )));
    }
    if found.is_empty() {
        return Err(DbError::refused(format!(
            "schema {schema} holds no table of the old system: run `gazelle-sync migrate` (another schema: \
             GAZELLE_SYNC_SCHEMA)"
        )));
    }
    Ok(found)
}

/// Fails if the backup schema exists.
async fn refuse_taken(tx: &Tx<'_>, backup_schema: &str) -> Result<(), DbError> {
    let taken = tx
        .query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", &[(&backup_schema, Type::TEXT)])
        .await?;
    match taken.is_empty() {
        true => Ok(()),
        false => Err(DbError::refused(format!(
            "the schema {backup_schema} exists already: name another one with --backup-schema"
        ))),
    }
}

/// A trigger of version 5.
pub(super) struct OldTrigger {
    /// `table.trigger`
    pub name: String,
    /// The statement that drops it.
    pub drop: String,
    /// The statements that create it again as it is.
    pub create_again: String,
}

impl OldTrigger {
    fn of(row: &Row) -> OldTrigger {
        OldTrigger { name: row.get("name"), drop: row.get("drop"), create_again: row.get("create_again") }
    }
}

/// The triggers that shifted times, on these tables of a schema.
pub(super) async fn old_triggers(
    tx: &Tx<'_>,
    schema: &str,
    tables: &[&str],
) -> Result<Vec<OldTrigger>, DbError> {
    let rows = tx
        .query(
            include_str!("old_triggers.sql"),
            &[
                (&schema, Type::TEXT),
                (&tables, Type::TEXT_ARRAY),
                (&OLD_TRIGGER, Type::TEXT),
                (&OLD_FUNCTION, Type::TEXT),
            ],
        )
        .await?;
    Ok(rows.iter().map(OldTrigger::of).collect())
}

/// The functions of those triggers, as `name(arguments)`.
async fn old_functions(tx: &Tx<'_>, schema: &str) -> Result<Vec<String>, DbError> {
    let rows = tx
        .query(include_str!("old_functions.sql"), &[(&schema, Type::TEXT), (&OLD_FUNCTION, Type::TEXT)])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn count(tx: &Tx<'_>, table: &str) -> Result<i64, DbError> {
    let sql = format!("SELECT pg_catalog.count(*) FROM {{schema}}.{}", crate::db::quote(table));
    let rows = tx.query(&sql, &[]).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// The columns of an old table that the new one of the same name does not have.
fn local_columns(table: &str, columns: Vec<String>) -> Vec<String> {
    let Some(new) = production_tables().find(|new| new.name == table) else { return Vec::new() };
    let held: Vec<&str> = new.all_columns().collect();
    columns.into_iter().filter(|column| !held.contains(&column.as_str())).collect()
}

async fn dependents(
    tx: &Tx<'_>,
    schema: &str,
    backup_schema: &str,
    tables: &[&str],
) -> Result<Vec<Dependent>, DbError> {
    let rows = tx
        .query(
            include_str!("dependents.sql"),
            &[
                (&schema, Type::TEXT),
                (&tables, Type::TEXT_ARRAY),
                (&OLD_TRIGGER, Type::TEXT),
                (&OLD_FUNCTION, Type::TEXT),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let (kind, depends_on): (String, String) = (row.get("kind"), row.get("depends_on"));
            let used: Vec<String> = row.get("columns");
            let lacks = local_columns(&depends_on, used);
            let advice = advice(&kind, schema, backup_schema, &depends_on);
            Dependent {
                name: row.get("name"),
                definition: row.get("definition"),
                kind,
                depends_on,
                lacks,
                advice,
            }
        })
        .collect())
}

/// What happens to a dependent object, and what its owner should do.
fn advice(kind: &str, schema: &str, backup: &str, table: &str) -> String {
    let local = local_view(table);
    match kind {
        "view" => format!(
            "keeps reading {backup}.{table}, which no sync updates any more: create it again on {schema}.{table} \
             (times there are UTC; v_appointments_montreal has the local ones), columns of the old table alone \
             through {schema}.{local}"
        ),
        "foreign key" => format!(
            "keeps referring to {backup}.{table}: new rows of {schema}.{table} cannot be referred to through it. \
             Add a column that holds external_id, fill it through {schema}.{local}, and refer to \
             {schema}.{table} (external_id)"
        ),
        "function" => format!(
            "names {table} in its text and meets the new table from now on: check its columns, and that it \
             expects UTC"
        ),
        "policy" => format!("keeps asking {backup}.{table}: create it again on {schema}.{table}"),
        "publication" => {
            format!("keeps publishing {backup}.{table}: ALTER PUBLICATION … ADD TABLE {schema}.{table}")
        }
        _ => format!("stays on {backup}.{table} and acts there alone"),
    }
}
