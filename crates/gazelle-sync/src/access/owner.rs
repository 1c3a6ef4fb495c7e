//! Acting with the owner's rights.

use tokio_postgres::types::Type;

use crate::db::{DbError, Tx, migrate, quote};

/// Takes the rights of the role that owns the tables until the transaction ends, so that what a migration makes
/// is the owner's, whoever runs it.
///
/// Errors: the role in DATABASE_URL is not a member of the owner.
pub async fn become_owner(tx: &Tx<'_>) -> Result<(), DbError> {
    let rows = tx
        .query(
            "SELECT o.rolname::text, current_user::text,
                    c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
               FROM pg_class c
               JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_roles o ON o.oid = c.relowner
              WHERE n.nspname = {schema_text} AND c.relname = $1",
            &[(&migrate::REGISTER, Type::TEXT)],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (owner, caller, same): (String, String, bool) = (row.get(0), row.get(1), row.get(2));
    if same {
        return Ok(());
    }
    tx.batch_as_is(&format!("SET LOCAL ROLE {}", quote(&owner))).await.map_err(|error| {
        if error.state.as_deref() != Some("42501") {
            return error;
        }
        DbError::infrastructure(format!(
            "the tables belong to {owner}, and {caller} may not act for it: run this with an administrator's role in \
             DATABASE_URL, or one to which it was granted (GRANT {owner} TO …); the sync itself keeps {caller}"
        ))
    })
}
