//! Finds parts of our tables that call a user's function or operator whose name is that of a built-in one.
//!
//! Our migrations name built-in functions without a schema. Since decision 0069 such names resolve to `pg_catalog`
//! only. What an earlier version created may be bound to a function that somebody had put first on the search path;
//! it runs with the rights of whoever writes or reads, whatever the search path is now (docs/decisions/0094).

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fragments::filled;
use super::names::plain;
use crate::access::roles::PUBLIC_ROLES;
use crate::db::{Db, DbError};
use crate::migrations::{is_staging, relation_names, tables};

/// The CHECK constraints that our migrations create on tables other than staging. The server names them after table
/// and column.
const CHECKS: [&str; 7] = [
    "sync_alert_messages_occasion_check",
    "sync_deletions_state_check",
    "sync_people_check",
    "sync_people_role_check",
    "sync_quarantine_state_check",
    "sync_runs_status_check",
    "sync_wanted_runs_mode_check",
];

/// The names of all CHECK constraints that our migrations create. Any other one on our tables was added by the
/// company.
pub fn checks() -> Vec<String> {
    let of_staging = |table: &&str| is_staging(table);
    let staging = tables().into_iter().filter(of_staging);
    let both = |table| ["operation", "sync_status"].map(|column| format!("{table}_{column}_check"));
    CHECKS.map(str::to_owned).into_iter().chain(staging.flat_map(both)).collect()
}

/// Refuses our tables and views if anything that a migration created on them calls such a function.
///
/// # Errors
/// Something calls such a function: the message says what, who owns the function and the statement that repairs it.
/// Those of the database.
pub async fn check(db: &Db) -> Result<(), DbError> {
    refusal(db).await?.map_or(Ok(()), |why| Err(DbError::refused(why)))
}

/// Why [`check`] refuses, or `None`. Leaves out what the company added itself, which [`find`] reports.
///
/// # Errors
/// Those of the database.
pub async fn refusal(db: &Db) -> Result<Option<String>, DbError> {
    let mut found = find(db).await?;
    found.retain(|bound| bound.is_ours);
    Ok(found.first().map(|bound| bound.message(found.len())))
}

/// A part of one of our tables or views that calls a user's function or operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What calls, for messages.
    pub what: String,
    /// The function or operator it calls, for messages.
    pub called: String,
    /// The owner of that function or operator.
    pub maker: String,
    /// The statement that repairs it.
    pub fix: String,
    /// Whether one of our migrations created it, rather than the company.
    pub is_ours: bool,
}

/// All parts that call such a function. Reads catalogues only, so it does not wait for a table that another session
/// has locked unless it finds something on that table.
///
/// # Errors
/// Those of the database.
pub async fn find(db: &Db) -> Result<Vec<Bound>, DbError> {
    let params = [
        (&db.schema() as _, Type::TEXT),
        (&relation_names() as _, Type::TEXT_ARRAY),
        (&checks() as _, Type::TEXT_ARRAY),
        (&PUBLIC_ROLES.as_slice() as _, Type::TEXT_ARRAY),
    ];
    let rows = db.query(&filled(include_str!("bound.sql")), &params).await?;
    let bound = |row: &Row| Bound {
        what: row.get("what"),
        called: row.get("called"),
        maker: row.get("maker"),
        fix: row.get("fix"),
        is_ours: row.get("is_ours"),
    };
    Ok(rows.iter().map(bound).collect())
}

impl Bound {
    fn message(&self, of: usize) -> String {
        let Bound { what, called, fix, .. } = self;
        let maker = plain(&self.maker);
        let more = if of > 1 { format!(" ({} more of the kind)", of - 1) } else { String::new() };
        format!(
            "{what} calls {called} of {maker}, which is called like one of the server's{more}: an earlier gazelle-sync \
             took it for that, and it runs with the rights of whoever uses the table, so nothing of the tables was read or \
             written. Look what it does (psql: \\df+), take CREATE on its schema from {maker}, make a backup, and have the work \
             done by the server's own: {fix}"
        )
    }
}
