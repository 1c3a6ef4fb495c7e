//! Every command there is, played against a database, with what each ended with.

use std::collections::BTreeSet;

use super::every_page::{Withheld, every_page};
use super::planted_functions::none_was_called;
use super::statements_sent::times_sent;
use crate::support::login::{KEY, PendingLogin, open};
use crate::support::pooler::Pooler;
use crate::support::roles::{act_as, transfer_ownership};
use crate::support::service::{Serving, until};
use crate::support::{CommandOutput, World, connect};
use clap::CommandFactory as _;
use gazelle_sim::RecordKind;
use serde_json::json;

/// How a command ended.
pub struct CommandResult {
    /// Without what differs from world to world.
    pub command: String,
    pub code: i32,
    pub ran: CommandOutput,
}

/// Commands that speak to no database, or to one of their own.
const ELSEWHERE: [&str; 9] =
    ["completions", "db start", "db status", "db stop", "demo", "init", "man", "settings", "simulate"];
/// Those that are played by something of their own.
const OTHERWISE: [&str; 4] = ["auth login", "auth logout", "psql", "serve"];

/// Every command of the command line, with those below it.
fn there_are() -> BTreeSet<String> {
    fn below(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
        for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
            let name = format!("{name} {}", one.get_name()).trim().to_owned();
            match one.has_subcommands() {
                true => below(one, &name, found),
                false => drop(found.insert(name)),
            }
        }
    }
    let mut found = BTreeSet::new();
    below(&gazelle_sync::cli::Cli::command(), "", &mut found);
    found
}

/// What a command played, as the command line names it.
fn name_of(command: &[&str]) -> String {
    let there = there_are();
    let named = |words: usize| command.get(..words).map(|words| words.join(" "));
    named(2).filter(|two| there.contains(two)).or(named(1)).unwrap_or_default()
}

/// Runs a command, and looks that nothing planted was called.
async fn ended(world: &World, role: &str, command: &[&str]) -> CommandResult {
    let ran = world.run(command).await;
    told_nothing_planted(world, &format!("{command:?} as {role}: {ran}")).await;
    let ids = |word: &&str| word.len() < 30 && !word.starts_with("shop_v6");
    let shown: Vec<&str> = command.iter().filter(|word| ids(word)).copied().collect();
    CommandResult { command: format!("{} as {role}", shown.join(" ")), code: ran.code, ran }
}

/// `told` is all that a program said: what looks only counts no call, since the sequence may not be advanced there, which is
/// told where the look failed.
async fn told_nothing_planted(world: &World, told: &str) {
    none_was_called(world, told).await;
    for word in ["is not unique", "does not exist", "cannot accept a value", "nextval"] {
        assert!(!told.contains(word), "{word}: {told}");
    }
    // Ids and counts may hold the same digits.
    for state in ["25006", "P0001", "22P02"] {
        assert!(!told.contains(&format!("SQLSTATE {state}")), "{state}: {told}");
    }
}

/// Plays all of them as a role; `turn` chooses records that no other turn changed.
pub async fn every_command(world: &World, role: &str, turn: usize) -> Vec<CommandResult> {
    // Odd records of each turn, for the command line and for the pages, beside those that the shop has.
    for odd in [40 + turn, 50 + turn] {
        let odd = world.control.ids(RecordKind::Event)[odd].clone();
        world.control.edit(RecordKind::Event, &odd, json!({ "start": "no time" })).unwrap();
    }
    let mut all = vec![ended(world, role, &["sync", "--mode", "full"]).await];
    let client = world.control.ids(RecordKind::Client)[turn].clone();
    let name = format!("Salle {turn} (exemple)");
    world.control.edit(RecordKind::Client, &client, json!({ "companyName": name })).unwrap();
    let run = world.incremental().await.success();
    let run_id = run["run_id"].as_str().unwrap().to_owned();
    let quarantined = world
        .text("SELECT external_id FROM shop.sync_quarantine WHERE state IN ('open', 'waiting') ORDER BY 1 LIMIT 1")
        .await
        .expect("the shop has odd records");
    let approved = withheld(world, 1).await.run;
    let dismissed = withheld(world, 1).await.run;
    let into = format!("look_{turn}");
    let person = format!("Personne {turn}");
    let user = world.control.ids(RecordKind::User)[0].clone();
    let commands = vec![
        vec!["sync", "--mode", "incremental", "--entity", "pianos"],
        vec!["fetch"],
        vec!["reconcile"],
        vec!["status"],
        vec!["runs", "list"],
        vec!["runs", "show", &run_id],
        vec!["history", &client],
        vec!["explain", &client, "company_name"],
        vec!["errors"],
        vec!["errors", "list", "--all", "--entity", "clients"],
        vec!["errors", "show", &quarantined],
        vec!["errors", "retry"],
        vec!["errors", "dismiss", &quarantined, "--reason", "made up"],
        vec!["warnings"],
        vec!["deletions"],
        vec!["deletions", "list", "--all"],
        vec!["deletions", "approve", &approved],
        vec!["deletions", "dismiss", &dismissed],
        vec!["alerts"],
        vec!["alerts", "list"],
        vec!["alerts", "check"],
        vec!["alerts", "test"],
        vec!["auth", "status"],
        vec!["people", "invite", &person, "--role", "operator", "--technician", &user],
        vec!["people", "role", &person, "--role", "office"],
        vec!["people", "sign-out", &person],
        vec!["people", "disable", &person],
        vec!["people"],
        vec!["people", "list"],
        vec!["doctor"],
        vec!["verify"],
        vec!["verify", "--offline"],
        vec!["replay", "--dry-run"],
        vec!["replay", "--id", &client],
        vec!["replay", "--allow-deletions"],
        vec!["reconcile"],
        vec!["replay"],
        vec!["undo", &run_id, "--dry-run"],
        vec!["undo", &run_id],
        vec!["undo", &run_id, "--lift"],
        vec!["migrate"],
        vec!["migrate", "--dry-run"],
        vec!["replay", "--into", &into],
        vec!["migrate", "--from-v5", "--dry-run"],
        vec!["migrate", "--from-v5", "--back", "--dry-run"],
        vec!["migrate", "--roles", "--dry-run"],
        vec!["migrate", "--roles"],
    ];
    let played: BTreeSet<String> = commands.iter().map(|command| name_of(command)).collect();
    for name in there_are() {
        let is_elsewhere = ELSEWHERE.iter().chain(&OTHERWISE).any(|other| *other == name);
        assert!(
            played.contains(&name) != is_elsewhere,
            "{name}: to be played here, or named as played elsewhere"
        );
    }
    for command in commands {
        if command == ["verify"] {
            odd_rows(world, turn).await;
        }
        all.push(ended(world, role, &command).await);
    }
    if role == "postgres" {
        // It has just handed them to the owner.
        transfer_ownership(world, "shop", role).await;
    }
    served(world, role, turn).await;
    all
}

/// Rows that only people write: one of production without a record, one that an older reconciler made, a record by hand whose
/// parent is nowhere.
async fn odd_rows(world: &World, turn: usize) {
    world
        .execute(&format!(
            "INSERT INTO shop.gazelle_clients (external_id, staging_id, reconciler_version, synced_from_gazelle_at)
             SELECT 'cli_surplus_{turn}', staging_id, reconciler_version, synced_from_gazelle_at FROM shop.gazelle_clients LIMIT 1;
             UPDATE shop.gazelle_pianos SET reconciler_version = 0
              WHERE external_id = (SELECT min(p.external_id) FROM shop.gazelle_pianos p WHERE p.deleted_at IS NULL);
             INSERT INTO shop.staging_pianos (external_id, raw_data, sync_status)
             VALUES ('pno_waits_{turn}', '{{\"id\": \"pno_waits_{turn}\", \"client\": {{\"id\": \"cli_nowhere\"}}}}', 'pending')"
        ))
        .await;
    none_was_called(world, "the test itself").await;
}

/// A run that withheld this many deletions.
async fn withheld(world: &World, many: usize) -> Withheld {
    let records = world.control.ids(RecordKind::Event)[..many].to_vec();
    for event in &records {
        world.control.delete(RecordKind::Event, event).unwrap();
    }
    let mut command = world.command(&["sync", "--mode", "full", "--json"]);
    command.env("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "0").env("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "0");
    let ran = crate::support::run_to_end(command).await;
    assert_eq!(ran.code, 3, "withheld: {ran}");
    told_nothing_planted(world, &ran.to_string()).await;
    Withheld { run: ran.json()["run_id"].as_str().unwrap().to_owned(), records }
}

/// The service, with a run that somebody asked for over HTTP, and people at its pages.
async fn served(world: &World, role: &str, turn: usize) {
    let withheld = withheld(world, 2).await;
    let service = Serving::start(world, &[]).await;
    until("it takes a wish", async || {
        let (status, _) = service.ask(r#"{"mode": "incremental"}"#).await;
        (200..300).contains(&status)
    })
    .await;
    until("a run that was asked for ends", async || {
        let ended = "shop.sync_wanted_runs WHERE taken_at IS NULL";
        world.count(ended).await == 0 && world.count("shop.sync_runs WHERE status = 'running'").await == 0
    })
    .await;
    for path in ["/healthz", "/metrics", "/runs"] {
        let (status, body) = service.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    // The pages send the same whoever the service runs as, and to ask for all of them takes a while: once, as the service is
    // meant to run.
    if role == "gazelle_sync" {
        every_page(world, &service, (role, turn), &withheld).await;
    }
    let ended = service.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    told_nothing_planted(world, &format!("serve as {role}: {}", ended.log)).await;
}

/// Logs in, works with the tokens that the database keeps, and logs out; as postgres behind a pooler.
pub async fn with_stored_tokens(world: &mut World, role: &str) -> Vec<CommandResult> {
    let pooler = Pooler::start(world, 2).await;
    if role == "postgres" {
        let url = pooler.url(world);
        world.set("DATABASE_URL", &url);
    }
    let key = world.installation.env.remove("GAZELLE_API_KEY").unwrap();
    let oauth = world.sim.oauth_url();
    world.set("GAZELLE_OAUTH_URL", &oauth);
    world.set("GAZELLE_CLIENT_ID", "sim-client");
    world.set("GAZELLE_CLIENT_SECRET", "sim-secret");
    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    let login = PendingLogin::start(world, &["--port", "0"]).await;
    open(&login.address).await;
    let ran = login.end().await;
    told_nothing_planted(world, &format!("auth login as {role}: {ran}")).await;
    let mut all = vec![CommandResult { command: format!("auth login as {role}"), code: ran.code, ran }];
    world.control.expire_access_tokens();
    for command in [&["sync"][..], &["status"], &["auth", "status"], &["doctor"], &["auth", "logout"]] {
        all.push(ended(world, role, command).await);
    }
    assert_eq!(all[0].code, 0, "{}", all[0].ran);
    for name in ["GAZELLE_OAUTH_URL", "GAZELLE_CLIENT_ID", "GAZELLE_CLIENT_SECRET", "GAZELLE_SYNC_TOKEN_KEY"]
    {
        world.installation.env.remove(name);
    }
    world.set("GAZELLE_API_KEY", &key);
    act_as(world, role);
    all
}

/// A command that waits for a table: through another session it asks what becomes of its statement and who holds the table,
/// gives up, and ends its session.
pub async fn waited_for_a_table(world: &World, role: &str) {
    const SENT: [&str; 3] =
        ["db/answers/sign_of_life.sql", "db/server/blockers.sql", "db/answers/end_session.sql"];
    let before = times_sent(world, &SENT);
    let holder = connect(&world.url()).await;
    holder.batch_execute("BEGIN; LOCK TABLE shop.gazelle_pianos").await.unwrap();
    let mut command = world.command(&["reconcile", "--json"]);
    command.env("GAZELLE_SYNC_LOCK_NOTICE", "0.2").env("GAZELLE_SYNC_LOCK_WAIT", "0.5");
    let ran = crate::support::run_to_end(command).await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(ran.code, 1, "{ran}");
    told_nothing_planted(world, &format!("reconcile as {role}: {ran}")).await;
    assert!(times_sent(world, &SENT) > before, "{ran}");
}

/// A database of the old system: to us, a sync, and back.
pub async fn from_v5_and_back(world: &mut World) -> Vec<CommandResult> {
    // Where its maker looked for names: in pg_catalog before all else.
    let old = include_str!("../../support/old_system.sql");
    world
        .execute(&format!(
            "CREATE ROLE lecteur NOLOGIN; SET ROLE administrator; SET search_path = shop; {old}; RESET ROLE; RESET search_path"
        ))
        .await;
    none_was_called(world, "the test itself").await;
    act_as(world, "administrator");
    let mut all = Vec::new();
    for command in [
        &["migrate", "--from-v5", "--dry-run"][..],
        &["migrate", "--from-v5"],
        &["sync", "--mode", "full"],
        &["doctor"],
        &["migrate", "--roles"],
        &["migrate", "--from-v5", "--back", "--dry-run"],
        &["migrate", "--from-v5", "--back"],
    ] {
        let one = ended(world, "administrator", command).await;
        assert!(one.code == 0 || command == ["doctor"], "{}", one.ran);
        all.push(one);
    }
    all
}
