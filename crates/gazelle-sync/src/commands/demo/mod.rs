//! `demo`: shows a full and an incremental sync of a simulated shop, without any configuration. `changes` changes
//! data at the source, `day` reads what is shown of production, `open` leaves the dashboard running over it.

pub mod changes;
pub mod day;
mod open;
pub mod report;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use gazelle_sim::{SimOptions, Simulator};

use super::shared::context::Context;
use super::shared::opened;
use super::shared::opened::Opened;
use super::shop;
use super::text;
use crate::cli::DemoArgs;
use crate::config::Settings;
use crate::db::Db;
use crate::entities::ENTITIES;
use crate::migrate;
use crate::migrate::demo::{is_demo, mark};
use crate::orchestrator::{Job, Stages, run_sync};
use crate::run_log::kinds::{RunCommand, RunTrigger};
use crate::run_log::report::RunReport;
use crate::source::{Credential, GazelleClient};
use crate::states::RunMode;
use report::DemoReport;

/// Runs the demonstration.
///
/// # Errors
/// The embedded database cannot be started or used; a sync of the demonstration fails; what `--open` starts fails
/// (see [`open::run`]).
pub async fn run(context: &Context, args: DemoArgs) -> Result<u8> {
    // The demo never uses the database of DATABASE_URL.
    let otherwise = "choose another folder with --data-dir or GAZELLE_SYNC_DATA_DIR";
    let opened = Opened::embedded_or(&context.settings, otherwise).await?;
    let outcome = demonstrate(context, &args, &opened).await;
    if args.stop {
        opened.stop().await?;
    } else if outcome.is_err() {
        opened.close().await?;
    } else {
        opened.leave_running().await?;
    }
    let (report, sim) = outcome?;
    let code = report.full.status.and(report.incremental.status).exit_code();
    if args.open && code == 0 {
        return open::run(context, args.listen, report, sim).await;
    }
    sim.shutdown().await;
    context.print(&report, || text::demo::text(&report, args.stop, &context.settings, &context.locale()))?;
    Ok(code)
}

async fn demonstrate(context: &Context, args: &DemoArgs, opened: &Opened) -> Result<(DemoReport, Simulator)> {
    let db = &opened.db;
    start_afresh(db, &context.settings).await?;

    let options =
        SimOptions { latency: Duration::from_millis(args.shop.latency_ms), ..SimOptions::default() };
    let listen = ([127, 0, 0, 1], 0).into();
    let sim = Simulator::start(shop::spec(&args.shop), options, listen)
        .await
        .context("the simulated Gazelle cannot listen on the loopback address")?;
    let api_key = sim.api_key().to_owned().into();
    let source = crate::source::SourceSettings {
        graphql_url: sim.graphql_url(),
        ..opened::source_settings(&context.settings)
    };
    let client = GazelleClient::new(source, Credential::ApiKey(api_key))?;

    let full = sync(context, db, &client, RunMode::Full).await?;
    let changes = changes::make(&sim.control(), db).await?;
    let incremental = sync(context, db, &client, RunMode::Incremental).await?;
    let changes = changes::observe(db, changes).await?;
    let day = day::busiest(db).await?;
    let tire_le_coyote = day::titled(db, "Tire le Coyote%").await?;
    let report = DemoReport {
        full,
        changes,
        incremental,
        day,
        tire_le_coyote,
        database_url: opened.embedded_url(),
        data_dir: context.settings.data_dir.display().to_string(),
        dashboard: None,
    };
    Ok((report, sim))
}

async fn sync(context: &Context, db: &Db, client: &GazelleClient, mode: RunMode) -> Result<RunReport> {
    let job = Job {
        command: RunCommand::Demo,
        stages: Stages::Both,
        mode,
        since: None,
        entities: ENTITIES.to_vec(),
        trigger: RunTrigger::Demo,
        is_recorded: false,
    };
    let started = Instant::now();
    let report = run_sync(db, Some(client.clone()), &context.settings, &job, &context.progress).await?;
    context.progress.finish();
    tracing::debug!(mode = mode.as_str(), elapsed = ?started.elapsed(), "demo sync");
    Ok(report)
}

/// Empties the data of an earlier demo, and nothing else.
async fn start_afresh(db: &Db, settings: &Settings) -> Result<()> {
    if migrate::schema_state(db).await? != migrate::SchemaState::Empty {
        if !is_demo(db).await? {
            bail!(
                "the embedded database in {} holds data that is not the demo's: run the demo elsewhere, with \
                 --data-dir FOLDER or --schema NAME",
                settings.data_dir.display()
            );
        }
        drop_shop(db, settings).await?;
    }
    migrate::migrate(db).await?;
    mark(db).await?;
    Ok(())
}

/// Drops our tables, but nothing that a user added: if something depends on them, the demo fails.
async fn drop_shop(db: &Db, settings: &Settings) -> Result<()> {
    /// SQLSTATE of a DROP that fails because something depends on the object.
    const DEPENDED_ON: &str = "2BP01";
    match migrate::drop_all(db).await {
        Err(error) if error.state.as_deref() == Some(DEPENDED_ON) => Err(error).with_context(|| {
            format!(
                "something of yours is built on the demo's tables in {} (a view, or a table that refers to them): \
                 drop it, or run the demo elsewhere, with --data-dir FOLDER or --schema NAME",
                settings.data_dir.display()
            )
        }),
        other => Ok(other?),
    }
}
