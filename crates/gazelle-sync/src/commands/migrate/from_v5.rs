//! `migrate --from-v5`: moves version 5's tables into a backup schema, and back.

use anyhow::Result;
use serde_json::json;

use crate::cli::MigrateArgs;
use crate::commands::shared::context::Context;
use crate::commands::shared::opened::Opened;
use crate::commands::text::from_v5::back_text;
use crate::commands::text::from_v5::inventory_text;
use crate::config;
use crate::db::Db;
use crate::from_v5::{self, away, back};

/// Moves the tables away or back, or shows what that would do.
///
/// # Errors
/// The database cannot be opened, or a statement fails; the tables cannot be
/// moved, or a run is in progress.
pub async fn run(context: &Context, args: MigrateArgs) -> Result<u8> {
    let schema = &context.settings.schema;
    let backup = args.backup_schema.clone().unwrap_or_else(|| from_v5::default_backup_schema(schema));
    if let Err(why) = config::schema_name(&backup) {
        return context.wrong_use(&format!("--backup-schema {backup}: {why}"));
    }
    if &backup == schema {
        return context.wrong_use(&format!("--backup-schema {backup} is the account's own schema"));
    }
    let opened = Opened::open_existing(&context.settings).await?;
    let outcome = if args.back {
        move_back(context, &opened.db, &backup, args.dry_run).await
    } else {
        move_away(context, &opened.db, &backup, args.dry_run).await
    };
    opened.close().await?;
    outcome
}

async fn move_away(context: &Context, db: &Db, backup: &str, dry_run: bool) -> Result<u8> {
    let inventory = if dry_run {
        let mut connection = db.connection().await?;
        let tx = connection.begin().await?;
        from_v5::read(&tx, db.schema(), backup).await?
    } else {
        away::move_away(db, backup).await?
    };
    context.print(&json!({ "dry_run": dry_run, "from_v5": inventory }), || {
        inventory_text(&inventory, dry_run)
    })?;
    Ok(0)
}

async fn move_back(context: &Context, db: &Db, backup: &str, dry_run: bool) -> Result<u8> {
    let plan = if dry_run {
        let mut connection = db.connection().await?;
        let tx = connection.begin().await?;
        back::plan(&tx, db.schema(), backup).await?
    } else {
        back::move_back(db, backup).await?
    };
    context.print(&json!({ "dry_run": dry_run, "back": plan }), || back_text(&plan, dry_run))?;
    Ok(0)
}
