//! Fields that cannot be read: NULL with a warning, never a record held back; and records that are held back beyond the
//! usual, which make a run partial.

use crate::support::quarantined::{listed, place, stage};
use crate::support::{TestInstallation, World};
use gazelle_sim::RecordKind;
use gazelle_sync::entities::{ENTITIES, example};
use serde_json::{Value, json};

/// The unreadable fields and rows that `warnings` lists: record, field, column, shape.
async fn unreadable(place: &TestInstallation) -> Vec<[String; 4]> {
    let mut all = Vec::new();
    for code in ["unreadable_field", "unreadable_row"] {
        let document = place.run(&["warnings", "--code", code, "--limit", "1000"]).await.success();
        let samples = document["records"].as_array().unwrap().iter().flat_map(|kind| {
            kind["samples"].as_array().unwrap().iter().map(|sample| {
                ["external_id", "field", "column", "shape"]
                    .map(|name| sample[name].as_str().unwrap_or_default().to_owned())
            })
        });
        all.extend(samples);
    }
    all.sort();
    all
}

async fn says_the_same_again(place: &TestInstallation) {
    for args in [&["replay", "--dry-run"][..], &["verify", "--offline"]] {
        let ran = place.run(args).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran}");
    }
    let again = place.run(&["replay", "--dry-run"]).await.success();
    for table in again["tables"].as_array().unwrap() {
        for kind in ["missing", "changed", "surplus"] {
            assert_eq!(table[kind], json!(0), "{table}");
        }
    }
}

#[tokio::test]
async fn a_date_of_zeros_at_one_client_holds_back_nobody() {
    let world = World::new().await;
    let client = world.control.ids(RecordKind::Client).remove(0);
    let good = World::new().await;
    good.full_sync_ok().await;
    world.control.edit(RecordKind::Client, &client, json!({"noContactUntil": "0000-00-00"})).unwrap();

    let run = world.full_sync_ok().await;

    assert_eq!((&run["errors"], &run["unreadable_fields"]), (&json!(3), &json!(1)), "{run}");
    assert_eq!(crate::support::entity(&run, "clients")["unreadable_fields"], 1);
    let told = run["warnings"].as_array().unwrap();
    assert!(
        told.iter().any(|warning| warning["code"] == "unreadable_field"
            && warning["message"].as_str().unwrap().contains("gazelle_clients.no_contact_until: 1")),
        "{told:?}"
    );
    for table in crate::support::production_tables() {
        assert_eq!(world.count(table).await, good.count(table).await, "{table}");
    }
    let until = format!("SELECT no_contact_until::text FROM gazelle_clients WHERE external_id = '{client}'");
    assert_eq!(world.text(&until).await, None);
    let expected = [
        client.as_str(),
        "noContactUntil",
        "gazelle_clients.no_contact_until",
        "text like `0000-00-00` where a date is expected",
    ];
    assert_eq!(unreadable(&world).await, [expected.map(str::to_owned)]);
    let people = crate::support::run_to_end(world.command(&["warnings"])).await;
    assert!(people.stdout.contains("text like `0000-00-00`") && people.stdout.contains(&client), "{people}");
    let explained =
        crate::support::run_to_end(world.command(&["explain", &client, "no_contact_until"])).await;
    assert!(explained.stdout.contains("cannot be read"), "{explained}");
    let told = world.run(&["history", &client]).await.success();
    let of = |told: &Value| -> Vec<Value> {
        told["versions"].as_array().unwrap().iter().map(|version| version["unreadable"].clone()).collect()
    };
    let [_, field, column, shape] = expected;
    assert_eq!(of(&told), [json!([{"field": field, "column": column, "shape": shape}])], "{told}");
    let people = crate::support::run_to_end(world.command(&["history", &client])).await;
    let line = format!("cannot be read: {field} ({shape}); NULL in production, column {column}");
    assert!(people.stdout.contains(&line), "{people}");
    says_the_same_again(&world).await;

    // Once a version: another run has nothing to say of it.
    let again = world.full_sync_ok().await;
    assert_eq!((&again["unreadable_fields"], &again["warnings"]), (&json!(0), &json!([])), "{again}");
    // And it goes with what deserved it.
    world.control.edit(RecordKind::Client, &client, json!({"noContactUntil": "2027-01-09"})).unwrap();
    world.full_sync_ok().await;
    assert_eq!(world.text(&until).await.as_deref(), Some("2027-01-09"));
    assert!(unreadable(&world).await.is_empty());
    let told = world.run(&["history", &client]).await.success();
    assert_eq!(of(&told), [json!([]), json!([])], "{told}");
}

#[tokio::test]
async fn a_date_that_comes_as_an_instant_at_every_piano_is_read() {
    let world = World::new().await;
    let pianos = world.control.ids(RecordKind::Piano);
    for piano in &pianos {
        let fields = json!({"calculatedLastService": "2026-05-11T00:00:00Z"});
        world.control.edit(RecordKind::Piano, piano, fields).unwrap();
    }

    let run = world.full_sync_ok().await;

    assert_eq!((&run["errors"], &run["unreadable_fields"]), (&json!(3), &json!(0)), "{run}");
    let read: i64 = world
        .one("SELECT count(*) FROM gazelle_pianos WHERE calculated_last_service = '2026-05-11'", &[])
        .await;
    assert_eq!(read, pianos.len() as i64);
    assert_eq!(world.count("gazelle_appointments").await, 117);
}

/// Adds events whose start nobody can read.
fn add_unreadable_events(world: &World, ids: std::ops::Range<u32>) {
    for number in ids {
        let event =
            json!({"id": format!("evt_odd_{number}"), "type": "APPOINTMENT", "start": "demain matin"});
        world.control.add_raw_event(event, Some("2026-05-05T12:00:00Z")).unwrap();
    }
}

#[tokio::test]
async fn a_run_that_newly_quarantines_more_than_the_guard_is_partial_and_names_the_field() {
    let mut world = World::new().await;
    // Three events of the shop have no start.
    add_unreadable_events(&world, 0..7);
    let run = world.full_sync_ok().await;
    assert_eq!(crate::support::entity(&run, "appointments")["quarantined"], 10, "{run}");

    add_unreadable_events(&world, 7..18);
    let over = world.full().await;
    assert_eq!(over.code, 3, "{over}");
    assert_eq!(over.json()["status"], "partial");
    assert_eq!(over.entity("appointments")["quarantined"], 11);
    for part in ["appointments", "11 records were newly quarantined", "invalid_field start: 11"] {
        assert!(over.reasons().contains(part), "{part:?} is not in {}", over.reasons());
    }
    assert_eq!(world.count("gazelle_appointments").await, 117, "all others are in production");
    let noted = world.text("SELECT reason FROM sync_runs ORDER BY started_at DESC LIMIT 1").await.unwrap();
    assert!(noted.contains("invalid_field start: 11"), "{noted}");

    // A run that was cut off before it was judged is judged with the next one.
    world
        .execute(
            "UPDATE sync_runs SET status = 'interrupted'
              WHERE started_at = (SELECT max(started_at) FROM sync_runs)",
        )
        .await;
    let after = world.full().await;
    assert_eq!((after.code, &after.entity("appointments")["quarantined"]), (3, &json!(11)), "{after}");

    // They are there, and no more of them: nothing new.
    let next = world.full_sync_ok().await;
    assert_eq!(next["quarantined"], 0, "{next}");
    // Nor is it when each says something else that is as unreadable, or is tried again.
    for number in 0..18 {
        let fields = json!({"start": "après-demain"});
        world.control.edit(RecordKind::Event, &format!("evt_odd_{number}"), fields).unwrap();
    }
    let other = world.full_sync_ok().await;
    assert_eq!((&other["quarantined"], &other["errors"]), (&json!(0), &json!(18)), "{other}");
    world.run(&["errors", "retry"]).await.success();

    world.set("GAZELLE_SYNC_QUARANTINE_GUARD_RECORDS", "0");
    world.set("GAZELLE_SYNC_QUARANTINE_GUARD_PERCENT", "0.5");
    add_unreadable_events(&world, 18..19);
    assert_eq!(world.full().await.code, 3, "0.5 % of 139 is none");
    world.set("GAZELLE_SYNC_QUARANTINE_GUARD_PERCENT", "2");
    add_unreadable_events(&world, 19..21);
    world.full_sync_ok().await;
}

#[tokio::test]
async fn a_row_inside_a_record_that_cannot_be_read_takes_nothing_along_and_is_not_taken_for_gone() {
    let place = place().await;
    let contact = |id: &str, name: &str| json!({"id": id, "firstName": name, "allLocations": {"nodes": [{"id": format!("l_{id}"), "street1": "A"}]}});
    let client = |nodes: Value| json!({"id": "c1", "companyName": "C", "allContacts": {"nodes": nodes}});
    let stage = async |record: &Value, at: &str| {
        place.stage("staging_clients", "c1", record, Some(at)).await;
        place.run(&["reconcile"]).await.success()
    };
    let live = async |table: &str| {
        let sql = format!(
            "SELECT coalesce(string_agg(external_id, ' ' ORDER BY external_id), '') FROM {table} WHERE deleted_at IS NULL"
        );
        place.text(&sql).await.unwrap()
    };
    stage(&client(json!([contact("k1", "a"), contact("k2", "b"), contact("k3", "c")])), "2026-01-01").await;

    // The first has lost its id, the second is new to the API's shape, the third is there, with an odd location; k9 is new.
    let mut odd = contact("k3", "C");
    odd["sortOrder"] = json!("premier");
    odd["allLocations"]["nodes"] = json!([{"id": {}, "street1": "B"}, 7, {"id": "l_new", "street1": "N"}]);
    let record = client(json!([{"firstName": "x"}, "k2", odd, contact("k9", "z"), null]));
    let run = stage(&record, "2026-01-02").await;
    assert_eq!((&run["errors"], &run["processed"]), (&json!(0), &json!(1)), "{run}");
    assert_eq!(live("gazelle_contacts").await, "k1 k2 k3 k9");
    assert_eq!(live("gazelle_locations").await, "l_k1 l_k2 l_k3 l_k9 l_new");
    let name = place.text("SELECT first_name FROM gazelle_contacts WHERE external_id = 'k3'").await;
    assert_eq!(name.as_deref(), Some("C"), "what can be read is");
    let told: Vec<String> =
        unreadable(&place).await.iter().map(|it| format!("{}: {}", it[1], it[3])).collect();
    assert_eq!(
        told,
        [
            "allContacts.nodes[0].id: nothing where an id is expected",
            "allContacts.nodes[1]: text like `a9` where an object is expected",
            "allContacts.nodes[2].allLocations.nodes[0].id: an object of 0 member(s) where an id is expected",
            "allContacts.nodes[2].allLocations.nodes[1]: a number like `9` where an object is expected",
            "allContacts.nodes[2].sortOrder: text like `aaaaaaa` where a whole number of 32 bits is expected",
            "allContacts.nodes[4]: null where an object is expected",
        ]
    );
    says_the_same_again(&place).await;

    // A list that is none says nothing of what it holds.
    for (at, odd) in [("2026-01-03", json!("beaucoup")), ("2026-01-04", json!({"nodes": null}))] {
        let mut record = client(json!([]));
        record["allContacts"] = odd;
        stage(&record, at).await;
        assert_eq!(live("gazelle_contacts").await, "k1 k2 k3 k9", "{at}");
    }
    says_the_same_again(&place).await;

    // A list that can be read whole does.
    stage(&client(json!([contact("k3", "c")])), "2026-01-05").await;
    assert_eq!(live("gazelle_contacts").await, "k3");
    assert_eq!(live("gazelle_locations").await, "l_k3");
    says_the_same_again(&place).await;
}

#[tokio::test]
async fn whatever_stands_in_optional_fields_postgres_holds_what_is_made_of_it() {
    let mut place = place().await;
    place.env.insert("GAZELLE_SYNC_QUARANTINE_GUARD_RECORDS".to_owned(), "0".to_owned());
    for entity in ENTITIES.iter().copied() {
        stage(&place, entity, example::record(entity).to_string(), None).await;
    }
    place.run(&["reconcile"]).await.success();
    let values = hostile_json::values();
    let mut staged = 0;
    for entity in ENTITIES.iter().copied() {
        // In each record every optional field holds another value, and over all of them each holds every value once.
        for (number, _) in values.iter().enumerate() {
            let mut record = example::record(entity);
            let mut replaced = Vec::new();
            let own = entity.tables[0];
            for (index, column) in own.columns.iter().enumerate() {
                let Some(path) = column.from.first().filter(|_| !column.required && column.parent.is_none())
                else {
                    continue;
                };
                let mark = format!("@{index}@");
                put(&mut record, path, json!(mark));
                replaced.push((json!(mark).to_string(), &values[(number + index) % values.len()]));
            }
            let id = format!("odd_{number}");
            record["id"] = json!(id);
            if entity.name == "clients" {
                // The contacts are the example's, and another client's.
                record["allContacts"]["nodes"] = json!([]);
            }
            let mut text = record.to_string();
            for (mark, value) in replaced {
                text = text.replace(&mark, value);
            }
            stage(&place, entity, text, Some(&id)).await;
            staged += 1;
        }
    }
    for (number, (start, duration)) in [
        ("9999-12-30T21:59:59Z", i32::MAX),
        ("9999-12-30T21:59:59Z", i32::MIN),
        ("-004713-11-25T00:00:00Z", 0),
        ("-004713-11-25T00:00:00Z", i32::MAX),
        ("-004713-11-25T00:00:00Z", -1),
        ("-004713-11-30T00:00:00Z", i32::MIN),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("end_{number}");
        let record = json!({"id": id, "start": start, "duration": duration, "isAllDay": number % 2 == 0});
        place.stage("staging_appointments", &id, &record, None).await;
        staged += 1;
    }

    let run = place.run(&["reconcile"]).await;
    assert_eq!(run.code, 0, "{:#?} {run}", listed(&place).await);
    assert_eq!((&run.json()["errors"], &run.json()["processed"]), (&json!(0), &json!(staged)));

    // Everything that people look at can still be read.
    let shown: i64 = place
        .one("SELECT count(*) FROM v_appointments_montreal WHERE (date_montreal, last_date_montreal) IS NOT NULL", &[])
        .await;
    assert!(shown > 100, "{shown}");
    for args in [&["warnings", "--limit", "5"][..], &["status"], &["explain", "end_1", "end_at"]] {
        let ran = place.run(args).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran}");
    }
    says_the_same_again(&place).await;
}

/// Puts a value at a dotted path, in place of what is there.
fn put(record: &mut Value, path: &str, value: Value) {
    let mut here = record;
    for step in path.split('.') {
        if !here.is_object() {
            *here = json!({});
        }
        here = &mut here[step];
    }
    *here = value;
}

#[tokio::test]
async fn a_version_that_only_a_newer_program_reads_takes_its_place_in_the_history() {
    let place = place().await;
    // As an older program left them: the first version of each it could not read, and something newer settled that.
    let bad = |id: &str| json!({"id": id, "noContactUntil": "0000-00-00", "allContacts": {"nodes": [{"id": format!("k_{id}")}]}});
    place.stage("staging_clients", "gone", &bad("gone"), Some("2026-01-01")).await;
    place.stage("staging_clients", "fixed", &bad("fixed"), Some("2026-01-01")).await;
    place
        .execute(
            "UPDATE staging_clients SET sync_status = 'processed', error_code = 'invalid_field',
                    error_field = 'noContactUntil', error_message = 'Invalid field: noContactUntil', attempts = 1;
             INSERT INTO staging_clients (external_id, raw_data, operation, fetched_at)
             VALUES ('gone', '{\"evidence\": {}}', 'delete', '2026-01-02')",
        )
        .await;
    let without = json!({"id": "fixed", "allContacts": {"nodes": []}});
    place.stage("staging_clients", "fixed", &without, Some("2026-01-02")).await;
    place.execute("INSERT INTO sync_reconcilers VALUES ('clients', 1) ON CONFLICT (entity) DO UPDATE SET version = 1").await;

    place.run(&["reconcile"]).await.success();

    let rows = async |table: &str| {
        let sql = format!(
            "SELECT coalesce(string_agg(external_id || ' ' || deleted_at::date, ', ' ORDER BY external_id), '')
               FROM {table}"
        );
        place.text(&sql).await.unwrap()
    };
    // One went with its client, the other is in its client's list no more.
    let gone = "k_fixed 2026-01-02, k_gone 2026-01-02";
    assert_eq!(rows("gazelle_contacts WHERE deleted_at IS NOT NULL").await, gone);
    assert_eq!(rows("gazelle_clients WHERE deleted_at IS NOT NULL").await, "gone 2026-01-02");
    says_the_same_again(&place).await;
    let pending: i64 =
        place.one("SELECT count(*) FROM staging_clients WHERE sync_status <> 'processed'", &[]).await;
    assert_eq!(pending, 0);
}

#[tokio::test]
async fn many_records_with_an_unreadable_field_raise_an_alert_and_are_counted() {
    let mut place = place().await;
    place.env.insert("GAZELLE_SYNC_ALERT_UNREADABLE".to_owned(), "4".to_owned());
    let sink = crate::support::sink::WebhookReceiver::start().await;
    place.env.insert("ALERT_WEBHOOK_URL".to_owned(), sink.url("/alerts"));
    for number in 0..4 {
        let id = format!("p{number}");
        let record = json!({"id": id, "year": "ancien", "tags": ["a", {}], "size": [4]});
        place.stage("staging_pianos", &id, &record, None).await;
    }
    place.run(&["reconcile"]).await.success();
    place.run(&["alerts", "check"]).await.success();
    let told = || -> Vec<Value> {
        let all = sink.accepted().iter().map(|taken| taken.json()).collect::<Vec<_>>();
        all.into_iter().filter(|message| message["kind"] == "unreadable_fields").collect()
    };
    assert!(told().is_empty(), "{:?}", told());

    place.stage("staging_pianos", "p4", &json!({"id": "p4", "year": "ancien"}), None).await;
    place.run(&["reconcile"]).await.success();
    place.run(&["alerts", "check"]).await.success();
    assert_eq!(told().len(), 1);
    let text = told()[0]["text"].as_str().unwrap().to_owned();
    for part in
        ["5 records", "pianos 5", "gazelle_pianos.manufacture_year", "gazelle_pianos.tags", "limit is 4"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("ancien"), "{text}");
    let tags = place.text("SELECT tags::text FROM gazelle_pianos WHERE external_id = 'p1'").await;
    assert_eq!(tags.as_deref(), Some("{a}"), "what can be read of a list is");
}
