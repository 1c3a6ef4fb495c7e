//! Triggers that keep something from being noted beside records: the records land all the same, what a person decides is
//! done whole or not at all, and both are told by the trigger's name.

use gazelle_sim::RecordKind;
use serde_json::{Value, json};

use super::unwritten::{NULL, RAISE, hang};
use crate::support::failing::{check, failed_place, succeed};
use crate::support::{CommandOutput, Tables, World, assert_same};

const WARNINGS: &str = "sync_quality_warnings";

pub(super) async fn noted(world: &World, id: &str) -> bool {
    let warning = format!("{WARNINGS} WHERE external_id = '{id}' AND code = 'unreadable_field'");
    world.count(&warning).await > 0
}

pub(super) async fn drop_trigger(world: &World) {
    world.execute("DROP FUNCTION silence CASCADE").await;
}

/// A filled world, and two clients of it.
pub(super) async fn two_clients() -> (World, [String; 2]) {
    let world = World::new().await;
    world.full_sync_ok().await;
    let clients = world.control.ids(RecordKind::Client);
    let two = [clients[3].clone(), clients[4].clone()];
    (world, two)
}

/// Gives clients another name, and a date that is readable or not.
pub(super) fn edit(world: &World, clients: &[String], name: &str, date: &Value) {
    for id in clients {
        let fields = json!({ "companyName": name, "noContactUntil": date });
        world.control.edit(RecordKind::Client, id, fields).unwrap();
    }
}

/// The run is partial, and its reasons name the trigger and the first of these clients alone.
pub(super) fn assert_names_first(run: &CommandOutput, [kept, other]: &[String; 2], what: &str) {
    assert_eq!(run.code, 3, "{what}: {run}");
    for words in [kept.as_str(), "silence", "warnings of 1 record"] {
        assert!(run.reasons().contains(words), "{words}: {what}: {}", run.reasons());
    }
    assert!(!run.reasons().contains(other.as_str()), "{what}: {}", run.reasons());
}

/// The record of one client is kept from its warnings, and another one beside it is not.
#[tokio::test]
async fn a_warning_that_cannot_be_noted_or_removed_holds_no_record_back_and_is_tried_again() {
    for does in [NULL, RAISE] {
        let (world, two) = two_clients().await;
        let [kept, other] = &two;
        for (operation, row, until) in
            [("INSERT", "NEW", json!("0000-00-00")), ("DELETE", "OLD", Value::Null)]
        {
            let name = format!("{operation} {does}").replace('\'', "");
            hang(&world, WARNINGS, operation, &format!("{row}.external_id = '{kept}'"), does).await;
            edit(&world, &two, &name, &until);
            for _ in 0..2 {
                let run = world.full().await;
                assert_names_first(&run, &two, &name);
                let written = format!("gazelle_clients WHERE company_name = '{name}'");
                assert_eq!(world.count(&written).await, 2, "{name}: {run}");
                assert_eq!(
                    world.count("staging_clients WHERE sync_status <> 'processed'").await,
                    0,
                    "{name}"
                );
                let after = operation == "INSERT";
                assert_eq!(
                    (noted(&world, kept).await, noted(&world, other).await),
                    (!after, after),
                    "{name}"
                );
            }
            drop_trigger(&world).await;
            world.full().await.success();
            let after = operation == "INSERT";
            assert_eq!((noted(&world, kept).await, noted(&world, other).await), (after, after), "{name}");
            assert_eq!(world.count("sync_notes WHERE key LIKE 'unnoted%'").await, 0, "{name}");
        }
    }
}

#[tokio::test]
async fn a_first_sync_lands_whole_where_no_warning_can_be_noted() {
    let healthy = World::new().await;
    healthy.full_sync_ok().await;
    for does in [NULL, RAISE] {
        let world = World::new().await;
        world.run(&["migrate"]).await.success();
        hang(&world, WARNINGS, "INSERT", "true", does).await;
        let run = world.full().await;
        assert_same(&healthy.content().await, &world.content().await, does);
        let warnings = healthy.count(WARNINGS).await;
        assert_eq!(run.code, if warnings > 0 { 3 } else { 0 }, "{does}: {run}");
        drop_trigger(&world).await;
        world.full().await.success();
        assert_eq!(world.count(WARNINGS).await, warnings, "{does}");
    }
}

/// The record of one appointment is in production without its warning.
async fn unnoted_appointment() -> (World, String) {
    let world = World::new().await;
    world.full_sync_ok().await;
    let id = world.upcoming(3);
    hang(&world, WARNINGS, "INSERT", &format!("NEW.external_id = '{id}'"), RAISE).await;
    world.control.edit(RecordKind::Event, &id, json!({ "createdAt": "0000-00-00" })).unwrap();
    assert_eq!(world.full().await.code, 3);
    (world, id)
}

/// The warnings are those of the version that production holds.
#[tokio::test]
async fn a_dismissed_case_stays_dismissed_when_the_warnings_of_its_record_are_noted_later() {
    let (world, id) = unnoted_appointment().await;
    world.control.edit(RecordKind::Event, &id, json!({ "start": "demain" })).unwrap();
    world.full().await;
    let cases = async |states: &str| {
        world.count(&format!("sync_quarantine WHERE external_id = '{id}' AND state IN ({states})")).await
    };
    assert_eq!(cases("'open'").await, 1);
    world.run(&["errors", "dismiss", &id, "--reason", "known"]).await.success();
    drop_trigger(&world).await;

    let run = world.run(&["reconcile"]).await;

    assert_eq!((cases("'open', 'waiting'").await, cases("'dismissed'").await), (0, 1), "{run}");
    assert!(noted(&world, &id).await, "{run}");
    assert_eq!(world.count("sync_notes WHERE key LIKE 'unnoted%'").await, 0, "{run}");
}

#[tokio::test]
async fn a_record_that_cannot_be_made_pending_keeps_its_note_and_every_run_says_so() {
    let (world, id) = unnoted_appointment().await;
    drop_trigger(&world).await;
    let becomes_pending = format!("NEW.external_id = '{id}' AND NEW.sync_status = 'pending'");
    hang(&world, "staging_appointments", "UPDATE", &becomes_pending, NULL).await;
    for _ in 0..2 {
        let run = world.incremental().await;
        assert_eq!(run.code, 3, "{run}");
        assert!(run.reasons().contains("warnings of 1 record"), "{}", run.reasons());
    }
    drop_trigger(&world).await;
    world.incremental().await.success();
    assert!(noted(&world, &id).await);
}

/// What a person's decisions write beside production.
async fn books(world: &World) -> Tables {
    let mut books = world.content().await;
    for table in ["sync_deletions", "sync_quarantine", "sync_undos"] {
        books.insert(table.to_owned(), world.table(table, &[]).await);
    }
    books
}

/// Each of these is refused by the trigger's name, and nothing of it is done.
async fn assert_refused(world: &World, decisions: &[(&str, &str, &[&str])]) {
    let before = books(world).await;
    for (table, operation, args) in decisions {
        for does in [NULL, RAISE] {
            hang(world, table, operation, "true", does).await;
            let ran = world.run(args).await;
            let what = format!("{args:?} {operation} {table} {does}: {ran}");
            assert_eq!(ran.code, 1, "{what}");
            assert!(ran.to_string().contains("silence"), "{what}");
            assert!(does == RAISE || ran.to_string().contains(table), "{what}");
            assert_same(&before, &books(world).await, &what);
            drop_trigger(world).await;
        }
    }
}

#[tokio::test]
async fn an_undo_and_a_dismissal_are_done_whole_or_refused_by_the_triggers_name() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let (faulty, gone) = (world.upcoming(1), world.upcoming(2));
    world.control.edit(RecordKind::Event, &faulty, json!({ "start": "demain" })).unwrap();
    world.control.delete(RecordKind::Event, &gone).unwrap();
    let run = world.full().await.success()["run_id"].as_str().unwrap().to_owned();
    assert_eq!(world.count("sync_deletions WHERE state = 'deleted'").await, 1);
    let undo: &[&str] = &["undo", &run];
    let dismiss: &[&str] = &["errors", "dismiss", &faulty, "--reason", "known"];
    assert_refused(
        &world,
        &[
            ("sync_quarantine", "UPDATE", undo),
            ("sync_deletions", "UPDATE", undo),
            ("sync_undos", "INSERT", undo),
            ("sync_quarantine", "UPDATE", dismiss),
        ],
    )
    .await;

    world.run(undo).await.success();
    assert_eq!(world.count("sync_deletions WHERE state = 'dismissed'").await, 1);
    let open = format!("sync_quarantine WHERE external_id = '{faulty}' AND state IN ('open', 'waiting')");
    assert_eq!(world.count(&open).await, 0);
    let lift: &[&str] = &["undo", &run, "--lift"];
    assert_refused(&world, &[("sync_deletions", "UPDATE", lift), ("sync_undos", "UPDATE", lift)]).await;
    world.run(lift).await;
    assert_eq!(world.count("sync_deletions WHERE state = 'deleted'").await, 1);
}

/// What the schedule and the alerts read of a run is stored, or the run fails.
#[tokio::test]
async fn a_run_that_cannot_note_its_entities_tells_the_trigger() {
    let world = World::new().await;
    world.full_sync_ok().await;
    hang(&world, "sync_run_entities", "INSERT", "true", NULL).await;
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    for words in ["silence", "sync_run_entities"] {
        assert!(run.to_string().contains(words), "{words}: {run}");
    }
}

/// All of the work is done by then: the run ends, and is not repeated for its warnings.
#[tokio::test]
async fn a_run_that_cannot_note_its_warnings_ends_partial_and_tells_the_trigger() {
    for does in [NULL, RAISE] {
        let world = World::new().await;
        world.full_sync_ok().await;
        // A warning of the whole run.
        let client = world.control.ids(RecordKind::Client).remove(3);
        world.control.edit(RecordKind::Client, &client, json!({ "noContactUntil": "0000-00-00" })).unwrap();
        hang(&world, "sync_run_warnings", "INSERT", "true", does).await;
        let run = world.full().await;
        assert_eq!(run.code, 3, "{does}: {run}");
        assert!(run.reasons().contains("silence"), "{does}: {}", run.reasons());
        let last = "SELECT status || ' ' || reason FROM sync_runs ORDER BY started_at DESC LIMIT 1";
        let last = world.text(last).await.unwrap_or_default();
        assert!(last.starts_with("partial ") && last.contains("silence"), "{does}: {last}");
        assert_eq!(world.count("sync_runs WHERE status = 'running'").await, 0);
        let good = "sync_run_entities e JOIN sync_runs r USING (run_id) WHERE r.status = 'partial' AND e.walk_complete";
        assert_eq!(world.count(good).await, 4, "{does}: they are not due again");
    }
}

/// An alert that nobody would be told of.
#[tokio::test]
async fn an_alert_that_a_trigger_keeps_out_is_told_by_its_name() {
    let place = failed_place().await;
    hang(&place, "sync_alerts", "INSERT", "true", NULL).await;
    let ran = place.run(&["alerts", "check"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    for words in ["silence", "sync_alerts"] {
        assert!(ran.to_string().contains(words), "{words}: {ran}");
    }
    place.execute("DROP FUNCTION silence CASCADE").await;
    check(&place).await;
    assert_eq!(place.count("sync_alerts WHERE closed_at IS NULL").await, 1);
    hang(&place, "sync_alerts", "UPDATE", "NEW.closed_at IS NOT NULL", NULL).await;
    succeed(&place).await;
    let ran = place.run(&["alerts", "check"]).await;
    assert!(ran.code == 1 && ran.to_string().contains("silence"), "{ran}");
}

/// One kind of alert that a trigger keeps out, while another problem begins.
#[tokio::test]
async fn an_alert_that_is_kept_out_silences_no_other() {
    for does in [NULL, RAISE] {
        let place = failed_place().await;
        place
            .execute(
                "INSERT INTO sync_deletions (run_id, entity, external_id, state, evidence, found_at)
                 SELECT run_id, 'pianos', 'p', 'withheld', '{}', now() FROM sync_runs",
            )
            .await;
        hang(&place, "sync_alerts", "INSERT", "NEW.kind = 'run_failed'", does).await;
        let ran = place.run(&["alerts", "check"]).await;
        assert!(ran.code == 1 && ran.to_string().contains("silence"), "{does}: {ran}");
        let open = "SELECT string_agg(kind, ' ' ORDER BY kind) FROM sync_alerts WHERE closed_at IS NULL";
        assert_eq!(place.text(open).await.as_deref(), Some("deletions_withheld"), "{does}: {ran}");
    }
}
