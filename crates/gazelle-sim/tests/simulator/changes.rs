//! The shop changes while it is served, and can hold broken records.

use crate::support::{distinct, small, start, start_with, text};
use gazelle_sim::{BadRecord, Change, RecordKind, ShopSpec, SimOptions};
use serde_json::{Value, json};

const EVENT: &str = "query($id: String!) { event(eventId: $id) { id title start status updatedAt duration \
    user { id } client { id companyName } allEventPianos(first: 200) { totalCount nodes { isTuning piano { id } event { id } } } } }";

#[tokio::test]
async fn edits_moves_reassignments_and_cancellations_are_seen_at_once() {
    let shop = start().await;
    let id = shop.event_titled("avant 8h");
    let before = shop.data(EVENT, json!({ "id": id })).await["event"].clone();
    let other =
        shop.control.ids(RecordKind::User).into_iter().find(|user| *user != before["user"]["id"]).unwrap();
    shop.control.edit(RecordKind::Event, &id, json!({ "title": "Changé \"ici\" \u{0}" })).unwrap();
    shop.control.move_event(&id, Some("2026-03-08T07:30:00Z")).unwrap();
    shop.control.reassign(&id, &other).unwrap();
    shop.control.cancel(&id).unwrap();
    let after = shop.data(EVENT, json!({ "id": id })).await["event"].clone();
    assert_eq!(after["title"], "Changé \"ici\" \u{0}");
    assert_eq!(after["start"], "2026-03-08T07:30:00Z");
    assert_eq!(after["user"]["id"], *other);
    assert_eq!(after["status"], "CANCELED");
    assert!(after["updatedAt"].as_str() > before["updatedAt"].as_str());
    let day = r#", filters: { dateGet: "2026-03-08", dateLet: "2026-03-08", status: [CANCELED] }"#;
    let (ids, _) = shop.walk_ids("allEventsBatched", day, 50).await;
    assert!(ids.contains(&id));
}

#[tokio::test]
async fn an_edit_can_leave_updated_at_and_clear_a_field() {
    let shop = start().await;
    let id = shop.event_titled("avant 8h");
    let before = shop.data(EVENT, json!({ "id": id })).await["event"].clone();
    let fields = json!({ "title": null }).as_object().unwrap().clone();
    shop.control
        .apply(Change::Edit { kind: RecordKind::Event, id: id.clone(), fields, bump: false })
        .unwrap();
    let after = shop.data(EVENT, json!({ "id": id })).await["event"].clone();
    assert_eq!(after["title"], Value::Null);
    assert_eq!(after["updatedAt"], before["updatedAt"]);
}

#[tokio::test]
async fn a_deleted_event_is_gone_from_list_and_getter() {
    let shop = start().await;
    let id = shop.event_titled("avant 8h");
    shop.control.delete(RecordKind::Event, &id).unwrap();
    let answer = shop.ask(EVENT, json!({ "id": id })).await;
    assert_eq!(answer["data"]["event"], Value::Null);
    assert_eq!(answer.get("errors"), None);
    let (ids, total) = shop.walk_ids("allEventsBatched", "", 50).await;
    assert!(!ids.contains(&id));
    assert_eq!(total, 119);
    assert!(shop.control.delete(RecordKind::Event, &id).is_err());

    let strict = start_with(small(), SimOptions { missing_is_error: true, ..SimOptions::default() }).await;
    let answer = strict.ask(EVENT, json!({ "id": "evt_gone" })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(answer["data"]["event"], Value::Null);
}

#[tokio::test]
async fn a_deleted_client_takes_its_own_along_and_leaves_no_reference() {
    let shop = start().await;
    let event = shop.event_titled("Grande tournée");
    let client = shop.control.ids(RecordKind::Client)[0].clone();
    shop.control.delete(RecordKind::Client, &client).unwrap();
    let data = shop.data(EVENT, json!({ "id": event })).await;
    assert_eq!(data["event"]["client"], Value::Null);
    assert_eq!(data["event"]["allEventPianos"]["totalCount"], 0);
    for kind in RecordKind::ALL {
        for id in shop.control.ids(kind) {
            let record = shop.control.record(kind, &id).unwrap();
            assert!(!record.to_string().contains(&client), "{record}");
        }
    }
}

#[tokio::test]
async fn a_piano_deleted_with_its_references_kept_leaves_an_id_that_leads_nowhere() {
    let shop = start().await;
    let event = shop.event_titled("Grande tournée");
    let piano =
        text(&shop.control.record(RecordKind::Event, &event).unwrap()["allEventPianos"][0]["piano"]["id"]);
    shop.control
        .apply(Change::Delete { kind: RecordKind::Piano, id: piano.clone(), keep_references: true })
        .unwrap();
    let data = shop.data(EVENT, json!({ "id": event })).await;
    assert_eq!(data["event"]["allEventPianos"]["totalCount"], 137);
    assert_eq!(data["event"]["allEventPianos"]["nodes"][0]["piano"]["id"], *piano);
    let gone = shop.data("query($id: String) { piano(id: $id) { id } }", json!({ "id": piano })).await;
    assert_eq!(gone["piano"], Value::Null);
}

#[tokio::test]
async fn a_merge_moves_everything_and_one_id_vanishes() {
    let shop = start().await;
    let clients = shop.control.ids(RecordKind::Client);
    let (from, into) = (clients[0].clone(), clients[1].clone());
    let event = shop.event_titled("Grande tournée");
    let query = "query($id: String!) { client(id: $id) { id updatedAt defaultContact { id } \
        allContacts(includeArchived: true, first: 500) { totalCount nodes { id isDefault client { id } } } \
        allPianos(first: 500) { totalCount nodes { client { id } } } } }";
    let old = shop.data(query, json!({ "id": from })).await["client"].clone();
    let kept = shop.data(query, json!({ "id": into })).await["client"].clone();
    shop.control.merge_clients(&from, &into).unwrap();
    assert_eq!(shop.data(query, json!({ "id": from })).await["client"], Value::Null);
    let merged = shop.data(query, json!({ "id": into })).await["client"].clone();
    let sum =
        |name: &str| old[name]["totalCount"].as_u64().unwrap() + kept[name]["totalCount"].as_u64().unwrap();
    assert_eq!(merged["allContacts"]["totalCount"], sum("allContacts"));
    assert_eq!(merged["allPianos"]["totalCount"], sum("allPianos"));
    assert!(sum("allPianos") >= 137);
    assert_eq!(merged["defaultContact"], kept["defaultContact"]);
    let contacts = merged["allContacts"]["nodes"].as_array().unwrap();
    assert_eq!(contacts.iter().filter(|contact| contact["isDefault"] == true).count(), 1);
    assert!(contacts.iter().all(|contact| contact["client"]["id"] == *into));
    assert_eq!(shop.data(EVENT, json!({ "id": event })).await["event"]["client"]["id"], *into);
    assert!(merged["updatedAt"].as_str() > kept["updatedAt"].as_str());
    assert_eq!(shop.total("allClients", "").await, 39);
    assert!(shop.control.merge_clients(&into, &into).is_err());
}

#[tokio::test]
async fn added_records_are_linked() {
    let shop = start().await;
    let user = shop.control.add(RecordKind::User, json!({ "firstName": "Ada" })).unwrap();
    let client = shop.control.add(RecordKind::Client, json!({ "companyName": "Neuve" })).unwrap();
    let contact = shop
        .control
        .add(
            RecordKind::Contact,
            json!({ "client": { "id": client }, "firstName": "Zoé",
                    "allLocations": [{ "id": "loc_x", "usageType": "STREET", "street1": "1 rue Neuve" }] }),
        )
        .unwrap();
    let piano =
        shop.control.add(RecordKind::Piano, json!({ "client": { "id": client }, "make": "Pleyel" })).unwrap();
    let event = shop
        .control
        .add(
            RecordKind::Event,
            json!({ "title": "Neuf", "start": "2026-02-01T15:00:00Z", "client": { "id": client }, "user": { "id": user },
                    "allEventPianos": [{ "piano": { "id": piano }, "isTuning": true }] }),
        )
        .unwrap();
    let data = shop.data(EVENT, json!({ "id": event })).await["event"].clone();
    assert_eq!(data["client"]["companyName"], "Neuve");
    assert_eq!(data["user"]["id"], *user);
    assert_eq!(
        data["allEventPianos"]["nodes"][0],
        json!({ "isTuning": true, "piano": { "id": piano }, "event": { "id": event } })
    );
    let query =
        "query($id: String!) { client(id: $id) { defaultContact { id defaultLocation { street1 } } } }";
    let data = shop.data(query, json!({ "id": client })).await;
    assert_eq!(
        data["client"]["defaultContact"],
        json!({ "id": contact, "defaultLocation": { "street1": "1 rue Neuve" } })
    );
    let refused = shop.control.add(RecordKind::Event, json!({ "client": { "id": "cli_none" } }));
    assert!(refused.is_err(), "a healthy event cannot have a client that is not there");
    let users = shop.data("{ allUsers { id email } }", json!({})).await;
    assert_eq!(users["allUsers"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn broken_records_are_sent_as_they_are() {
    let spec = ShopSpec { bad_records: BadRecord::ALL.to_vec(), ..small() };
    let shop = start_with(spec, SimOptions::default()).await;
    let selection = "id title start type client { id companyName } user { id firstName } \
        allEventPianos { nodes { piano { id make } } }";
    let arguments = r#", filters: { dateGet: "2026-01-15" }"#;
    let (nodes, total) = shop.walk("allEventsBatched", arguments, selection, 20).await;
    let bad = |name: &str| -> Vec<&Value> {
        nodes.iter().filter(|node| node["title"] == format!("Bad record: {name}")).collect()
    };
    assert_eq!(bad("unreadable_start")[0]["start"], "demain matin");
    assert_eq!(bad("null_id")[0]["id"], Value::Null);
    assert_eq!(bad("unknown_enum")[0]["type"], "HOLOGRAM");
    assert_eq!(bad("duplicate_id").len(), 2);
    assert_eq!(bad("duplicate_id")[0]["id"], bad("duplicate_id")[1]["id"]);
    assert_eq!(nodes.iter().filter(|node| node.is_null()).count(), 1);
    assert_eq!(total, nodes.len() as u64 - 1, "the record listed twice is counted once");
    assert_eq!(bad("unlisted_client")[0]["client"]["companyName"], "Absent de la liste");
    assert_eq!(bad("unlisted_user")[0]["user"]["firstName"], "Absente");
    assert_eq!(bad("unlisted_piano")[0]["allEventPianos"]["nodes"][0]["piano"]["make"], "Introuvable");
    let (clients, _) = shop.walk_ids("allClients", "", 50).await;
    for (name, answers) in [("unlisted_client", true), ("ghost_client", false)] {
        let id = text(&bad(name)[0]["client"]["id"]);
        assert!(!clients.contains(&id), "{name}");
        let got = shop.data("query($id: String) { client(id: $id) { id } }", json!({ "id": id })).await;
        assert_eq!(got["client"].is_object(), answers, "{name}");
    }
    assert!(bad("ghost_user")[0]["user"]["id"].is_string());
    assert!(bad("ghost_piano")[0]["allEventPianos"]["nodes"][0]["piano"]["id"].is_string());
}

#[tokio::test]
async fn raw_events_and_listing_are_as_told() {
    let shop = start().await;
    shop.control
        .add_raw_event(json!({ "title": 7, "start": "?", "odd": [1] }), Some("2026-06-01T12:00:00Z"))
        .unwrap();
    let day = r#", filters: { dateGet: "2026-06-01", dateLet: "2026-06-01" }"#;
    let (nodes, _) = shop.walk("allEventsBatched", day, "id title start", 5).await;
    assert_eq!(nodes, [json!({ "id": null, "title": 7, "start": "?" })]);
    let id = shop.event_titled("avant 8h");
    shop.control.apply(Change::SetListed { kind: RecordKind::Event, id: id.clone(), times: 0 }).unwrap();
    let (ids, total) = shop.walk_ids_or_null().await;
    assert!(!ids.contains(&id));
    assert_eq!(total, 120);
    assert_eq!(shop.data(EVENT, json!({ "id": id })).await["event"]["id"], *id);
    shop.control.apply(Change::SetListed { kind: RecordKind::Event, id: id.clone(), times: 2 }).unwrap();
    let (ids, total) = shop.walk_ids_or_null().await;
    assert_eq!((ids.len(), distinct(&ids), total), (121, 120, 121));
}

impl crate::support::Shop {
    /// Ids of all events, those without one left out, and the total.
    async fn walk_ids_or_null(&self) -> (Vec<String>, u64) {
        let (nodes, total) = self.walk("allEventsBatched", "", "id", 50).await;
        (nodes.iter().filter_map(|node| node["id"].as_str().map(str::to_owned)).collect(), total)
    }
}

#[tokio::test]
async fn editing_a_contact_bumps_its_client_when_set() {
    for bumps in [false, true] {
        let options = SimOptions { contact_edit_bumps_client: bumps, ..SimOptions::default() };
        let shop = start_with(small(), options).await;
        let contact = shop.control.ids(RecordKind::Contact)[0].clone();
        let client = text(&shop.control.record(RecordKind::Contact, &contact).unwrap()["client"]["id"]);
        let before = shop.control.record(RecordKind::Client, &client).unwrap()["updatedAt"].clone();
        shop.control.edit(RecordKind::Contact, &contact, json!({ "role": "Neuve" })).unwrap();
        let after = shop.control.record(RecordKind::Client, &client).unwrap()["updatedAt"].clone();
        assert_eq!(before != after, bumps);
    }
}
