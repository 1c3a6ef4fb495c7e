//! Contacts and locations of a client that is gone are gone too and come back with it, also where production is built
//! again from staging (`replay`) or a run is undone.

use crate::support::{LINEAGE, World, assert_same};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind};
use serde_json::{Value, json};

/// A client with contacts and locations.
async fn client(world: &World) -> String {
    let sql = "SELECT client_external_id FROM gazelle_locations WHERE deleted_at IS NULL
                GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1";
    world.text(sql).await.unwrap()
}

/// A client that no list has and whose getter says that it is not there, or the same client as it was.
fn is_there(world: &World, client: &str, there: bool) {
    let change =
        Change::SetListed { kind: RecordKind::Client, id: client.to_owned(), times: u8::from(there) };
    world.control.apply(change).unwrap();
    world.control.clear_faults();
    if !there {
        let answer =
            FaultKind::Status { status: 200, body: json!({ "data": { "client": null } }).to_string() };
        world.control.add_fault(Fault::new(answer).on_operation("ClientById").forever());
    }
}

/// Contacts and locations of a client, as `(live, with the client's own deleted_at)`.
async fn carried(world: &World, client: &str) -> [(i64, i64); 2] {
    let mut counts = [(0, 0); 2];
    for (table, counts) in ["gazelle_contacts", "gazelle_locations"].iter().zip(&mut counts) {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE t.deleted_at IS NULL),
                    count(*) FILTER (WHERE t.deleted_at = c.deleted_at)
               FROM {table} t JOIN gazelle_clients c ON c.external_id = t.client_external_id
              WHERE c.external_id = $1"
        );
        let row = world.db.query_one(&sql, &[&client]).await.unwrap();
        *counts = (row.get(0), row.get(1));
    }
    counts
}

fn written(report: &Value) -> i64 {
    report["rows_written"].as_i64().unwrap_or_else(|| panic!("{report}"))
}

#[tokio::test]
async fn replay_marks_what_a_client_that_is_gone_carried_and_gives_it_back_with_the_client() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = client(&world).await;
    let [(contacts, _), (locations, _)] = carried(&world, &client).await;
    assert!(contacts > 0 && locations > 0);
    let live =
        "UPDATE gazelle_contacts SET deleted_at = NULL; UPDATE gazelle_locations SET deleted_at = NULL";
    let gone = "UPDATE gazelle_contacts SET deleted_at = '2026-01-01T00:00Z';
                UPDATE gazelle_locations SET deleted_at = '2026-01-01T00:00Z'";

    is_there(&world, &client, false);
    world.full_sync_ok().await;
    let with_client = [(0, contacts), (0, locations)];
    assert_eq!(carried(&world, &client).await, with_client);
    let without = world.production(&LINEAGE).await;
    for (spoil, args) in [
        (live, vec!["replay", "--id", &client]),
        (live, vec!["replay", "--entity", "clients"]),
        (live, vec!["replay"]),
        // From nothing, as the runbook's procedure does.
        ("TRUNCATE gazelle_clients CASCADE", vec!["replay"]),
    ] {
        world.execute(spoil).await;
        assert_ne!(carried(&world, &client).await, with_client, "{spoil}");
        let report = world.run(&args).await.success();
        assert!(written(&report) >= contacts + locations, "{args:?}: {report}");
        assert_eq!(carried(&world, &client).await, with_client, "{args:?}");
        if !args.contains(&"--id") {
            assert_same(&without, &world.production(&LINEAGE).await, &format!("{spoil}, {args:?}"));
        }
    }

    is_there(&world, &client, true);
    world.full_sync_ok().await;
    let back = [(contacts, 0), (locations, 0)];
    assert_eq!(carried(&world, &client).await, back);
    let with = world.production(&LINEAGE).await;
    for args in [vec!["replay", "--id", &client], vec!["replay"]] {
        world.execute(gone).await;
        assert_eq!(carried(&world, &client).await, [(0, 0), (0, 0)]);
        world.run(&args).await.success();
        assert_eq!(carried(&world, &client).await, back, "{args:?}");
    }
    assert_same(&with, &world.production(&LINEAGE).await, "replayed");
    assert_eq!(written(&world.run(&["replay"]).await.success()), 0, "a second time there is nothing to do");
}

#[tokio::test]
async fn undo_of_a_run_takes_back_what_it_did_to_the_rows_that_a_client_carried() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = client(&world).await;
    let [(contacts, _), (locations, _)] = carried(&world, &client).await;
    let (back, with_client) = ([(contacts, 0), (locations, 0)], [(0, contacts), (0, locations)]);
    let id = |report: Value| report["run_id"].as_str().unwrap().to_owned();

    is_there(&world, &client, false);
    let went = id(world.full_sync_ok().await);
    assert_eq!(carried(&world, &client).await, with_client);
    is_there(&world, &client, true);
    let came = id(world.full_sync_ok().await);
    assert_eq!(carried(&world, &client).await, back);
    // The run in which it came back, the one in which it went, and both again.
    for (args, expected) in [
        (vec!["undo", &came], with_client),
        (vec!["replay"], with_client),
        (vec!["undo", &went], back),
        (vec!["replay"], back),
        (vec!["undo", "--lift", &went], with_client),
        (vec!["undo", "--lift", &came], back),
        (vec!["replay"], back),
    ] {
        world.run(&args).await.success();
        assert_eq!(carried(&world, &client).await, expected, "{args:?}");
        let verdict = world.run(&["verify", "--offline"]).await;
        assert_eq!(verdict.code, 0, "{args:?}: {verdict}");
    }
}

/// Contacts that are live.
async fn live_contacts(world: &World) -> i64 {
    world.count("gazelle_contacts WHERE deleted_at IS NULL").await
}

fn lose(world: &World, contacts: &[String]) {
    contacts.iter().for_each(|contact| drop(world.control.delete(RecordKind::Contact, contact).unwrap()));
}

/// As where a right to see them was withdrawn: no list is short, and no getter is asked.
#[tokio::test]
async fn a_run_in_which_more_contacts_go_from_their_clients_than_usual_is_partial_and_can_be_undone() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let contacts = world.one_contact_each(21);
    assert_eq!(contacts.len(), 21);
    let all = live_contacts(&world).await;
    lose(&world, &contacts[..10]);
    world.incremental().await.success();
    assert_eq!(live_contacts(&world).await, all - 10, "as many as people may remove");

    lose(&world, &contacts[10..21]);
    let ran = world.incremental().await;
    assert_eq!(ran.code, 3, "{ran}");
    let run = ran.json()["run_id"].as_str().unwrap().to_owned();
    let reasons = ran.reasons();
    assert!(
        reasons.contains("clients: 11 record(s) no longer hold 11 row(s) of gazelle_contacts"),
        "{reasons}"
    );
    assert!(reasons.contains(&format!("gazelle-sync undo {run}")), "{reasons}");
    assert_eq!(live_contacts(&world).await, all - 21);
    world.incremental().await.success();

    // The same where the run in which they went died before it could say so.
    world.execute(&format!("UPDATE sync_runs SET status = 'interrupted' WHERE run_id = '{run}'")).await;
    world.execute(&format!("DELETE FROM sync_run_entities WHERE run_id = '{run}'")).await;
    world.execute("DELETE FROM sync_runs WHERE run_id = (SELECT run_id FROM sync_runs ORDER BY run_id DESC LIMIT 1)").await;
    let ran = world.incremental().await;
    assert!(ran.code == 3 && ran.reasons().contains("11 row(s) of gazelle_contacts, which"), "{ran}");
    assert!(
        ran.reasons().contains(&format!("`gazelle-sync undo {run}` brings back")),
        "the run that marked: {ran}"
    );
    let told_by = ran.json()["run_id"].as_str().unwrap().to_owned();
    assert!(!ran.reasons().contains(&told_by), "not the one that tells: {ran}");
    world.incremental().await.success();

    world.run(&["undo", &run]).await.success();
    for _ in 0..2 {
        assert_eq!(live_contacts(&world).await, all - 10, "they are back, and stay");
        world.full().await.success();
    }
    let verdict = world.run(&["verify", "--offline"]).await;
    assert_eq!(verdict.code, 0, "{verdict}");
}
