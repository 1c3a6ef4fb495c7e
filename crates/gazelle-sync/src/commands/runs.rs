//! `runs`: lists the runs, or shows one.

use anyhow::{Result, bail};
use serde::Serialize;

use super::shared::context::Context;
use super::shared::opened::Opened;
use super::shared::run_ids;
use super::text::runs::{list_text, one_text};
use crate::cli::{RunFilter, RunPrefix, RunsAction, RunsArgs};
use crate::migrate;
use crate::run_log::run_pages::{self, Filter, ListedRun, Position};

/// The list, as `--json` prints it.
#[derive(Serialize)]
struct Runs {
    runs: Vec<ListedRun>,
    /// The value of `--before` that lists the rest; none if nothing is left.
    before: Option<String>,
}

/// Reads and prints; writes nothing.
///
/// # Errors
/// The database cannot be opened, or a statement fails; there is no such run.
pub async fn run(context: &Context, args: RunsArgs) -> Result<u8> {
    let opened = Opened::open_to_read(&context.settings).await?;
    let outcome = match args.into_action() {
        RunsAction::List(filter) => list(context, &opened, filter).await,
        RunsAction::Show { run } => show(context, &opened, &run).await,
    };
    opened.close().await?;
    outcome
}

async fn list(context: &Context, opened: &Opened, filter: RunFilter) -> Result<u8> {
    let zone = context.settings.zone();
    let before = match &filter.before {
        Some(run) => {
            let found = run_ids::find(opened, run, &zone).await?;
            Some(Position { started_at: found.started_at, run_id: found.run_id })
        }
        None => None,
    };
    let (runs, next) = match migrate::is_readable(&opened.db).await? {
        true => {
            let wanted = Filter { status: filter.status, command: None, before };
            let mut connection = opened.db.connection().await?;
            let tx = connection.begin_snapshot().await?;
            run_pages::page_of(&tx, &wanted, i64::from(filter.limit)).await?
        }
        // A reading command creates no tables: without them there are no runs either.
        false => (Vec::new(), None),
    };
    let runs = Runs { runs, before: next.map(|next| next.run_id.to_string()) };
    context.print(&runs, || list_text(&runs.runs, runs.before.as_deref(), &context.locale()))?;
    Ok(0)
}

async fn show(context: &Context, opened: &Opened, run: &RunPrefix) -> Result<u8> {
    let zone = context.settings.zone();
    let found = run_ids::find(opened, run, &zone).await?;
    let one = {
        let mut connection = opened.db.connection().await?;
        let tx = connection.begin_snapshot().await?;
        run_pages::one(&tx, found.run_id, 0).await?
    };
    let Some(one) = one else { bail!("run {} was deleted a moment ago", found.run_id) };
    context.print(&one, || one_text(&one, &context.locale()))?;
    Ok(0)
}
