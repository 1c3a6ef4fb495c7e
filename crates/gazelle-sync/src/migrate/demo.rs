//! The mark of a database that `demo` filled: `demo` empties no other one, no real account is synced into it, and its
//! dashboard is open without sign-in on this machine.

use super::schema_state::{SchemaState, schema_state};
use crate::db::{Db, DbError, Tx};
use crate::lease::Unfenced;

const MARK: &str = "SELECT 1 FROM {schema}.sync_notes WHERE key = 'shop' AND value = 'demo'";

/// Whether a database holds the demo's shop.
///
/// # Errors
/// Those of the database.
pub async fn is_demo(db: &Db) -> Result<bool, DbError> {
    if schema_state(db).await? == SchemaState::Empty {
        return Ok(false);
    }
    Ok(!db.query(MARK, &[]).await?.is_empty())
}

/// As [`is_demo`], of a database that has our tables.
///
/// # Errors
/// Those of the database.
pub async fn is_demo_in(tx: &Tx<'_>) -> Result<bool, DbError> {
    Ok(!tx.query(MARK, &[]).await?.is_empty())
}

/// Marks a database as the demo's.
///
/// # Errors
/// Those of the database.
pub async fn mark(db: &Db) -> Result<(), DbError> {
    let sql = "INSERT INTO {schema}.sync_notes (key, value) VALUES ('shop', 'demo')";
    Unfenced::DemoMark.execute(db, sql, &[]).await?;
    Ok(())
}
