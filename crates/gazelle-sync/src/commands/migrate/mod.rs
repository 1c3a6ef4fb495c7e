//! `migrate`: creates or upgrades the database, and says what it did.

use anyhow::Result;
use serde_json::json;

use super::Context;
use super::opened::Opened;
use crate::cli::MigrateArgs;
use crate::display::Lines;
use crate::migrate::{self, Shape, Step};

/// Applies what is missing, or only lists it.
pub async fn run(context: &Context, args: MigrateArgs) -> Result<u8> {
    if args.from_v5 {
        return super::migrate_from_v5::run(context, args).await;
    }
    if args.roles {
        return super::migrate_roles::run(context, args).await;
    }
    let opened = Opened::open(&context.settings).await?;
    let outcome = async {
        if args.dry_run {
            Ok(match migrate::shape(&opened.db).await? {
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
    context.print(&json!({ "schema": schema, key: list }), || text(schema, args.dry_run, &steps))?;
    Ok(0)
}

pub(super) fn text(schema: &str, dry_run: bool, steps: &[Step]) -> Lines {
    if steps.is_empty() {
        return format!("schema {schema} is up to date: nothing to do").into();
    }
    let verb = if dry_run { "would be applied" } else { "applied" };
    let mut text = Lines::new();
    text.line(format!("schema {schema}: {} migration(s) {verb}", steps.len()));
    for step in steps {
        // What the declarations of the entities add has no number.
        let number = step.version.map_or_else(|| "+".to_owned(), |version| version.to_string());
        text.line(format!("  {number:>4}  {}", step.name));
    }
    text
}
