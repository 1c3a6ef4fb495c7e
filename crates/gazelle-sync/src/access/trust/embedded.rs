//! Takes over our tables in the embedded server, whose every role is this account's own.
//!
//! Elsewhere a superuser must not take over tables: what their former owner has put on them stays, and would run as the
//! superuser. The embedded server accepts connections only through a socket that no other account can reach, and each
//! of them may be a superuser's, so nobody gains anything by it there.

use tokio_postgres::types::Type;

use crate::db::{Db, DbError};
use crate::migrations::relation_names;

/// Makes our relations, their schema and the database ours if they belong to roles that are no superusers, as an earlier
/// `migrate --roles` left them. Returns one line for each. Does nothing on another server than the embedded one.
///
/// # Errors
/// Those of the database.
pub async fn take_over(db: &Db) -> Result<Vec<String>, DbError> {
    if !db.is_embedded() {
        return Ok(Vec::new());
    }
    let mut connection = db.connection().await?;
    let tx = connection.begin_ddl().await?;
    let names = relation_names();
    let params = [(&db.schema() as _, Type::TEXT), (&names as _, Type::TEXT_ARRAY)];
    let rows = tx.query(include_str!("theirs.sql"), &params).await?;
    for row in &rows {
        // Braces in names must not be filled in.
        tx.batch_as_is(row.get("statement")).await?;
    }
    tx.commit().await?;
    Ok(rows.iter().map(|row| row.get("what")).collect())
}
