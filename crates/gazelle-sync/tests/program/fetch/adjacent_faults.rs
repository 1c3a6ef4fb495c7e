//! Several faulty records of one entity, and faulty records that follow each other: all other records are still read.

use crate::support::rewritten::rewriting_proxy;
use crate::support::{CommandOutput, World};
use gazelle_sim::{Fault, FaultKind, RecordKind, Takes};
use serde_json::{Value, json};

/// The API fails wherever a record, or this field of it, is asked for.
fn fails(id: &str, field: Option<&str>, takes: Takes) -> Fault {
    let message = "undefined method `strip' for nil".to_owned();
    let field = field.map(str::to_owned);
    Fault::new(FaultKind::RecordFault { id: id.to_owned(), field, message, takes }).forever()
}

/// The records of an entity that the API could not give, by their codes.
async fn faulty(world: &World, entity: &str) -> Vec<Value> {
    let cases = world.quarantine().await.into_iter();
    let codes = ["incomplete_at_source", "not_asked_yet"];
    cases
        .filter(|case| case["entity"] == entity && codes.contains(&case["error_code"].as_str().unwrap()))
        .collect()
}

fn assert_complete(run: &CommandOutput, entity: &str, what: &str) {
    assert_eq!(run.code, 3, "{what}: {run}");
    assert_eq!(run.entity(entity)["walk_complete"], true, "{what}: {run}");
}

#[tokio::test]
async fn a_list_that_fails_inside_one_record_and_a_first_record_without_an_id_keep_no_other_out() {
    for list in
        [FaultKind::ServerError, FaultKind::GraphqlError { message: "oh".to_owned(), extensions: None }]
    {
        for takes in [Takes::Field, Takes::Answer] {
            let what = format!("{list:?}, {takes:?}");
            let world = World::new().await;
            let clients = world.control.ids(RecordKind::Client);
            let of = |contact: &String| {
                world.control.record(RecordKind::Contact, contact).unwrap()["client"]["id"].clone()
            };
            let contacts: Vec<Value> = world.control.ids(RecordKind::Contact).iter().map(of).collect();
            let has_many = |id: &&String| contacts.iter().filter(|of| **of == json!(id)).count() > 25;
            let long = clients.iter().find(has_many).unwrap().clone();
            let first = clients.iter().find(|id| **id != long).unwrap();
            world.control.add_fault(fails(first, None, takes));
            let more =
                Fault::new(list.clone()).on_operation("ClientMoreContacts").on_variable("id", long.as_str());
            world.control.add_fault(more.forever());
            let run = world.full().await;
            assert_complete(&run, "clients", &what);
            assert_eq!(world.count("gazelle_clients").await, 38, "{what}: {run}");
            let cases = faulty(&world, "clients").await;
            let of_long: Vec<&Value> =
                cases.iter().filter(|case| case["external_id"] == json!(long)).collect();
            assert_eq!(of_long.len(), 1, "{what}: {cases:?}");
            assert!(of_long[0]["error_field"].as_str().unwrap().contains("allContacts"), "{what}: {cases:?}");
        }
    }
}

#[tokio::test]
async fn many_neighbours_without_readable_ids_end_no_list() {
    let world = World::new().await;
    let pianos = world.control.ids(RecordKind::Piano);
    for id in &pianos[10..34] {
        world.control.add_fault(fails(id, None, Takes::Answer));
    }
    let run = world.full().await;
    assert_complete(&run, "pianos", "24 without ids");
    assert_eq!(world.count("gazelle_pianos").await, 162 - 24, "{run}");
    assert!(run.reasons().contains("pianos: 24 record(s) cannot be read"), "{}", run.reasons());
}

#[tokio::test]
async fn neighbours_at_the_head_of_a_list_keep_no_other_out() {
    let world = World::new().await;
    let pianos = world.control.ids(RecordKind::Piano);
    for id in &pianos[..28] {
        world.control.add_fault(fails(id, Some("notes"), Takes::Server));
    }
    let run = world.full().await;
    assert_complete(&run, "pianos", "28 at the head");
    assert_eq!(world.count("gazelle_pianos").await, 162 - 28, "{run}");
    assert_eq!(faulty(&world, "pianos").await.len(), 28, "{run}");
}

#[tokio::test]
async fn records_over_a_limit_at_the_head_of_a_list_keep_no_other_out() {
    let mut world = World::new().await;
    let heavy: Vec<String> = world.control.ids(RecordKind::Client)[..5].to_vec();
    let marks: Vec<String> = heavy.iter().map(|id| format!("\"id\":\"{id}\",")).collect();
    let api = rewriting_proxy(&world.sim.graphql_url(), move |_, answer| {
        let said = "Response too large: 12582912 bytes exceeds the limit of 10485760";
        match marks.iter().any(|mark| answer.contains(mark)) {
            true => json!({ "errors": [{ "message": said }], "data": null }).to_string(),
            false => answer,
        }
    });
    world.set("GAZELLE_API_URL", &api.url());
    let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;
    assert_complete(&run, "clients", "five over a limit");
    assert_eq!(world.count("gazelle_clients").await, 35, "{run}");
    assert_eq!(faulty(&world, "clients").await.len(), 5, "{run}");
}

/// An API that fails at a field of all records is at fault itself, and that does not cost a request for each record.
#[tokio::test]
async fn an_api_that_fails_everywhere_is_told_from_neighbours_after_a_few_requests() {
    let world = World::new().await;
    for id in &world.control.ids(RecordKind::Piano) {
        world.control.add_fault(fails(id, Some("notes"), Takes::Server));
    }
    let run = world.run(&["sync", "--mode", "full", "--entity", "pianos"]).await;
    assert_ne!(run.code, 0, "{run}");
    assert_eq!(faulty(&world, "pianos").await.len(), 0, "{run}");
    assert!(!run.reasons().contains("all others were read"), "{}", run.reasons());
    let asked = world.control.requests().len();
    assert!(asked < 250, "{asked} requests");
}

/// Lists inside records are shortened by a limit, and what asks for the rest of them fails for a while.
#[tokio::test]
async fn an_outage_of_the_getter_for_long_lists_blames_no_record() {
    let world = World::new().await;
    let limit = FaultKind::QueryLimit {
        complexity: Some(120),
        per_record: true,
        depth: None,
        aliases: None,
        page_size: None,
        status: 200,
        code: None,
    };
    world.control.add_fault(Fault::new(limit).forever());
    world.control.add_fault(Fault::new(FaultKind::ServerError).on_field("client").forever());
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    let cases = faulty(&world, "clients").await;
    assert_eq!(cases, Vec::<Value>::new(), "{run}");
    assert!(run.reasons().contains("lists inside"), "{}", run.reasons());
    assert!(world.count("gazelle_clients").await > 10, "those without long lists are there: {run}");
    world.control.clear_faults();
    world.full().await.success();
    assert_eq!(world.count("gazelle_clients").await, 40);
}
