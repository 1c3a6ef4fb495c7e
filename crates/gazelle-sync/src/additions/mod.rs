//! Finds what users have added to our tables and what effect it can have, for `doctor` and for the warnings of a
//! run. Reads catalogues only.

use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};

use crate::db::{Db, DbError};
use crate::entities::table::{LINEAGE, Table};
use crate::entities::{ENTITIES, FOREIGN_KEYS};
use crate::from_v5::{OLD_FUNCTION, OLD_TRIGGER};
use crate::migrations;
use crate::run_log::report::{RunWarning, RunWarningCode};

/// An object that a user added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addition {
    /// Its kind.
    pub kind: AdditionKind,
    /// Our table and the name of the object: `gazelle_appointments.my_check`. For a foreign key that references our
    /// tables, the other table with its schema, and the constraint. `None` if it is not in force on our tables.
    pub subject: Option<String>,
    /// What it is and does, in one sentence without a period.
    pub said: String,
    /// How to remove it, if it is not wanted.
    pub fix: String,
}

/// Kinds of additions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdditionKind {
    /// The time-shifting trigger or function of version 5.
    OldTrigger,
    /// Another trigger or rule on our tables, or one on another table that writes into them.
    Trigger,
    /// A required column, a constraint, a unique index, a foreign key, a policy.
    Constraint,
}

/// Lists additions that can change or refuse our rows, or that tie a user's rows to them. Harmless ones (columns
/// with a default, indexes, views, comments, permissive policies) are not listed.
///
/// # Errors
/// The database's.
pub async fn read(db: &Db) -> Result<Vec<Addition>, DbError> {
    let names = migrations::relation_names();
    let rows = db
        .query(
            include_str!("triggers.sql"),
            &[
                (&db.schema(), Type::TEXT),
                (&names, Type::TEXT_ARRAY),
                (&OLD_TRIGGER, Type::TEXT),
                (&OLD_FUNCTION, Type::TEXT),
            ],
        )
        .await?;
    let mut additions: Vec<Addition> = rows
        .iter()
        .map(|row| Addition {
            kind: if row.get("is_old") { AdditionKind::OldTrigger } else { AdditionKind::Trigger },
            said: row.get("said"),
            fix: row.get("fix"),
            subject: row.get("subject"),
        })
        .collect();
    additions.extend(constraints(db).await?);
    additions.extend(staging(db).await?);
    additions.extend(holders(db, &names).await?);
    additions.extend(functions(db).await?);
    Ok(additions)
}

/// The additions in force on our tables, as warnings of a run.
///
/// # Errors
/// The database's.
pub async fn warnings(db: &Db) -> Result<Vec<RunWarning>, DbError> {
    let warning = |addition: Addition| {
        let message = format!("{}; if it is not wanted: {}", addition.said, addition.fix);
        addition.subject.map(|subject| RunWarning { code: RunWarningCode::TableAddition, subject, message })
    };
    Ok(read(db).await?.into_iter().filter_map(warning).collect())
}

/// Added columns of staging tables that make every INSERT fail.
async fn staging(db: &Db) -> Result<Vec<Addition>, DbError> {
    let tables: Vec<&str> = ENTITIES.iter().map(|entity| entity.staging_table).collect();
    // All our other columns have a default.
    let ours = ["external_id", "raw_data"];
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&db.schema(), Type::TEXT), (&tables, Type::TEXT_ARRAY), (&ours.as_slice(), Type::TEXT_ARRAY)];
    let rows = db.query(include_str!("staging.sql"), &params).await?;
    Ok(rows.iter().map(constraint).collect())
}

/// Foreign keys of users' tables to those of ours from which old rows are removed: staging and bookkeeping.
async fn holders(db: &Db, all: &[&str]) -> Result<Vec<Addition>, DbError> {
    let is_production =
        |name: &str| ENTITIES.iter().flat_map(|entity| entity.tables).any(|table| table.name == name);
    let ours: Vec<&str> = all.iter().copied().filter(|name| !is_production(name)).collect();
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&db.schema(), Type::TEXT), (&ours, Type::TEXT_ARRAY), (&all, Type::TEXT_ARRAY)];
    let rows = db.query(include_str!("holders.sql"), &params).await?;
    Ok(rows.iter().map(constraint).collect())
}

/// Functions that run when a table is read or written, and that find only objects named with their schema. Whether
/// they name them so is not known, so this is no warning of a run.
async fn functions(db: &Db) -> Result<Vec<Addition>, DbError> {
    let names = migrations::relation_names();
    let rows = db
        .query(include_str!("functions.sql"), &[(&db.schema(), Type::TEXT), (&names, Type::TEXT_ARRAY)])
        .await?;
    let addition = |row: &tokio_postgres::Row| Addition {
        kind: AdditionKind::Constraint,
        subject: None,
        said: row.get("said"),
        fix: row.get("fix"),
    };
    Ok(rows.iter().map(addition).collect())
}

fn constraint(row: &tokio_postgres::Row) -> Addition {
    Addition {
        kind: AdditionKind::Constraint,
        subject: row.get("subject"),
        said: row.get("said"),
        fix: row.get("fix"),
    }
}

async fn constraints(db: &Db) -> Result<Vec<Addition>, DbError> {
    let tables: Vec<&Table> = ENTITIES.iter().flat_map(|entity| entity.tables.iter().copied()).collect();
    let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
    let (mut relations, mut columns, mut required) = (Vec::new(), Vec::new(), Vec::new());
    for table in &tables {
        for (column, _) in table.stored_columns() {
            let is_lineage = LINEAGE.iter().any(|(name, _)| *name == column) && column != "deleted_at";
            relations.push(table.name);
            columns.push(column);
            required.push(is_lineage || table.key.contains(&column));
        }
        for generated in table.generated {
            relations.push(table.name);
            columns.push(generated.name);
            required.push(false);
        }
    }
    let (key_relations, key_columns): (Vec<&str>, Vec<&str>) =
        FOREIGN_KEYS.iter().map(|(table, column, _)| (*table, *column)).unzip();
    let rows = db
        .query(
            include_str!("additions.sql"),
            &[
                (&db.schema(), Type::TEXT),
                (&names, Type::TEXT_ARRAY),
                (&relations, Type::TEXT_ARRAY),
                (&columns, Type::TEXT_ARRAY),
                (&required, Type::BOOL_ARRAY),
                (&key_relations, Type::TEXT_ARRAY),
                (&key_columns, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(rows.iter().map(constraint).collect())
}
