//! An API that cannot give a record whole: that record waits in quarantine, and all others land.

use crate::support::walks::{assert_whole, one_by_one};
use crate::support::{World, assert_same};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, Takes};
use serde_json::{Value, json};

/// What production holds of a healthy small shop.
const CLIENTS: i64 = 40;
const EVENTS_HELD: i64 = 117;

fn always(kind: FaultKind) -> Fault {
    Fault::new(kind).forever()
}

async fn assert_all_are_in_production(world: &World) {
    assert_whole(world).await;
    assert_eq!(world.count("gazelle_clients").await, CLIENTS);
    assert_eq!(world.count("gazelle_pianos").await, 162);
    assert_eq!(world.count("gazelle_appointments").await, EVENTS_HELD);
}

/// A client with contacts, pianos and appointments, and not the one with very many contacts.
fn a_client(world: &World) -> String {
    let of = |kind: RecordKind| -> Vec<String> {
        let ids = world.control.ids(kind);
        let records = ids.iter().filter_map(|id| world.control.record(kind, id));
        records.filter_map(|record| record["client"]["id"].as_str().map(str::to_owned)).collect()
    };
    let (events, pianos) = (of(RecordKind::Event), of(RecordKind::Piano));
    let clients = world.control.ids(RecordKind::Client);
    let fits = |id: &&String| events.contains(id) && pianos.contains(id) && **id != clients[1];
    clients.iter().find(fits).expect("such a client").clone()
}

async fn live(world: &World, table: &str) -> i64 {
    world.one(&format!("SELECT count(*) FROM {table} WHERE deleted_at IS NULL"), &[]).await
}

/// The case of a record in quarantine.
async fn case(world: &World, id: &str) -> Value {
    let rows = world
        .rows(&format!(
            "SELECT q.state, q.error_code, q.error_field, s.error_message, s.sync_status
               FROM sync_quarantine q
               JOIN (SELECT id, error_message, sync_status FROM staging_clients
                     UNION ALL SELECT id, error_message, sync_status FROM staging_pianos
                     UNION ALL SELECT id, error_message, sync_status FROM staging_users
                     UNION ALL SELECT id, error_message, sync_status FROM staging_appointments) s ON s.id = q.staging_id
              WHERE q.external_id = '{id}' ORDER BY q.first_seen_at DESC LIMIT 1"
        ))
        .await;
    rows.into_iter().next().unwrap_or(Value::Null)
}

#[tokio::test]
async fn a_record_whose_field_fails_at_the_api_is_quarantined_alone_and_all_others_land() {
    for takes in [Takes::Field, Takes::Record, Takes::Answer, Takes::Server] {
        let world = World::new().await;
        let client = a_client(&world);
        let kind = FaultKind::RecordFault {
            id: client.clone(),
            field: Some("personalNotes".to_owned()),
            message: "undefined method `strip' for nil".to_owned(),
            takes,
        };
        world.control.add_fault(always(kind));
        let run = world.full().await;
        assert_eq!(run.code, 3, "{takes:?}: {run}");
        assert!(run.reasons().contains(&client), "{takes:?}: {}", run.reasons());
        assert_eq!(run.entity("clients")["walk_complete"], true, "{takes:?}: {run}");
        assert_eq!(live(&world, "gazelle_clients").await, CLIENTS - 1, "{takes:?}");
        let found = case(&world, &client).await;
        assert_eq!(
            (&found["state"], &found["error_code"]),
            (&json!("open"), &json!("incomplete_at_source")),
            "{takes:?}"
        );
        if takes != Takes::Server {
            let said = found["error_message"].as_str().unwrap();
            assert!(said.contains("undefined method `strip' for nil"), "{takes:?}: {said}");
        }
        if matches!(takes, Takes::Field | Takes::Record) {
            assert_eq!(found["error_field"], "personalNotes", "{takes:?}");
        }
        // Only what names this client waits, and nothing of it is in production.
        let waiting: Vec<String> = world
            .rows("SELECT DISTINCT waits_for_id FROM sync_quarantine WHERE state = 'waiting' AND waits_for = 'gazelle_clients'")
            .await
            .iter()
            .map(|row| row["waits_for_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(waiting, std::slice::from_ref(&client), "{takes:?}");

        // The same again adds nothing.
        let versions = world.count("staging_clients").await;
        let again = world.incremental().await;
        assert_eq!(again.code, 3, "{takes:?}: {again}");
        assert_eq!(world.count("staging_clients").await, versions, "{takes:?}");
        // A replay takes the part that came for no content.
        let replayed = world.run(&["replay"]).await;
        assert_eq!(live(&world, "gazelle_clients").await, CLIENTS - 1, "{takes:?}: {replayed}");
        let retried = world.run(&["errors", "retry", &client]).await;
        assert_eq!(live(&world, "gazelle_clients").await, CLIENTS - 1, "{takes:?}: {retried}");

        world.control.clear_faults();
        world.incremental().await.success();
        assert_all_are_in_production(&world).await;
        assert_eq!(case(&world, &client).await["state"], "superseded", "{takes:?}");
        let open: i64 = world.one("SELECT count(*) FROM sync_quarantine WHERE state = 'waiting'", &[]).await;
        assert_eq!(open, 0, "{takes:?}");
    }
}

#[tokio::test]
async fn the_words_of_a_records_error_decide_nothing_about_any_other() {
    for message in [
        "personalNotes is too long: 70000 characters exceed the limit of 65535",
        "Parse error: the notes are no text",
        "introspection of the notes failed",
        "Throttled by the notes service",
    ] {
        let world = World::new().await;
        let client = a_client(&world);
        let user = world.control.ids(RecordKind::User)[1].clone();
        for (id, field, takes) in [(&client, "personalNotes", Takes::Field), (&user, "email", Takes::Record)]
        {
            let (id, field, message) = (id.clone(), Some(field.to_owned()), message.to_owned());
            world.control.add_fault(always(FaultKind::RecordFault { id, field, message, takes }));
        }
        let run = world.full().await;
        assert_eq!(run.code, 3, "{message}: {run}");
        assert_eq!(live(&world, "gazelle_clients").await, CLIENTS - 1, "{message}: {run}");
        assert_eq!(live(&world, "gazelle_users").await, 3, "{message}: {run}");
        for id in [&client, &user] {
            assert_eq!(case(&world, id).await["error_code"], "incomplete_at_source", "{message}: {run}");
        }
        // It may be of a person: for the quarantine alone.
        assert!(!run.to_string().contains(message), "{run}");
        let noted = world.text("SELECT value FROM sync_notes WHERE key = 'api_limits:clients'").await;
        let noted: Value = serde_json::from_str(&noted.unwrap_or_default()).unwrap_or_default();
        assert_eq!(noted["page"], Value::Null, "{message}: no size was the reason");
    }
}

#[tokio::test]
async fn the_last_whole_version_stays_in_production_while_the_api_cannot_give_the_record() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = a_client(&world);
    world
        .control
        .edit(RecordKind::Client, &client, json!({"companyName": "Autrement", "personalNotes": "x"}))
        .unwrap();
    let before = world.production(&[]).await;
    world.control.add_fault(always(FaultKind::field_fault(&client, "personalNotes")));
    for mode in ["full", "incremental"] {
        let run = world.run(&["sync", "--mode", mode]).await;
        assert_eq!(run.code, 3, "{mode}: {run}");
        assert_same(&before, &world.production(&[]).await, mode);
    }
    let content = world.content().await;
    world.run(&["replay"]).await.success();
    assert_same(&content, &world.content().await, "replay");
}

#[tokio::test]
async fn the_kind_at_every_entity_and_inside_its_lists() {
    let world = World::new().await;
    let piano = world.control.ids(RecordKind::Piano)[5].clone();
    let user = world.control.ids(RecordKind::User)[1].clone();
    let event = world.upcoming(0);
    let client = a_client(&world);
    let contact = world
        .control
        .ids(RecordKind::Contact)
        .into_iter()
        .find(|id| world.control.record(RecordKind::Contact, id).unwrap()["client"]["id"] == json!(client))
        .unwrap();
    for (id, field) in [(&piano, "notes"), (&user, "region"), (&event, "notes"), (&contact, "middleName")] {
        world.control.add_fault(always(FaultKind::field_fault(id, field)));
    }
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    for (id, field) in
        [(&piano, "notes"), (&user, "region"), (&event, "notes"), (&client, "allContacts.nodes.0.middleName")]
    {
        assert!(run.reasons().contains(id.as_str()), "{}", run.reasons());
        let found = case(&world, id).await;
        assert_eq!(found["error_code"], "incomplete_at_source", "{id}: {found}");
        if *id != client {
            assert_eq!(found["error_field"], *field, "{found}");
        } else {
            assert!(found["error_field"].as_str().unwrap().starts_with("allContacts.nodes."), "{found}");
        }
    }
    assert_eq!(live(&world, "gazelle_users").await, 3);
    world.control.clear_faults();
    world.full().await.success();
    assert_all_are_in_production(&world).await;
}

#[tokio::test]
async fn a_list_inside_a_record_that_fails_quarantines_that_record_and_no_other() {
    let world = World::new().await;
    let client = world.control.ids(RecordKind::Client)[1].clone();
    world.control.add_fault(Fault::new(FaultKind::ServerError).on_operation("ClientMoreContacts").forever());
    world
        .control
        .add_fault(Fault::new(FaultKind::BadGateway).on_operation("AppointmentMorePianos").forever());
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(run.entity("clients")["walk_complete"], true, "{run}");
    assert_eq!(run.entity("appointments")["walk_complete"], true, "{run}");
    assert_eq!(case(&world, &client).await["error_field"], "allContacts");
    assert_eq!(live(&world, "gazelle_clients").await, CLIENTS - 1);
    world.control.clear_faults();
    world.incremental().await.success();
    assert_all_are_in_production(&world).await;
}

#[tokio::test]
async fn a_record_of_which_not_even_the_id_comes_keeps_no_other_out_and_is_never_taken_for_deleted() {
    let world = one_by_one().await;
    world.full_sync_ok().await;
    let event = world.upcoming(2);
    let before = world.production(&[]).await;
    for takes in [Takes::Record, Takes::Answer, Takes::Server] {
        let kind = FaultKind::RecordFault { id: event.clone(), field: None, message: "oh".to_owned(), takes };
        world.control.clear_faults();
        world.control.add_fault(always(kind));
        let run = world.full().await;
        assert_eq!(run.code, 3, "{takes:?}: {run}");
        assert_same(&before, &world.production(&[]).await, "nothing is deleted");
    }
    world.control.clear_faults();
    let added = world
        .control
        .add(RecordKind::Event, json!({"start": "2026-05-05T15:00:00Z", "title": "neu"}))
        .unwrap();
    let kind =
        FaultKind::RecordFault { id: event, field: None, message: "oh".to_owned(), takes: Takes::Record };
    world.control.add_fault(always(kind));
    world.full().await;
    let in_production: i64 =
        world.one("SELECT count(*) FROM gazelle_appointments WHERE external_id = $1", &[&added]).await;
    assert_eq!(in_production, 1);
}

#[tokio::test]
async fn a_byte_that_is_no_text_quarantines_its_record_with_field_and_place() {
    let world = World::new().await;
    let event = world.upcoming(1);
    world.control.add_fault(always(FaultKind::RawByte { id: event.clone(), field: "title".to_owned() }));
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains(&format!("{event} at title")), "{}", run.reasons());
    assert_eq!(live(&world, "gazelle_appointments").await, EVENTS_HELD - 1);
    let found = case(&world, &event).await;
    assert_eq!((&found["error_code"], &found["error_field"]), (&json!("not_text"), &json!("title")));
    let said = found["error_message"].as_str().unwrap();
    assert!(said.contains("0xE9") && said.contains("byte "), "{said}");
    let bytes: Vec<u8> =
        world.one("SELECT raw_bytes FROM staging_appointments WHERE external_id = $1", &[&event]).await;
    assert!(bytes.contains(&0xE9), "the record is kept as it came");
    let told = world.run(&["errors", "show", &event]).await;
    assert!(told.stdout.contains("not_text"), "{told}");

    world.control.clear_faults();
    world.incremental().await.success();
    assert_all_are_in_production(&world).await;
}

#[tokio::test]
async fn a_field_that_fails_at_every_record_is_the_apis_fault_and_blames_none() {
    let world = World::new().await;
    for client in world.control.ids(RecordKind::Client) {
        world.control.add_fault(always(FaultKind::field_fault(&client, "region")));
    }
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("clients: partial data"), "{}", run.reasons());
    assert_eq!(world.quarantine().await.iter().filter(|case| case["entity"] == "clients").count(), 0);
}

#[tokio::test]
async fn a_record_that_fails_and_is_deleted_meanwhile_leaves_no_case_open() {
    let world = World::new().await;
    let event = world.upcoming(0);
    world.control.add_fault(always(FaultKind::field_fault(&event, "notes")));
    assert_eq!(world.full().await.code, 3);
    world.control.clear_faults();
    world
        .control
        .apply(Change::Delete { kind: RecordKind::Event, id: event.clone(), keep_references: false })
        .unwrap();
    world.full().await.success();
    assert_ne!(case(&world, &event).await["state"], "open");
}
