//! Reports in both languages, at the widths of terminals.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::{deletions, doctor, run, runs};
use crate::config::Language;
use crate::display::{Lines, at_width};
use crate::doctor::{Level, Line, Report};
use crate::run_log::last_runs::LastRun;
use crate::run_log::report::{EntityReport, RunReport};
use crate::staging::deletions::FoundDeletion;
use crate::states::{DeletionState, RunMode, RunOutcome, RunState};
use crate::time::{self, MONTREAL};
use crate::words::locale::Locale;

fn locale(language: Language) -> Locale {
    let now = "2026-11-24T13:43:00Z".parse().unwrap();
    Locale::new(language, time::zone(MONTREAL).unwrap(), now)
}

fn a_run() -> RunReport {
    let entity = |name: &str, walk: &str, complete, fetched| EntityReport {
        entity: name.to_owned(),
        walk: Some(walk.to_owned()),
        walk_complete: Some(complete),
        fetched,
        staged: fetched,
        processed: fetched,
        in_production: Some(fetched),
        ..EntityReport::default()
    };
    let entities = vec![
        entity("users", "whole", true, 6),
        entity("clients", "whole", true, 4_010),
        entity("pianos", "whole", false, 4_420),
        entity("appointments", "from 2026-10-29", true, 11_460),
    ];
    let mut report =
        RunReport::new(Uuid::nil(), Some(RunMode::Incremental), entities, Duration::from_millis(65_400));
    report.add_up();
    let reason = "pianos: HTTP 500 from https://gazelle.example.com/graphql (PianosPage), after 3 attempts: the API has a \
                  fault of its own; try later";
    report.note(RunOutcome::Partial, reason.to_owned());
    report
}

fn listed_runs() -> Vec<LastRun> {
    let run = |id: &str, command: &str, status, reason: Option<&str>| LastRun {
        run_id: format!("{id}-0000-7000-8000-000000000001"),
        command: command.to_owned(),
        mode: Some(RunMode::Full),
        status,
        reason: reason.map(str::to_owned),
        started_at: "2026-11-24T13:43:00Z".parse().unwrap(),
        duration_ms: Some(12_200),
        fetched: 19_896,
        staged: 19_896,
        processed: 19_896,
        errors: 3,
        requests: 210,
        retries: 4,
        median_latency_ms: Some(240),
        slowest_latency_ms: Some(1_900),
    };
    let why = "pianos: the walk is incomplete: the API counts 4420 and 4419 distinct ids were seen";
    vec![
        run("01a2278b", "sync", RunState::Partial, Some(why)),
        run("01a2278a", "replay --dry-run", RunState::Success, None),
    ]
}

fn found() -> Vec<FoundDeletion> {
    let one = |id: &str| FoundDeletion {
        run_id: Uuid::nil(),
        entity: "appointments".to_owned(),
        external_id: id.to_owned(),
        state: DeletionState::Withheld,
        evidence: json!({ "evidence": { "not_listed_in": "from 2026-10-29", "asked_with": "AppointmentById" } }),
        found_at: "2026-11-24T13:43:00Z".parse().unwrap(),
        decided_at: None,
    };
    vec![one("evt_U3ZdKvDxQnUVcbx7"), one("evt_W9hhTqsBnE0aYk2L")]
}

fn checks() -> Report {
    let line = |check: &'static str, level, said: &str, fix: Option<&str>| Line {
        check: check.into(),
        level,
        said: said.to_owned(),
        fix: fix.map(str::to_owned),
    };
    Report {
        status: Level::Warning,
        ok: 1,
        warnings: 1,
        problems: 0,
        checks: vec![
            line("additions", Level::Ok, "nothing was added to our tables that could refuse a record", None),
            line(
                "backup",
                Level::Warning,
                "none is known here (on Supabase its dashboard lists them: Database, Backups)",
                Some(
                    "pg_dump as docs/runbook.md says, daily, into a folder named by GAZELLE_SYNC_BACKUP_DIR",
                ),
            ),
        ],
    }
}

/// Each report, by its name.
fn reports(t: &Locale) -> Vec<(&'static str, Lines)> {
    let listed = listed_runs();
    let mut of_runs = Lines::new();
    runs::runs_lines(&mut of_runs, &listed.iter().collect::<Vec<_>>(), t);
    vec![
        ("run", run::run_text(&a_run(), t)),
        ("runs", of_runs),
        ("deletions", deletions::list_text(&found(), false, t)),
        ("doctor", doctor::text(&checks(), t)),
    ]
}

#[test]
fn reports_fit_terminals_in_both_languages() {
    for language in [Language::En, Language::Fr] {
        for width in [80, 100, 200] {
            for (name, text) in at_width(width, || reports(&locale(language))) {
                let widest = text.as_str().lines().map(|line| line.chars().count()).max().unwrap_or(0);
                assert!(widest <= usize::from(width), "{name} in {language} at {width}: {widest}\n{text}");
            }
        }
    }
}

#[test]
fn reports_in_french_are_these() {
    for (name, text) in at_width(80, || reports(&locale(Language::Fr))) {
        // No-break spaces are shown.
        let shown = text.as_str().replace('\u{a0}', "·");
        insta::assert_snapshot!(format!("{name}.fr"), shown);
    }
}
