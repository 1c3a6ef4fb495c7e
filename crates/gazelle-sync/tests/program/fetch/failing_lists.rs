//! If a list fails, records that refer to unlisted parents stay pending, few parents are looked up by id, and the next run
//! with a working list ends as if nothing had happened.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::rewritten::rewriting_proxy;
use crate::support::{CommandOutput, World, assert_same};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, ShopSpec, SimOptions};

/// Most parents of a failing list that a run asks for by their ids.
const MOST_ASKED: usize = 200;

fn shop() -> ShopSpec {
    ShopSpec { pianos: 700, events: 900, ..ShopSpec::small(7) }
}

async fn world() -> World {
    let mut world = World::with(shop(), SimOptions::default()).await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    world
}

/// How many requests of an operation asked for a record by its id, and for how many different ones.
fn asked_for(world: &World, operation: &str) -> (usize, usize) {
    let of = |request: &gazelle_sim::RequestEntry| {
        let is_of = request.operation.as_deref() == Some(operation);
        is_of.then(|| request.variables["id"].to_string())
    };
    let ids: Vec<String> = world.control.requests().iter().filter_map(of).collect();
    (ids.len(), ids.iter().collect::<BTreeSet<_>>().len())
}

fn unlist(world: &World, kind: RecordKind, id: &str) {
    world.control.apply(Change::SetListed { kind, id: id.to_owned(), times: 0 }).unwrap();
}

async fn pending(world: &World, table: &str) -> i64 {
    world.count(&format!("{table} WHERE sync_status = 'pending'")).await
}

/// Nobody waits in quarantine for a parent, and the run says who waits for what.
async fn assert_nobody_is_blamed(world: &World, run: &CommandOutput, child: &str, parent: &str) {
    let blamed = "sync_quarantine WHERE state IN ('open', 'waiting') AND error_code = 'missing_parent'";
    assert_eq!(world.count(blamed).await, 0, "{run}");
    let left = pending(world, &format!("staging_{child}")).await;
    let words = format!("{child}: {left} record(s) stay pending");
    let said = |reason: &str| reason.contains(&words) && reason.contains(parent);
    assert!(left > 0 && run.reasons().lines().any(said), "{words}: {}", run.reasons());
    assert!(!run.reasons().contains("newly quarantined"), "{}", run.reasons());
}

async fn assert_ends_equal(world: &World) {
    world.control.clear_faults();
    let again = world.incremental().await;
    assert_eq!(pending(world, "staging_pianos").await + pending(world, "staging_appointments").await, 0);
    let healthy = World::with(shop(), SimOptions::default()).await;
    healthy.full().await;
    assert_same(&healthy.content().await, &world.content().await, "as if the list had never failed");
    let waiting = "sync_quarantine WHERE state IN ('open', 'waiting')";
    assert_eq!(healthy.count(waiting).await, world.count(waiting).await, "{again}");
    world.full().await.success();
}

#[tokio::test]
async fn a_list_that_fails_from_its_second_page_on_blames_nobody_and_few_are_asked_for_by_id() {
    let world = world().await;
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allPianos").skip(1).forever());

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("pianos: ") && run.reasons().contains("HTTP 502"), "{}", run.reasons());
    let (requests, pianos) = asked_for(&world, "PianoById");
    assert_eq!((requests, pianos), (MOST_ASKED, MOST_ASKED), "{run}");
    // The first page, and those that were asked for.
    assert_eq!(world.count("gazelle_pianos").await, 100 + 200, "{run}");
    assert_nobody_is_blamed(&world, &run, "appointments", "pianos").await;

    // The next run goes on with others.
    world.full().await;
    assert!(world.count("gazelle_pianos").await > 300);
    assert_ends_equal(&world).await;
}

/// Where the API does not give them by their ids either, it is asked no longer than shows that.
#[tokio::test]
async fn a_list_that_fails_together_with_its_getter_blames_nobody() {
    let world = world().await;
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allPianos").skip(1).forever());
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("piano").forever());

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert!(asked_for(&world, "PianoById").1 < 10, "{run}");
    assert_nobody_is_blamed(&world, &run, "appointments", "pianos").await;
    assert_ends_equal(&world).await;
}

/// A server at fault may also answer with an error in the place of each record.
#[tokio::test]
async fn a_getter_that_answers_errors_in_the_place_of_records_blames_nobody_either() {
    let mut world = world().await;
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allPianos").skip(1).forever());
    let direct = world.sim.graphql_url();
    let api = rewriting_proxy(&direct, |asked, answer| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        match request["operationName"] == "PianoById" {
            true => json!({ "data": null, "errors": [{ "message": "Internal server error" }] }).to_string(),
            false => answer,
        }
    });
    world.set("GAZELLE_API_URL", &api.url());

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert!(asked_for(&world, "PianoById").1 < 10, "{run}");
    assert_nobody_is_blamed(&world, &run, "appointments", "pianos").await;
    world.set("GAZELLE_API_URL", &direct);
    assert_ends_equal(&world).await;
}

/// Of another entity, whose records can be read.
#[tokio::test]
async fn a_technician_who_left_is_asked_for_while_the_pianos_fail() {
    let world = world().await;
    let event = world.upcoming(0);
    let technician = world.control.record(RecordKind::Event, &event).unwrap()["user"].clone();
    let id = technician["id"].as_str().unwrap().to_owned();
    unlist(&world, RecordKind::User, &id);
    world.control.edit(RecordKind::Event, &event, json!({ "allEventPianos": [] })).unwrap();
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allPianos").skip(1).forever());
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("piano").forever());

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert_eq!(world.count(&format!("gazelle_users WHERE external_id = '{id}'")).await, 1, "{run}");
    let faulty = "staging_appointments WHERE sync_status = 'error' AND error_code = 'missing_parent'";
    assert_eq!(world.count(faulty).await, 0, "{run}");
}

/// A run that does not walk the entity of the failing list: it knows from the run before.
#[tokio::test]
async fn a_run_without_a_walk_of_the_failing_list_blames_nobody_either() {
    let world = world().await;
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allPianos").skip(1).forever());
    world.full().await;
    let commands: [&[&str]; 3] =
        [&["reconcile"], &["replay"], &["sync", "--mode", "incremental", "--entity", "appointments"]];
    for command in commands {
        let before = asked_for(&world, "PianoById").0;
        let run = world.run(command).await;
        assert_eq!(run.code, 3, "{command:?}: {run}");
        assert!(asked_for(&world, "PianoById").0 <= before + MOST_ASKED, "{command:?}: {run}");
        assert_nobody_is_blamed(&world, &run, "appointments", "pianos").await;
    }
    assert_ends_equal(&world).await;
}

/// The list was read to its end: what it lacks does not exist, or is asked for later.
#[tokio::test]
async fn throttled_lookups_after_a_complete_list_excuse_nobody() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client).remove(3);
    unlist(&world, RecordKind::Client, &client);
    let mut record = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
    (record["id"], record["client"]) = (json!("evt_orphelin"), json!({ "id": "cli_inconnu" }));
    world.control.add_raw_event(record, None).unwrap();
    world.control.add_fault(
        Fault::new(FaultKind::TooManyRequests { retry_after_seconds: None })
            .on_operation("ClientById")
            .forever(),
    );

    let run = world.full().await;

    assert_eq!(pending(&world, "staging_appointments").await, 0, "{run}");
    let waiting = "sync_quarantine WHERE state = 'waiting' AND external_id = 'evt_orphelin'";
    assert_eq!(world.count(waiting).await, 1, "{run}");
}

/// One that the API denies is no fault of the list.
#[tokio::test]
async fn what_names_a_parent_that_does_not_exist_waits_in_quarantine_also_beside_a_failing_list() {
    let world = World::new().await;
    let mut record = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
    (record["id"], record["client"]) = (json!("evt_orphelin"), json!({ "id": "cli_inconnu" }));
    world.control.add_raw_event(record, None).unwrap();
    world.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allClients").skip(1).forever());

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    let waiting =
        "SELECT waits_for_id FROM sync_quarantine WHERE state = 'waiting' AND external_id = 'evt_orphelin'";
    assert_eq!(world.text(waiting).await.as_deref(), Some("cli_inconnu"), "{run}");
    assert_eq!(world.count("sync_quarantine WHERE state = 'waiting'").await, 1, "{run}");
}

/// The long list inside most of those records that have one: the others can be read, and those few are named.
#[tokio::test]
async fn a_list_inside_records_that_fails_as_such_has_few_of_them_looked_up_and_named() {
    let mut world = world().await;
    let direct = world.sim.graphql_url();
    let api = rewriting_proxy(&direct, |asked, answer| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        if request["operationName"] == "ClientMoreContacts" {
            return "<html>Bad gateway</html>".to_owned();
        }
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        let clients = answer["data"]["allClients"]["nodes"].as_array_mut();
        for client in clients.into_iter().flatten().take(15) {
            if let Some(info) = client.pointer_mut("/allContacts/pageInfo") {
                info["hasNextPage"] = json!(true);
            }
        }
        answer.to_string()
    });
    world.set("GAZELLE_API_URL", &api.url());
    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("the long lists inside"), "{}", run.reasons());
    assert_eq!(asked_for(&world, "ClientById").0, 15, "{run}");
    let of_clients = "sync_quarantine WHERE entity = 'clients' AND error_code = 'incomplete_at_source'";
    assert_eq!(world.count(of_clients).await, 1, "their getter gives the others whole: {run}");
    world.set("GAZELLE_API_URL", &direct);
    assert_ends_equal(&world).await;
}
