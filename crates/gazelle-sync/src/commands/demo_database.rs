//! Marks the database that `demo` filled: `demo` empties no other one, and no real account is synced into it.

use anyhow::{Result, bail};

use super::shared::opened::Opened;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::migrate;

/// Whether a database holds the demo's shop.
///
/// # Errors
/// Those of the database.
pub async fn is_demo(db: &Db) -> Result<bool, DbError> {
    if migrate::shape(db).await? == migrate::Shape::Empty {
        return Ok(false);
    }
    let rows =
        db.query("SELECT 1 FROM {schema}.sync_notes WHERE key = 'shop' AND value = 'demo'", &[]).await?;
    Ok(!rows.is_empty())
}

/// Marks a database as the demo's.
///
/// # Errors
/// Those of the database.
pub async fn mark(db: &Db) -> Result<(), DbError> {
    db.execute("INSERT INTO {schema}.sync_notes (key, value) VALUES ('shop', 'demo')", &[]).await?;
    Ok(())
}

/// Fails if a real account would be synced into the demo's database.
///
/// # Errors
/// It would; those of the database.
pub async fn refuse_demo(opened: &Opened, settings: &Settings) -> Result<()> {
    let is_local = matches!(settings.api_url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]" | "::1"));
    if !is_local && is_demo(&opened.db).await? {
        bail!(
            "this database holds the made-up shop of `gazelle-sync demo`: choose another data folder \
             (GAZELLE_SYNC_DATA_DIR), another schema (GAZELLE_SYNC_SCHEMA) or another database (DATABASE_URL)"
        );
    }
    Ok(())
}
