//! Formats the output of `runs`.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::run::entity_table;
use crate::display::{self, Column, Lines, Table};
use crate::run_log::find_runs::short;
use crate::run_log::kinds::{RunMode, RunState};
use crate::run_log::last_runs::LastRun;
use crate::run_log::run_pages::{ListedRun, OneRun};
use crate::time;

/// The runs, and how to list the rest.
pub fn list_text(runs: &[ListedRun], before: Option<&str>, zone: &TimeZone) -> Lines {
    if runs.is_empty() {
        return "no runs".into();
    }
    let runs: Vec<&LastRun> = runs.iter().map(|listed| &listed.run).collect();
    let mut text = Lines::new();
    runs_lines(&mut text, &runs, zone);
    if let Some(before) = before {
        text.line(format!("the rest: gazelle-sync runs --before {}", short(before)));
    }
    text.line("one of them: gazelle-sync runs show RUN");
    text.line(format!("times in {}", zone.iana_name().unwrap_or("UTC")));
    text
}

/// A table of runs, and below it the reason of each that did not succeed.
pub fn runs_lines(text: &mut Lines, runs: &[&LastRun], zone: &TimeZone) {
    let mut table = Table::new([
        Column::ids("run"),
        Column::text("started"),
        Column::text("command"),
        Column::text("status"),
        Column::text("took"),
        Column::number("applied"),
        Column::number("errors"),
    ]);
    for run in runs {
        table.row([
            short(&run.run_id).to_owned(),
            time::show(run.started_at, zone),
            command(run),
            run.status.to_string(),
            run.duration_ms.map_or_else(String::new, took),
            display::count(run.processed),
            display::count(run.errors),
        ]);
    }
    text.table(&table);
    for run in runs {
        if let Some(reason) = &run.reason {
            text.wrapped(format!("{} {}: {reason}", short(&run.run_id), run.status), 2);
        }
    }
}

/// A run with all that is recorded of it, and what can be done about it.
pub fn one_text(one: &OneRun, zone: &TimeZone) -> Lines {
    let run = &one.listed.run;
    let mut text = Lines::new();
    let mut fact = |name: &str, value: String| {
        text.wrapped(format!("{name:11}{value}"), 11);
    };
    fact("run", run.run_id.clone());
    fact("command", format!("{}, started by: {}", command(run), one.listed.trigger));
    fact("status", run.status.to_string());
    if let Some(reason) = &run.reason {
        fact("reason", reason.clone());
    }
    fact("started", time::show_exact(run.started_at, zone));
    if let (Some(finished), Some(ms)) = (one.finished_at, run.duration_ms) {
        fact("ended", format!("{}, after {}", time::show_exact(finished, zone), took(ms)));
    }
    fact("program", one.program.clone());
    if run.requests > 0 {
        fact(
            "requests",
            format!("{} sent, {} repeated", display::count(run.requests), display::count(run.retries)),
        );
        fact("latency", latencies(one));
    }
    if !one.entities.is_empty() {
        text.blank().table(&entity_table(&one.entities));
    }
    for entity in &one.entities {
        if let Some(reason) = &entity.incomplete_reason {
            text.wrapped(format!("{}: {reason}", entity.entity), 2);
        }
    }
    text.blank();
    let id = short(&run.run_id);
    if run.errors > 0 {
        text.line("records in quarantine: gazelle-sync errors");
    }
    text.line(format!("its warnings:          gazelle-sync warnings --run {id}"));
    let brought_something = one.entities.iter().any(|entity| entity.staged > 0);
    if brought_something && !matches!(run.status, RunState::Running | RunState::Failed) {
        text.line(format!("to take it back:       gazelle-sync undo {id} --dry-run"));
    }
    text
}

fn latencies(one: &OneRun) -> String {
    let run = &one.listed.run;
    let latency = |ms: Option<i64>| ms.map_or_else(|| "unknown".to_owned(), took);
    format!(
        "{} (median), {} (95 %), {} (slowest)",
        latency(run.median_latency_ms),
        latency(one.p95_latency_ms),
        latency(run.slowest_latency_ms),
    )
}

fn command(run: &LastRun) -> String {
    format!("{} {}", run.command, run.mode.map(RunMode::as_str).unwrap_or_default()).trim_end().to_owned()
}

fn took(ms: i64) -> String {
    display::duration(Duration::from_millis(ms.max(0).unsigned_abs()))
}
