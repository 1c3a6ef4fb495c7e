//! Who holds a lock of a relation, once waiting for it has ended.

use tokio_postgres::types::Type;

use crate::db::error::DbError;
use crate::db::transaction::Tx;

/// The sessions that hold a lock of a relation, for messages.
///
/// # Errors
/// The database's.
pub async fn holders(tx: &Tx<'_>, schema: &str, relation: &str) -> Result<String, DbError> {
    let params = [(&schema as _, Type::TEXT), (&relation as _, Type::TEXT)];
    let rows = tx.query(include_str!("holders.sql"), &params).await?;
    let held_by: Vec<String> = rows
        .iter()
        .map(|row| match (row.get::<_, Option<i32>>("pid"), row.get::<_, Option<String>>("role")) {
            (Some(pid), Some(role)) => format!("session {pid} (role {role})"),
            (Some(pid), None) => format!("session {pid}"),
            (None, _) => "a prepared transaction (see pg_prepared_xacts)".to_owned(),
        })
        .collect();
    Ok(if held_by.is_empty() { "a session that has ended since".to_owned() } else { held_by.join("; ") })
}
