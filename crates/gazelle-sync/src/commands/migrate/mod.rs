//! `migrate`: creates or upgrades our tables, and prints the applied steps.

mod from_v5;
mod roles;

use anyhow::{Result, bail};
use serde_json::json;

use super::shared::context::{Context, PARTIAL};
use super::shared::opened::Opened;
use super::text::migrate::{backup_lines, steps_text, taken_over_lines};
use crate::access;
use crate::cli::MigrateArgs;
use crate::db::Db;
use crate::from_v5::{self as old_system, closing::Closed};
use crate::migrate::{self, MigrationStep, SchemaState};

/// Applies the missing migrations, or only lists them.
///
/// # Errors
/// The database cannot be opened, or a statement fails; the schema belongs to a
/// newer program; our role may not create or change the tables.
pub async fn run(context: &Context, args: MigrateArgs) -> Result<u8> {
    if args.from_v5 {
        return from_v5::run(context, args).await;
    }
    if args.roles {
        return roles::run(context, args).await;
    }
    let opened = match args.dry_run {
        true => Opened::open_existing(&context.settings).await?,
        false => Opened::open_or_create(&context.settings).await?,
    };
    let outcome = match args.dry_run {
        true => show(context, &opened.db).await,
        false => apply(context, &opened.db).await,
    };
    opened.close().await?;
    outcome
}

async fn show(context: &Context, db: &Db) -> Result<u8> {
    let steps = match migrate::schema_state_to_migrate(db).await? {
        SchemaState::Current => Vec::new(),
        SchemaState::Empty => migrate::all_steps(),
        SchemaState::Older(steps) => steps,
        SchemaState::Newer(version) => bail!(migrate::newer(version)),
    };
    let schema = db.schema();
    let document = json!({ "schema": schema, "missing": listed(&steps) });
    context.print(&document, || steps_text(schema, true, &steps))?;
    Ok(0)
}

async fn apply(context: &Context, db: &Db) -> Result<u8> {
    let taken_over = access::take_over(db).await?;
    let steps = migrate::migrate(db).await?;
    let Closed { closed, left_open } = old_system::closing::close_again(db).await?;
    let schema = db.schema();
    let document = json!({
        "schema": schema, "applied": listed(&steps), "taken_over": taken_over, "closed": closed, "left_open": left_open,
    });
    context.print(&document, || {
        let mut text = steps_text(schema, false, &steps);
        taken_over_lines(&taken_over, &mut text);
        backup_lines(&closed, &left_open, &mut text);
        text
    })?;
    Ok(if left_open.is_empty() { 0 } else { PARTIAL })
}

/// The steps as a JSON list.
fn listed(steps: &[MigrationStep]) -> Vec<serde_json::Value> {
    steps.iter().map(|step| json!({ "version": step.version, "name": step.name })).collect()
}
