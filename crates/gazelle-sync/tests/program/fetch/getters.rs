//! A failing getter affects only its own records, and the run reports it.

use std::collections::BTreeSet;

use crate::support::World;
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, Takes};
use serde_json::{Value, json};

async fn one_by_one() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    world
}

/// A record in no list, which an event names.
fn named_by_an_event(world: &World, kind: RecordKind, record: Value) -> String {
    let id = world.control.add(kind, record).unwrap();
    world.control.apply(Change::SetListed { kind, id: id.clone(), times: 0 }).unwrap();
    // Not one of those that this function has added, which name a missing record.
    let template = (0..).map(|n| world.upcoming(n)).find(|id| !id.starts_with("evt_of_")).unwrap();
    let mut event = world.control.record(RecordKind::Event, &template).unwrap();
    event["id"] = json!(format!("evt_of_{id}"));
    match kind {
        RecordKind::Piano => {
            let pianos = json!([{ "piano": { "id": id }, "isTuning": true }]);
            event["allEventPianos"] = json!({ "nodes": pianos, "pageInfo": { "hasNextPage": false } });
        }
        _ => event["client"] = json!({ "id": id }),
    }
    world.control.add_raw_event(event, None).unwrap();
    id
}

fn missing_clients(world: &World, count: usize) -> Vec<String> {
    let record = |n: usize| json!({ "id": format!("neuf_{n:04}"), "companyName": "Absente de la liste" });
    (0..count).map(|n| named_by_an_event(world, RecordKind::Client, record(n))).collect()
}

fn missing_piano(world: &World) -> String {
    let owner = world.control.ids(RecordKind::Client).into_iter().find(|id| !id.starts_with("neuf")).unwrap();
    named_by_an_event(
        world,
        RecordKind::Piano,
        json!({ "id": "neuf_piano", "make": "Pleyel", "client": { "id": owner } }),
    )
}

async fn is_held(world: &World, table: &str, id: &str) -> bool {
    world.count(&format!("{table} WHERE external_id = '{id}'")).await == 1
}

fn asked_for(world: &World, operation: &str) -> BTreeSet<String> {
    let requests = world.control.requests();
    world.control.clear_requests();
    let of = requests.iter().filter(|request| request.operation.as_deref() == Some(operation));
    of.filter_map(|request| request.variables.get("id")?.as_str().map(str::to_owned)).collect()
}

/// A getter whose query the API refuses: that of clients, which come before pianos in each run.
#[tokio::test]
async fn a_getter_that_the_api_refuses_keeps_no_parent_of_another_entity_out() {
    let world = one_by_one().await;
    world.full_sync_ok().await;
    let clients = missing_clients(&world, 3);
    let piano = missing_piano(&world);
    let refused = FaultKind::GraphqlError {
        message: "Field 'personalNotes' doesn't exist on type 'PrivateClient'".to_owned(),
        extensions: Some(json!({ "code": "undefinedField" })),
    };
    let fault = world.control.add_fault(Fault::new(refused).on_operation("ClientById").forever());
    world.control.clear_requests();

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert!(is_held(&world, "gazelle_pianos", &piano).await, "{run}");
    assert!(
        run.reasons().contains("clients") && run.reasons().contains("personalNotes"),
        "{}",
        run.reasons()
    );
    assert_eq!(asked_for(&world, "ClientById").len(), 1, "the others would be refused too: {run}");
    let refused: String = world.one("SELECT external_id FROM sync_missing_parents WHERE asks = 1", &[]).await;

    // Those that nobody asked for are asked for as soon as the query is answered.
    world.control.remove_fault(fault);
    world.full().await;
    for id in clients.iter().filter(|id| **id != refused) {
        assert!(is_held(&world, "gazelle_clients", id).await, "{id}");
    }
}

/// Every second one fails, so that never six in a row do.
#[tokio::test]
async fn failures_that_alternate_with_answers_are_bounded_too() {
    const MOST: usize = 30;
    let world = one_by_one().await;
    world.full_sync_ok().await;
    let clients = missing_clients(&world, 2 * MOST + 20);
    let piano = missing_piano(&world);
    let failing: BTreeSet<String> = clients.iter().step_by(2).cloned().collect();
    for id in failing.clone() {
        let (field, message) = (Some("personalNotes".to_owned()), "oh".to_owned());
        let kind = FaultKind::RecordFault { id, field, message, takes: Takes::Server };
        world.control.add_fault(Fault::new(kind).on_operation("ClientById").forever());
    }
    world.control.clear_requests();

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    let asked = asked_for(&world, "ClientById");
    assert_eq!(asked.intersection(&failing).count(), MOST, "{run}");
    assert!(is_held(&world, "gazelle_pianos", &piano).await, "another getter's: {run}");
    assert!(run.reasons().contains("clients") && run.reasons().contains("HTTP 500"), "{}", run.reasons());

    // The next run goes on with those that this one left.
    world.full().await;
    let again = asked_for(&world, "ClientById");
    let in_vain: BTreeSet<&String> = asked.intersection(&failing).collect();
    let in_vain_again: BTreeSet<&String> = again.intersection(&failing).collect();
    assert!(in_vain.is_disjoint(&in_vain_again), "{again:?}");
    assert_eq!(in_vain.len() + in_vain_again.len(), failing.len(), "{again:?}");
    for id in clients.iter().filter(|id| !failing.contains(*id)) {
        assert!(is_held(&world, "gazelle_clients", id).await, "{id}");
    }
}

/// As on an account that Gazelle makes wait in each run, with more records in no list than it answers for at once.
#[tokio::test]
async fn an_api_that_makes_unlisted_records_wait_keeps_no_parent_out() {
    let world = one_by_one().await;
    world.full_sync_ok().await;
    let unlisted = world.control.ids(RecordKind::Client)[20].clone();
    world.control.apply(Change::SetListed { kind: RecordKind::Client, id: unlisted, times: 0 }).unwrap();
    let piano = missing_piano(&world);
    let wait = FaultKind::TooManyRequests { retry_after_seconds: None };
    world.control.add_fault(Fault::new(wait).on_operation("ClientById").forever());

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert_eq!(run.entity("clients")["walk_complete"], true, "{run}");
    assert!(run.reasons().contains("clients") && run.reasons().contains("HTTP 429"), "{}", run.reasons());
    assert!(is_held(&world, "gazelle_pianos", &piano).await, "{run}");

    // Of one entity alone the walk was complete too: the run has done some of its work.
    let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;
    assert_eq!((run.code, &run.json()["status"]), (3, &json!("partial")), "{run}");
}

/// The first one's copy takes so much room that the second one's finds none.
#[tokio::test]
async fn a_parent_for_which_there_is_no_room_is_told_and_asked_for_in_the_next_run() {
    const MIB: usize = 1024 * 1024;
    let world = one_by_one().await;
    world.full_sync_ok().await;
    for (id, mib) in [("neuf_a", 15), ("neuf_b", 20)] {
        let record = json!({ "id": id, "companyName": "Longue", "personalNotes": "a".repeat(mib * MIB) });
        named_by_an_event(&world, RecordKind::Client, record);
    }

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert!(is_held(&world, "gazelle_clients", "neuf_a").await, "{run}");
    assert!(!is_held(&world, "gazelle_clients", "neuf_b").await, "{run}");
    assert!(
        run.reasons().contains("1 missing parent(s)") && run.reasons().contains("clients"),
        "{}",
        run.reasons()
    );
    assert_eq!(world.count("sync_missing_parents").await, 0, "it does not wait longer for that");

    world.full().await.success();
    assert!(is_held(&world, "gazelle_clients", "neuf_b").await);
}
