//! Formats the output of `status`.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::commands::status::read::ProductionLine;
use crate::commands::status::read::StagingLine;
use crate::commands::status::read::StatusReport;
use crate::display::{self, Column, Lines, Table};
use crate::run_log::last_runs::LastRun;
use crate::staging::counts::size::Size;
use crate::time;

/// A narrower terminal has no room for the ids of runs.
const ROOM_FOR_IDS: u16 = 120;

/// The embedded database.
pub struct Embedded {
    pub url: String,
    /// Whether it keeps running after this command, so that `psql` can connect.
    pub runs_on: bool,
}

/// Tables of counts and runs, and below them what needs attention.
pub fn text(report: &StatusReport, zone: &TimeZone, embedded: Option<&Embedded>) -> Lines {
    let shows_ids = display::terminal_width().is_none_or(|width| width >= ROOM_FOR_IDS);
    let mut text = Lines::new();
    text.table(&staging_table(&report.staging, zone)).blank();
    text.table(&size_table(&report.staging_size)).line(format!("kept: {}", kept(&report.retention))).blank();
    text.table(&production_table(&report.production, zone)).blank();
    text.table(&run_table(&report.runs, zone, shows_ids));
    for wait in &report.lock_waits {
        text.line(format!("LOCK: {}", wait.text()));
    }
    if let Some(reason) = report.runs.first().and_then(|run| run.reason.as_deref()) {
        text.wrapped(format!("last run: {reason}"), 2);
    }
    if !shows_ids && !report.runs.is_empty() {
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

fn staging_table(lines: &[StagingLine], zone: &TimeZone) -> Table {
    let mut table = Table::new([
        Column::text("staging"),
        Column::text("sync_status"),
        Column::number("count"),
        Column::text("oldest_record"),
        Column::text("newest_record"),
    ]);
    for line in lines {
        table.row([
            line.entity.clone(),
            line.sync_status.clone(),
            display::count(line.count),
            time::show(line.oldest_record, zone),
            time::show(line.newest_record, zone),
        ]);
    }
    table
}

fn size_table(sizes: &[Size]) -> Table {
    let mut table = Table::new([
        Column::text("staging size"),
        Column::number("versions"),
        Column::number("size"),
        Column::number("versions a day"),
        Column::number("size a day"),
        Column::number("last run"),
    ]);
    for size in sizes {
        table.row([
            size.entity.to_owned(),
            display::count(size.versions),
            bytes(size.bytes),
            format!("{:.1}", size.versions_a_day),
            bytes(size.bytes_a_day),
            size.last_run.map_or_else(String::new, |added| format!("{added:+}")),
        ]);
    }
    table
}

fn bytes(number: Option<i64>) -> String {
    number.map_or_else(|| "unknown".to_owned(), |number| display::bytes(number.max(0) as u64))
}

/// Which versions the setting `retention` keeps.
fn kept(retention: &str) -> String {
    match retention {
        "all" => "all versions (setting retention)".to_owned(),
        days => format!("what was current in the last {days} days (setting retention)"),
    }
}

fn production_table(lines: &[ProductionLine], zone: &TimeZone) -> Table {
    let mut table = Table::new([
        Column::text("production"),
        Column::number("rows"),
        Column::number("deleted"),
        Column::text("last complete walk"),
    ]);
    for line in lines {
        table.row([
            line.entity.to_owned(),
            display::count(line.rows),
            display::count(line.deleted),
            line.last_complete_walk.map_or_else(|| "never".to_owned(), |at| time::show(at, zone)),
        ]);
    }
    table
}

fn run_table(runs: &[LastRun], zone: &TimeZone, shows_ids: bool) -> Table {
    let columns = [
        Column::text("last runs"),
        Column::text("command"),
        Column::text("status"),
        Column::text("took"),
        Column::number("fetched"),
        Column::number("staged"),
        Column::number("reconciled"),
        Column::number("errors"),
    ];
    let mut table = Table::new(columns.into_iter().chain(shows_ids.then(|| Column::ids("run"))));
    for run in runs {
        let took = |ms: i64| display::duration(Duration::from_millis(ms.max(0) as u64));
        let cells = [
            time::show(run.started_at, zone),
            format!("{} {}", run.command, run.mode.as_deref().unwrap_or_default()).trim_end().to_owned(),
            run.status.clone(),
            run.duration_ms.map_or_else(String::new, took),
            display::count(run.fetched),
            display::count(run.staged),
            display::count(run.processed),
            display::count(run.errors),
        ];
        table.row(cells.into_iter().chain(shows_ids.then(|| run.run_id.clone())));
    }
    table
}
