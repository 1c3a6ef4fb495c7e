//! Checks that our role may act for the role that owns the tables.

use tokio_postgres::types::Type;

use super::owners::plain;
use crate::db::{DbError, Tx};
use crate::migrations;

/// Checks that the role in DATABASE_URL has the rights of the role that owns the tables: it is the owner, a
/// superuser, or a member that inherits. What a migration creates belongs to the role that runs it until
/// [`cover`](crate::access::cover) transfers it. We do not SET ROLE to the owner: Citus logs in at its nodes as the current
/// role, and nobody may log in as the owner.
///
/// # Errors
/// The role lacks those rights; the message says how to get them. Those of the database.
pub async fn check_owner_rights(tx: &Tx<'_>) -> Result<(), DbError> {
    let rows = tx.query(include_str!("owner_rights.sql"), &[(&migrations::REGISTER, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (owner, caller): (String, String) = (row.get("owner"), row.get("caller"));
    let mut grant: Vec<String> = row.get("first");
    let keeps_out = match grant.is_empty() {
        true => "",
        false => " (for as long as they make roles, a second member keeps them out, up to Postgres 15)",
    };
    grant.push(format!("GRANT {} TO …", plain(&owner)));
    match (row.get("has_rights"), row.get("is_member")) {
        (true, _) => Ok(()),
        (false, true) => Err(DbError::infrastructure(format!(
            "the tables belong to {owner}, and {caller} is a member of it without its rights: ALTER ROLE {caller} INHERIT \
             (from Postgres 16 on: GRANT {owner} TO {caller} WITH INHERIT TRUE)"
        ))),
        (false, false) => Err(DbError::infrastructure(format!(
            "the tables belong to {owner}, and {caller} may not act for it: run this with an administrator's role in \
             DATABASE_URL, or one to which it was granted with: {}{keeps_out}; the sync itself keeps {caller}",
            grant.join("; ")
        ))),
    }
}
