//! Checks that our role may act for the role that owns the tables.

use tokio_postgres::types::Type;

use super::fragments::filled;
use super::names::{listed, plain};
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
    let statement = filled(include_str!("owner_rights.sql"));
    let rows = tx.query(&statement, &[(&migrations::REGISTER, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (owner, caller) = (plain(row.get("owner")), plain(row.get("caller")));
    match (row.get("has_rights"), row.get("is_member")) {
        (true, _) => Ok(()),
        (false, true) => Err(DbError::refused(format!(
            "the tables belong to {owner}, and {caller} is a member of it without its rights: ALTER ROLE {caller} INHERIT \
             (from Postgres 16 on: GRANT {owner} TO {caller} WITH INHERIT TRUE)"
        ))),
        (false, false) => {
            let makers: Vec<String> = row.get("makers");
            Err(DbError::refused(format!(
                "the tables belong to {owner}, and {caller} may not act for it: run this with an administrator's role in \
                 DATABASE_URL{}; the sync itself keeps {caller}",
                or_granted(&owner, row.get("may_be_granted"), &makers)
            )))
        }
    }
}

/// Which other role may run it, after those words.
fn or_granted(owner: &str, may_be_granted: bool, makers: &[String]) -> String {
    if !may_be_granted {
        return format!(
            "; whether another role is to act for {owner}, which can do more than keep these tables, an administrator has to decide"
        );
    }
    let makers: Vec<String> = makers.iter().map(|name| plain(name)).collect();
    let makers = listed(makers.iter().map(String::as_str), ", ");
    match makers.is_empty() {
        true => format!(", or one to which it was granted with: GRANT {owner} TO …"),
        false => format!(
            ", such as {makers}. A second member of {owner} would keep those out that make roles, up to Postgres 15. Where another \
             role is to act for it, make a separate administrator that makes no roles, for gazelle-sync alone: put it into \
             DATABASE_URL in the place of {makers} from then on (GRANT {owner} TO …). Taking CREATEROLE from {makers} lets them go \
             on too, but a managed server may not give it back"
        ),
    }
}
