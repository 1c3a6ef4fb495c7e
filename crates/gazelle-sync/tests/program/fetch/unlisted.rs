//! Records that a complete walk did not see: each is asked for by its id, whatever comes of the others.

use std::collections::BTreeSet;

use crate::support::World;
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, Takes};
use serde_json::json;

async fn is_deleted(world: &World, id: &str) -> bool {
    let sql = "SELECT deleted_at IS NOT NULL FROM gazelle_clients WHERE external_id = $1";
    world.one(sql, &[&id]).await
}

fn unlist(world: &World, id: &str) {
    world.control.apply(Change::SetListed { kind: RecordKind::Client, id: id.to_owned(), times: 0 }).unwrap();
}

/// New clients whose ids begin so, in the order of their ids.
fn added(world: &World, prefix: &str, count: usize) -> Vec<String> {
    let add = |n: usize| {
        let record = json!({ "id": format!("{prefix}_{n:04}"), "companyName": "Sans rendez-vous" });
        world.control.add(RecordKind::Client, record).unwrap()
    };
    (0..count).map(add).collect()
}

/// The API fails at this record whenever it is asked for by its id.
fn fails_at(world: &World, id: &str) {
    let (id, field, message) = (id.to_owned(), Some("personalNotes".to_owned()), "oh".to_owned());
    let kind = FaultKind::RecordFault { id, field, message, takes: Takes::Server };
    world.control.add_fault(Fault::new(kind).on_operation("ClientById").forever());
}

/// The ids of clients that were asked for since the last call.
fn asked(world: &World) -> BTreeSet<String> {
    let requests = world.control.requests();
    world.control.clear_requests();
    let by_id = requests.iter().filter(|request| request.operation.as_deref() == Some("ClientById"));
    by_id.filter_map(|request| request.variables["id"].as_str().map(str::to_owned)).collect()
}

async fn deleted(world: &World) -> i64 {
    world.count("gazelle_clients WHERE deleted_at IS NOT NULL").await
}

async fn withheld(world: &World) -> i64 {
    world.count("sync_deletions WHERE state = 'withheld'").await
}

#[tokio::test]
async fn records_that_the_api_fails_at_keep_no_deletion_from_being_found() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    // Whatever the API did not answer about is within the guard too.
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "20");
    let first = added(&world, "aaa", 1).remove(0);
    let failing = added(&world, "bbb", 6);
    let last = added(&world, "zzz", 1).remove(0);
    world.full_sync_ok().await;
    for id in &failing {
        unlist(&world, id);
        fails_at(&world, id);
    }
    world.control.delete(RecordKind::Client, &first).unwrap();
    world.control.delete(RecordKind::Client, &last).unwrap();
    // And an appointment of a client in no list, which is to be fetched by its id all the same.
    let client = added(&world, "neuf", 1).remove(0);
    unlist(&world, &client);
    let mut record = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
    (record["id"], record["client"]) = (json!("evt_neuf"), json!({ "id": client }));
    world.control.add_raw_event(record, None).unwrap();

    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(is_deleted(&world, &first).await, "found before the API failed: {run}");
    assert!(!is_deleted(&world, &last).await, "not asked for: {run}");
    assert!(run.reasons().contains("HTTP 500"), "{}", run.reasons());
    let clients = run.entity("clients");
    assert_eq!(clients["walk_complete"], true, "{run}");
    let in_production = world.count("gazelle_appointments WHERE external_id = 'evt_neuf'").await;
    assert_eq!(in_production, 1, "parents are fetched all the same: {run}");

    let run = world.full().await;
    assert!(is_deleted(&world, &last).await, "the next run begins where this one ended: {run}");
    let kept = world.count("gazelle_clients WHERE external_id LIKE 'bbb%' AND deleted_at IS NULL").await;
    assert_eq!(kept, 6, "{run}");

    world.control.clear_faults();
    world.full_sync_ok().await;
}

#[tokio::test]
async fn however_many_are_in_no_list_each_has_its_turn_to_be_asked_for() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_SHRINK_GUARD_PERCENT", "100");
    let many = added(&world, "many", 1_005);
    world.full_sync_ok().await;
    many.iter().for_each(|id| unlist(&world, id));
    let gone = many.last().unwrap();
    world.control.delete(RecordKind::Client, gone).unwrap();

    asked(&world);
    let run = world.full().await;
    assert_eq!(run.code, 3, "not all were asked for: {run}");
    let told = "1000 of 1005 record(s) that are held and not listed were asked for by their ids in this run; 5 are left to the next runs";
    assert!(run.reasons().contains(told), "{}", run.reasons());
    assert_eq!(asked(&world).len(), 1_000, "{run}");
    assert!(!is_deleted(&world, gone).await);
    let verified = world.run(&["verify", "--entity", "clients"]).await;
    assert_eq!(verified.code, 3, "{verified}");
    assert_eq!(verified.json()["status"], "incomplete", "{verified}");
    assert!(
        verified
            .to_string()
            .contains("clients: 5 record(s) that are held and not listed are still to be asked for"),
        "{verified}"
    );
    asked(&world);

    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(asked(&world).len(), 1_000, "{run}");
    assert!(is_deleted(&world, gone).await, "{run}");
    let live = world.count("gazelle_clients WHERE deleted_at IS NULL").await;
    assert_eq!(live, 40 + 1_004, "{run}");

    // Those that are listed again wait no more: the run has asked for all that are not.
    many[..10].iter().for_each(|id| {
        world
            .control
            .apply(Change::SetListed { kind: RecordKind::Client, id: id.clone(), times: 1 })
            .unwrap();
    });
    world.full_sync_ok().await;
    world.run(&["verify", "--entity", "clients"]).await.success();
}

#[tokio::test]
async fn where_the_api_ends_the_asking_the_guard_counts_what_was_not_answered() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "5");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "100");
    let gone = added(&world, "gone", 8);
    world.full_sync_ok().await;
    gone.iter().for_each(|id| {
        world.control.delete(RecordKind::Client, id).unwrap();
    });

    // Three answers a run, then the API asks for time.
    for run in 0..3 {
        world.control.clear_faults();
        let kind = FaultKind::GraphqlError {
            message: "Throttled".to_owned(),
            extensions: Some(json!({ "code": "THROTTLED" })),
        };
        world.control.add_fault(Fault::new(kind).on_operation("ClientById").skip(3).forever());
        let ran = world.full().await;
        assert_eq!((ran.code, deleted(&world).await), (3, 0), "run {run}: {ran}");
        assert!(withheld(&world).await > 0, "run {run}: {ran}");
        assert!(ran.reasons().contains("together, more than may be deleted"), "run {run}: {}", ran.reasons());
    }
    world.control.clear_faults();
    let ran = world.full().await;
    assert_eq!((ran.code, deleted(&world).await, withheld(&world).await), (3, 0, 8), "{ran}");
}

#[tokio::test]
async fn records_at_which_the_api_failed_may_be_gone_as_well() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "5");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "100");
    let gone = added(&world, "gone", 9);
    world.full_sync_ok().await;
    for id in &gone {
        world.control.delete(RecordKind::Client, id).unwrap();
    }
    // The last six, at each attempt.
    world.control.add_fault(Fault::new(FaultKind::ServerError).on_operation("ClientById").skip(3).forever());
    let ran = world.full().await;
    assert_eq!((ran.code, deleted(&world).await, withheld(&world).await), (3, 0, 3), "{ran}");
}

/// It answers, and says neither that they are gone nor that they exist: this ends no asking.
#[tokio::test]
async fn records_of_which_the_api_gives_no_verdict_may_be_gone_as_well() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "5");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "100");
    let gone = added(&world, "gone", 9);
    world.full_sync_ok().await;
    for id in &gone {
        world.control.delete(RecordKind::Client, id).unwrap();
    }
    let kind = FaultKind::GraphqlError { message: "oh".to_owned(), extensions: None };
    world.control.add_fault(Fault::new(kind).on_operation("ClientById").skip(3).forever());
    let ran = world.full().await;
    assert_eq!((ran.code, deleted(&world).await, withheld(&world).await), (3, 0, 3), "{ran}");
}

#[tokio::test]
async fn what_exists_after_all_waits_for_nobody_and_no_word_for_others_deletes_it() {
    let world = World::new().await;
    let gone = added(&world, "gone", 3);
    world.full_sync_ok().await;
    let records: Vec<_> =
        gone.iter().map(|id| world.control.record(RecordKind::Client, id).unwrap()).collect();
    for id in &gone {
        world.control.delete(RecordKind::Client, id).unwrap();
    }
    let found = world.full().await;
    assert_eq!((found.code, withheld(&world).await), (3, 3), "{found}");

    // The getter gives it again; the list still does not.
    world.control.add(RecordKind::Client, records[1].clone()).unwrap();
    unlist(&world, &gone[1]);
    let ran = world.full().await;
    assert_eq!((withheld(&world).await, deleted(&world).await), (2, 0), "{ran}");
    let run_id = found.json()["run_id"].as_str().unwrap().to_owned();
    world.run(&["deletions", "approve", &run_id]).await.success();
    world.full().await;
    assert_eq!(deleted(&world).await, 2);
    assert!(!is_deleted(&world, &gone[1]).await);
}

#[tokio::test]
async fn a_withheld_record_counts_also_when_its_getter_fails() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "5");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "100");
    let gone = added(&world, "gone", 6);
    world.full_sync_ok().await;
    for id in &gone {
        world.control.delete(RecordKind::Client, id).unwrap();
    }
    assert_eq!(world.full().await.code, 3);
    assert_eq!(withheld(&world).await, 6);
    // At one of the six, in each attempt.
    let kind = FaultKind::GraphqlError { message: "oh".to_owned(), extensions: None };
    world.control.add_fault(Fault::new(kind).on_operation("ClientById").skip(5).forever());

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert_eq!((deleted(&world).await, withheld(&world).await), (0, 6), "{run}");
}

/// As to an account that has lost the right to it: its key is as good as before.
#[tokio::test]
async fn a_record_that_the_account_may_not_see_is_no_refused_key_and_keeps_no_other_out() {
    for code in ["UNAUTHORIZED", "FORBIDDEN"] {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "20");
        let refused = added(&world, "aaa", 1).remove(0);
        let gone = added(&world, "zzz", 1).remove(0);
        world.full_sync_ok().await;
        unlist(&world, &refused);
        let kind = FaultKind::RecordRefused { id: refused.clone(), code: code.to_owned() };
        world.control.add_fault(Fault::new(kind).on_operation("ClientById").forever());
        world.control.delete(RecordKind::Client, &gone).unwrap();
        // And an appointment of a client in no list, which is to be fetched by its id all the same.
        let client = added(&world, "neuf", 1).remove(0);
        unlist(&world, &client);
        let mut record = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
        (record["id"], record["client"]) = (json!("evt_neuf"), json!({ "id": client }));
        world.control.add_raw_event(record, None).unwrap();

        let run = world.full().await;

        assert_eq!((run.code, &run.json()["status"]), (3, &json!("partial")), "{code}: {run}");
        assert!(run.reasons().contains(&refused) && !run.reasons().contains("API key"), "{}", run.reasons());
        assert!(is_deleted(&world, &gone).await && !is_deleted(&world, &refused).await, "{run}");
        assert_eq!(world.count("gazelle_appointments WHERE external_id = 'evt_neuf'").await, 1, "{run}");
    }
}

#[tokio::test]
async fn records_in_no_list_are_read_however_large_they_are_together() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_SHRINK_GUARD_PERCENT", "100");
    let large = added(&world, "large", 20);
    world.full_sync_ok().await;
    for id in &large {
        unlist(&world, id);
        let fields = [("personalNotes".to_owned(), json!("n".repeat(1024 * 1024)))].into_iter().collect();
        let edit = Change::Edit { kind: RecordKind::Client, id: id.clone(), fields, bump: true };
        world.control.apply(edit).unwrap();
    }

    let run = world.full().await;

    run.success();
    let read = world
        .count("gazelle_clients WHERE external_id LIKE 'large%' AND length(personal_notes) = 1024 * 1024")
        .await;
    assert_eq!(read, 20);
}

#[tokio::test]
async fn a_walk_of_days_leaves_the_turns_of_a_full_sync_as_they_are() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_EVENTS_FROM", "2020-01-01");
    let pattern = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
    let ids: Vec<String> = (0..1_005).map(|n| format!("evt_many_{n:04}")).collect();
    for id in &ids {
        let mut record = pattern.clone();
        (record["id"], record["start"]) = (json!(id), json!("2021-02-03T15:00:00Z"));
        world.control.add_raw_event(record, None).unwrap();
    }
    world.full_sync_ok().await;
    for id in &ids {
        world.control.apply(Change::SetListed { kind: RecordKind::Event, id: id.clone(), times: 0 }).unwrap();
    }
    let asked = || -> BTreeSet<String> {
        let requests = world.control.requests();
        world.control.clear_requests();
        let by_id = requests.iter().filter(|request| request.operation.as_deref() == Some("AppointmentById"));
        by_id.filter_map(|request| request.variables["id"].as_str().map(str::to_owned)).collect()
    };
    asked();
    assert_eq!(world.full().await.code, 3);
    let first = asked();
    assert_eq!(first.len(), 1_000);

    world.incremental().await.success();
    asked();

    world.full().await;
    let both: BTreeSet<String> = first.union(&asked()).cloned().collect();
    assert_eq!(both.len(), 1_005, "the second full sync goes on where the first one ended");
}

#[tokio::test]
async fn what_is_gone_is_not_deleted_in_slices_by_turns() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_SHRINK_GUARD_PERCENT", "100");
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "5");
    let many = added(&world, "many", 2_040);
    world.full_sync_ok().await;
    many.iter().for_each(|id| unlist(&world, id));
    for place in [10, 20, 30, 1_010, 1_020, 1_030] {
        world.control.delete(RecordKind::Client, &many[place]).unwrap();
    }

    let run = world.full().await;
    assert_eq!((run.code, deleted(&world).await), (3, 3), "within the guard: {run}");
    let run = world.full().await;
    assert_eq!((deleted(&world).await, withheld(&world).await), (3, 3), "six in two turns: {run}");
    // The turn that ends here leaves what awaits manual approval to that person.
    for _ in 0..3 {
        let run = world.full().await;
        assert_eq!((deleted(&world).await, withheld(&world).await), (3, 3), "{run}");
    }
    let run_id: String =
        world.one("SELECT run_id::text FROM sync_deletions WHERE state = 'withheld' LIMIT 1", &[]).await;
    world.run(&["deletions", "approve", &run_id]).await.success();
    assert_eq!(deleted(&world).await, 6);
    // And once nothing waits, a turn begins with the whole guard.
    for _ in 0..2 {
        world.full().await;
    }
    for place in [11, 21, 31, 41, 51] {
        world.control.delete(RecordKind::Client, &many[place]).unwrap();
    }
    for _ in 0..3 {
        world.full().await;
    }
    assert_eq!((deleted(&world).await, withheld(&world).await), (11, 0));
}

#[tokio::test]
async fn an_api_that_fails_now_and_then_is_not_asked_without_end() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    world.set("GAZELLE_SYNC_SHRINK_GUARD_PERCENT", "100");
    let many = added(&world, "many", 80);
    world.full_sync_ok().await;
    for (place, id) in many.iter().enumerate() {
        unlist(&world, id);
        if place % 2 == 0 {
            fails_at(&world, id);
        }
    }
    asked(&world);
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(
        run.reasons().contains("the API failed at 30 record(s) that were not listed"),
        "{}",
        run.reasons()
    );
    assert_eq!(asked(&world), many[..59].iter().cloned().collect(), "the thirtieth failure ends it: {run}");

    world.full().await;
    let second = asked(&world);
    assert!(many[59..].iter().all(|id| second.contains(id)), "the next run goes on there: {second:?}");
}
