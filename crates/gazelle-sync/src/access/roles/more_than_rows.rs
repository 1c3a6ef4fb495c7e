//! Finds roles that can do, or become, more than reading and writing rows.

use tokio_postgres::types::Type;

use super::Roles;
use super::script::{READERS_READ, SYNC_READS};
use crate::access::trust::fragments::filled;
use crate::access::trust::names::{listed, plain};
use crate::db::{DbError, Tx};
use crate::migrations;

/// What a role is or can become that reading and writing rows does not need.
#[derive(Debug)]
pub struct ExcessPrivilege {
    /// The role and what it is, or through which membership it becomes so, for messages.
    pub said: String,
    /// The statement that ends it.
    pub fix: String,
    /// Whether it is no more than the owner of the database.
    owns_database: bool,
}

/// What these roles are or can become, in their order.
///
/// # Errors
/// Those of the database.
pub async fn more_than_rows(tx: &Tx<'_>, roles: &[&str]) -> Result<Vec<ExcessPrivilege>, DbError> {
    let rows = tx.query(include_str!("more_than_rows.sql"), &[(&roles, Type::TEXT_ARRAY)]).await?;
    let found = rows.iter().map(|row| ExcessPrivilege {
        said: row.get("said"),
        fix: row.get("fix"),
        owns_database: row.get("owns_database"),
    });
    Ok(found.collect())
}

/// Refuses roles that exist already and would protect nothing: those of sync and readers that are or can become more
/// than they should, and an owner that is more than the owner of tables, or as which somebody acts.
///
/// # Errors
/// What is wrong, with the statement that fixes it. Those of the database.
pub(in crate::access) async fn check(tx: &Tx<'_>, roles: &Roles) -> Result<(), DbError> {
    let of = more_than_rows(tx, &[&roles.sync, &roles.reader]).await?;
    if !of.is_empty() {
        return Err(refused(
            &of,
            "and neither the sync nor readers may become more than what they are granted",
            "another role (--sync-role, --reader-role)",
        ));
    }
    // Who owns the database may own the tables in it.
    let mut of = more_than_rows(tx, &[&roles.owner]).await?;
    of.retain(|found| !found.owns_database);
    if !of.is_empty() {
        return Err(refused(
            &of,
            "and what is to own the tables is to be nothing else",
            "another role (--owner-role)",
        ));
    }
    let policies = [SYNC_READS.name, READERS_READ.name];
    let params = [
        (&roles.owner as _, Type::TEXT),
        (&migrations::REGISTER as _, Type::TEXT),
        (&policies.as_slice() as _, Type::TEXT_ARRAY),
    ];
    let members = tx.query(&filled(include_str!("acting_members.sql")), &params).await?;
    if members.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = members.iter().map(|row| plain(row.get("member"))).collect();
    // None of the owner of the database in pg_database_owner.
    let fixes: Vec<&str> = members.iter().filter_map(|row| row.get::<_, Option<&str>>("fix")).collect();
    let are = if names.len() > 1 { "are members" } else { "is a member" };
    let fixes = match fixes.is_empty() {
        true => String::new(),
        false => format!("{}, or ", listed(fixes, "; ")),
    };
    Err(DbError::refused(format!(
        "{} may log in and {are} of {owner}, and could do whatever the owner of the tables can; no role was \
         changed. {fixes}choose another role (--owner-role), then run this again",
        listed(names.iter().map(String::as_str), ", "),
        owner = plain(&roles.owner)
    )))
}

/// Lists every problem with its fix at once, so that the caller need not repeat the command for each.
fn refused(of: &[ExcessPrivilege], why: &str, other: &str) -> DbError {
    DbError::refused(format!(
        "{}, {why}; no role was changed. {}, or choose {other}, then run this again",
        listed(of.iter().map(|found| found.said.as_str()), "; "),
        listed(of.iter().map(|found| found.fix.as_str()), "; ")
    ))
}
