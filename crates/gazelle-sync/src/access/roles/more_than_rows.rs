//! Finds roles that can do, or become, more than reading and writing rows.

use tokio_postgres::types::Type;

use super::script::{READERS_READ, SYNC_READS};
use super::{MARK_OF_OWNER, Roles};
use crate::db::{DbError, Tx};
use crate::migrations;

/// What a role is or can become that reading and writing rows does not need.
#[derive(Debug)]
pub struct MoreThanRows {
    /// The role and what it is, or through which membership it becomes so, for messages.
    pub said: String,
    /// The statement that ends it.
    pub cure: String,
    /// Whether it is no more than the owner of the database.
    owns_database: bool,
}

/// What these roles are or can become, in their order.
///
/// # Errors
/// Those of the database.
pub async fn more_than_rows(tx: &Tx<'_>, roles: &[&str]) -> Result<Vec<MoreThanRows>, DbError> {
    let rows = tx.query(include_str!("more_than_rows.sql"), &[(&roles, Type::TEXT_ARRAY)]).await?;
    let found = rows.iter().map(|row| MoreThanRows {
        said: row.get("said"),
        cure: row.get("cure"),
        owns_database: row.get("owns_database"),
    });
    Ok(found.collect())
}

/// Refuses roles that exist already and would protect nothing: those of sync and readers that are or can become more
/// than they should, and an owner that is more than the owner of tables, or as which somebody acts.
///
/// # Errors
/// What is wrong, with the statement that cures it. Those of the database.
pub(in crate::access) async fn check(tx: &Tx<'_>, roles: &Roles) -> Result<(), DbError> {
    let of = more_than_rows(tx, &[&roles.sync, &roles.reader]).await?;
    if let Some(first) = of.first() {
        return Err(refused(
            first,
            of.len(),
            "and neither the sync nor readers may become more than what they are granted",
            "another role (--sync-role, --reader-role)",
        ));
    }
    // Who owns the database may own the tables in it.
    let mut of = more_than_rows(tx, &[&roles.owner]).await?;
    of.retain(|found| !found.owns_database);
    if let Some(first) = of.first() {
        return Err(refused(
            first,
            of.len(),
            "and what is to own the tables is to be nothing else",
            "another role (--owner-role)",
        ));
    }
    let policies = [SYNC_READS.name, READERS_READ.name];
    let params = [
        (&roles.owner as _, Type::TEXT),
        (&migrations::REGISTER as _, Type::TEXT),
        (&policies.as_slice() as _, Type::TEXT_ARRAY),
        (&MARK_OF_OWNER as _, Type::TEXT),
    ];
    let members = tx.query(include_str!("acting_members.sql"), &params).await?;
    let Some(first) = members.first() else { return Ok(()) };
    let (member, cure): (String, String) = (first.get("member"), first.get("cure"));
    Err(DbError::infrastructure(format!(
        "{member} may log in and is a member of {owner}{}, and could do whatever the owner of the tables can; no role was \
         changed. {cure}, or choose another role (--owner-role), then run this again",
        more(members.len()),
        owner = roles.owner
    )))
}

fn refused(first: &MoreThanRows, of: usize, why: &str, other: &str) -> DbError {
    let MoreThanRows { said, cure, .. } = first;
    DbError::infrastructure(format!(
        "{said}{}, {why}; no role was changed. {cure}, or choose {other}, then run this again",
        more(of)
    ))
}

fn more(of: usize) -> String {
    if of > 1 { format!(" ({} more of the kind; this names one at a time)", of - 1) } else { String::new() }
}
