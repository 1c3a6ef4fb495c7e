//! Keeps real accounts out of the database that `demo` filled.

use anyhow::{Result, bail};

use super::shared::opened::Opened;
use crate::config::Settings;
use crate::migrate::demo::is_demo;

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
