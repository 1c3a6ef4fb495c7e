//! `demo`: everything on a made-up shop, with nothing configured.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use gazelle_sim::{SimOptions, Simulator};
use serde::Serialize;
use tokio_postgres::types::Type;

use super::Context;
use super::demo_changes::{self, DemoChange};
use super::opened::{self, Opened};
use super::simulate::spec;
use super::sync::run_text;
use crate::cli::DemoArgs;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::{self, Column, Lines, Table};
use crate::entities::ENTITIES;
use crate::migrate;
use crate::orchestrator::{Job, Stages, run_sync};
use crate::run_log::kinds::{RunCommand, RunTrigger};
use crate::run_log::report::RunReport;
use crate::source::{Credential, GazelleClient};
use crate::time::MONTREAL;

/// Everything that `demo` shows.
#[derive(Serialize)]
struct DemoReport {
    full: RunReport,
    changes: Vec<DemoChange>,
    incremental: RunReport,
    day: Option<Day>,
    tire_le_coyote: Vec<Visit>,
    database_url: Option<String>,
    data_dir: String,
}

/// A technician's day.
#[derive(Serialize)]
struct Day {
    technician: String,
    date: String,
    visits: Vec<Visit>,
}

/// A line of a day list.
#[derive(Serialize)]
struct Visit {
    time: String,
    title: String,
    client: String,
    contact: String,
    address: String,
    pianos: i64,
    stored_utc: String,
}

/// Runs the demonstration.
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
    let report = outcome?;
    let code = report.full.status.and(report.incremental.status).exit_code();
    context.print(&report, || text(&report, args.stop, &context.settings))?;
    Ok(code)
}

async fn demonstrate(context: &Context, args: &DemoArgs, opened: &Opened) -> Result<DemoReport> {
    let db = &opened.db;
    start_afresh(db, &context.settings).await?;

    let options =
        SimOptions { latency: Duration::from_millis(args.shop.latency_ms), ..SimOptions::default() };
    let listen = ([127, 0, 0, 1], 0).into();
    let sim = Simulator::start(spec(&args.shop), options, listen)
        .await
        .context("the simulated Gazelle cannot listen on the loopback address")?;
    let api_key = sim.api_key().to_owned().into();
    let source = crate::source::SourceSettings {
        graphql_url: sim.graphql_url(),
        ..opened::source_settings(&context.settings)
    };
    let client = GazelleClient::new(source, Credential::ApiKey(api_key))?;

    let full = sync(context, db, &client, true).await?;
    let changes = demo_changes::make(&sim.control(), db).await?;
    let incremental = sync(context, db, &client, false).await?;
    let changes = demo_changes::observe(db, changes).await?;
    let day = busiest_day(db).await?;
    let tire_le_coyote = visits(db, "title LIKE 'Tire le Coyote%'", &[]).await?;
    sim.shutdown().await;
    Ok(DemoReport {
        full,
        changes,
        incremental,
        day,
        tire_le_coyote,
        database_url: opened.embedded_url(),
        data_dir: context.settings.data_dir.display().to_string(),
    })
}

async fn sync(context: &Context, db: &Db, client: &GazelleClient, full: bool) -> Result<RunReport> {
    let job = Job {
        command: RunCommand::Demo,
        stages: Stages::Both,
        full,
        since: None,
        entities: ENTITIES.to_vec(),
        trigger: RunTrigger::Demo,
    };
    let started = Instant::now();
    let report = run_sync(db, Some(client.clone()), &context.settings, &job, &context.progress).await?;
    context.progress.finish();
    tracing::debug!(full, elapsed = ?started.elapsed(), "demo sync");
    Ok(report)
}

/// Whether a database holds the made-up shop.
pub async fn is_demo(db: &Db) -> Result<bool, DbError> {
    if migrate::shape(db).await? == migrate::Shape::Empty {
        return Ok(false);
    }
    let rows =
        db.query("SELECT 1 FROM {schema}.sync_notes WHERE key = 'shop' AND value = 'demo'", &[]).await?;
    Ok(!rows.is_empty())
}

/// Empties what an earlier demo left, and nothing else.
async fn start_afresh(db: &Db, settings: &Settings) -> Result<()> {
    if migrate::shape(db).await? != migrate::Shape::Empty {
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
    db.execute("INSERT INTO {schema}.sync_notes (key, value) VALUES ('shop', 'demo')", &[]).await?;
    Ok(())
}

/// Drops our tables. What a user made beside them stays; where it is built on them, the demo gives way.
async fn drop_shop(db: &Db, settings: &Settings) -> Result<()> {
    /// SQLSTATE of what cannot be dropped because something depends on it.
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

/// The fullest day of a technician from today on.
async fn busiest_day(db: &Db) -> Result<Option<Day>, DbError> {
    let rows = db
        .query(
            "SELECT technician_external_id, technician_name, date_montreal
               FROM {schema}.v_appointments_montreal
              WHERE start_at >= clock_timestamp() AND start_at < clock_timestamp() + interval '60 days'
                AND event_type = 'APPOINTMENT' AND status = 'ACTIVE' AND technician_name IS NOT NULL
              GROUP BY 1, 2, 3
              ORDER BY count(*) DESC, 3
              LIMIT 1",
            &[],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (id, name, day): (String, String, jiff::civil::Date) = (row.get(0), row.get(1), row.get(2));
    let visits = visits(
        db,
        "technician_external_id = $1 AND date_montreal = $2",
        &[(&id, Type::TEXT), (&day, Type::DATE)],
    )
    .await?;
    Ok(Some(Day { technician: name, date: day.to_string(), visits }))
}

async fn visits(db: &Db, condition: &str, params: &[crate::db::Param<'_>]) -> Result<Vec<Visit>, DbError> {
    let sql = format!(
        "SELECT to_char(time_montreal, 'HH24:MI'), coalesce(title, ''), coalesce(company_name, ''),
                coalesce(contact_name, ''), concat_ws(', ', nullif(address_line1, ''), nullif(city, '')), pianos,
                to_char(start_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
           FROM {{schema}}.v_appointments_montreal
          WHERE {condition}
          ORDER BY start_at"
    );
    Ok(db
        .query(&sql, params)
        .await?
        .iter()
        .map(|row| Visit {
            time: row.get(0),
            title: row.get(1),
            client: row.get(2),
            contact: row.get(3),
            address: row.get(4),
            pianos: row.get(5),
            stored_utc: row.get(6),
        })
        .collect())
}

fn text(report: &DemoReport, stopped: bool, settings: &Settings) -> Lines {
    let mut text = Lines::new();
    text.line("1. A full sync of a made-up shop").blank().lines(&run_text(&report.full)).blank();
    text.line("2. A few things change at the source, then an incremental sync").blank();
    let mut changes =
        Table::new([Column::text("change"), Column::text("before"), Column::text("now in production")]);
    for change in &report.changes {
        changes.row([change.what.clone(), change.before.clone(), change.after.clone()]);
    }
    text.table(&changes).blank().lines(&run_text(&report.incremental)).blank();
    if let Some(day) = &report.day {
        text.line(format!("3. A technician's day, in Montréal time: {}, {}", day.technician, day.date));
        text.blank().table(&visits_table(&day.visits));
    }
    if !report.tire_le_coyote.is_empty() {
        text.blank().line("Stored in UTC, shown in Montréal time:");
        text.blank().table(&visits_table(&report.tire_le_coyote));
    }
    text.blank().line("4. Where it is, and how to look further");
    text.blank().line(format!("  data folder   {}", report.data_dir));
    match (&report.database_url, stopped) {
        (Some(url), false) => text.line(format!("  psql          psql \"{url}\"")),
        _ => text.line("  the embedded database is stopped; any command starts it again"),
    };
    // The day in Montréal: current_date is that of the session's time zone.
    let look = |command| opening(settings, command);
    text.line(format!("  what is held  {}", look("status")));
    text.line(format!("  quarantine    {}", look("errors")));
    text.line(format!(
        "  a day         SELECT * FROM v_appointments_montreal WHERE date_montreal = (now() AT TIME ZONE '{MONTREAL}')::date \
         ORDER BY time_montreal;"
    ));
    text.line("  your own data GAZELLE_API_KEY=… gazelle-sync sync --mode full --data-dir another-folder");
    text
}

/// A command line that opens the demo's database from any shell: a folder or schema that is not the default is named,
/// and a database of one's own is put aside.
fn opening(settings: &Settings, command: &str) -> String {
    let mut line = format!("gazelle-sync {command}");
    if settings.database_url.is_some() {
        line.insert_str(0, "DATABASE_URL= ");
    }
    for (key, flag) in [("data_dir", "--data-dir"), ("schema", "--schema")] {
        let shown = settings.shown().into_iter().find(|shown| shown.key == key);
        let given = shown.filter(|shown| shown.from.as_deref().is_some_and(|from| from != "default"));
        if let Some(value) = given.and_then(|shown| shown.value) {
            let value = if key == "data_dir" { settings.data_dir.display().to_string() } else { value };
            line += &format!(" {flag} {}", in_shell(&value));
        }
    }
    line
}

/// A word as a shell reads it back.
fn in_shell(word: &str) -> String {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn visits_table(visits: &[Visit]) -> Table {
    let mut table = Table::new([
        Column::text("time"),
        Column::text("title"),
        Column::text("client"),
        Column::text("contact"),
        Column::text("address"),
        Column::number("pianos"),
        Column::text("stored (UTC)"),
    ]);
    for visit in visits {
        table.row([
            visit.time.clone(),
            visit.title.clone(),
            visit.client.clone(),
            visit.contact.clone(),
            visit.address.clone(),
            display::count(visit.pianos),
            visit.stored_utc.clone(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flag, Layers};

    #[test]
    fn hints_open_the_database_of_the_demo() {
        let settings = |flags: &[(&'static str, &str)], env: &[(&str, &str)]| {
            let flag =
                |(key, value): &(&'static str, &str)| Flag { key, name: "--it", value: (*value).to_owned() };
            let variable = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let layers = Layers {
                flags: flags.iter().map(flag).collect(),
                env: env.iter().map(variable).collect(),
                working_dir: "/".into(),
                ..Layers::default()
            };
            Settings::load(&layers).unwrap()
        };
        assert_eq!(opening(&settings(&[], &[]), "status"), "gazelle-sync status");
        let moved = settings(&[("data_dir", "/tmp/it's here"), ("schema", "atelier")], &[]);
        let line = opening(&moved, "errors");
        assert_eq!(line, r"gazelle-sync errors --data-dir '/tmp/it'\''s here' --schema atelier");
        let other = settings(&[], &[("GAZELLE_SYNC_DATA_DIR", "/x"), ("DATABASE_URL", "postgres://h/d")]);
        assert_eq!(opening(&other, "status"), "DATABASE_URL= gazelle-sync status --data-dir /x");
    }
}
