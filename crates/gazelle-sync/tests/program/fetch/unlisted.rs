//! Records that a complete walk did not see: each has its turn to be asked for, whatever comes of the others.

use crate::support::{Ran, World};
use gazelle_sim::{Change, Fault, FaultKind, Kind, Takes};
use serde_json::json;

async fn is_deleted(world: &World, id: &str) -> bool {
    let sql = "SELECT deleted_at IS NOT NULL FROM gazelle_clients WHERE external_id = $1";
    world.one(sql, &[&id]).await
}

fn unlist(world: &World, id: &str) {
    world.control.apply(Change::SetListed { kind: Kind::Client, id: id.to_owned(), times: 0 }).unwrap();
}

/// New clients whose ids begin so, in the order of their ids.
fn added(world: &World, prefix: &str, count: usize) -> Vec<String> {
    let add = |n: usize| {
        let record = json!({ "id": format!("{prefix}_{n:04}"), "companyName": "Sans rendez-vous" });
        world.control.add(Kind::Client, record).unwrap()
    };
    (0..count).map(add).collect()
}

fn warns_of(run: &Ran, code: &str) -> bool {
    run.json()["warnings"].as_array().is_some_and(|warnings| warnings.iter().any(|it| it["code"] == code))
}

#[tokio::test]
async fn records_that_the_api_fails_at_keep_no_deletion_from_being_found() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    let first = added(&world, "aaa", 1).remove(0);
    let failing = added(&world, "bbb", 6);
    let last = added(&world, "zzz", 1).remove(0);
    world.filled().await;
    for id in &failing {
        unlist(&world, id);
        let (id, field, message) = (id.clone(), Some("personalNotes".to_owned()), "oh".to_owned());
        let kind = FaultKind::RecordFault { id, field, message, takes: Takes::Server };
        world.control.add_fault(Fault::new(kind).on_operation("ClientById").forever());
    }
    world.control.delete(Kind::Client, &first).unwrap();
    world.control.delete(Kind::Client, &last).unwrap();
    // And an appointment of a client in no list, which is to be fetched by its id all the same.
    let client = added(&world, "neuf", 1).remove(0);
    unlist(&world, &client);
    let mut record = world.control.record(Kind::Event, &world.upcoming(0)).unwrap();
    (record["id"], record["client"]) = (json!("evt_neuf"), json!({ "id": client }));
    world.control.add_raw_event(record, None).unwrap();

    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(is_deleted(&world, &first).await, "found before the API failed: {run}");
    assert!(!is_deleted(&world, &last).await, "not asked for: {run}");
    assert!(run.reasons().contains("HTTP 500"), "{}", run.reasons());
    let clients = run.entity("clients");
    assert_eq!(clients["walk_complete"], true, "{run}");
    let landed = world.count("gazelle_appointments WHERE external_id = 'evt_neuf'").await;
    assert_eq!(landed, 1, "parents are fetched all the same: {run}");

    let run = world.full().await;
    assert!(is_deleted(&world, &last).await, "the next run begins where this one ended: {run}");
    let kept = world.count("gazelle_clients WHERE external_id LIKE 'bbb%' AND deleted_at IS NULL").await;
    assert_eq!(kept, 6, "{run}");

    world.control.clear_faults();
    world.filled().await;
}

#[tokio::test]
async fn however_many_are_in_no_list_each_has_its_turn_to_be_asked_for() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_SHRINK_GUARD_PERCENT", "100");
    let many = added(&world, "many", 1_005);
    world.filled().await;
    many.iter().for_each(|id| unlist(&world, id));
    let gone = many.last().unwrap();
    world.control.delete(Kind::Client, gone).unwrap();

    let asked = |world: &World| {
        let requests = world.control.requests();
        world.control.clear_requests();
        requests.iter().filter(|request| request.operation.as_deref() == Some("ClientById")).count()
    };
    asked(&world);
    let run = world.full().await;
    run.success();
    assert!(warns_of(&run, "asked_in_turns"), "{run}");
    assert_eq!(asked(&world), 1_000, "{run}");
    assert!(!is_deleted(&world, gone).await);
    world.run(&["verify", "--entity", "clients"]).await.success();
    asked(&world);

    let run = world.full().await;
    run.success();
    assert_eq!(asked(&world), 1_000, "{run}");
    assert!(is_deleted(&world, gone).await, "{run}");
    let live = world.count("gazelle_clients WHERE deleted_at IS NULL").await;
    assert_eq!(live, 40 + 1_004, "{run}");
    world.run(&["verify", "--entity", "clients"]).await.success();
}
