//! Formats the output of `runs`.

use std::time::Duration;

use super::run::entity_table;
use super::words::recorded::told;
use super::words::status as w;
use crate::display::{Column, Lines, Table};
use crate::run_log::find_runs::short;
use crate::run_log::kinds::{RunMode, RunState, RunTrigger};
use crate::run_log::last_runs::LastRun;
use crate::run_log::run_pages::{ListedRun, OneRun};
use crate::words::locale::Locale;
use crate::words::sentence::Sentence;

/// The runs, and how to list the rest.
pub(crate) fn list_text(runs: &[ListedRun], before: Option<&str>, t: &Locale) -> Lines {
    if runs.is_empty() {
        return t.say(w::NO_RUNS).into();
    }
    let runs: Vec<&LastRun> = runs.iter().map(|listed| &listed.run).collect();
    let mut text = Lines::new();
    runs_lines(&mut text, &runs, t);
    if let Some(before) = before {
        text.wrapped(t.fill(w::THE_REST, &[("run", short(before))]), 2);
    }
    text.wrapped(t.say(w::ONE_OF_THEM), 2);
    text.line(t.fill(w::TIMES_IN, &[("zone", t.zone_name())]));
    text
}

/// A table of runs, and below it the reason of each that did not succeed.
pub(crate) fn runs_lines(text: &mut Lines, runs: &[&LastRun], t: &Locale) {
    let mut table = Table::new([
        Column::ids(t.say(w::RUN)),
        Column::text(t.say(w::STARTED)),
        Column::text(t.say(w::COMMAND)),
        Column::text(t.say(w::STATUS)),
        Column::text(t.say(w::TOOK)),
        Column::number(t.say(w::APPLIED)),
        Column::number(t.say(w::ERRORS)),
    ]);
    for run in runs {
        table.row([
            short(&run.run_id).to_owned(),
            t.date_hour(run.started_at),
            command(run),
            t.say(status(run.status)).into_owned(),
            run.duration_ms.map_or_else(String::new, |ms| took(ms, t)),
            t.number(run.processed),
            t.number(run.errors),
        ]);
    }
    text.table(&table);
    for run in runs {
        if let Some(reason) = &run.reason {
            let (status, reason) = (t.say(status(run.status)), told(reason, t.language));
            let facts = [("run", short(&run.run_id)), ("status", &*status), ("reason", &reason)];
            text.wrapped(t.fill(w::WHY, &facts), 2);
        }
    }
}

/// A run with all that is recorded of it, and what can be done about it.
pub(crate) fn one_text(one: &OneRun, t: &Locale) -> Lines {
    let run = &one.listed.run;
    let mut text = Lines::new();
    facts_lines(&mut text, one, t);
    if !one.entities.is_empty() {
        text.blank().table(&entity_table(&one.entities, t));
    }
    for entity in &one.entities {
        if let Some(reason) = &entity.incomplete_reason {
            let reason = told(reason, t.language);
            text.wrapped(t.fill(w::ENTITY_WHY, &[("entity", &entity.entity), ("reason", &reason)]), 2);
        }
    }
    text.blank();
    let id = short(&run.run_id);
    if run.errors > 0 {
        text.line(t.say(w::IN_QUARANTINE));
    }
    text.line(format!("{:23}gazelle-sync warnings --run {id}", t.say(w::ITS_WARNINGS)));
    let brought_something = one.entities.iter().any(|entity| entity.staged > 0);
    if brought_something && !matches!(run.status, RunState::Running | RunState::Failed) {
        text.line(format!("{:23}gazelle-sync undo {id} --dry-run", t.say(w::TAKE_IT_BACK)));
    }
    text
}

/// What is recorded of the run as a whole.
fn facts_lines(text: &mut Lines, one: &OneRun, t: &Locale) {
    let run = &one.listed.run;
    let mut fact = |name: Sentence, value: String| {
        text.wrapped(format!("{:11}{value}", t.say(name)), 11);
    };
    fact(w::RUN, run.run_id.clone());
    let by = match one.listed.trigger {
        RunTrigger::Command => w::BY_COMMAND,
        RunTrigger::Schedule => w::BY_SCHEDULE,
        RunTrigger::Request => w::BY_REQUEST,
        RunTrigger::Demo => w::BY_DEMO,
    };
    fact(w::COMMAND, t.fill(w::STARTED_BY, &[("command", &command(run)), ("by", &t.say(by))]));
    fact(w::STATUS, t.say(status(run.status)).into_owned());
    if let Some(reason) = &run.reason {
        fact(w::REASON, told(reason, t.language));
    }
    fact(w::STARTED, t.exact(run.started_at));
    if let (Some(finished), Some(ms)) = (one.finished_at, run.duration_ms) {
        fact(w::ENDED, t.fill(w::ENDED_AFTER, &[("at", &t.exact(finished)), ("took", &took(ms, t))]));
    }
    fact(w::PROGRAM, one.program.clone());
    if run.requests > 0 {
        let (sent, repeated) = (t.number(run.requests), t.number(run.retries));
        fact(w::REQUESTS, t.fill(w::SENT, &[("n", &sent), ("repeated", &repeated)]));
        fact(w::LATENCY, latencies(one, t));
    }
}

fn status(status: RunState) -> Sentence {
    match status {
        RunState::Success => w::SUCCESS,
        RunState::Partial => w::PARTIAL,
        RunState::Failed => w::FAILED,
        RunState::Interrupted => w::INTERRUPTED,
        RunState::Running => w::RUNNING,
    }
}

fn latencies(one: &OneRun, t: &Locale) -> String {
    let run = &one.listed.run;
    let latency = |ms: Option<i64>| ms.map_or_else(|| t.say(w::UNKNOWN).into_owned(), |ms| took(ms, t));
    let median = latency(run.median_latency_ms);
    let (p95, slowest) = (latency(one.p95_latency_ms), latency(run.slowest_latency_ms));
    t.fill(w::LATENCIES, &[("median", &median), ("p95", &p95), ("slowest", &slowest)])
}

fn command(run: &LastRun) -> String {
    format!("{} {}", run.command, run.mode.map(RunMode::as_str).unwrap_or_default()).trim_end().to_owned()
}

fn took(ms: i64, t: &Locale) -> String {
    t.took(Duration::from_millis(ms.max(0).unsigned_abs()))
}
