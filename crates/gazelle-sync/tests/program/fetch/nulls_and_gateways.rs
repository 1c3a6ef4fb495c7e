//! Records returned as null without an error, and records at which a gateway times out: each is read another way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::support::hostile_api::HostileApi;
use crate::support::rewritten::{gateway, null_in_place, rewriting_proxy};
use crate::support::walks::bookmark;
use crate::support::{CommandOutput, World};
use gazelle_sim::{Fault, FaultKind, RecordKind};

const CLIENTS: i64 = 40;

/// Pages one after the other, so that the last one has the three clients that are left; with those three.
async fn with_a_last_page_of_three() -> (World, Vec<String>) {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "37");
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    let ids = world.control.ids(RecordKind::Client)[37..].to_vec();
    assert_eq!(ids.len(), 3);
    (world, ids)
}

async fn sync(world: &mut World, api: &HostileApi) -> CommandOutput {
    world.set("GAZELLE_API_URL", &api.url());
    world.run(&["sync", "--mode", "full", "--entity", "clients"]).await
}

async fn live(world: &World) -> i64 {
    world.count("gazelle_clients WHERE deleted_at IS NULL").await
}

/// The ids of clients in quarantine that the API could not give whole.
async fn at_fault(world: &World) -> BTreeSet<String> {
    let open = world.quarantine().await.into_iter().filter(|case| case["state"] == "open");
    let of = open.filter(|case| case["error_code"] == "incomplete_at_source");
    of.filter_map(|case| case["external_id"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_short_page_that_is_all_null_keeps_no_walk_incomplete() {
    let (mut world, nulls) = with_a_last_page_of_three().await;
    for has_getter in [true, false] {
        let ids = nulls.clone();
        let api = rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
            let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
            let of_getter = ids.iter().any(|id| request["variables"]["id"] == id.as_str());
            if of_getter && !has_getter {
                return r#"{"data":{"client":null}}"#.to_owned();
            }
            ids.iter().fold(answer, |answer, id| null_in_place(answer, id))
        });
        for _ in 0..2 {
            let run = sync(&mut world, &api).await;
            assert_eq!(run.entity("clients")["walk_complete"], true, "getter: {has_getter}: {run}");
            assert!(bookmark(&world, "clients").await.is_some(), "getter: {has_getter}: {run}");
            assert_eq!(live(&world).await, CLIENTS, "getter: {has_getter}: {run}");
            let expected: BTreeSet<String> =
                if has_getter { BTreeSet::new() } else { nulls.iter().cloned().collect() };
            assert_eq!(at_fault(&world).await, expected, "getter: {has_getter}: {run}");
            assert_eq!(run.code, if has_getter { 0 } else { 3 }, "{run}");
        }
    }
}

#[tokio::test]
async fn a_null_beside_a_record_that_fails_by_name_is_looked_up_like_any_other() {
    let mut world = World::new().await;
    let ids = world.control.ids(RecordKind::Client);
    world.control.add_fault(Fault::new(FaultKind::field_fault(&ids[4], "personalNotes")).forever());
    let null = ids[6].clone();
    let api = rewriting_proxy(&world.sim.graphql_url(), move |_, answer| null_in_place(answer, &null));
    let run = sync(&mut world, &api).await;
    assert_eq!(run.entity("clients")["walk_complete"], true, "{run}");
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(at_fault(&world).await, BTreeSet::from([ids[4].clone()]), "{run}");
    assert_eq!(live(&world).await, CLIENTS - 1, "{run}");
}

/// What the API does once, it need not do again: nothing is said of the records.
#[tokio::test]
async fn a_page_that_is_all_null_for_a_moment_is_asked_for_again() {
    let (mut world, _) = with_a_last_page_of_three().await;
    let all = world.control.ids(RecordKind::Client);
    let times = Arc::new(AtomicU32::new(0));
    let api = rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        match request["operationName"] == "ClientsPage" && times.fetch_add(1, Ordering::SeqCst) == 0 {
            true => all.iter().fold(answer, |answer, id| null_in_place(answer, id)),
            false => answer,
        }
    });
    let run = sync(&mut world, &api).await;
    run.success();
    assert_eq!(live(&world).await, CLIENTS, "{run}");
    assert_eq!(run.entity("clients")["fetched"], CLIENTS, "it took no second walk: {run}");
}

/// Gives up on a query that asks this much of a record.
fn is_heavy(query: &str) -> bool {
    query.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).count() > 60
}

#[tokio::test]
async fn what_a_gateway_gives_up_on_even_alone_is_asked_for_in_parts() {
    // One record among others, some, and most of them.
    for heavy in [1, 5, 25] {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
        let ids: Vec<String> = world.control.ids(RecordKind::Client)[3..3 + heavy].to_vec();
        for status in [Some(504), Some(502), None] {
            let ids = ids.clone();
            let api = gateway(&world.sim.graphql_url(), status, move |asked, answer| {
                let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
                is_heavy(request["query"].as_str().unwrap_or_default())
                    && ids.iter().any(|id| answer.contains(&format!(r#"{{"id":"{id}""#)))
            });
            let run = sync(&mut world, &api).await;
            let case = format!("{heavy} of {CLIENTS}, HTTP {status:?}: {run}");
            run.success();
            assert_eq!(run.entity("clients")["walk_complete"], true, "{case}");
            assert_eq!(live(&world).await, CLIENTS, "{case}");
            assert_eq!(at_fault(&world).await, BTreeSet::new(), "{case}");
        }
        // In parts or not, the bytes are the same.
        let direct = world.sim.graphql_url();
        world.set("GAZELLE_API_URL", &direct);
        let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;
        run.success();
        assert_eq!(run.entity("clients")["staged"], 0, "{heavy}: {run}");
    }
}
