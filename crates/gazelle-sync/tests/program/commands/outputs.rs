//! What commands print, whole: for people at a terminal of 80 columns, and for programs. `docs/CONTRIBUTING.md` tells how a
//! change of them is looked at and accepted.
//!
//! The shop is as it was in January 2020, so that its records are the same whatever day it is, and no window of an
//! incremental sync holds any. What does differ from run to run is replaced, at its own width where it stands in a table.

mod writing;

use std::collections::BTreeMap;
use std::process::Stdio;

use crate::support::terminal::ran_at_terminal;
use crate::support::{CommandOutput, TestInstallation, World, run_to_end};
use gazelle_sim::{BadRecord, Fault, FaultKind, RecordKind, ShopSpec, SimOptions};
use jiff::{Timestamp, ToSpan, Zoned, tz::TimeZone};
use serde_json::json;
use tokio::process::Command;

fn shop() -> ShopSpec {
    ShopSpec {
        users: 2,
        clients: 6,
        pianos: 5,
        events: 12,
        today: "2020-01-15".to_owned(),
        oddities: false,
        bad_records: vec![BadRecord::UnreadableStart, BadRecord::GhostClient, BadRecord::UnknownEnum],
        ..ShopSpec::default_shop(7)
    }
}

/// Pins what a command says under a name.
fn pin(name: &str, said: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    for (pattern, replacement) in varying(&Timestamp::now().to_zoned(TimeZone::UTC)) {
        settings.add_filter(&pattern, replacement);
    }
    settings.bind(|| insta::assert_snapshot!(name, with_numbered_ids(said)));
}

/// The command as it is typed, how it ends and what it says.
fn transcript(args: &[&str], run: &CommandOutput) -> String {
    let mut said = format!("$ gazelle-sync {}\n", args.join(" "));
    for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        if !text.is_empty() {
            said.push_str(&format!("--- {stream}\n{text}"));
        }
    }
    format!("{}\n--- exit status {}\n", said.trim_end(), run.code)
}

async fn pin_text(place: &TestInstallation, name: &str, args: &[&str]) {
    pin(name, &transcript(args, &ran_at_terminal(place.command(args)).await));
}

async fn pin_json(place: &TestInstallation, name: &str, args: &[&str]) {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    pin(&format!("{name}.json"), &transcript(&args, &run_to_end(place.command(&args)).await));
}

async fn pin_both(place: &TestInstallation, name: &str, args: &[&str]) {
    pin_text(place, name, args).await;
    pin_json(place, name, args).await;
}

/// The characters of an id, and of the beginning that lists show.
const LONG: usize = 36;
const BEGUN: usize = 13;

/// What differs from run to run, as patterns with what is shown instead: days near today, times, how long things took, how
/// much room they take, and what belongs to the machine.
fn varying(now: &Zoned) -> Vec<(String, &'static str)> {
    // From the lookback of an incremental sync to a midnight that passes meanwhile.
    let days: Vec<String> =
        (-34..=1).map(|day: i64| now.saturating_add(day.days()).date().to_string()).collect();
    let day = format!("(?:{})", days.join("|"));
    let mut patterns = vec![
        (format!(r"{day}([T ])\d\d:\d\d:\d\d(?:\.\d+)?"), "yyyy-mm-dd${1}hh:mm:ss"),
        (format!(r"{day} \d\d:\d\d"), "yyyy-mm-dd hh:mm"),
        (day, "yyyy-mm-dd"),
    ];
    let plain = [
        (r"hh:mm:ss E[SD]T", "hh:mm:ss EST"),
        // The second line of a cell, and the hour of a day that is today.
        (r"(?m)(^|  )\d\d:\d\d\b", "${1}hh:mm"),
        (r"(as of|run of) (?:yyyy-mm-dd )?(?:hh:mm|\d\d:\d\d)\b", "$1 hh:mm"),
        (r"\((?:\d[\d,]*|0\.\d|–)/s\)", "(nn/s)"),
        (r"(?:< )?\b\d+(?:\.\d)? m?s\b|\b\d+ min \d\d s\b", "nnn ms"),
        (r#"_ms": \d+"#, r#"_ms": 0"#),
        (r", \d+\.\d KiB,", ", n.n KiB,"),
        (r"[ \d]{2}\d\.\d KiB", "nnn.n KiB"),
        (r"holds \d+\.\d MiB", "holds nn.n MiB"),
        (r"\d+\.\d [MGT]iB\s+free\s+for\s+tokens\s+in\s+/\S+", "nn.n GiB free for tokens in /data"),
        (r#""(bytes|bytes_a_day)": \d+"#, r#""$1": 0"#),
        // Entities are walked at the same time.
        (r"(request +)\d+:", "${1}n:"),
        (r#""number": \d+,(\s+"operation": "\w+(?:Page|ById)")"#, r#""number": 0,$1"#),
        (r#"("seed":|--seed) \d+"#, "$1 0"),
        (
            r"127\.0\.0\.1:\d{2,}/graphql/private\s+answers\s+and",
            "127.0.0.1:port/graphql/private answers and",
        ),
        (r"127\.0\.0\.1:\d{2,}/", "127.0.0.1:port/"),
        (r"/app/enter/[\w-]+", "/app/enter/secret"),
        (r"gazelle_v6_\d{14}(_\d+)?", "gazelle_v6_yyyymmddhhmmss"),
        (
            r"mirror\s+on\s+the\s+socket\s+in\s+/\S+,\s+schema\s+(\w+)\s+",
            "mirror on the socket in /socket, schema $1 ",
        ),
        (r"not needed:\s+/\S+\s+is\s+this\s+machine", "not needed: /socket is this machine"),
        (r"Postgres [^,]*(?:,[^,]*)?,\s+database\s+mirror,", "Postgres nn, database mirror,"),
    ];
    patterns.extend(plain.map(|(pattern, shown)| (pattern.to_owned(), shown)));
    patterns
}

/// The text with the ids that were made meanwhile, and the beginnings that lists show of them, numbered in the order in which they
/// first stand there; an id that is an example, or was typed, stays.
fn with_numbered_ids(text: &str) -> String {
    let now = Timestamp::now().as_millisecond();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut said, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        // A version 7 id begins with when it was made.
        let begun = rest.get(..BEGUN).filter(|begun| begun.as_bytes()[8] == b'-');
        let made = begun.and_then(|begun| i64::from_str_radix(&begun.replacen('-', "", 1), 16).ok());
        let Some(begun) = begun.filter(|_| made.is_some_and(|made| (now - made).abs() < 86_400_000)) else {
            said.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let whole = rest.get(..LONG).filter(|id| uuid::Uuid::try_parse(id).is_ok());
        let known = numbers.keys().find(|known| known.starts_with(begun)).copied();
        let id = whole.or(known).unwrap_or(begun);
        let next = numbers.len() + 1;
        let number = *numbers.entry(id).or_insert(next);
        match whole {
            Some(_) => said.push_str(&format!("00000000-0000-7000-8000-{number:012}")),
            None => said.push_str(&format!("00000000-{number:04}")),
        }
        rest = &rest[whole.unwrap_or(begun).len()..];
    }
    said
}

/// Every run takes as long as another, so that a column of how long they took is as wide as another.
async fn as_long_as_another(world: &World) {
    world.execute("UPDATE sync_runs SET finished_at = started_at + interval '0.15 s'").await;
}

async fn last_run(world: &World) -> String {
    world.text("SELECT run_id::text FROM sync_runs ORDER BY started_at DESC LIMIT 1").await.expect("a run")
}

#[tokio::test]
async fn the_outputs_about_a_copy_are_these() {
    let mut world = World::with(shop(), SimOptions::default()).await;
    // Without what is logged between, and with nobody there that could answer.
    for (name, value) in [("GAZELLE_SYNC_LOG", "error"), ("GAZELLE_SYNC_LISTEN", "127.0.0.1:1")] {
        world.set(name, value);
    }
    an_empty_database(&world).await;
    pin_text(&world, "sync_full", &["sync", "--mode", "full"]).await;
    // In a schema that is empty as the first was.
    pin_json(&world, "sync_full", &["sync", "--mode", "full", "--schema", "second"]).await;
    pin_both(&world, "sync_incremental", &["sync"]).await;
    as_long_as_another(&world).await;
    pin_both(&world, "status", &["status"]).await;
    pin_both(&world, "verify_offline", &["verify", "--offline"]).await;
    pin_both(&world, "replay_dry_run", &["replay", "--dry-run"]).await;
    records_in_quarantine(&world).await;
    changes_of_the_shop(&world).await;
    a_difference(&world).await;
    pin_both(&world, "doctor", &["doctor"]).await;
    a_source_with_a_fault(&world).await;
}

async fn an_empty_database(world: &World) {
    pin_both(world, "migrate_dry_run", &["migrate", "--dry-run"]).await;
    pin_both(world, "status_empty", &["status"]).await;
}

async fn records_in_quarantine(world: &World) {
    let unreadable = world.event_titled("Bad record: unreadable_start");
    pin_both(world, "errors", &["errors"]).await;
    pin_both(world, "errors_show", &["errors", "show", &unreadable]).await;
}

/// One event has a title, one piano is gone, one has blanks for a serial number, and the API has a new field.
async fn changes_of_the_shop(world: &World) {
    let (event, pianos) =
        (world.control.ids(RecordKind::Event)[0].clone(), world.control.ids(RecordKind::Piano));
    world.control.edit(RecordKind::Event, &event, json!({ "title": "Piano déplacé" })).unwrap();
    world.control.edit(RecordKind::Piano, &pianos[1], json!({ "serialNumber": "   " })).unwrap();
    world.control.delete(RecordKind::Piano, &pianos[0]).unwrap();
    let new = FaultKind::FieldNew {
        type_name: "PrivatePiano".to_owned(),
        field: "voicing".to_owned(),
        field_type: "String".to_owned(),
    };
    world.control.add_fault(Fault::new(new).forever());
    pin_text(world, "sync_changes", &["sync", "--mode", "full"]).await;
    let run = last_run(world).await;
    pin_both(world, "undo_dry_run", &["undo", &run, "--dry-run"]).await;
    pin_both(world, "warnings", &["warnings"]).await;
    pin_both(world, "deletions", &["deletions", "list", "--all"]).await;
    pin_both(world, "history", &["history", &event]).await;
    pin_both(world, "history_deleted", &["history", &pianos[0]]).await;
    pin_both(world, "explain", &["explain", &event, "start_at"]).await;
    pin_text(world, "explain_title", &["explain", &event, "title"]).await;
}

/// A title was changed by hand, and the one piano of an appointment removed.
async fn a_difference(world: &World) {
    let event = &world.control.ids(RecordKind::Event)[0];
    let tampered = format!(
        "UPDATE gazelle_appointments SET title = 'faux' WHERE external_id = '{event}';
         DELETE FROM gazelle_appointment_pianos WHERE deleted_at IS NULL AND appointment_external_id =
                (SELECT min(alone) FROM (SELECT appointment_external_id AS alone FROM gazelle_appointment_pianos
                                          GROUP BY 1 HAVING count(*) = 1) AS of_one)"
    );
    world.execute(&tampered).await;
    pin_both(world, "verify_difference", &["verify", "--offline"]).await;
    pin_json(world, "replay_dry_run_difference", &["replay", "--dry-run"]).await;
    pin_text(world, "replay_difference", &["replay"]).await;
    world.execute(&tampered).await;
    pin_json(world, "replay_difference", &["replay"]).await;
}

async fn a_source_with_a_fault(world: &World) {
    pin_both(world, "alerts_none", &["alerts"]).await;
    world.control.clear_faults();
    world.control.add_fault(Fault::new(FaultKind::ServerError).on_field("allPianos").forever());
    pin_both(world, "sync_partial", &["sync", "--mode", "full"]).await;
    as_long_as_another(world).await;
    pin_both(world, "status_partial", &["status"]).await;
    pin_both(world, "runs", &["runs", "--limit", "2"]).await;
    pin_text(world, "runs_show", &["runs", "show", &last_run(world).await[..BEGUN]]).await;
    pin_both(world, "wrong_run_beginning", &["undo", "0000"]).await;
    world.run(&["alerts", "check"]).await.success();
    pin_both(world, "alerts", &["alerts"]).await;
    pin_both(world, "wrong_run", &["undo", "01900000-0000-7000-8000-000000000001"]).await;
    pin_both(world, "wrong_id", &["history", "evt_nobody"]).await;
}

/// The program without a database, and with these variables alone.
fn alone(folder: &tempfile::TempDir, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gazelle-sync"));
    command.args(args).env_clear().envs(env.iter().copied()).current_dir(folder.path()).stdin(Stdio::null());
    command
}

#[tokio::test]
async fn the_outputs_without_a_database_are_these() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = [("GAZELLE_SYNC_DATA_DIR", "data"), ("GAZELLE_SYNC_LOG", "error")];
    let set = [
        ("DATABASE_URL", "postgres://gazelle_sync:s3cr3t@db.example.org/mirror"),
        ("GAZELLE_API_KEY", "s3cr3t"),
        ("GAZELLE_SYNC_DATA_DIR", "/var/lib/gazelle-sync"),
        ("GAZELLE_SYNC_RETENTION", "400"),
    ];
    for (name, args, env) in [
        ("settings", &["settings"][..], &set[..]),
        ("auth_no_login", &["auth", "status", "--offline"], &nothing),
        ("wrong_entity", &["sync", "--entity", "piano"], &nothing),
        ("wrong_run_id", &["undo", "yesterday"], &nothing),
        ("wrong_command", &["synch"], &nothing),
        ("wrong_flag", &["sync", "--full"], &nothing),
        ("wrong_setting", &["sync", "--page-size", "0"], &nothing),
    ] {
        let json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        pin(name, &transcript(args, &ran_at_terminal(alone(&folder, args, env)).await));
        pin(&format!("{name}.json"), &transcript(&json, &run_to_end(alone(&folder, &json, env)).await));
    }
}
