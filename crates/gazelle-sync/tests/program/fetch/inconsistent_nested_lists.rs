//! Lists inside a record that never add up: their record waits in quarantine, and keeps no other from being read or found deleted.

use serde_json::{Value, json};

use crate::support::hostile_api::HostileApi;
use crate::support::rewritten::rewriting_proxy;
use crate::support::walks::bookmark;
use crate::support::{CommandOutput, World};
use gazelle_sim::{Fault, FaultKind, RecordKind};

/// A list that can be longer than its page, and what the simulated shop has of it.
struct List {
    operation: &'static str,
    /// The field that quarantine names.
    field: &'static str,
    /// The object that holds it, as the answer names that.
    holder: &'static str,
    entity: &'static str,
    kind: RecordKind,
    table: &'static str,
    /// A field of the record that is edited, with its column.
    edited: (&'static str, &'static str),
    /// The id of a record with such a list that is longer than its page.
    a_long_one: &'static str,
}

const LISTS: [List; 3] = [
    List {
        operation: "ClientMoreContacts",
        field: "allContacts",
        holder: "client",
        entity: "clients",
        kind: RecordKind::Client,
        table: "gazelle_clients",
        edited: ("companyName", "company_name"),
        a_long_one: "SELECT client_external_id FROM gazelle_contacts GROUP BY 1 HAVING count(*) > 20",
    },
    List {
        operation: "ContactMoreLocations",
        field: "allContacts.allLocations",
        holder: "contact",
        entity: "clients",
        kind: RecordKind::Client,
        table: "gazelle_clients",
        edited: ("companyName", "company_name"),
        a_long_one: "SELECT min(client_external_id) FROM gazelle_locations GROUP BY contact_external_id HAVING count(*) > 10",
    },
    List {
        operation: "AppointmentMorePianos",
        field: "allEventPianos",
        holder: "event",
        entity: "appointments",
        kind: RecordKind::Event,
        table: "gazelle_appointments",
        edited: ("title", "title"),
        a_long_one: "SELECT appointment_external_id FROM gazelle_appointment_pianos GROUP BY 1 HAVING count(*) > 20",
    },
];

/// What is wrong with a list; none: its holder is given as null when the rest of the list is asked for.
fn faults() -> [(&'static str, Option<FaultKind>); 3] {
    [
        ("it counts one more than it holds", Some(FaultKind::TotalOff { by: 1 })),
        ("its page cursor repeats", Some(FaultKind::RepeatCursor)),
        ("null in place of its holder", None),
    ]
}

/// The API with null in place of the holder of a list whose rest is asked for.
fn null_for(world: &World, list: &List) -> HostileApi {
    let (operation, holder) = (list.operation, list.holder);
    rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        match request["operationName"] == operation {
            true => format!(r#"{{"data":{{"{holder}":null}}}}"#),
            false => answer,
        }
    })
}

/// Null for a record too, where its getter is asked; its list goes on naming it.
fn denied(world: &World, list: &List, id: &str) -> HostileApi {
    let (operation, holder, id) = (list.operation, list.holder, id.to_owned());
    rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        match request["operationName"] == operation || request["variables"]["id"] == json!(id) {
            true => format!(r#"{{"data":{{"{holder}":null}}}}"#),
            false => answer,
        }
    })
}

/// The faulty list is named with its record and its walk goes as well as any other.
async fn assert_one_waits(world: &World, run: &CommandOutput, list: &List, id: &str, case: &str) {
    assert_eq!(run.code, 3, "{case}: {run}");
    assert_eq!(run.entity(list.entity)["walk_complete"], true, "{case}: {run}");
    assert!(run.reasons().contains(&format!("{id} at {}", list.field)), "{case}: {}", run.reasons());
    let open: Vec<Value> = world.quarantine().await;
    let of_it = |of: &&Value| of["external_id"] == json!(id) && of["state"] == "open";
    let of_it: Vec<&Value> = open.iter().filter(of_it).collect();
    assert_eq!(of_it.len(), 1, "{case}: {open:?}");
    assert_eq!(of_it[0]["error_code"], "incomplete_at_source", "{case}");
    assert_eq!(of_it[0]["error_field"], list.field, "{case}");
}

#[tokio::test]
async fn a_list_inside_a_record_that_never_adds_up_keeps_no_other_record_from_anything() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let direct = world.sim.graphql_url();
    for list in LISTS {
        let (field, column) = list.edited;
        let id: String = world.one(&format!("{} LIMIT 1", list.a_long_one), &[]).await;
        let value = format!("SELECT {column} FROM {} WHERE external_id = '{id}'", list.table);
        for (said, kind) in faults() {
            let case = format!("{}: {said}", list.operation);
            let known = world.text(&value).await;
            world.control.edit(list.kind, &id, json!({ field: format!("edited: {case}") })).unwrap();
            let deleted = world.control.ids(list.kind).into_iter().rev().find(|other| *other != id).unwrap();
            world.control.delete(list.kind, &deleted).unwrap();
            let api = match kind {
                Some(kind) => {
                    world.control.add_fault(Fault::new(kind).on_operation(list.operation).forever());
                    None
                }
                None => Some(null_for(&world, &list)),
            };
            world.set("GAZELLE_API_URL", &api.as_ref().map_or(direct.clone(), HostileApi::url));
            // One that is there again afterwards has moved, whatever the second in which the walk before started.
            world.execute(&format!("DELETE FROM sync_bookmarks WHERE entity = '{}'", list.entity)).await;

            let run = world.full().await;

            assert_one_waits(&world, &run, &list, &id, &case).await;
            assert!(bookmark(&world, list.entity).await.is_some(), "{case}: {run}");
            assert_eq!(run.entity(list.entity)["deleted"], 1, "{case}: another's deletion is found: {run}");
            assert_eq!(world.text(&value).await, known, "{case}: its last whole version stays");
            let again = world.full().await;
            assert_one_waits(&world, &again, &list, &id, &case).await;
            let staged: i64 = again.entity(list.entity)["staged"].as_i64().unwrap();
            assert_eq!(staged, 0, "{case}: the same fault adds no version: {again}");

            world.control.clear_faults();
            world.set("GAZELLE_API_URL", &direct);
            world.full().await.success();
            assert_eq!(world.text(&value).await, Some(format!("edited: {case}")), "{case}");
        }
    }
}

/// Deleted between its page and the rest of its list: that is a deletion, and no fault of anything.
#[tokio::test]
async fn a_record_deleted_while_its_list_is_read_is_deleted_and_not_at_fault() {
    for begins_empty in [true, false] {
        let world = World::new().await;
        if !begins_empty {
            world.full_sync_ok().await;
        }
        // The one with very many contacts.
        let id = world.control.ids(RecordKind::Client)[1].clone();
        let gone = id.clone();
        world.control.call_after(Fault::new(FaultKind::Call).on_operation("ClientsPage"), move |control| {
            control.delete(RecordKind::Client, &gone).unwrap();
        });

        let run = world.full().await;

        run.success();
        let open: Vec<Value> = world.quarantine().await;
        let of_it = open.iter().filter(|of| of["external_id"] == json!(id) && of["state"] == "open").count();
        assert_eq!(of_it, 0, "begins empty: {begins_empty}: {open:?}");
    }
}

/// A record that its list gives, and that its getters deny in every run: at fault, once another walk has told that it is not gone.
#[tokio::test]
async fn a_record_that_goes_on_being_listed_and_denied_waits_in_quarantine_alone() {
    for attempts in ["1", "3"] {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_WALK_ATTEMPTS", attempts);
        world.full_sync_ok().await;
        let id: String = world.one(&format!("{} LIMIT 1", LISTS[0].a_long_one), &[]).await;
        world.control.edit(RecordKind::Client, &id, json!({ "companyName": "Autrement" })).unwrap();
        let api = denied(&world, &LISTS[0], &id);
        world.set("GAZELLE_API_URL", &api.url());
        for _ in 0..2 {
            let run = world.full().await;
            let case = format!("{attempts} attempts");
            assert_one_waits(&world, &run, &LISTS[0], &id, &case).await;
            assert_eq!(run.entity("clients")["deleted"], 0, "{case}: {run}");
        }
    }
}

/// Where the lists of most records do not add up, it is the API that is at fault, which the run tells with their number.
#[tokio::test]
async fn lists_inside_most_records_that_never_add_up_are_the_fault_of_the_api() {
    let mut world = World::new().await;
    let clients = world.control.ids(RecordKind::Client).len();
    let api = rewriting_proxy(&world.sim.graphql_url(), |asked, answer| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        if request["operationName"] == "ClientMoreContacts" {
            return r#"{"data":{"client":null}}"#.to_owned();
        }
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        for client in answer["data"]["allClients"]["nodes"].as_array_mut().into_iter().flatten() {
            if let Some(info) = client.pointer_mut("/allContacts/pageInfo") {
                info["hasNextPage"] = json!(true);
            }
        }
        answer.to_string()
    });
    world.set("GAZELLE_API_URL", &api.url());

    let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;

    let words = format!("the API fails at {clients} of {clients} records");
    assert!(run.reasons().contains(&words), "{}", run.reasons());
    assert_eq!(world.quarantine().await.len(), 0, "none is blamed: {run}");
}

/// More of them than are kept in memory as they came, and no most of those that have a long list.
#[tokio::test]
async fn records_with_a_failing_list_are_at_fault_however_large_they_are_together() {
    const FAILING: usize = 13;
    const NOTES: usize = 3 * 1024 * 1024;
    let mut world = World::new().await;
    let direct = world.sim.graphql_url();
    for (name, value) in [("PAGE_SIZE", "5"), ("CONCURRENCY", "1"), ("ATTEMPTS", "1")] {
        world.set(&format!("GAZELLE_SYNC_{name}"), value);
    }
    let ids = world.control.ids(RecordKind::Client);
    let failing: Vec<String> = ids[..FAILING].to_vec();
    let long: Vec<String> = ids[..2 * FAILING + 1].to_vec();
    let fails = failing.clone();
    let api = rewriting_proxy(&direct, move |asked, answer| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let is_failing = |id: &Value| fails.iter().any(|failing| *id == json!(failing));
        if request["operationName"] == "ClientMoreContacts" && is_failing(&request["variables"]["id"]) {
            return "<html>Bad gateway</html>".to_owned();
        }
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        let clients = answer["data"]["allClients"]["nodes"].as_array_mut();
        for client in clients.into_iter().flatten() {
            let is_long = long.iter().any(|long| client["id"] == json!(long));
            if let Some(info) = client.pointer_mut("/allContacts/pageInfo") {
                info["hasNextPage"] = json!(is_long);
                if is_failing(&client["id"]) {
                    client["personalNotes"] = json!("a".repeat(NOTES));
                }
            }
        }
        answer.to_string()
    });
    world.set("GAZELLE_API_URL", &api.url());

    let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;

    assert_eq!(run.code, 3, "exit {}: {:.3000}", run.code, run.stdout);
    assert!(!run.reasons().contains("its own fault"), "{:.3000}", run.reasons());
    assert_eq!(run.entity("clients")["walk_complete"], true, "{:.3000}", run.stdout);
    let in_production = i64::try_from(ids.len() - FAILING).unwrap();
    assert_eq!(world.count("gazelle_clients").await, in_production, "{:.3000}", run.stdout);
    let codes = "SELECT string_agg(DISTINCT error_code, ' ' ORDER BY error_code) FROM sync_quarantine WHERE state = 'open'";
    assert_eq!(world.text(codes).await.as_deref(), Some("incomplete_at_source not_asked_yet"));
    for id in &failing {
        assert_eq!(
            world
                .count(&format!("staging_clients WHERE external_id = '{id}' AND sync_status = 'error'"))
                .await,
            1,
            "{id} is staged with its fault"
        );
    }

    world.set("GAZELLE_API_URL", &direct);
    world.full().await.success();
    assert_eq!(world.count("gazelle_clients").await, i64::try_from(ids.len()).unwrap());
    assert_eq!(world.count("sync_quarantine WHERE entity = 'clients' AND state = 'open'").await, 0);
}
