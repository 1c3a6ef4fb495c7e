//! Triggers that keep a version from becoming pending again, or a note from being removed: the run goes on, names record and
//! trigger, and tries again.

use gazelle_sim::RecordKind;
use serde_json::json;

use super::deferred::hang_deferred;
use super::unnoted::{drop_trigger, noted};
use super::unwritten::{NULL, RAISE, hang};
use crate::support::{CommandOutput, World};

const WARNINGS: &str = "sync_quality_warnings";

/// The run is partial, and its reasons have all of these words.
fn assert_reported(run: &CommandOutput, words: &[&str], what: &str) {
    assert_eq!(run.code, 3, "{what}: {run}");
    for word in words {
        assert!(run.reasons().contains(word), "{word}: {what}: {}", run.reasons());
    }
}

/// These clients are in production, and none of their warnings is noted.
async fn unnoted_clients(which: usize) -> (World, Vec<String>) {
    let world = World::new().await;
    world.full_sync_ok().await;
    let clients: Vec<String> = world.control.ids(RecordKind::Client).into_iter().take(which).collect();
    hang(&world, WARNINGS, "INSERT", "NEW.code = 'unreadable_field'", RAISE).await;
    for id in &clients {
        world.control.edit(RecordKind::Client, id, json!({ "noContactUntil": "0000-00-00" })).unwrap();
    }
    assert_eq!(world.full().await.code, 3);
    drop_trigger(&world).await;
    (world, clients)
}

const NOTES: &str = "sync_notes WHERE key LIKE 'unnoted%'";

#[tokio::test]
async fn a_trigger_on_processed_versions_stops_no_run_because_a_warning_is_to_be_noted_later() {
    for does in [RAISE, NULL, "deferred"] {
        let (world, clients) = unnoted_clients(1).await;
        let (kept, processed) = (clients[0].as_str(), "OLD.sync_status = 'processed'");
        match does {
            "deferred" => hang_deferred(&world, "staging_clients", "UPDATE", processed).await,
            does => hang(&world, "staging_clients", "UPDATE", processed, does).await,
        }
        for title in ["une fois", "deux fois"] {
            world.control.edit(RecordKind::Event, &world.upcoming(2), json!({ "title": title })).unwrap();
            let run = world.full().await;
            assert_reported(
                &run,
                &[
                    kept,
                    "silence",
                    "clients: the database refused changes to the versions or notes of 1 record(s)",
                ],
                does,
            );
            let written = format!("gazelle_appointments WHERE title = '{title}'");
            assert_eq!(world.count(&written).await, 1, "{does}: {run}");
        }
        assert_eq!(world.count(NOTES).await, 1, "{does}");
        drop_trigger(&world).await;
        world.full().await.success();
        assert!(noted(&world, kept).await, "{does}");
        assert_eq!(world.count(NOTES).await, 0, "{does}");
    }
}

#[tokio::test]
async fn a_waiting_record_that_a_trigger_refuses_to_release_keeps_no_other_waiting() {
    for does in [RAISE, NULL] {
        let world = World::new().await;
        world.full_sync_ok().await;
        for id in ["evt_a", "evt_b", "evt_c"] {
            let mut record = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
            (record["id"], record["client"]) = (json!(id), json!({ "id": "cli_neuf" }));
            world.control.add_raw_event(record, None).unwrap();
        }
        world.full().await;
        assert_eq!(
            world.count("sync_quarantine WHERE state = 'waiting' AND waits_for_id = 'cli_neuf'").await,
            3
        );
        let released = "NEW.sync_status = 'pending' AND NEW.external_id = 'evt_b'";
        hang(&world, "staging_appointments", "UPDATE", released, does).await;
        world.control.add(RecordKind::Client, json!({ "id": "cli_neuf", "companyName": "Neuf" })).unwrap();
        for _ in 0..2 {
            let run = world.full().await;
            assert_reported(&run, &["evt_b", "silence"], does);
            assert!(!run.reasons().contains("evt_a") && !run.reasons().contains("evt_c"), "{run}");
            let in_production = "gazelle_appointments WHERE external_id IN ('evt_a', 'evt_b', 'evt_c')";
            assert_eq!(world.count(in_production).await, 2, "{does}: {run}");
        }
        drop_trigger(&world).await;
        world.full().await.success();
        assert_eq!(world.count("gazelle_appointments WHERE external_id = 'evt_b'").await, 1, "{does}");
    }
}

#[tokio::test]
async fn a_note_that_cannot_be_removed_stops_no_run_and_keeps_no_other_note() {
    for does in [RAISE, NULL] {
        let (world, clients) = unnoted_clients(2).await;
        let [kept, other] = [clients[0].as_str(), clients[1].as_str()];
        hang(&world, "sync_notes", "DELETE", &format!("OLD.key LIKE '%:{kept}'"), does).await;
        for _ in 0..2 {
            let run = world.full().await;
            assert_reported(&run, &[kept, "silence"], does);
            assert!(!run.reasons().contains(other), "{does}: {}", run.reasons());
            assert!(noted(&world, kept).await && noted(&world, other).await, "{does}: {run}");
            assert_eq!(world.count(NOTES).await, 1, "{does}: {run}");
        }
        drop_trigger(&world).await;
        world.full().await.success();
        assert_eq!(world.count(NOTES).await, 0, "{does}");
    }
}

#[tokio::test]
async fn a_version_that_a_newer_reconciler_may_not_read_again_stops_no_run_and_is_tried_until_it_is_read() {
    for does in [RAISE, NULL] {
        let world = World::new().await;
        world.full_sync_ok().await;
        // One that was faulty until a newer version came.
        let (kept, settled) = (world.upcoming(1), world.upcoming(2));
        let before = world.control.record(RecordKind::Event, &settled).unwrap();
        world.control.edit(RecordKind::Event, &settled, json!({ "start": "demain" })).unwrap();
        world.full().await.success();
        world.control.edit(RecordKind::Event, &settled, json!({ "start": before["start"] })).unwrap();
        world.full().await.success();
        let by_older = "gazelle_appointments WHERE reconciler_version = 0";
        world
            .execute(
                "UPDATE sync_reconcilers SET version = 0 WHERE entity = 'appointments';
                 UPDATE gazelle_appointments SET reconciler_version = 0",
            )
            .await;
        let all = world.count(by_older).await;
        let refused = format!("NEW.sync_status = 'pending' AND NEW.external_id IN ('{kept}', '{settled}')");
        hang(&world, "staging_appointments", "UPDATE", &refused, does).await;
        for _ in 0..2 {
            let run = world.full().await;
            assert_reported(&run, &[&kept, &settled, "silence"], does);
            assert_eq!(world.count(by_older).await, 2, "{does}: of {all}: {run}");
        }
        drop_trigger(&world).await;
        world.full().await.success();
        assert_eq!(world.count(by_older).await, 0, "{does}: of {all}");
        let reread = world.run(&["reconcile"]).await.success();
        assert_eq!(reread["processed"], 0, "once is enough: {reread}");
    }
}

/// The warnings of more records than a run makes pending again are refused, and one comes after all of these.
#[tokio::test]
async fn however_many_warnings_are_refused_those_of_each_record_are_tried() {
    let world = World::new().await;
    let ids: Vec<String> = (0..1_005).map(|n| format!("many_{n:04}")).collect();
    for id in &ids {
        let record = json!({ "id": id, "companyName": "Sans date", "noContactUntil": "0000-00-00" });
        world.control.add(RecordKind::Client, record).unwrap();
    }
    world.run(&["migrate"]).await.success();
    hang(&world, WARNINGS, "INSERT", "NEW.external_id LIKE 'many%'", RAISE).await;
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(world.count(NOTES).await, 1_005, "{run}");
    drop_trigger(&world).await;
    let last = ids.last().unwrap();
    let others = format!("NEW.external_id LIKE 'many%' AND NEW.external_id <> '{last}'");
    hang(&world, WARNINGS, "INSERT", &others, RAISE).await;
    for _ in 0..2 {
        assert_eq!(world.incremental().await.code, 3);
    }
    assert!(noted(&world, last).await, "the run after the next");
    assert_eq!(world.count(NOTES).await, 1_004);
    drop_trigger(&world).await;
    for _ in 0..2 {
        world.incremental().await;
    }
    assert_eq!(
        (world.count(NOTES).await, world.count(&format!("{WARNINGS} WHERE code = 'unreadable_field'")).await),
        (0, 1_005)
    );
    assert_eq!(
        world.count("sync_notes WHERE key LIKE 'warnings_taken_up%'").await,
        0,
        "the position is removed"
    );
    world.incremental().await.success();
}
