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
use crate::cli::{FetchArgs, ReconcileArgs, SyncArgs};
use crate::orchestrator::{Job, Stages, run_sync};
use crate::run_log::kinds::{RunCommand, RunTrigger};
use crate::run_log::report::RunReport;

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
    let opened = Opened::open(&context.settings).await?;
    let report = run_sync(&opened.db, None, &context.settings, &job, &context.progress).await;
    opened.close().await?;
    print(context, &report?)
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
        Ok::<_, anyhow::Error>(report?)
    }
    .await;
    opened.close().await?;
    print(context, &report?)
}

fn print(context: &Context, report: &RunReport) -> Result<u8> {
    context.print(report, || run_text(report))?;
    Ok(report.status.exit_code())
}
