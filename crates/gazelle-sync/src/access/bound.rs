//! What of our tables calls a function or an operator of somebody's that is called like one of the server's.
//!
//! Our migrations name the server's functions without a schema. Since decision 0069 only the server's own are found; what a
//! program before it has created may be bound to one that somebody had put first on the search path, and then runs with the
//! rights of whoever writes or reads, whatever the search path says now (docs/decisions/0094).

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::roles::PUBLIC_ROLES;
use crate::db::{Db, DbError};
use crate::migrations::{relation_names, tables};

/// The checks that our migrations make of other tables than those of staging. The server names them after table and column.
const CHECKS: [&str; 5] = [
    "sync_alert_messages_occasion_check",
    "sync_deletions_state_check",
    "sync_quarantine_state_check",
    "sync_runs_status_check",
    "sync_wanted_runs_mode_check",
];

/// The names of all checks that our migrations make. Another check of a table of ours is somebody's own.
pub fn checks() -> Vec<String> {
    let of_staging = |table: &&str| table.starts_with("staging_");
    let staging = tables().into_iter().filter(of_staging);
    let both = |table| ["operation", "sync_status"].map(|column| format!("{table}_{column}_check"));
    CHECKS.map(str::to_owned).into_iter().chain(staging.flat_map(both)).collect()
}

/// Refuses tables and views of ours of which something calls such a function.
///
/// # Errors
/// That something does: the message says what, whose it is and what mends it. Those of the database.
pub async fn check(db: &Db) -> Result<(), DbError> {
    refusal(db).await?.map_or(Ok(()), |why| Err(DbError::infrastructure(why)))
}

/// Why [`check`] refuses, if it does. What a company added itself is for [`look`] to tell.
///
/// # Errors
/// Those of the database.
pub async fn refusal(db: &Db) -> Result<Option<String>, DbError> {
    let mut found = look(db).await?;
    found.retain(|bound| bound.is_ours);
    Ok(found.first().map(|bound| bound.told(found.len())))
}

/// Something of a table or view of ours that calls a function or an operator of somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What calls, for people.
    pub what: String,
    /// What it calls, for people.
    pub called: String,
    /// Whose that is.
    pub maker: String,
    /// The statement that ends it.
    pub cure: String,
    /// Whether a migration of ours made it, rather than the company.
    pub is_ours: bool,
}

/// All that calls such a function. Catalogues alone; a table that somebody has locked is not waited for unless something of
/// it is found.
///
/// # Errors
/// Those of the database.
pub async fn look(db: &Db) -> Result<Vec<Bound>, DbError> {
    let params = [
        (&db.schema() as _, Type::TEXT),
        (&relation_names() as _, Type::TEXT_ARRAY),
        (&checks() as _, Type::TEXT_ARRAY),
        (&PUBLIC_ROLES.as_slice() as _, Type::TEXT_ARRAY),
    ];
    let rows = db.query(include_str!("bound.sql"), &params).await?;
    let bound = |row: &Row| Bound {
        what: row.get("what"),
        called: row.get("called"),
        maker: row.get("maker"),
        cure: row.get("cure"),
        is_ours: row.get("is_ours"),
    };
    Ok(rows.iter().map(bound).collect())
}

impl Bound {
    fn told(&self, of: usize) -> String {
        let Bound { what, called, maker, cure, .. } = self;
        let more = if of > 1 { format!(" ({} more of the kind)", of - 1) } else { String::new() };
        format!(
            "{what} calls {called} of {maker}, which is called like one of the server's{more}: an earlier gazelle-sync \
             took it for that, and it runs with the rights of whoever uses the table, so nothing of the tables was read or \
             written. Look what it does (psql: \\df+), take CREATE on its schema from {maker}, make a backup, and have the work \
             done by the server's own: {cure}"
        )
    }
}
