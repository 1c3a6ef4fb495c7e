//! A record that exceeds a limit of the API however little of it is asked for: only this record is quarantined.

use crate::support::hostile_api::HostileApi;
use crate::support::rewritten::{null_in_place, rewriting_proxy};
use crate::support::{CommandOutput, World};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind};
use serde_json::json;

const SAID: &str = "Response too large: 12582912 bytes exceeds the limit of 10485760";

/// The API, for which more than the id of a record is too much in any answer.
fn too_large(world: &World, id: &str) -> HostileApi {
    let more_than_the_id = format!("\"id\":\"{id}\",");
    rewriting_proxy(&world.sim.graphql_url(), move |_, answer| match answer.contains(&more_than_the_id) {
        true => json!({ "errors": [{ "message": SAID }], "data": null }).to_string(),
        false => answer,
    })
}

/// It is named with what the API says of it, and kept as it is.
async fn assert_is_named(world: &World, run: &CommandOutput, id: &str) {
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(run.entity("clients")["walk_complete"], true, "{run}");
    let cases = world.quarantine().await;
    let of_it: Vec<_> = cases.iter().filter(|case| case["external_id"] == id).collect();
    assert_eq!(of_it.len(), 1, "{cases:?}");
    assert_eq!(of_it[0]["error_code"], "incomplete_at_source", "{run}");
    assert!(run.reasons().contains(id), "{}", run.reasons());
    let said = world.run(&["errors", "list"]).await.success().to_string();
    assert!(said.contains("Response too large"), "{said}");
}

#[tokio::test]
async fn a_record_that_is_too_large_for_the_api_keeps_no_other_out() {
    for page_size in ["100", "5"] {
        // The first of the list, one in the middle, the last one.
        for place in [0, 17, 39] {
            let mut world = World::new().await;
            world.set("GAZELLE_SYNC_PAGE_SIZE", page_size);
            let direct = world.sim.graphql_url();
            let id = world.control.ids(RecordKind::Client)[place].clone();
            let api = too_large(&world, &id);
            world.set("GAZELLE_API_URL", &api.url());

            let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;

            assert_is_named(&world, &run, &id).await;
            assert_eq!(world.count("gazelle_clients").await, 39, "{run}");

            // Where it has been read before, it stays, and another's deletion is found.
            world.set("GAZELLE_API_URL", &direct);
            world.full_sync_ok().await;
            let gone = world.control.ids(RecordKind::Client)[5].clone();
            world.control.delete(RecordKind::Client, &gone).unwrap();
            world.set("GAZELLE_API_URL", &api.url());
            let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;
            assert_eq!((run.code, &run.entity("clients")["deleted"]), (3, &json!(1)), "{run}");
            assert_eq!(world.count("gazelle_clients WHERE deleted_at IS NULL").await, 39, "{run}");
        }
    }
}

#[tokio::test]
async fn a_record_in_no_list_that_is_too_large_for_the_api_keeps_no_deletion_from_being_found() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let ids = world.control.ids(RecordKind::Client);
    // It is asked for first.
    let (id, gone) = (ids.iter().min().unwrap().clone(), ids.iter().max().unwrap().clone());
    world.control.apply(Change::SetListed { kind: RecordKind::Client, id: id.clone(), times: 0 }).unwrap();
    world.control.delete(RecordKind::Client, &gone).unwrap();
    let api = too_large(&world, &id);
    world.set("GAZELLE_API_URL", &api.url());
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");

    let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;

    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("Response too large"), "{}", run.reasons());
    assert_eq!(run.entity("clients")["deleted"], 1, "{run}");
    let live = format!("gazelle_clients WHERE deleted_at IS NULL AND external_id = '{id}'");
    assert_eq!(world.count(&live).await, 1, "{run}");
}

/// What came of asking for a record by its id is kept, also where the next one ends the asking.
#[tokio::test]
async fn what_was_asked_for_before_the_asking_ended_is_staged() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let ids = world.control.ids(RecordKind::Client);
    let (first, second) = (ids[3].clone(), ids[4].clone());
    for id in [&first, &second] {
        world.control.edit(RecordKind::Client, id, json!({ "companyName": "Autrement" })).unwrap();
    }
    let in_list = [first.clone(), second.clone()];
    let api = rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
        let of_page = String::from_utf8_lossy(&asked.body).contains("ClientsPage");
        in_list.iter().fold(answer, |answer, id| if of_page { null_in_place(answer, id) } else { answer })
    });
    let throttled = Fault::new(FaultKind::TooManyRequests { retry_after_seconds: None });
    world
        .control
        .add_fault(throttled.on_operation("ClientById").on_variable("id", second.as_str()).forever());
    world.set("GAZELLE_API_URL", &api.url());

    let run = world.full().await;

    assert_ne!(run.code, 0, "{run}");
    let name = |id: &str| format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{id}'");
    assert_eq!(world.text(&name(&first)).await.as_deref(), Some("Autrement"), "{run}");
    assert_ne!(world.text(&name(&second)).await.as_deref(), Some("Autrement"), "{run}");
}

/// A contact that is too large in the list of its client: no query for other records is made smaller for it.
#[tokio::test]
async fn an_entry_of_a_list_that_is_too_large_for_the_api_shrinks_no_query_of_others() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.full_sync_ok().await;
    let sql =
        "SELECT client_external_id FROM gazelle_contacts GROUP BY 1 HAVING count(*) > 25 ORDER BY 1 LIMIT 1";
    let client = world.text(sql).await.unwrap();
    let of_client =
        |id: &String| world.control.record(RecordKind::Contact, id).unwrap()["client"]["id"] == client;
    let contact = world.control.ids(RecordKind::Contact).into_iter().filter(of_client).nth(24).unwrap();
    let more_than_the_id = format!("\"id\":\"{contact}\",");
    let api = rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
        let of_list = String::from_utf8_lossy(&asked.body).contains("ClientMoreContacts");
        match of_list && answer.contains(&more_than_the_id) {
            true => json!({ "errors": [{ "message": SAID }], "data": null }).to_string(),
            false => answer,
        }
    });
    world.set("GAZELLE_API_URL", &api.url());

    let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;

    assert_is_named(&world, &run, &client).await;
    let noted = world.text("SELECT value FROM sync_notes WHERE key = 'api_limits:clients'").await;
    let noted: serde_json::Value = serde_json::from_str(&noted.unwrap_or("{}".to_owned())).unwrap();
    for size in ["page", "inner", "fields", "levels"] {
        assert!(noted[size].is_null(), "{size}: {noted}");
    }
}
