//! `migrate --roles`: creates the roles of the owner, the sync and the readers.

use anyhow::{Result, bail};
use serde_json::json;

use crate::access::{self, Roles};
use crate::cli::MigrateArgs;
use crate::commands::shared::context::{Context, PARTIAL};
use crate::commands::shared::opened::Opened;
use crate::commands::text::migrate::backup_lines;
use crate::commands::text::roles::{applied_text, next_lines, script_text};
use crate::db::Db;
use crate::from_v5::closing::Closed;
use crate::migrate::{self, MigrationStep, SchemaState};
use crate::{config, from_v5};

/// Migrates and applies the roles, or prints the SQL for it.
///
/// # Errors
/// The database cannot be opened, or a statement fails; the database is the
/// embedded one; our role may not create the roles.
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
            return context.wrong_use(&format!("{flag} {name}: {why}"));
        }
    }
    if context.settings.database_url.is_none() {
        bail!(
            "the embedded server is reached by this machine's own account alone, which is a superuser there: roles would protect \
             nothing, and a superuser uses no tables that others own. Set DATABASE_URL to a server that others use too"
        );
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
    let needed = access::needed_first(db, roles).await?;
    // Nothing of the tables is read where our role is refused them until then.
    let missing = match needed.is_refused.is_some() {
        true => None,
        false => Some(missing(db).await?),
    };
    access::check_named(db, roles).await?;
    let sql = access::script(db, roles).await?;
    let list: Option<Vec<_>> = missing
        .as_ref()
        .map(|steps| steps.iter().map(|s| json!({ "version": s.version, "name": s.name })).collect());
    let document = json!({
        "schema": db.schema(), "dry_run": true, "roles": roles, "needed_first": needed.statements, "missing": list,
        "sql": sql,
    });
    context.print(&document, || script_text(&needed.statements, missing.map(|steps| steps.len()), &sql))?;
    Ok(0)
}

async fn missing(db: &Db) -> Result<Vec<MigrationStep>> {
    Ok(match migrate::schema_state_to_migrate(db).await? {
        SchemaState::Current => Vec::new(),
        SchemaState::Empty => migrate::all_steps(),
        SchemaState::Older(steps) => steps,
        SchemaState::Newer(version) => bail!(migrate::newer(version)),
    })
}

async fn apply(context: &Context, db: &Db, roles: &Roles) -> Result<u8> {
    access::check_needed_first(db, roles).await?;
    let applied = migrate::migrate(db).await?;
    let changes = access::apply(db, roles).await?;
    let Closed { closed, left_open } = from_v5::closing::close_again(db).await?;
    let schema = db.schema();
    let list: Vec<_> = applied.iter().map(|s| json!({ "version": s.version, "name": s.name })).collect();
    let document = json!({
        "schema": schema, "dry_run": false, "roles": roles, "applied": list,
        "made": changes.made, "ended": changes.ended, "closed": closed, "left_open": left_open,
    });
    context.print(&document, || {
        let mut text = applied_text(schema, &applied, &changes);
        backup_lines(&closed, &left_open, &mut text);
        next_lines(roles, &mut text);
        text
    })?;
    Ok(if left_open.is_empty() { 0 } else { PARTIAL })
}
