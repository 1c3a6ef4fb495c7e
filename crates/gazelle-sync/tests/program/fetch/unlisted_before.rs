//! What earlier runs left: lists that a killed run did not read, and records that are staged and not reconciled yet. A run that
//! does not read or reconcile these blames nobody who names them.

use crate::support::service::until;
use crate::support::{CommandOutput, TestInstallation, World, assert_same};
use gazelle_sim::{Fault, FaultKind, RecordKind};
use serde_json::json;

const BLAMED: &str = "sync_quarantine WHERE state IN ('open', 'waiting') AND error_code = 'missing_parent'";

async fn pending(world: &World, table: &str) -> i64 {
    world.count(&format!("{table} WHERE sync_status = 'pending'")).await
}

/// Nobody waits in quarantine for a parent, and the run says of these entities how many records stay pending.
async fn assert_nobody_is_blamed(world: &World, run: &CommandOutput, entities: &[&str]) {
    assert_eq!((run.code, world.count(BLAMED).await), (3, 0), "{run}");
    assert!(!run.reasons().contains("newly quarantined"), "{}", run.reasons());
    for entity in entities {
        let left = pending(world, &format!("staging_{entity}")).await;
        let words = format!("{entity}: {left} record(s) stay pending");
        assert!(left > 0 && run.reasons().contains(&words), "{words}: {}", run.reasons());
    }
}

async fn assert_ends_equal(world: &World) {
    world.full().await.success();
    let mut healthy = TestInstallation::new().await;
    healthy.env = world.env.clone();
    healthy.run(&["sync", "--mode", "full"]).await.success();
    assert_same(&healthy.content().await, &world.content().await, "as if nothing had been");
    assert_eq!(pending(world, "staging_pianos").await + pending(world, "staging_appointments").await, 0);
}

#[tokio::test]
async fn lists_that_a_killed_run_did_not_read_blame_nobody() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allClients").forever());
    world.control.add_fault(Fault::new(FaultKind::Hang).on_field("allUsers").forever());
    let mut running = world.start(&["fetch", "--mode", "full", "--json"]);
    until("pianos and appointments are staged", async || {
        let staged = "SELECT count(*) FROM sync_runs r WHERE EXISTS (SELECT 1 FROM sync_bookmarks b WHERE b.entity = 'pianos')
                         AND EXISTS (SELECT 1 FROM sync_bookmarks b WHERE b.entity = 'appointments')";
        world.one::<i64>(staged, &[]).await > 0
    })
    .await;
    running.kill().await.unwrap();

    for _ in 0..2 {
        let run = world.run(&["reconcile"]).await;
        assert_nobody_is_blamed(&world, &run, &["pianos", "appointments"]).await;
    }
    world.control.clear_faults();
    assert_ends_equal(&world).await;
}

/// Appointments name pianos, and pianos name clients: all of them are staged, and none is reconciled yet.
#[tokio::test]
async fn what_names_a_record_that_is_staged_and_pending_stays_pending_in_a_run_of_its_own() {
    let world = World::new().await;
    world.run(&["fetch", "--mode", "full"]).await.success();
    let appointments = world.run(&["reconcile", "--entity", "appointments"]).await;
    assert_nobody_is_blamed(&world, &appointments, &["appointments"]).await;
    let both = world.run(&["reconcile", "--entity", "pianos", "--entity", "appointments"]).await;
    assert_nobody_is_blamed(&world, &both, &["pianos", "appointments"]).await;
    // With a walk, so that both stages are in one transaction.
    let walked = world.run(&["sync", "--mode", "full", "--entity", "appointments"]).await;
    assert_nobody_is_blamed(&world, &walked, &["appointments"]).await;

    let all = world.run(&["reconcile"]).await;
    assert_eq!(pending(&world, "staging_appointments").await, 0, "{all}");
    assert_ends_equal(&world).await;
}

/// Clients that could not be listed keep pianos pending. A run of appointments alone knows of the clients, and that the pianos
/// were listed.
#[tokio::test]
async fn a_run_of_appointments_alone_blames_no_piano_that_waits_for_its_client() {
    let world = World::new().await;
    // Appointments that name pianos and no clients.
    for id in world.control.ids(RecordKind::Event) {
        world.control.edit(RecordKind::Event, &id, json!({ "client": null })).unwrap();
    }
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allClients").forever());
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("client").forever());
    let run = world.full().await;
    assert_nobody_is_blamed(&world, &run, &["pianos", "appointments"]).await;
    let commands: [&[&str]; 2] =
        [&["reconcile", "--entity", "appointments"], &["sync", "--mode", "full", "--entity", "appointments"]];
    for command in commands {
        let run = world.run(command).await;
        assert_nobody_is_blamed(&world, &run, &["appointments"]).await;
    }
    world.control.clear_faults();
    assert_ends_equal(&world).await;
}
