//! `sync`, `fetch` and `reconcile`: run both stages or one of them.

use anyhow::Result;

use super::demo_database::refuse_demo;
use super::shared::alerting;
use super::shared::arguments::chosen;
use super::shared::arguments::instant;
use super::shared::context::Context;
use super::shared::opened;
use super::shared::opened::Opened;
use super::text::run::run_text;
use super::text::whereabouts::after_first_run;
use crate::cli::{FetchArgs, ReconcileArgs, SyncArgs};
use crate::db::Db;
use crate::orchestrator::{Job, Stages, run_sync};
use crate::run_log::kinds::{RunCommand, RunState, RunTrigger};
use crate::run_log::last_runs::{self, LastRun};
use crate::run_log::report::{RunOutcome, RunReport};

/// `sync`: both stages.
///
/// # Errors
/// The database cannot be opened, or a statement fails; no credential is set;
/// another run is in progress.
pub async fn sync(context: &Context, args: SyncArgs) -> Result<u8> {
    walk(context, args.fetch, Stages::Both, RunCommand::Sync).await
}

/// `fetch`: stage 1 only.
///
/// # Errors
/// As [`sync`].
pub async fn fetch(context: &Context, args: FetchArgs) -> Result<u8> {
    walk(context, args, Stages::FetchOnly, RunCommand::Fetch).await
}

/// `reconcile`: stage 2 only.
///
/// # Errors
/// The database cannot be opened, or a statement fails; another run is in
/// progress.
pub async fn reconcile(context: &Context, args: ReconcileArgs) -> Result<u8> {
    let entities = match chosen(&args.entity) {
        Ok(entities) => entities,
        Err(message) => return context.wrong_use(&message),
    };
    let job = Job::reconcile(RunCommand::Reconcile, entities);
    let opened = Opened::open_or_create(&context.settings).await?;
    let report = run_sync(&opened.db, None, &context.settings, &job, &context.progress).await;
    opened.close().await?;
    print(context, &report?, false)
}

async fn walk(context: &Context, args: FetchArgs, stages: Stages, command: RunCommand) -> Result<u8> {
    let entities = match chosen(&args.entity) {
        Ok(entities) => entities,
        Err(message) => return context.wrong_use(&message),
    };
    let since = args.since.map(|since| instant(context, since)).transpose()?;
    let trigger = RunTrigger::Command;
    let job = Job { command, stages, mode: args.mode, since, entities, trigger, is_recorded: false };
    // Report missing credentials before opening a database.
    opened::client(&context.settings, None)?;
    let opened = alerting::open_or_tell(&context.settings).await?;
    let report = async {
        let client = opened::client(&context.settings, Some(&opened))?;
        refuse_demo(&opened, &context.settings).await?;
        let report = run_sync(&opened.db, Some(client), &context.settings, &job, &context.progress).await;
        alerting::after_run(&opened, &context.settings).await;
        let report = report?;
        let is_first = is_first(&opened.db, &report).await;
        Ok::<_, anyhow::Error>((report, is_first))
    }
    .await;
    opened.close().await?;
    let (report, is_first) = report?;
    print(context, &report, is_first)
}

/// Whether no run before this one had a result. If that cannot be read, the run still has been done.
async fn is_first(db: &Db, report: &RunReport) -> bool {
    if !matches!(report.status, RunOutcome::Success | RunOutcome::Partial) {
        return false;
    }
    let this = report.run_id.to_string();
    let has_result = |run: &LastRun| matches!(run.status, RunState::Success | RunState::Partial);
    last_runs::read(db).await.is_ok_and(|runs| !runs.iter().any(|run| run.run_id != this && has_result(run)))
}

/// Prints the report; after a first run also where the data is and how to look further.
fn print(context: &Context, report: &RunReport, is_first: bool) -> Result<u8> {
    context.print(report, || {
        let t = context.locale();
        let mut text = run_text(report, &t);
        if is_first {
            after_first_run(&mut text, &context.settings, &t);
        }
        text
    })?;
    Ok(report.status.exit_code())
}
