//! `sync`, `fetch` and `reconcile`.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::opened::{self, Opened};
use super::{Context, WRONG_USE};
use crate::cli::{FetchArgs, Mode, ReconcileArgs, Since, SyncArgs, unknown_entity};
use crate::config::Settings;
use crate::display::{self, Column, Lines, Table};
use crate::entities::{self, ENTITIES, Entity};
use crate::orchestrator::{Job, Stages, run_sync};
use crate::run_log::kinds::{RunCommand, RunTrigger};
use crate::run_log::report::{RunReport, Status};

/// Warnings of a run that are shown with it.
const WARNINGS_SHOWN: usize = 20;

/// Both stages.
pub async fn sync(context: &Context, args: SyncArgs) -> Result<u8> {
    walk(context, args.fetch, Stages::Both, RunCommand::Sync).await
}

/// Stage 1 alone.
pub async fn fetch(context: &Context, args: FetchArgs) -> Result<u8> {
    walk(context, args, Stages::FetchOnly, RunCommand::Fetch).await
}

/// Stage 2 alone.
pub async fn reconcile(context: &Context, args: ReconcileArgs) -> Result<u8> {
    let entities = match chosen(&args.entity) {
        Ok(entities) => entities,
        Err(message) => return wrong_use(context, &message),
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
        Err(message) => return wrong_use(context, &message),
    };
    let since = args.since.map(|since| instant(context, since)).transpose()?;
    let job =
        Job { command, stages, full: args.mode == Mode::Full, since, entities, trigger: RunTrigger::Command };
    // Missing credentials are said before a database is opened.
    opened::client(&context.settings, None)?;
    let opened = super::alerts::open_or_tell(&context.settings).await?;
    let report = async {
        let client = opened::client(&context.settings, Some(&opened))?;
        refuse_demo(&opened, &context.settings).await?;
        let report = run_sync(&opened.db, Some(client), &context.settings, &job, &context.progress).await;
        super::alerts::after_run(&opened, &context.settings).await;
        Ok::<_, anyhow::Error>(report?)
    }
    .await;
    opened.close().await?;
    print(context, &report?)
}

/// Keeps a real account out of the database that `demo` filled with a made-up shop.
pub async fn refuse_demo(opened: &Opened, settings: &Settings) -> Result<()> {
    let is_local = matches!(settings.api_url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]" | "::1"));
    if !is_local && super::demo::is_demo(&opened.db).await? {
        bail!(
            "this database holds the made-up shop of `gazelle-sync demo`: choose another data folder \
             (GAZELLE_SYNC_DATA_DIR), another schema (GAZELLE_SYNC_SCHEMA) or another database (DATABASE_URL)"
        );
    }
    Ok(())
}

/// The entities named, in their order; all when none is named.
pub fn chosen(names: &[String]) -> Result<Vec<&'static Entity>, String> {
    if let Some(unknown) = names.iter().find(|name| entities::entity(name).is_none()) {
        return Err(unknown_entity(unknown, &entities::names()));
    }
    Ok(ENTITIES
        .iter()
        .copied()
        .filter(|entity| names.is_empty() || names.iter().any(|name| name == entity.name))
        .collect())
}

/// The instant that a flag names; of a day its start in the zone of the settings.
pub fn instant(context: &Context, since: Since) -> Result<Timestamp> {
    match since {
        Since::At(instant) => Ok(instant),
        Since::Day(day) => Ok(crate::time::start_of_day(day, &context.settings.timezone)?),
    }
}

/// Says what is wrong with the command line.
pub fn wrong_use(context: &Context, message: &str) -> Result<u8> {
    context.progress.finish();
    if context.json {
        super::print_failure(message);
    }
    display::tell_error(message);
    Ok(WRONG_USE)
}

fn print(context: &Context, report: &RunReport) -> Result<u8> {
    context.print(report, || run_text(report))?;
    Ok(report.status.exit_code())
}

/// A run for people: the table, and the verdict with its reasons.
pub fn run_text(report: &RunReport) -> Lines {
    let mut table = Table::new([
        Column::text("entity"),
        Column::text("walk"),
        Column::number("fetched"),
        Column::number("staged"),
        Column::number("unchanged"),
        Column::number("applied"),
        Column::number("errors"),
        Column::number("deleted"),
        Column::number("held"),
    ]);
    for entity in &report.entities {
        let walk = match (&entity.walk, entity.walk_complete) {
            (Some(walk), Some(true)) => walk.clone(),
            (Some(walk), _) => format!("{walk}, incomplete"),
            (None, _) => String::new(),
        };
        table.row([
            entity.entity.clone(),
            walk,
            display::count(entity.fetched),
            display::count(entity.staged),
            display::count(entity.unchanged),
            display::count(entity.processed),
            display::count(entity.errors),
            display::count(entity.deleted),
            entity.in_production.map(display::count).unwrap_or_default(),
        ]);
    }
    let took = Duration::from_millis(report.duration_ms);
    let verdict = match report.status {
        Status::Success => "success",
        Status::Partial => "PARTIAL",
        Status::Interrupted => "INTERRUPTED",
        Status::Failed => "FAILED",
    };
    let handled = report.fetched.max(report.processed);
    let mut text = Lines::new();
    text.table(&table).line(format!(
        "{verdict} in {} ({}) · run {}",
        display::duration(took),
        display::rate(handled, took),
        report.run_id
    ));
    for reason in &report.reasons {
        text.line(format!("  - {reason}"));
    }
    for warning in report.warnings.iter().take(WARNINGS_SHOWN) {
        text.line(format!("  warning: {}", warning.message));
    }
    if report.warnings.len() > WARNINGS_SHOWN {
        let more = report.warnings.len() - WARNINGS_SHOWN;
        text.line(format!("  and {more} warnings more: `gazelle-sync warnings` lists them"));
    }
    if report.errors > 0 {
        text.line("  see `gazelle-sync errors` for the records in quarantine");
    }
    text
}
