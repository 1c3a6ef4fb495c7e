//! `deletions`: records found deleted at the source, withheld deletions included.

use anyhow::{Result, bail};
use serde_json::json;

use super::shared::context::Context;
use super::shared::opened::Opened;
use super::shared::run_ids;
use super::text::deletions::list_text;
use super::text::words::lists as w;
use crate::cli::{DeletionsAction, DeletionsArgs, RunPrefix};
use crate::display::Lines;
use crate::migrate;
use crate::orchestrator::Deciding;
use crate::orchestrator::decide_deletions::{Decision, DecisionReport, DeletionSelection, decide};
use crate::run_log::find_runs::short;
use crate::staging::deletions;

/// Runs the chosen action.
///
/// # Errors
/// The database cannot be opened, or a statement fails; another run is in
/// progress; the run has no deletion that awaits approval.
pub async fn run(context: &Context, args: DeletionsArgs) -> Result<u8> {
    let action = args.into_action();
    let reads = matches!(action, DeletionsAction::List { .. });
    let opened = match reads {
        true => Opened::open_to_read(&context.settings).await?,
        false => Opened::open_existing(&context.settings).await?,
    };
    let outcome = async {
        if !reads {
            migrate::prepare(&opened.db).await?;
        }
        match action {
            DeletionsAction::List { all } => list(context, &opened, all).await,
            DeletionsAction::Approve { run } => settle(context, &opened, &run, Decision::Approve).await,
            DeletionsAction::Dismiss { run } => settle(context, &opened, &run, Decision::Dismiss).await,
        }
    }
    .await;
    opened.close().await?;
    outcome
}

async fn list(context: &Context, opened: &Opened, all: bool) -> Result<u8> {
    // A reading command creates no tables: without them there are no deletions either.
    let found = match migrate::is_readable(&opened.db).await? {
        true => deletions::found(&opened.db, !all, None).await?,
        false => Vec::new(),
    };
    context.print(&found, || list_text(&found, all, &context.locale()))?;
    Ok(0)
}

async fn settle(context: &Context, opened: &Opened, run: &RunPrefix, decision: Decision) -> Result<u8> {
    let run = run_ids::whole_id(opened, run, &context.settings.zone()).await?;
    let work =
        async |deciding: Deciding<'_>| decide(deciding, DeletionSelection::all_of(run), decision).await;
    let decided = Deciding::hold(&opened.db, &context.settings, &context.progress, work).await?;
    if decided.records == 0 {
        bail!("run {run} has no deletion that awaits approval (gazelle-sync deletions lists those that do)");
    }
    let word = match decision {
        Decision::Approve => "marked deleted",
        Decision::Dismiss => "kept",
    };
    let DecisionReport { records, seen_since, run, .. } = decided;
    let document = json!({ "decided": records, "decision": word, "seen_since": seen_since, "run": run });
    context.print(&document, || {
        let t = context.locale();
        let said = match decision {
            Decision::Approve => w::MARKED_DELETED,
            Decision::Dismiss => w::KEPT,
        };
        let mut text = Lines::new();
        let decided = t.fill(said, &[("n", &t.number(records - seen_since))]);
        match seen_since {
            0 => text.line(decided),
            stay => text.wrapped(t.fill(w::SEEN_SINCE, &[("decided", &decided), ("n", &t.number(stay))]), 2),
        };
        if let Some(run) = &run {
            text.line(t.fill(w::TAKE_BACK, &[("run", short(&run.run_id.to_string()))]));
        }
        text
    })?;
    Ok(run.map_or(0, |run| run.status.exit_code()))
}
