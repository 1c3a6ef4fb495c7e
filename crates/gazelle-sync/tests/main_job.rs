//! The main job: what the shop holds is in production, once, and what changes there changes here.

mod support;

use std::collections::BTreeMap;

use gazelle_sim::{BadRecord, Kind, ShopSpec, SimControl, SimOptions};
use serde_json::{Map, Value, json};
use support::{Tables, World, assert_same};

/// What production must hold, worked out from the shop's own records with the rules of `gazelle-api.md`; shares nothing with the
/// engine. Table and key, then the columns.
type Expected = BTreeMap<(&'static str, String), Map<String, Value>>;

struct Record(Value);

impl Record {
    fn get(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Text as Postgres holds it.
    fn text(&self, name: &str) -> Value {
        match self.get(name) {
            Value::String(text) => text.replace('\0', "").into(),
            other => other,
        }
    }

    fn instant(&self, name: &str) -> Value {
        match self.get(name) {
            Value::String(text) => text.replace('Z', "+00:00").into(),
            other => other,
        }
    }

    fn reference(&self, name: &str) -> Value {
        self.get(name).get("id").cloned().unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<Record> {
        match self.get(name) {
            Value::Array(items) => items.into_iter().map(Record).collect(),
            Value::Object(object) => {
                object["nodes"].as_array().cloned().unwrap_or_default().into_iter().map(Record).collect()
            }
            _ => Vec::new(),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.get(name) == true
    }
}

fn columns(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn all(control: &SimControl, kind: Kind) -> Vec<Record> {
    control.ids(kind).iter().map(|id| Record(control.record(kind, id).expect("listed"))).collect()
}

fn expected(control: &SimControl) -> Expected {
    let mut rows = Expected::new();
    let key = |value: Value| value.as_str().expect("an id").to_owned();
    for user in all(control, Kind::User) {
        rows.insert(
            ("gazelle_users", key(user.get("id"))),
            columns([
                ("first_name", user.text("firstName")),
                ("last_name", user.text("lastName")),
                ("email", user.text("email")),
                ("status", user.text("status")),
                ("timezone", user.text("timezone")),
                ("access_level", user.text("accessLevel")),
                ("color", user.text("color")),
                ("region", user.text("region")),
                ("is_schedulable", user.get("isSchedulable")),
                ("has_limited_access", user.get("hasLimitedAccess")),
                ("source_created_at", user.instant("createdAt")),
                ("source_updated_at", user.instant("updatedAt")),
            ]),
        );
    }

    // The first contact flagged as default, and its first street address: where a client is met.
    let mut met: BTreeMap<String, (Value, Value)> = BTreeMap::new();
    for contact in all(control, Kind::Contact) {
        let (id, client) = (contact.get("id"), contact.reference("client"));
        let default = |list: &str, value: &str| {
            contact
                .list(list)
                .iter()
                .find(|item| item.is("isDefault"))
                .map(|item| item.text(value))
                .unwrap_or_default()
        };
        let mobile = contact
            .list("allPhones")
            .iter()
            .find(|phone| phone.get("confirmedClass") == "MOBILE" && !phone.get("confirmedAt").is_null())
            .map(|phone| phone.text("phoneNumber"))
            .unwrap_or_default();
        let phone = default("allPhones", "phoneNumber");
        rows.insert(
            ("gazelle_contacts", key(id.clone())),
            columns([
                ("client_external_id", client.clone()),
                ("title", contact.text("title")),
                ("first_name", contact.text("firstName")),
                ("middle_name", contact.text("middleName")),
                ("last_name", contact.text("lastName")),
                ("suffix", contact.text("suffix")),
                ("role", contact.text("role")),
                ("email", default("allEmails", "email")),
                ("phone", if phone.is_null() { mobile.clone() } else { phone }),
                ("mobile_phone", mobile),
                ("wants_email", contact.get("wantsEmail")),
                ("wants_phone", contact.get("wantsPhone")),
                ("wants_text", contact.get("wantsText")),
                ("is_default", contact.get("isDefault")),
                ("is_billing_default", contact.get("isBillingDefault")),
                ("archived", contact.get("archived")),
                ("sort_order", contact.get("sortOrder")),
                ("source_created_at", contact.instant("createdAt")),
                ("source_updated_at", contact.instant("updatedAt")),
            ]),
        );
        let locations = contact.list("allLocations");
        let street = locations
            .iter()
            .find(|location| location.get("usageType") == "STREET")
            .map(|location| location.get("id"))
            .unwrap_or_default();
        for location in locations {
            let is_default = location.get("id") == street;
            rows.insert(
                ("gazelle_locations", key(location.get("id"))),
                columns([
                    ("contact_external_id", id.clone()),
                    ("client_external_id", client.clone()),
                    ("usage_type", location.text("usageType")),
                    ("location_type", location.text("locationType")),
                    ("address_line1", location.text("street1")),
                    ("address_line2", location.text("street2")),
                    ("city", location.text("municipality")),
                    ("province", location.text("region")),
                    ("postal_code", location.text("postalCode")),
                    ("country_code", location.text("countryCode")),
                    ("latitude", location.text("latitude")),
                    ("longitude", location.text("longitude")),
                    ("what3words", location.text("what3words")),
                    ("geocode_type", location.text("geocodeType")),
                    ("is_bad_address", location.get("isBadAddress")),
                    ("is_default", is_default.into()),
                    ("source_created_at", location.instant("createdAt")),
                    ("source_updated_at", location.instant("updatedAt")),
                ]),
            );
        }
        if contact.is("isDefault") {
            met.entry(key(client)).or_insert((id, street));
        }
    }

    for client in all(control, Kind::Client) {
        let id = key(client.get("id"));
        let (contact, location) = met.get(&id).cloned().unwrap_or_default();
        let mut row = columns([
            ("company_name", client.text("companyName")),
            ("status", client.text("status")),
            ("client_type", client.text("clientType")),
            ("tags", json!(client.get("tags").as_array().cloned().unwrap_or_default())),
            ("region", client.text("region")),
            ("reference_id", client.text("referenceId")),
            // The company's own where a client has none.
            ("locale", if client.get("locale").is_null() { "fr_CA".into() } else { client.get("locale") }),
            ("preferred_technician_external_id", client.reference("preferredTechnician")),
            ("no_contact_until", client.get("noContactUntil")),
            ("no_contact_reason", client.text("noContactReason")),
            ("reason_inactive", client.text("reasonInactiveCode")),
            ("reason_inactive_details", client.text("reasonInactiveDetails")),
            ("preference_notes", client.text("preferenceNotes")),
            ("personal_notes", client.text("personalNotes")),
            ("last_result_notes", client.text("lastResultNotes")),
            ("lifecycle_state", client.text("lifecycleState")),
            ("referred_by", client.text("referredBy")),
            ("referred_by_notes", client.text("referredByNotes")),
            ("default_contact_external_id", contact),
            ("default_location_external_id", location),
            ("source_created_at", client.instant("createdAt")),
            ("source_updated_at", client.instant("updatedAt")),
        ]);
        for number in 1..=10 {
            row.insert(format!("custom{number}"), client.text(&format!("custom{number}")));
        }
        rows.insert(("gazelle_clients", id), row);
    }

    for piano in all(control, Kind::Piano) {
        rows.insert(
            ("gazelle_pianos", key(piano.get("id"))),
            columns([
                ("client_external_id", piano.reference("client")),
                ("make", piano.text("make")),
                ("model", piano.text("model")),
                ("serial_number", piano.text("serialNumber")),
                ("piano_type", piano.text("type")),
                ("manufacture_year", piano.get("year")),
                ("location_text", piano.text("location")),
                ("status", piano.text("status")),
                ("tags", json!(piano.get("tags").as_array().cloned().unwrap_or_default())),
                ("notes", piano.text("notes")),
                ("size", piano.text("size")),
                ("use_type", piano.text("useType")),
                ("case_color", piano.text("caseColor")),
                ("case_finish", piano.text("caseFinish")),
                ("reference_id", piano.text("referenceId")),
                ("consignment", piano.get("consignment")),
                ("rental", piano.get("rental")),
                ("has_ivory", piano.get("hasIvory")),
                ("total_loss", piano.get("totalLoss")),
                ("dampp_chaser_installed", piano.get("damppChaserInstalled")),
                ("dampp_chaser_humidistat_model", piano.text("damppChaserHumidistatModel")),
                ("dampp_chaser_mfg_date", piano.get("damppChaserMfgDate")),
                ("service_interval_months", piano.get("serviceIntervalMonths")),
                ("calculated_last_service", piano.get("calculatedLastService")),
                ("calculated_next_service", piano.get("calculatedNextService")),
                ("event_last_service", piano.get("eventLastService")),
                ("source_created_at", piano.instant("createdAt")),
                ("source_updated_at", piano.instant("updatedAt")),
            ]),
        );
    }

    for event in all(control, Kind::Event) {
        let Value::String(start) = event.get("start") else { continue };
        let id = key(event.get("id"));
        let client = event.reference("client");
        let (contact, location) =
            client.as_str().and_then(|client| met.get(client)).cloned().unwrap_or_default();
        let (date, time) = start.trim_end_matches('Z').split_once('T').expect("date and time");
        rows.insert(
            ("gazelle_appointments", id.clone()),
            columns([
                ("appointment_date", date.into()),
                ("appointment_time", time.into()),
                ("start_at", format!("{date}T{time}+00:00").into()),
                ("duration_minutes", event.get("duration")),
                ("buffer_minutes", event.get("buffer")),
                ("is_all_day", event.get("isAllDay")),
                ("title", event.text("title")),
                ("description", Value::Null),
                ("notes", event.text("notes")),
                ("status", event.text("status")),
                ("event_type", event.text("type")),
                ("client_external_id", client),
                ("contact_external_id", contact),
                ("location_external_id", location),
                ("technician_external_id", event.reference("user")),
                ("confirmed_by_client", event.get("confirmedByClient")),
                ("confirmed_at", event.instant("confirmedAt")),
                ("event_timezone", event.text("timezone")),
                ("recurrence_id", event.text("recurrenceId")),
                ("recurrence_type", event.text("recurrenceType")),
                ("recurrence_interval", event.get("recurrenceInterval")),
                ("created_by_external_id", event.reference("createdBy")),
                ("source_created_at", event.instant("createdAt")),
                ("source_updated_at", event.instant("updatedAt")),
            ]),
        );
        for item in event.list("allEventPianos") {
            let piano = key(item.reference("piano"));
            rows.insert(
                ("gazelle_appointment_pianos", format!("{id} {piano}")),
                columns([
                    ("appointment_external_id", id.clone().into()),
                    ("piano_external_id", piano.into()),
                    ("is_tuning", item.get("isTuning")),
                ]),
            );
        }
    }
    rows
}

/// Compares every row that exists and every column with the shop. `gone` are rows that may be there still.
async fn assert_mirrors(world: &World, gone: &[String]) {
    let expected = expected(&world.control);
    let mut unseen: Vec<&(&str, String)> = expected.keys().collect();
    for table in support::PRODUCTION {
        for row in world.rows(&format!("SELECT * FROM {table} WHERE deleted_at IS NULL")).await {
            let id = match table {
                "gazelle_appointment_pianos" => format!(
                    "{} {}",
                    row["appointment_external_id"].as_str().unwrap(),
                    row["piano_external_id"].as_str().unwrap()
                ),
                _ => row["external_id"].as_str().unwrap().to_owned(),
            };
            if gone.contains(&id) {
                continue;
            }
            let Some(columns) = expected.get(&(table, id.clone())) else {
                panic!("{table} holds {id}, the shop does not")
            };
            for (column, value) in columns {
                assert_eq!(&row[column], value, "{table} {id} {column}");
            }
            unseen.retain(|(of, key)| (*of, key) != (table, &id));
        }
    }
    assert!(unseen.is_empty(), "not in production: {unseen:?}");
}

fn startless(control: &SimControl) -> Vec<String> {
    let mut ids: Vec<String> = control
        .ids(Kind::Event)
        .into_iter()
        .filter(|id| control.record(Kind::Event, id).unwrap()["start"].is_null())
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_full_sync_brings_every_record_and_every_field() {
    let world = World::new().await;
    let report = world.filled().await;

    assert_mirrors(&world, &[]).await;
    let counts = [("users", 4, 0), ("clients", 40, 0), ("pianos", 162, 0), ("appointments", 120, 3)];
    for (name, records, errors) in counts {
        let of = support::entity(&report, name);
        assert_eq!(of["walk"], "whole", "{name}");
        assert_eq!(of["walk_complete"], true, "{name}");
        for field in ["fetched", "staged", "seen", "source_total", "in_staging"] {
            assert_eq!(of[field], records, "{name} {field}");
        }
        assert_eq!(of["unchanged"], 0, "{name}");
        assert_eq!(of["processed"], records - errors, "{name}");
        assert_eq!(of["errors"], errors, "{name}");
        assert_eq!(of["in_production"], records - errors, "{name}");
    }
    assert_eq!((&report["status"], &report["mode"]), (&json!("success"), &json!("full")));
    assert_eq!(report["fetched"], 4 + 40 + 162 + 120);
    for field in ["run_id", "staged", "unchanged", "processed", "errors", "deleted", "duration_ms"] {
        assert!(!report[field].is_null(), "{field} in {report}");
    }
}

#[tokio::test]
async fn events_without_a_start_wait_in_quarantine_and_name_the_field() {
    let world = World::new().await;
    world.filled().await;
    let rows = world
        .rows("SELECT external_id, sync_status, error_message FROM staging_appointments WHERE sync_status <> 'processed' ORDER BY 1")
        .await;
    let wanted: Vec<Value> = startless(&world.control)
        .into_iter()
        .map(|id| {
            json!({"external_id": id, "sync_status": "error", "error_message": "Missing required field: start"})
        })
        .collect();
    assert_eq!(rows, wanted);
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn a_raw_version_is_the_node_as_it_came() {
    let world = World::new().await;
    world.filled().await;
    let id = world.event_titled("Tire le Coyote à 18h");
    let raw: Value =
        world.one("SELECT raw_data FROM staging_appointments WHERE external_id = $1", &[&id]).await;
    let truth = world.control.record(Kind::Event, &id).unwrap();
    for field in ["id", "title", "start", "duration", "isAllDay", "status", "type", "createdAt", "updatedAt"]
    {
        assert_eq!(raw[field], truth[field], "{field}");
    }
    let nul: i64 = world
        .one(
            "SELECT count(*) FROM staging_appointments WHERE raw_bytes IS NOT NULL
                AND strpos(convert_from(raw_bytes, 'UTF8'), '\\u0000') > 0",
            &[],
        )
        .await;
    assert_eq!(nul, 1, "the record with U+0000 keeps its bytes");
    let warned: i64 =
        world.one("SELECT count(*) FROM sync_quality_warnings WHERE code = 'text_cleaned'", &[]).await;
    assert_eq!(warned, 1);
}

#[tokio::test]
async fn a_second_sync_stages_nothing_and_writes_no_production_row() {
    let world = World::new().await;
    world.filled().await;
    for mode in ["full", "incremental"] {
        let before = world.row_versions().await;
        let staged = world.table("staging_appointments", &[]).await;
        let lsn: String = world.one("SELECT pg_current_wal_insert_lsn()::text", &[]).await;
        let report = world.run(&["sync", "--mode", mode]).await.success();
        let wal: i64 = world
            .one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::text::pg_lsn)::bigint", &[&lsn])
            .await;

        assert_eq!(
            (&report["staged"], &report["processed"], &report["errors"]),
            (&json!(0), &json!(0), &json!(0)),
            "{mode}"
        );
        assert_eq!(report["unchanged"], report["fetched"], "{mode}");
        assert!(report["fetched"].as_i64().unwrap() > 200, "{mode}");
        assert_same(&before, &world.row_versions().await, mode);
        assert_eq!(staged, world.table("staging_appointments", &[]).await, "{mode}: staging is as it was");
        assert!(wal < 1 << 20, "{mode}: {wal} bytes of WAL");
    }
}

#[tokio::test]
async fn an_incremental_sync_brings_what_moved_changed_hands_was_cancelled_edited_or_added() {
    let world = World::new().await;
    world.filled().await;
    let control = &world.control;
    let (moved, handed, cancelled, edited) =
        (world.upcoming(0), world.upcoming(1), world.upcoming(2), world.upcoming(3));
    control.move_event(&moved, Some("2027-07-01T23:30:00Z")).unwrap();
    let other = control
        .ids(Kind::User)
        .into_iter()
        .find(|user| control.record(Kind::Event, &handed).unwrap()["user"]["id"] != user.as_str())
        .unwrap();
    control.reassign(&handed, &other).unwrap();
    control.cancel(&cancelled).unwrap();
    control.edit(Kind::Event, &edited, json!({"title": "Un autre \"titre\" 🎼", "duration": 45})).unwrap();
    let clients = control.ids(Kind::Client);
    control.edit(Kind::Client, &clients[20], json!({"companyName": "Renommée"})).unwrap();
    let client = control.add(Kind::Client, json!({"companyName": "Toute neuve"})).unwrap();
    control.add(Kind::Contact, json!({"client": {"id": client}, "firstName": "Zoé"})).unwrap();
    let piano = control.add(Kind::Piano, json!({"client": {"id": client}, "make": "Pratte"})).unwrap();
    let event = json!({
        "start": "2027-01-10T01:30:00Z", "client": {"id": client}, "user": {"id": other},
        "allEventPianos": [{"piano": {"id": piano}, "isTuning": true}],
    });
    control.add(Kind::Event, event).unwrap();

    let run = world.incremental().await;
    let report = run.success();

    assert_mirrors(&world, &[]).await;
    assert_eq!(run.entity("appointments")["staged"], 5);
    assert_eq!(run.entity("clients")["staged"], 2);
    assert_eq!(run.entity("pianos")["staged"], 1);
    assert_eq!(run.entity("users")["staged"], 0);
    assert_eq!(report["errors"], 0);
    assert!(run.entity("appointments")["walk"].as_str().unwrap().starts_with("from "), "{report}");
    assert!(run.entity("appointments")["fetched"].as_i64().unwrap() < 110, "the past is not read again");
    let at = world
        .text(&format!("SELECT date_montreal || ' ' || time_montreal FROM v_appointments_montreal WHERE external_id = '{moved}'"))
        .await;
    assert_eq!(at.as_deref(), Some("2027-07-01 19:30:00"));
}

#[tokio::test]
async fn merged_clients_give_their_contacts_pianos_and_events_to_the_one_that_stays() {
    let world = World::new().await;
    world.filled().await;
    let clients = world.control.ids(Kind::Client);
    // The one with 120 contacts into the institution with 137 pianos.
    world.control.merge_clients(&clients[1], &clients[0]).unwrap();

    world.full().await.success();

    assert_mirrors(&world, &[clients[1].clone()]).await;
    let left: i64 = world
        .one(
            "SELECT (SELECT count(*) FROM gazelle_contacts WHERE client_external_id = $1)
                  + (SELECT count(*) FROM gazelle_locations WHERE client_external_id = $1)
                  + (SELECT count(*) FROM gazelle_pianos WHERE client_external_id = $1)
                  + (SELECT count(*) FROM gazelle_appointments WHERE client_external_id = $1)",
            &[&clients[1]],
        )
        .await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_merge_seen_by_an_incremental_sync_alone_leaves_no_dangling_row() {
    let world = World::new().await;
    world.filled().await;
    let clients = world.control.ids(Kind::Client);
    world.control.merge_clients(&clients[9], &clients[10]).unwrap();
    world.incremental().await.success();
    let pianos: i64 =
        world.one("SELECT count(*) FROM gazelle_pianos WHERE client_external_id = $1", &[&clients[9]]).await;
    assert_eq!(pianos, 0);
    world.full().await.success();
    assert_mirrors(&world, &[clients[9].clone()]).await;
}

#[tokio::test]
async fn lists_longer_than_their_page_come_whole() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "7");
    world.filled().await;
    let clients = world.control.ids(Kind::Client);
    let contacts: i64 = world
        .one(
            "SELECT count(*) FROM gazelle_contacts WHERE client_external_id = $1 AND deleted_at IS NULL",
            &[&clients[1]],
        )
        .await;
    assert_eq!(contacts, 120);
    let tour = world.event_titled("Grande tournée");
    let pianos: i64 = world
        .one("SELECT count(*) FROM gazelle_appointment_pianos WHERE appointment_external_id = $1", &[&tour])
        .await;
    assert_eq!(pianos, 137);
    let locations: i64 = world
        .one(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM gazelle_locations GROUP BY contact_external_id) x",
            &[],
        )
        .await;
    assert_eq!(locations, 23);
    assert_mirrors(&world, &[]).await;
}

#[tokio::test]
async fn archived_contacts_are_kept_as_such() {
    let world = World::new().await;
    world.filled().await;
    let archived: i64 =
        world.one("SELECT count(*) FROM gazelle_contacts WHERE archived AND deleted_at IS NULL", &[]).await;
    let truth = all(&world.control, Kind::Contact).iter().filter(|contact| contact.is("archived")).count();
    assert!(archived > 0);
    assert_eq!(archived, truth as i64);
}

#[tokio::test]
async fn what_is_taken_away_at_the_source_is_taken_away_here() {
    let world = World::new().await;
    world.filled().await;
    let clients = world.control.ids(Kind::Client);
    let contact = {
        let mut own = all(&world.control, Kind::Contact);
        own.retain(|contact| contact.reference("client") == clients[1].as_str());
        own.pop().unwrap().get("id").as_str().unwrap().to_owned()
    };
    let control = &world.control;
    control
        .edit(Kind::Client, &clients[5], json!({"tags": ["un", "d'eux", "tr\"ois", "qu\\atre", "{5}"]}))
        .unwrap();
    world.incremental().await.success();
    assert_mirrors(&world, &[]).await;

    control
        .edit(Kind::Client, &clients[5], json!({"tags": ["un"], "companyName": null, "region": null}))
        .unwrap();
    control.delete(Kind::Contact, &contact).unwrap();
    let tour = world.event_titled("Grande tournée");
    let kept: Vec<Value> = Record(control.record(Kind::Event, &tour).unwrap())
        .list("allEventPianos")
        .into_iter()
        .take(2)
        .map(|item| item.0)
        .collect();
    control.edit(Kind::Event, &tour, json!({"allEventPianos": kept, "notes": null, "title": null})).unwrap();
    world.incremental().await.success();

    assert_mirrors(&world, &[]).await;
    let row = world
        .rows(&format!(
            "SELECT tags, company_name, region FROM gazelle_clients WHERE external_id = '{}'",
            clients[5]
        ))
        .await;
    assert_eq!(row, [json!({"tags": ["un"], "company_name": null, "region": null})]);
    let deleted = world
        .text(&format!("SELECT 'deleted' FROM gazelle_contacts WHERE external_id = '{contact}' AND deleted_at IS NOT NULL"))
        .await;
    assert_eq!(deleted.as_deref(), Some("deleted"));

    // And it comes back when the source has it again.
    control.edit(Kind::Client, &clients[5], json!({"tags": [], "companyName": ""})).unwrap();
    world.incremental().await.success();
    assert_mirrors(&world, &[]).await;
}

#[tokio::test]
async fn a_value_unknown_to_us_is_kept_as_it_is() {
    let spec = ShopSpec { bad_records: vec![BadRecord::UnknownEnum], ..ShopSpec::small(7) };
    let world = World::with(spec, SimOptions::default()).await;
    world.filled().await;
    let kind = world
        .text("SELECT event_type FROM gazelle_appointments WHERE title = 'Bad record: unknown_enum'")
        .await;
    assert_eq!(kind.as_deref(), Some("HOLOGRAM"));
}

#[tokio::test]
async fn a_sync_touches_no_column_and_no_table_of_the_users_own() {
    let world = World::new().await;
    world.filled().await;
    world
        .execute(
            "ALTER TABLE gazelle_clients ADD COLUMN my_note text DEFAULT 'à moi';
             ALTER TABLE gazelle_appointments ADD COLUMN my_note text;
             UPDATE gazelle_appointments SET my_note = 'apporter ' || external_id;
             CREATE TABLE my_list (client text REFERENCES gazelle_clients (external_id));
             INSERT INTO my_list SELECT external_id FROM gazelle_clients",
        )
        .await;
    let event = world.upcoming(0);
    world.control.move_event(&event, Some("2027-07-01T23:30:00Z")).unwrap();
    for client in world.control.ids(Kind::Client) {
        world.control.edit(Kind::Client, &client, json!({"personalNotes": "autre"})).unwrap();
    }
    world.full().await.success();
    assert_mirrors(&world, &[]).await;
    let mine: i64 = world
        .one("SELECT count(*) FROM gazelle_appointments WHERE my_note = 'apporter ' || external_id", &[])
        .await;
    assert_eq!(mine, 117);
    assert_eq!(
        world.one::<i64>("SELECT count(*) FROM gazelle_clients WHERE my_note = 'à moi'", &[]).await,
        40
    );
    assert_eq!(world.count("my_list").await, 40);
}

#[tokio::test]
async fn the_time_of_syncing_moves_only_with_the_row() {
    let world = World::new().await;
    world.filled().await;
    let before: Tables = world.production(&[]).await;
    let event = world.upcoming(0);
    // A field that no column holds, then one that a column holds.
    world.control.edit(Kind::Event, &event, json!({"notes": "changé"})).unwrap();
    world.incremental().await.success();
    let after = world.production(&[]).await;
    let changed = after["gazelle_appointments"]
        .iter()
        .filter(|row| !before["gazelle_appointments"].contains(row))
        .count();
    assert_eq!(changed, 1);
    let newest = world
        .text(&format!(
            "SELECT (a.synced_from_gazelle_at = s.fetched_at)::text FROM gazelle_appointments a
               JOIN staging_appointments s ON s.id = a.staging_id
              WHERE a.external_id = '{event}' AND s.fetched_at = (SELECT max(fetched_at) FROM staging_appointments WHERE external_id = '{event}')"
        ))
        .await;
    assert_eq!(newest.as_deref(), Some("true"), "the row names its newest version");
}

#[tokio::test]
async fn one_entity_alone_and_one_stage_alone() {
    let world = World::new().await;
    world.run(&["fetch", "--mode", "full"]).await.success();
    assert_eq!(world.count("staging_appointments").await, 120);
    assert_eq!(world.count("gazelle_appointments").await, 0);
    world.control.clear_requests();
    world.run(&["reconcile", "--entity", "clients"]).await.success();
    assert_eq!(world.count("gazelle_clients").await, 40);
    assert_eq!(world.count("gazelle_users").await, 0);
    world.run(&["reconcile"]).await.success();
    assert_eq!(world.control.request_counts().total, 0, "stage 2 asks the API nothing");
    assert_mirrors(&world, &[]).await;

    let user = world.control.ids(Kind::User).remove(0);
    world.control.edit(Kind::User, &user, json!({"lastName": "Autrement"})).unwrap();
    let client = world.control.ids(Kind::Client).remove(0);
    world.control.edit(Kind::Client, &client, json!({"companyName": "Autrement"})).unwrap();
    let report = world.run(&["sync", "--mode", "full", "--entity", "users"]).await.success();
    assert_eq!(report["entities"].as_array().unwrap().len(), 1);
    assert_eq!(report["staged"], 1);
}

#[tokio::test]
async fn since_stands_for_the_bookmark() {
    let mut world = World::new().await;
    world.filled().await;
    world.set("GAZELLE_SYNC_LOOKBACK_DAYS", "0");
    let far = world.run(&["sync", "--since", "2000-01-01"]).await.entity("appointments");
    let near = world.run(&["sync", "--since", "2030-01-01"]).await.entity("appointments");
    assert_eq!(near["fetched"], 0, "{near}");
    assert!(far["fetched"].as_i64().unwrap() > 100, "{far}");
}

#[tokio::test]
async fn runs_requests_and_bookmarks_are_noted() {
    let world = World::new().await;
    let report = world.filled().await;
    let run = world.rows("SELECT run_id, command, mode, trigger, status, reason FROM sync_runs").await;
    assert_eq!(
        run,
        [json!({
            "run_id": report["run_id"], "command": "sync", "mode": "full", "trigger": "command",
            "status": "success", "reason": null,
        })]
    );
    assert_eq!(world.count("sync_run_entities").await, 4);
    let requests: i64 = world
        .one("SELECT count(*) FROM sync_run_requests WHERE outcome = 'ok' OR http_status = 200", &[])
        .await;
    assert_eq!(requests as u64, world.control.request_counts().total);
    assert_eq!(world.count("sync_bookmarks").await, 4);
    let status = world.run(&["status"]).await.success();
    assert_eq!(status["runs"][0]["run_id"], report["run_id"]);
    let processed: i64 = status["staging"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["sync_status"] == "processed")
        .map(|line| line["count"].as_i64().unwrap())
        .sum();
    assert_eq!(processed, 4 + 40 + 162 + 117);
}

/// Gives the contact of one client to another.
fn give_contact(control: &SimControl, from: &str, to: &str) -> String {
    let id = all(control, Kind::Contact)
        .iter()
        .rfind(|contact| contact.reference("client") == from)
        .map(|contact| contact.get("id").as_str().unwrap().to_owned())
        .expect("a contact");
    control.edit(Kind::Contact, &id, json!({"client": {"id": to}})).unwrap();
    id
}

#[tokio::test]
async fn a_contact_given_to_a_client_created_later_moves_and_replay_agrees() {
    let world = World::new().await;
    world.filled().await;
    let old = world.control.ids(Kind::Client)[1].clone();
    let new = world.control.add(Kind::Client, json!({"companyName": "Toute neuve"})).unwrap();
    let contact = give_contact(&world.control, &old, &new);
    world.incremental().await.success();
    assert_mirrors(&world, &[]).await;
    let before = world.content().await;

    let replayed = world.run(&["replay"]).await;
    assert_eq!(replayed.code, 0, "{replayed}");
    assert_same(&before, &world.content().await, "replayed");
    world.execute("UPDATE staging_clients SET sync_status = 'pending' WHERE sync_status = 'processed'").await;
    let reconciled = world.run(&["reconcile"]).await;
    assert_eq!(reconciled.code, 0, "{reconciled}");
    assert_same(&before, &world.content().await, "reconciled again");
    let owner = world
        .text(&format!("SELECT client_external_id FROM gazelle_contacts WHERE external_id = '{contact}'"))
        .await;
    assert_eq!(owner, Some(new));
}

#[tokio::test]
async fn a_contact_that_changes_clients_between_two_pages_is_seen_at_both_and_harms_nothing() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    let clients = world.control.ids(Kind::Client);
    // One of the first page that has a contact, and one of the last.
    let contacts = all(&world.control, Kind::Contact);
    let has_contact =
        |id: &&String| contacts.iter().any(|contact| contact.reference("client") == id.as_str());
    let (old, new) = (clients[3..10].iter().find(has_contact).unwrap().clone(), clients[35].clone());
    let after_two_pages =
        gazelle_sim::Fault::new(gazelle_sim::FaultKind::Call).on_operation("ClientsPage").skip(1);
    world.control.call_after(after_two_pages, move |control| {
        give_contact(control, &old, &new);
    });
    let run = world.full().await;
    assert_eq!(run.code, 0, "{run}");
    world.full().await.success();
    assert_mirrors(&world, &[]).await;
}
