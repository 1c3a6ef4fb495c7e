//! `status`: what is held, what waits, and the last runs.

use std::time::Duration;

use anyhow::Result;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::Context;
use super::opened::Opened;
use crate::config::{Retention, Settings};
use crate::db::{self, Db, DbError, LockWait};
use crate::display::{self, Column, Lines, Table};
use crate::entities::ENTITIES;
use crate::migrate;
use crate::staging::size::{self, Size};
use crate::time;

/// A wait for a lock that is shorter is nothing to look at.
const LOCK_WAIT_SHOWN: Duration = Duration::from_secs(2);

/// Seconds after which `status` says who holds a lock on what it reads, and ends.
const LONGEST_LOCK_WAIT: f64 = 10.0;

/// Everything that `status` shows.
#[derive(Serialize)]
struct StatusReport {
    staging: Vec<StagingLine>,
    staging_size: Vec<Size>,
    /// The setting: `all`, or days.
    retention: String,
    production: Vec<ProductionLine>,
    runs: Vec<RunLine>,
    /// Sessions that wait for a lock at our tables, and who holds it.
    lock_waits: Vec<LockWait>,
}

/// A line of `v_sync_dashboard_entities`.
#[derive(Serialize)]
struct StagingLine {
    entity: String,
    sync_status: String,
    count: i64,
    oldest_record: Timestamp,
    newest_record: Timestamp,
}

/// What production holds of an entity.
#[derive(Serialize)]
struct ProductionLine {
    entity: &'static str,
    rows: i64,
    deleted: i64,
    last_complete_walk: Option<Timestamp>,
}

/// A run.
#[derive(Serialize)]
struct RunLine {
    run_id: String,
    command: String,
    mode: Option<String>,
    status: String,
    reason: Option<String>,
    started_at: Timestamp,
    duration_ms: Option<i64>,
    fetched: i64,
    staged: i64,
    processed: i64,
    errors: i64,
    requests: i64,
    retries: i64,
    median_latency_ms: Option<i64>,
    slowest_latency_ms: Option<i64>,
}

/// The embedded database.
struct Embedded {
    url: String,
    /// Whether it runs on after this command, so that `psql` finds it.
    runs_on: bool,
}

/// Reads and prints; writes nothing.
pub async fn run(context: &Context) -> Result<u8> {
    // What shows who holds a lock must not wait for it as long as a run does.
    let mut settings = context.settings.clone();
    settings.lock_wait_seconds = settings.lock_wait_seconds.min(LONGEST_LOCK_WAIT);
    let opened = Opened::open_to_read(&settings).await?;
    let outcome = read(&opened.db, &context.settings).await;
    let embedded = opened.embedded_url().map(|url| Embedded { url, runs_on: opened.was_running() });
    opened.close().await?;
    let Some(report) = outcome? else {
        let none = serde_json::json!({ "staging": [], "staging_size": [], "production": [], "runs": [], "lock_waits": [] });
        context.print(&none, || {
            "nothing here yet: the database has no tables of ours (gazelle-sync sync --mode full creates and fills them)"
        })?;
        return Ok(0);
    };
    let zone = context.settings.zone();
    context.print(&report, || text(&report, &zone, embedded.as_ref()))?;
    Ok(0)
}

async fn read(db: &Db, settings: &Settings) -> Result<Option<StatusReport>, DbError> {
    if !migrate::is_readable(db).await? {
        return Ok(None);
    }
    // First: what follows may wait for the same lock.
    let lock_waits = db::lock_waits(db, LOCK_WAIT_SHOWN).await?;
    let staging = db
        .query(
            "SELECT entity, sync_status, count, oldest_record, newest_record
               FROM {schema}.v_sync_dashboard_entities ORDER BY entity, sync_status",
            &[],
        )
        .await?
        .iter()
        .map(|row| StagingLine {
            entity: row.get(0),
            sync_status: row.get(1),
            count: row.get(2),
            oldest_record: row.get(3),
            newest_record: row.get(4),
        })
        .collect();
    let staging_size = size::of_all(db, db.now().await?).await?;
    let mut production = Vec::new();
    for entity in ENTITIES.iter().copied() {
        let rows = db
            .query(
                &format!(
                    "SELECT count(*) FILTER (WHERE deleted_at IS NULL), count(*) FILTER (WHERE deleted_at IS NOT NULL),
                            (SELECT walk_started_at FROM {{schema}}.sync_bookmarks WHERE entity = '{}')
                       FROM {{schema}}.{}",
                    entity.name, entity.tables[0].name
                ),
                &[],
            )
            .await?;
        production.extend(rows.iter().map(|row| ProductionLine {
            entity: entity.name,
            rows: row.get(0),
            deleted: row.get(1),
            last_complete_walk: row.get(2),
        }));
    }
    let runs = db
        .query(include_str!("last_runs.sql"), &[])
        .await?
        .iter()
        .map(|row| RunLine {
            run_id: row.get(0),
            command: row.get(1),
            mode: row.get(2),
            status: row.get(3),
            reason: row.get(4),
            started_at: row.get(5),
            duration_ms: row.get(6),
            fetched: row.get(7),
            staged: row.get(8),
            processed: row.get(9),
            errors: row.get(10),
            requests: row.get(11),
            retries: row.get(12),
            median_latency_ms: row.get(13),
            slowest_latency_ms: row.get(14),
        })
        .collect();
    let retention = match settings.retention {
        Retention::All => "all".to_owned(),
        Retention::Days(days) => days.to_string(),
    };
    Ok(Some(StatusReport { staging, staging_size, retention, production, runs, lock_waits }))
}

fn bytes(number: Option<i64>) -> String {
    number.map_or_else(|| "unknown".to_owned(), |number| display::bytes(number.max(0) as u64))
}

fn text(report: &StatusReport, zone: &TimeZone, embedded: Option<&Embedded>) -> Lines {
    let mut staging = Table::new([
        Column::text("staging"),
        Column::text("sync_status"),
        Column::number("count"),
        Column::text("oldest_record"),
        Column::text("newest_record"),
    ]);
    for line in &report.staging {
        staging.row([
            line.entity.clone(),
            line.sync_status.clone(),
            display::count(line.count),
            time::show(line.oldest_record, zone),
            time::show(line.newest_record, zone),
        ]);
    }
    let mut sizes = Table::new([
        Column::text("staging size"),
        Column::number("versions"),
        Column::number("size"),
        Column::number("versions a day"),
        Column::number("size a day"),
        Column::number("last run"),
    ]);
    for size in &report.staging_size {
        sizes.row([
            size.entity.to_owned(),
            display::count(size.versions),
            bytes(size.bytes),
            format!("{:.1}", size.versions_a_day),
            bytes(size.bytes_a_day),
            size.last_run.map_or_else(String::new, |added| format!("{added:+}")),
        ]);
    }
    let mut production = Table::new([
        Column::text("production"),
        Column::number("rows"),
        Column::number("deleted"),
        Column::text("last complete walk"),
    ]);
    for line in &report.production {
        production.row([
            line.entity.to_owned(),
            display::count(line.rows),
            display::count(line.deleted),
            line.last_complete_walk.map_or_else(|| "never".to_owned(), |at| time::show(at, zone)),
        ]);
    }
    // An id has no room on a narrow terminal.
    let has_room = display::terminal_width().is_none_or(|width| width >= 120);
    let mut runs = Table::new(
        [
            Column::text("last runs"),
            Column::text("command"),
            Column::text("status"),
            Column::text("took"),
            Column::number("fetched"),
            Column::number("staged"),
            Column::number("reconciled"),
            Column::number("errors"),
        ]
        .into_iter()
        .chain(has_room.then(|| Column::ids("run"))),
    );
    for run in &report.runs {
        runs.row(
            [
                time::show(run.started_at, zone),
                format!("{} {}", run.command, run.mode.as_deref().unwrap_or_default()).trim_end().to_owned(),
                run.status.clone(),
                run.duration_ms.map_or_else(String::new, |ms| {
                    display::duration(Duration::from_millis(ms.max(0) as u64))
                }),
                display::count(run.fetched),
                display::count(run.staged),
                display::count(run.processed),
                display::count(run.errors),
            ]
            .into_iter()
            .chain(has_room.then(|| run.run_id.to_string())),
        );
    }
    let kept = match report.retention.as_str() {
        "all" => "all versions (setting retention)".to_owned(),
        days => format!("what was current in the last {days} days (setting retention)"),
    };
    let mut text = Lines::new();
    text.table(&staging).blank().table(&sizes).line(format!("kept: {kept}")).blank();
    text.table(&production).blank().table(&runs);
    for wait in &report.lock_waits {
        text.line(format!("LOCK: {}", wait.text()));
    }
    if let Some(reason) = report.runs.first().and_then(|run| run.reason.as_deref()) {
        text.wrapped(format!("last run: {reason}"), 2);
    }
    if !has_room && !report.runs.is_empty() {
        text.line("run ids: gazelle-sync status --json, or a wider terminal");
    }
    text.line(format!("times are of {}", zone.iana_name().unwrap_or("UTC")));
    match embedded {
        Some(Embedded { url, runs_on: true }) => text.line(format!("psql \"{url}\"")),
        Some(_) => text.line(
            "the embedded database runs only while a command needs it (`gazelle-sync demo` leaves it running)",
        ),
        None => &mut text,
    };
    text
}
