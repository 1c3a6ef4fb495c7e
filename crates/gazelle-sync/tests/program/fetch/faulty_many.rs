//! Many records that a list cannot give whole: none is blamed that was not asked for, each is asked for in time, and what is known of
//! them is told.

use std::collections::BTreeSet;

use crate::support::{World, run_to_end};
use gazelle_sim::{Fault, FaultKind, RecordKind, Takes};
use serde_json::{Value, json};

/// Getters that a run sends for records of their lists, by entity.
const A_RUN: usize = 10;

fn asked_for(world: &World, operation: &str) -> BTreeSet<String> {
    let requests = world.control.requests();
    let of = requests.iter().filter(|request| request.operation.as_deref() == Some(operation));
    of.filter_map(|request| request.variables.get("id")?.as_str().map(str::to_owned)).collect()
}

async fn codes(world: &World) -> Vec<(String, String)> {
    let cases = world.quarantine().await.into_iter();
    // Some appointments of the shop have no start, which is their own fault.
    let open = cases.filter(|case| case["state"] == "open" && case["error_code"] != "missing_field");
    open.map(|case| {
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        (text("external_id"), text("error_code"))
    })
    .collect()
}

#[tokio::test]
async fn records_beyond_the_limit_of_a_run_are_not_blamed_and_have_their_turn_in_the_next() {
    let world = World::new().await;
    let has_start = |id: &String| !world.control.record(RecordKind::Event, id).unwrap()["start"].is_null();
    let events = world.control.ids(RecordKind::Event).into_iter();
    let faulty: BTreeSet<String> = events.step_by(4).filter(has_start).collect();
    for id in &faulty {
        world.control.add_fault(Fault::new(FaultKind::field_fault(id, "notes")).forever());
    }
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut runs = 0;
    while asked.len() < faulty.len() {
        runs += 1;
        assert!(runs < 12, "{} of {} were asked for", asked.len(), faulty.len());
        world.control.clear_requests();
        let run = world.full().await;
        assert_eq!(run.code, 3, "{run}");
        let in_run = asked_for(&world, "AppointmentById");
        assert!(in_run.len() <= A_RUN, "{in_run:?}");
        asked.extend(in_run);
        for (id, code) in codes(&world).await {
            let expected = if asked.contains(&id) { "incomplete_at_source" } else { "not_asked_yet" };
            assert_eq!(code, expected, "{id} in run {runs}");
        }
        assert_eq!(codes(&world).await.len(), faulty.len());
        assert!(run.reasons().contains("were not asked for by their ids in this run"), "{}", run.reasons());
    }
    // When all were asked for, another round adds nothing.
    let versions = world.count("staging_appointments").await;
    world.full().await;
    world.full().await;
    assert_eq!(world.count("staging_appointments").await, versions);
    world.control.clear_faults();
    world.full().await.success();
    assert_eq!(codes(&world).await, []);
}

#[tokio::test]
async fn a_record_of_which_only_the_id_is_known_is_told_as_such() {
    let world = World::new().await;
    let clients = world.control.ids(RecordKind::Client);
    let (never, once) = (clients[3].clone(), clients[5].clone());
    let fails = |id: &str| {
        Fault::new(FaultKind::RecordFault {
            id: id.to_owned(),
            field: Some("personalNotes".to_owned()),
            message: "undefined method `strip' for nil".to_owned(),
            takes: Takes::Answer,
        })
        .forever()
    };
    world.control.add_fault(fails(&never));
    world.full().await;
    world.control.add_fault(fails(&once));
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    let words = "the API could not give this record; only its id is known; the API said: ";
    for id in [&never, &once] {
        for args in [["errors", "show", id.as_str()].as_slice(), ["history", id].as_slice()] {
            let told = run_to_end(world.command(args)).await;
            assert!(told.stdout.contains(words), "{args:?}: {told}");
            assert!(told.stdout.contains("undefined method `strip' for nil"), "{args:?}: {told}");
        }
    }
    let told = run_to_end(world.command(&["explain", &never, "company_name"])).await;
    assert!(told.stderr.contains(words), "{told}");
    let told = run_to_end(world.command(&["explain", &once, "company_name"])).await;
    assert!(told.stdout.contains(words), "{told}");
    let told: Value = world.run(&["explain", &once, "company_name"]).await.json();
    assert!(told["newest_fault"].as_str().unwrap().contains(words), "{told}");
}

#[tokio::test]
async fn a_parent_that_the_api_cannot_give_is_not_asked_for_in_every_run_and_keeps_no_other_out() {
    for takes in [Takes::Field, Takes::Answer, Takes::Server] {
        let world = World::new().await;
        let of = |kind: RecordKind| -> Vec<String> {
            let records =
                world.control.ids(kind).into_iter().filter_map(|id| world.control.record(kind, &id));
            records.filter_map(|record| record["client"]["id"].as_str().map(str::to_owned)).collect()
        };
        let named = of(RecordKind::Event);
        let client = named[0].clone();
        world.control.add_fault(
            Fault::new(FaultKind::RecordFault {
                id: client.clone(),
                field: Some("personalNotes".to_owned()),
                message: "oh".to_owned(),
                takes,
            })
            .forever(),
        );
        // The users first, so that only clients and pianos are missing.
        world.run(&["sync", "--mode", "full", "--entity", "users"]).await.success();
        let run = world.run(&["sync", "--mode", "full", "--entity", "appointments"]).await;
        let clients: i64 = world.one("SELECT count(*) FROM gazelle_clients", &[]).await;
        let expected: BTreeSet<&String> = named.iter().filter(|id| **id != client).collect();
        assert!(clients >= i64::try_from(expected.len()).unwrap(), "{takes:?}: {clients} clients, {run}");
        world.control.clear_requests();
        world.run(&["sync", "--mode", "full", "--entity", "appointments"]).await;
        let again = asked_for(&world, "ClientById");
        assert!(!again.contains(&client), "{takes:?}: asked again at once");
    }
}

/// Six in a row are taken for a fault of their getter, which ends the asking for its records in that run. Those six were asked for then.
#[tokio::test]
async fn many_parents_that_the_api_cannot_give_keep_no_other_out() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    let events = world.control.ids(RecordKind::Event).into_iter();
    let named: BTreeSet<String> = events
        .filter_map(|id| {
            world.control.record(RecordKind::Event, &id)?["client"]["id"].as_str().map(str::to_owned)
        })
        .collect();
    let failing: Vec<&String> = named.iter().take(6).collect();
    for id in &failing {
        let (id, field, message) = (id.to_string(), Some("personalNotes".to_owned()), "oh".to_owned());
        let kind = FaultKind::RecordFault { id, field, message, takes: Takes::Server };
        world.control.add_fault(Fault::new(kind).on_operation("ClientById").forever());
    }
    world.run(&["sync", "--mode", "full", "--entity", "users"]).await.success();
    let run = world.run(&["sync", "--mode", "full", "--entity", "appointments"]).await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("missing parents could not be fetched"), "{}", run.reasons());
    let noted = "SELECT string_agg(external_id, ' ' ORDER BY external_id COLLATE \"C\") FROM sync_missing_parents WHERE asks > 0";
    let in_vain: Vec<&str> = failing.iter().map(|id| id.as_str()).collect();
    assert_eq!(world.text(noted).await, Some(in_vain.join(" ")), "each waits for its next turn");

    // As if that had come: who was never asked for goes first.
    world.execute("UPDATE sync_missing_parents SET next_ask_at = last_asked_at").await;
    let run = world.run(&["sync", "--mode", "full", "--entity", "appointments"]).await;
    for id in &named {
        let held: i64 = world.one("SELECT count(*) FROM gazelle_clients WHERE external_id = $1", &[id]).await;
        assert_eq!(held == 0, failing.contains(&id), "{id}: {run}");
    }
    let asks: i32 = world.one("SELECT min(asks) FROM sync_missing_parents WHERE asks > 0", &[]).await;
    assert_eq!(asks, 2, "asked for again, and less often from now on");
}

#[tokio::test]
async fn records_that_fail_side_by_side_keep_no_other_out() {
    let world = World::new().await;
    let clients = world.control.ids(RecordKind::Client);
    let faulty = &clients[10..30];
    for id in faulty {
        world.control.add_fault(Fault::new(FaultKind::field_fault(id, "personalNotes")).forever());
    }
    for _ in 0..2 {
        let run = world.full().await;
        assert_eq!(run.code, 3, "{run}");
        let quarantined: BTreeSet<String> = codes(&world).await.into_iter().map(|(id, _)| id).collect();
        assert!(faulty.iter().all(|id| quarantined.contains(id)), "{run}");
        let live = world.count("gazelle_clients WHERE deleted_at IS NULL").await;
        assert_eq!(live, (clients.len() - faulty.len()) as i64, "{run}");
        assert!(world.count("gazelle_pianos").await > 0 && world.count("gazelle_appointments").await > 100);
    }
}

/// A world whose clients come in pages of ten, and in which `count` neighbours, from the thirteenth on, fail at the API.
async fn neighbours_fail(count: usize, takes: Takes) -> (World, Vec<String>) {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    let failing: Vec<String> = world.control.ids(RecordKind::Client)[12..12 + count].to_vec();
    for id in &failing {
        let (id, field, message) = (id.clone(), Some("personalNotes".to_owned()), "oh".to_owned());
        world.control.add_fault(Fault::new(FaultKind::RecordFault { id, field, message, takes }).forever());
    }
    (world, failing)
}

/// A run without appointments, whose missing clients would be asked for by their ids.
async fn clients_alone(world: &World) -> crate::support::CommandOutput {
    world.run(&["sync", "--mode", "full", "--entity", "clients"]).await
}

#[tokio::test]
async fn records_that_are_most_of_their_page_are_no_more_than_their_share_of_the_entity() {
    for (count, takes) in [(6, Takes::Field), (18, Takes::Field), (18, Takes::Record), (8, Takes::Server)] {
        let (world, failing) = neighbours_fail(count, takes).await;
        let run = clients_alone(&world).await;
        assert_eq!(run.code, 3, "{count} {takes:?}: {run}");
        let live = world.count("gazelle_clients WHERE deleted_at IS NULL").await;
        assert_eq!(live, 40 - count as i64, "{count} {takes:?}: {run}");
        assert_eq!(run.entity("clients")["walk_complete"], true, "{count} {takes:?}: {run}");
        let quarantined: BTreeSet<String> = codes(&world).await.into_iter().map(|(id, _)| id).collect();
        assert!(failing.iter().all(|id| quarantined.contains(id)), "{count} {takes:?}: {run}");
        assert!(asked_for(&world, "ClientById").len() <= A_RUN, "{count} {takes:?}");
        world.control.clear_faults();
        for _ in 0..4 {
            world.full().await;
        }
        assert_eq!(world.count("gazelle_clients WHERE deleted_at IS NULL").await, 40, "{count} {takes:?}");
    }
}

#[tokio::test]
async fn the_good_records_land_where_the_api_fails_at_most_and_none_is_blamed() {
    let (world, _) = neighbours_fail(25, Takes::Field).await;
    for _ in 0..2 {
        let run = clients_alone(&world).await;
        assert_eq!(run.code, 3, "{run}");
        let clients = run.entity("clients");
        assert_eq!(clients["walk_complete"], false, "{run}");
        assert_eq!(world.count("gazelle_clients WHERE deleted_at IS NULL").await, 15, "{run}");
        assert!(run.reasons().contains("fails at 25 of 40 records"), "{}", run.reasons());
        assert_eq!(codes(&world).await, [], "{run}");
        assert!(asked_for(&world, "ClientById").is_empty(), "{run}");
        let pages = world
            .control
            .requests()
            .iter()
            .filter(|request| request.operation.as_deref() == Some("ClientsPage"))
            .count();
        assert!(pages <= 20, "{pages} requests for four pages");
        world.control.clear_requests();
    }
    let bookmark = "SELECT count(*) FROM sync_bookmarks WHERE entity = 'clients'";
    assert_eq!(world.one::<i64>(bookmark, &[]).await, 0);
    world.control.clear_faults();
    world.full().await;
    assert_eq!(world.count("gazelle_clients WHERE deleted_at IS NULL").await, 40);
}

/// A list that is mostly null says nothing of its records: the walk is not taken for whole, and the next one is.
#[tokio::test]
async fn a_page_of_nulls_is_no_whole_walk() {
    let world = World::new().await;
    world.control.add_fault(
        Fault::new(FaultKind::PartialData { message: String::new(), null_nodes: 80, missing_nodes: 0 })
            .on_field("allClients")
            .forever(),
    );
    let run = world.full().await;
    assert_ne!(run.code, 0, "{run}");
    let bookmark = "SELECT count(*) FROM sync_bookmarks WHERE entity = 'clients'";
    assert_eq!(world.one::<i64>(bookmark, &[]).await, 0, "{run}");
    world.control.clear_faults();
    world.full_sync_ok().await;
}

/// Appointments of which the list fails and that are far enough from each other; those without a start have a fault of their own.
fn failing_in_their_list(world: &World) -> BTreeSet<String> {
    let has_start = |id: &String| !world.control.record(RecordKind::Event, id).unwrap()["start"].is_null();
    let failing: BTreeSet<String> =
        world.control.ids(RecordKind::Event).into_iter().step_by(4).filter(has_start).collect();
    for id in &failing {
        let kind = FaultKind::field_fault(id, "notes");
        world.control.add_fault(Fault::new(kind).on_operation("AppointmentsPage").forever());
    }
    failing
}

#[tokio::test]
async fn runs_that_do_not_list_all_records_take_no_turn_from_any() {
    let world = World::new().await;
    let failing = failing_in_their_list(&world);
    assert!(failing.len() > 2 * A_RUN, "{}", failing.len());
    let note = "SELECT value FROM sync_notes WHERE key = 'api_limits:appointments'";
    let mut asked: BTreeSet<String> = BTreeSet::new();
    for round in 1.. {
        assert!(round < 8, "{} of {} were asked for", asked.len(), failing.len());
        for n in 0..4 {
            world.control.clear_requests();
            let run = if n == 0 { world.full().await } else { world.incremental().await };
            assert!([0, 3].contains(&run.code), "{run}");
            asked.extend(asked_for(&world, "AppointmentById"));
            let blamed: Vec<(String, String)> =
                codes(&world).await.into_iter().filter(|(id, _)| asked.contains(id)).collect();
            assert_eq!(blamed, [], "asked for before, in round {round}");
        }
        let noted = world.text(note).await;
        // Of what is not walked, nothing is noted, nor a larger step tried.
        world
            .execute("INSERT INTO sync_notes (key, value) VALUES ('api_limits:pianos', '{\"page\": 25}')")
            .await;
        world.run(&["reconcile"]).await;
        world.run(&["sync", "--mode", "full", "--entity", "users"]).await.success();
        let pianos = world.text("SELECT value FROM sync_notes WHERE key = 'api_limits:pianos'").await;
        assert_eq!(pianos.as_deref(), Some("{\"page\": 25}"));
        world.execute("DELETE FROM sync_notes WHERE key = 'api_limits:pianos'").await;
        assert_eq!(world.text(note).await, noted);
        if asked.len() == failing.len() {
            break;
        }
    }
    assert_eq!(codes(&world).await, []);
    // A list that is whole again is the end of it.
    world.control.clear_faults();
    for _ in 0..10 {
        world.full().await.success();
    }
    let left: Value = serde_json::from_str(&world.text(note).await.unwrap()).unwrap();
    assert_eq!(left["asked_alone"], Value::Null, "{left}");
}

#[tokio::test]
async fn a_version_that_may_come_of_a_turn_that_is_not_remembered_is_kept() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let others: Vec<String> = (0..500).map(|n| format!("evt_other_{n}")).collect();
    let value = json!({ "asked_alone": others }).to_string();
    world
        .execute(&format!(
            "INSERT INTO sync_notes (key, value) VALUES ('api_limits:appointments', '{value}')
             ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value"
        ))
        .await;
    let versions = world.count("staging_appointments").await;
    let failing = failing_in_their_list(&world);
    for _ in 0..2 {
        let run = world.full().await;
        assert_eq!(run.code, 3, "{run}");
        assert!(run.reasons().contains("were not asked for by their ids in this run"), "{}", run.reasons());
        assert_eq!(codes(&world).await, [], "{} fail in their list", failing.len());
    }
    assert_eq!(world.count("staging_appointments").await, versions);
}

#[tokio::test]
async fn a_record_that_waited_for_its_turn_is_not_newly_quarantined_when_it_has_it() {
    let world = World::new().await;
    let has_start = |id: &String| !world.control.record(RecordKind::Event, id).unwrap()["start"].is_null();
    for id in world.control.ids(RecordKind::Event).into_iter().step_by(4).filter(has_start) {
        world.control.add_fault(Fault::new(FaultKind::field_fault(&id, "notes")).forever());
    }
    let first = world.full().await;
    assert_ne!(first.entity("appointments")["quarantined"], json!(0), "{first}");
    let since = "SELECT external_id, min(first_seen_at)::text AS since, min(run_id::text) AS run, count(*)::int AS open
                   FROM sync_quarantine
                  WHERE entity = 'appointments' AND state = 'open' GROUP BY external_id ORDER BY external_id";
    let before = world.rows(since).await;
    let second = world.full().await;
    let superseded: i64 =
        world.one("SELECT count(*) FROM sync_quarantine WHERE state = 'superseded'", &[]).await;
    assert!(superseded > 0, "{second}");
    assert_eq!(second.entity("appointments")["quarantined"], json!(0), "{second}");
    assert_eq!(world.rows(since).await, before);
}
