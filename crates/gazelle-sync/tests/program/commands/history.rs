//! What became of a record, and where a value in production came from.

use crate::support::{TestInstallation, World};
use gazelle_sim::RecordKind;
use gazelle_sync::entities::{Entity, appointments, clients, pianos, users};
use serde_json::{Value, json};

/// The answer of the source to a request, asked again as it was noted.
async fn asked_again(world: &World, query: &str, request: &Value) -> String {
    let body = json!({
        "query": query, "operationName": request["operation"], "variables": request["variables"],
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let sent =
        client.post(world.sim.graphql_url()).header("x-gazelle-api-key", world.sim.api_key()).json(&body);
    sent.send().await.unwrap().text().await.unwrap()
}

async fn explained(world: &World, id: &str, column: &str) -> Value {
    world.run(&["explain", id, column]).await.success()
}

#[tokio::test]
async fn every_version_is_listed_with_what_changed_when_and_by_which_run() {
    let world = World::new().await;
    let full = world.full_sync_ok().await;
    let event = world.upcoming(0);
    let old = world.control.record(RecordKind::Event, &event).unwrap();
    world
        .control
        .edit(RecordKind::Event, &event, json!({ "title": "Piano déplacé", "notes": null }))
        .unwrap();
    let second = world.incremental().await.success();
    world.control.delete(RecordKind::Event, &event).unwrap();
    world.incremental().await.success();

    let history = world.run(&["history", &event]).await.success();

    assert_eq!(history["entity"], "appointments");
    assert_eq!(history["versions_held"], 3);
    let versions = history["versions"].as_array().unwrap();
    let states: Vec<&str> = versions.iter().map(|version| version["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["replaced", "replaced", "gone"]);
    assert_eq!(versions[0]["changes"], Value::Null, "the first");
    assert_eq!(versions[0]["run"]["run_id"], full["run_id"]);
    assert_eq!(versions[1]["run"]["run_id"], second["run_id"]);
    assert_eq!(versions[1]["run"]["mode"], "incremental");
    let changes = versions[1]["changes"].as_array().unwrap();
    let title = changes.iter().find(|change| change["path"] == "title").unwrap();
    assert_eq!(title["before"], old["title"]);
    assert_eq!(title["after"], "Piano déplacé");
    assert!(changes.iter().all(|change| change["path"] != "start"), "only what changed: {changes:?}");
    let seen: String = world
        .one(
            "SELECT to_char(fetched_at AT TIME ZONE 'America/Toronto', 'YYYY-MM-DD HH24:MI:SS')
               FROM staging_appointments WHERE id::text = $1",
            &[&versions[1]["staging_id"].as_str().unwrap()],
        )
        .await;
    assert!(versions[1]["seen_at"]["local"].as_str().unwrap().starts_with(&seen), "{}", versions[1]);
    assert!(versions[1]["seen_at"]["utc"].as_str().unwrap().ends_with('Z'));
    assert_eq!(versions[2]["operation"], "delete");
    assert_eq!(versions[2]["evidence"]["asked_with"], "AppointmentById");
    assert_ne!(history["in_production"]["deleted_at"], Value::Null);

    let newest = world.run(&["history", &event, "--limit", "1"]).await.success();
    assert_eq!(newest["versions"].as_array().unwrap().len(), 1);
    assert_eq!(newest["versions"][0]["number"], 3);
    let people = crate::support::run_to_end(world.command(&["history", &event])).await;
    assert_eq!(people.code, 0, "{people}");
    assert!(people.stdout.contains("-> \"Piano déplacé\""), "{people}");
    assert!(people.stdout.contains("AppointmentById answered"), "{people}");
    assert!(people.stdout.contains(" UTC ("), "{people}");

    let gone = explained(&world, &event, "deleted_at").await;
    assert_eq!(gone["source"]["version"], 3);
    assert_eq!(gone["looked_at"][0]["raw"]["asked_with"], "AppointmentById");
}

#[tokio::test]
async fn a_deletion_is_explained_by_the_version_that_dates_it() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let record = json!({"id": "evt_1", "start": "2026-05-05T12:00:00Z"});
    place.stage("staging_appointments", "evt_1", &record, Some("2026-01-01T00:00:01Z")).await;
    for time in ["2026-01-01T00:00:03Z", "2026-01-01T00:00:06Z"] {
        let said = json!({"evidence": {"asked_at": time}});
        let id = place.stage("staging_appointments", "evt_1", &said, Some(time)).await;
        let sql = format!("UPDATE staging_appointments SET operation = 'delete' WHERE id = '{id}'");
        place.execute(&sql).await;
    }
    place.run(&["reconcile"]).await.success();
    let gone = place.run(&["explain", "evt_1", "deleted_at"]).await.success();
    assert_eq!(gone["value"], "2026-01-01T00:00:03+00:00");
    assert_eq!(gone["source"]["version"], 2);
    assert_eq!(gone["looked_at"][0]["raw"]["asked_at"], "2026-01-01T00:00:03Z");
}

#[tokio::test]
async fn versions_in_quarantine_and_withdrawn_ones_are_told_with_their_reason() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let faulty = world.event_titled("Sans date");
    let held = world.run(&["history", &faulty]).await.success();
    assert_eq!(held["versions"][0]["state"], "in quarantine");
    assert_eq!(held["versions"][0]["quarantine"]["message"], "Missing required field: start");
    assert_eq!(held["in_production"], Value::Null);

    let event = world.upcoming(0);
    world
        .execute(&format!(
            "UPDATE staging_appointments SET withdrawn_by = '01900000-0000-7000-8000-000000000001'
              WHERE external_id = '{event}'"
        ))
        .await;
    let history = world.run(&["history", &event]).await.success();
    assert_eq!(history["versions"][0]["state"], "withdrawn");
    assert_eq!(history["versions"][0]["withdrawn"]["by"], "01900000-0000-7000-8000-000000000001");
    let said = explained(&world, &event, "title").await["said"].clone();
    assert_eq!(said[0]["note"], "withdrawn by an undo");
}

#[tokio::test]
async fn each_version_names_the_request_and_page_that_brought_it() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.full_sync_ok().await;
    let entities: [(&Entity, RecordKind); 4] = [
        (&appointments::ENTITY, RecordKind::Event),
        (&clients::ENTITY, RecordKind::Client),
        (&pianos::ENTITY, RecordKind::Piano),
        (&users::ENTITY, RecordKind::User),
    ];
    let (mut pages, mut checked) = (0, 0);
    for (entity, kind) in entities {
        let ids = world.control.ids(kind);
        for id in ids.iter().step_by(ids.len().div_ceil(8)) {
            let history = world.run(&["history", id]).await.success();
            let request = &history["versions"][0]["request"];
            assert_eq!(request["operation"], entity.walk.operation, "{history}");
            let answer = asked_again(&world, &entity.walk.page_query, request).await;
            assert!(answer.contains(&format!("\"id\":\"{id}\"")), "{id} is not in the answer to {request}");
            pages = pages.max(request["page"].as_i64().unwrap_or(0));
            checked += 1;
            assert!(request["latency_ms"].is_i64() && request["http_status"] == 200, "{request}");
        }
    }
    assert!(checked > 20 && pages > 2, "{checked} records, {pages} pages");
    // Numbers are the requests' own, each once.
    let (noted, last): (i64, i32) = {
        let row =
            world.db.query_one("SELECT count(*), max(sequence) FROM sync_run_requests", &[]).await.unwrap();
        (row.get(0), row.get(1))
    };
    assert_eq!(noted, i64::from(last));

    // A list too long for its page: the request of the page, and those that completed it.
    let long = world
        .text("SELECT contact_external_id FROM gazelle_locations GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
        .await
        .unwrap();
    let last: String = world
        .one("SELECT max(external_id) FROM gazelle_locations WHERE contact_external_id = $1", &[&long])
        .await;
    let told = explained(&world, &last, "city").await;
    assert_eq!(told["source"]["request"]["operation"], "ClientsPage");
    assert_eq!(told["source"]["completed_by"][0]["operation"], "ContactMoreLocations", "{told}");
    assert_eq!(told["source"]["completed_by"][0]["variables"]["id"], long.as_str());
}

#[tokio::test]
async fn a_time_is_followed_from_the_records_text_to_the_local_hour() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    // No appointment of the shop begins at such a minute, so that this is a change whatever day it is.
    world.control.move_event(&event, Some("2027-07-15T01:37:00Z")).unwrap();
    world.incremental().await.success();
    let before = world.control.record(RecordKind::Event, &event).unwrap()["start"].clone();
    assert_eq!(before, "2027-07-15T01:37:00Z");

    let told = explained(&world, &event, "appointment_time").await;

    assert_eq!(told["value"], "01:37:00");
    assert_eq!(told["made"], "01:37:00");
    assert_eq!(told["agrees"], true);
    assert_eq!(told["filled_by"], "record");
    let used: Vec<&Value> =
        told["looked_at"].as_array().unwrap().iter().filter(|looked| looked["used"] == true).collect();
    assert_eq!(used.len(), 1);
    assert_eq!((&used[0]["path"], &used[0]["raw"]), (&json!("start"), &json!("2027-07-15T01:37:00Z")));
    let times = &told["times"];
    assert_eq!(times["raw"], "2027-07-15T01:37:00Z");
    assert_eq!(times["instant"], "2027-07-15T01:37:00Z");
    assert_eq!((&times["utc_date"], &times["utc_time"]), (&json!("2027-07-15"), &json!("01:37:00")));
    assert_eq!(times["local"], "2027-07-14 21:37:00 EDT");
    assert_eq!(times["view"]["date_montreal"], "2027-07-14");
    assert_eq!(times["view"]["time_montreal"], "21:37:00");
    let said = told["said"].as_array().unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!((&said[1]["version"], &said[1]["value"]), (&json!(2), &json!("01:37:00")));

    let start = explained(&world, &event, "start_at").await;
    assert_eq!(start["filled_by"], "database");
    assert!(start["rule"].as_str().unwrap().contains("appointment_date"), "{start}");
    let rests: Vec<&str> =
        start["rests_on"].as_array().unwrap().iter().map(|inner| inner["column"].as_str().unwrap()).collect();
    assert_eq!(rests, ["appointment_date", "appointment_time"]);
    let shown = explained(&world, &event, "time_montreal").await;
    assert_eq!((&shown["value"], &shown["filled_by"]), (&json!("21:37:00"), &json!("view")));

    let people = crate::support::run_to_end(world.command(&["explain", &event, "appointment_time"])).await;
    for part in ["start: \"2027-07-15T01:37:00Z\"", "AppointmentsPage", "2027-07-14 21:37:00 EDT", "2 of 2"] {
        assert!(people.stdout.contains(part), "no {part} in {people}");
    }
    let elsewhere = crate::support::run_to_end(world.command(&[
        "explain",
        &event,
        "start_at",
        "--timezone",
        "Europe/Paris",
    ]))
    .await;
    assert!(elsewhere.stdout.contains("2027-07-15 03:37:00 CEST in Europe/Paris"), "{elsewhere}");
}

#[tokio::test]
async fn values_from_other_rows_and_from_the_reconciler_are_followed() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let (event, client, contact): (String, String, String) = {
        let row = world
            .db
            .query_one(
                "SELECT a.external_id, a.client_external_id, a.contact_external_id FROM gazelle_appointments a
                   JOIN gazelle_contacts k ON k.external_id = a.contact_external_id AND k.first_name <> ''
                  ORDER BY 1 LIMIT 1",
                &[],
            )
            .await
            .unwrap();
        (row.get(0), row.get(1), row.get(2))
    };
    let told = explained(&world, &event, "contact_external_id").await;
    assert_eq!((&told["filled_by"], &told["value"]), (&json!("another row"), &json!(contact)));
    let inner = &told["rests_on"][0];
    assert_eq!((&inner["table"], &inner["row"]), (&json!("gazelle_clients"), &json!(client)));
    assert_eq!(inner["column"], "default_contact_external_id");
    assert_eq!(inner["looked_at"][0]["path"], "defaultContact.id");
    assert_eq!(inner["source"]["request"]["operation"], "ClientsPage");

    // Of a contact, inside its client's record.
    let nested = explained(&world, &contact, "first_name").await;
    assert_eq!(nested["source"]["record"], client.as_str());
    let path = nested["looked_at"][0]["path"].as_str().unwrap();
    assert!(path.starts_with("allContacts.nodes[") && path.ends_with("].firstName"), "{path}");
    let owner = explained(&world, &contact, "client_external_id").await;
    assert_eq!((&owner["looked_at"][0]["path"], &owner["made"]), (&json!("id"), &json!(client)));
    let history = world.run(&["history", &contact]).await.success();
    assert_eq!(history["external_id"], client.as_str());
    assert_eq!(history["asked_for"], contact.as_str());

    // Every column of every table can be explained, and production agrees with each.
    for (table, id) in
        [("gazelle_appointments", &event), ("gazelle_clients", &client), ("gazelle_contacts", &contact)]
    {
        let columns = world
            .rows(&format!(
                "SELECT attname AS name FROM pg_attribute
                  WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
            ))
            .await;
        for column in columns {
            let name = column["name"].as_str().unwrap();
            let told = explained(&world, id, name).await;
            assert_ne!(told["agrees"], false, "{told}");
        }
    }
    world
        .execute(&format!("UPDATE gazelle_contacts SET first_name = 'Autre' WHERE external_id = '{contact}'"))
        .await;
    let tampered = explained(&world, &contact, "first_name").await;
    assert_eq!((&tampered["agrees"], &tampered["value"]), (&json!(false), &json!("Autre")));
    let people = crate::support::run_to_end(world.command(&["explain", &contact, "first_name"])).await;
    assert!(people.stdout.contains("changed by hand"), "{people}");
}

#[tokio::test]
async fn what_cannot_be_told_is_said_clearly() {
    let world = World::new().await;
    for args in [&["history", "x"][..], &["explain", "x", "title"]] {
        let empty = world.run(args).await;
        assert_eq!(empty.code, 1, "an empty database: {empty}");
        assert!(empty.reasons().contains("no record has the id x"), "{empty}");
    }
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    let unknown = world.run(&["explain", &event, "tilte"]).await;
    assert_eq!(unknown.code, 2, "{unknown}");
    assert!(unknown.reasons().contains("title") && unknown.reasons().contains("start_at"), "{unknown}");
    assert_eq!(world.run(&["history", &event, "--entity", "events"]).await.code, 2);
    assert_eq!(world.run(&["history", &event, "--entity", "pianos"]).await.code, 1);

    let faulty = world.event_titled("Sans date");
    let staged_only = world.run(&["explain", &faulty, "title"]).await;
    assert_eq!(staged_only.code, 1);
    assert!(staged_only.reasons().contains("gazelle-sync history"), "{staged_only}");

    for (table, record) in [
        ("staging_users", json!({"id": "42", "firstName": "Una"})),
        ("staging_pianos", json!({"id": "42", "make": "Erard"})),
    ] {
        world.stage(table, "42", &record, None).await;
    }
    world.run(&["reconcile"]).await.success();
    let ambiguous = world.run(&["history", "42"]).await;
    assert_eq!(ambiguous.code, 2, "{ambiguous}");
    assert!(ambiguous.reasons().contains("users and of pianos"), "{ambiguous}");
    assert_eq!(world.run(&["explain", "42", "make"]).await.code, 2);
    let told = world.run(&["explain", "42", "make", "--entity", "pianos"]).await.success();
    assert_eq!(told["value"], "Erard");
    assert_eq!(told["source"]["request"], Value::Null, "staged by hand");
}
