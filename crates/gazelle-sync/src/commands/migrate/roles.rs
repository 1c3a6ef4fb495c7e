//! `migrate --roles`: a role each for the owner, the sync and readers.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::json;

use super::opened::Opened;
use super::sync::wrong_use;
use super::{Context, migrate as migrate_command};
use crate::access::{self, Changes, Fact, Roles};
use crate::cli::MigrateArgs;
use crate::config;
use crate::db::Db;
use crate::display::Lines;
use crate::from_v5;
use crate::migrate::{self, Shape};

/// Migrates and applies the roles, or prints the SQL that would.
pub async fn run(context: &Context, args: MigrateArgs) -> Result<u8> {
    let default = Roles::default();
    let roles = Roles {
        owner: args.owner_role.unwrap_or(default.owner),
        sync: args.sync_role.unwrap_or(default.sync),
        reader: args.reader_role.unwrap_or(default.reader),
    };
    for (flag, name) in
        [("--owner-role", &roles.owner), ("--sync-role", &roles.sync), ("--reader-role", &roles.reader)]
    {
        if let Err(why) = config::plain_name(name) {
            return wrong_use(context, &format!("{flag} {name}: {why}"));
        }
    }
    let opened = Opened::open(&context.settings).await?;
    let outcome = match args.dry_run {
        true => show(context, &opened.db, &roles).await,
        false => apply(context, &opened.db, &roles).await,
    };
    opened.close().await?;
    outcome
}

async fn show(context: &Context, db: &Db, roles: &Roles) -> Result<u8> {
    let missing = match migrate::shape(db).await? {
        Shape::Current => Vec::new(),
        Shape::Empty => migrate::all_steps(),
        Shape::Older(steps) => steps,
        Shape::Newer(version) => bail!(migrate::newer(version)),
    };
    let sql = access::script(db, roles).await?;
    let list: Vec<_> = missing.iter().map(|s| json!({ "version": s.version, "name": s.name })).collect();
    let document =
        json!({ "schema": db.schema(), "dry_run": true, "roles": roles, "missing": list, "sql": sql });
    context.print(&document, || {
        let mut text = Lines::new();
        text.line("-- What gazelle-sync migrate --roles would run, in one transaction; nothing was changed.");
        if !missing.is_empty() {
            text.line(format!("-- First: {} migration(s), by gazelle-sync migrate.", missing.len()));
        }
        // Statements in lines of their own, as they are run.
        text.lines(&Lines::with_breaks(&sql));
        text
    })?;
    Ok(0)
}

async fn apply(context: &Context, db: &Db, roles: &Roles) -> Result<u8> {
    let applied = migrate::migrate(db).await?;
    let changes = access::apply(db, roles).await?;
    let closed = from_v5::closing::close_again(db).await?;
    let schema = db.schema();
    let list: Vec<_> = applied.iter().map(|s| json!({ "version": s.version, "name": s.name })).collect();
    let document = json!({
        "schema": schema, "dry_run": false, "roles": roles, "applied": list,
        "made": changes.made, "ended": changes.ended, "closed": closed,
    });
    context.print(&document, || {
        let mut text = migrate_command::text(schema, false, &applied);
        changes_lines(&changes, &mut text);
        if !closed.is_empty() {
            text.blank();
            text.line("the backup of the old system:");
        }
        for closed in &closed {
            text.line(format!("  {closed}"));
        }
        next_lines(roles, &mut text);
        text
    })?;
    Ok(0)
}

fn changes_lines(changes: &Changes, text: &mut Lines) {
    if changes.is_empty() {
        text.line("roles and rights are as they should be: nothing to do");
        return;
    }
    text.line("roles and rights:");
    for (sign, facts) in [('-', &changes.ended), ('+', &changes.made)] {
        for (is, of) in by_fact(facts) {
            text.line(format!("  {sign} {is}: {}", of.join(", ")));
        }
    }
}

/// The same of many tables in one line.
fn by_fact(facts: &[Fact]) -> BTreeMap<&str, Vec<&str>> {
    let mut by_fact = BTreeMap::<&str, Vec<&str>>::new();
    for fact in facts {
        by_fact.entry(&fact.is).or_default().push(&fact.of);
    }
    by_fact
}

fn next_lines(roles: &Roles, text: &mut Lines) {
    let Roles { sync, reader, .. } = roles;
    text.blank().line("Next:").line(format!("  1. give {sync} a password, in psql: \\password {sync}"));
    text.line(format!("  2. let the sync log in as it: DATABASE_URL=postgres://{sync}:…@HOST:5432/DATABASE"));
    text.line(format!("  3. let people read: GRANT {reader} TO …"));
    text.line("  4. gazelle-sync doctor looks at all of it");
}
