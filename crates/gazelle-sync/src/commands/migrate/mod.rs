//! `migrate`: creates or upgrades our tables, and prints the applied steps.

mod from_v5;
mod roles;

use anyhow::Result;
use serde_json::json;

use super::shared::context::Context;
use super::shared::opened::Opened;
use super::text::migrate::steps_text;
use crate::cli::MigrateArgs;
use crate::migrate::{self, Shape};

/// Applies the missing migrations, or only lists them.
pub async fn run(context: &Context, args: MigrateArgs) -> Result<u8> {
    if args.from_v5 {
        return from_v5::run(context, args).await;
    }
    if args.roles {
        return roles::run(context, args).await;
    }
    let opened = Opened::open(&context.settings).await?;
    let outcome = async {
        if args.dry_run {
            Ok(match migrate::shape_to_migrate(&opened.db).await? {
                Shape::Current => Vec::new(),
                Shape::Empty => migrate::all_steps(),
                Shape::Older(steps) => steps,
                Shape::Newer(version) => return Err(migrate::newer(version)),
            })
        } else {
            migrate::migrate(&opened.db).await
        }
    }
    .await;
    opened.close().await?;
    let steps = outcome?;
    let list: Vec<_> = steps.iter().map(|s| json!({ "version": s.version, "name": s.name })).collect();
    let schema = &context.settings.schema;
    let key = if args.dry_run { "missing" } else { "applied" };
    context.print(&json!({ "schema": schema, key: list }), || steps_text(schema, args.dry_run, &steps))?;
    Ok(0)
}
