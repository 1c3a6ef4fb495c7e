//! Whether we may act for the role that owns the tables.

use tokio_postgres::types::Type;

use crate::db::{DbError, Tx};
use crate::migrations;

/// Makes sure that the role in DATABASE_URL has the rights of the role that owns the tables: that it is the owner, a
/// superuser, or a member that inherits. What a migration makes belongs to whoever runs it until
/// [`cover`](super::cover) hands it over. The owner's role is not put in force: Citus logs in at its nodes as the role in
/// force, and nobody logs in as the owner.
///
/// # Errors
/// The role lacks those rights; the message says how to get them.
pub async fn check_owner_rights(tx: &Tx<'_>) -> Result<(), DbError> {
    let rows = tx.query(include_str!("owner_rights.sql"), &[(&migrations::REGISTER, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (owner, caller): (String, String) = (row.get("owner"), row.get("caller"));
    match (row.get("has_rights"), row.get("is_member")) {
        (true, _) => Ok(()),
        (false, true) => Err(DbError::infrastructure(format!(
            "the tables belong to {owner}, and {caller} is a member of it without its rights: ALTER ROLE {caller} INHERIT \
             (from Postgres 16 on: GRANT {owner} TO {caller} WITH INHERIT TRUE)"
        ))),
        (false, false) => Err(DbError::infrastructure(format!(
            "the tables belong to {owner}, and {caller} may not act for it: run this with an administrator's role in \
             DATABASE_URL, or one to which it was granted (GRANT {owner} TO …); the sync itself keeps {caller}"
        ))),
    }
}
