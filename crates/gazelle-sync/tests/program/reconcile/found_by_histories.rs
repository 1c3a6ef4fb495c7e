//! What simulated histories found: records that vanish before stage 2 has taken them, and a clock that steps back.

use crate::support::{World, oracle};
use gazelle_sim::{BadRecord, Change, Fault, FaultKind, RecordKind, ShopSpec, SimOptions};
use serde_json::json;

#[tokio::test]
async fn a_record_staged_by_a_killed_run_and_gone_since_does_not_come_to_life() {
    let world = World::new().await;
    world.run(&["fetch"]).await.success();
    let (event, piano) = (world.upcoming(0), world.control.ids(RecordKind::Piano)[3].clone());
    world.control.delete(RecordKind::Event, &event).unwrap();
    world.control.delete(RecordKind::Piano, &piano).unwrap();

    world.full_sync_ok().await;
    for (table, id) in [("gazelle_appointments", &event), ("gazelle_pianos", &piano)] {
        let live: i64 = world
            .one(
                &format!("SELECT count(*) FROM {table} WHERE external_id = $1 AND deleted_at IS NULL"),
                &[id],
            )
            .await;
        assert_eq!(live, 0, "{table} {id}");
    }
    let evidence: i64 = world.one("SELECT count(*) FROM sync_deletions WHERE state = 'deleted'", &[]).await;
    assert_eq!(evidence, 2);
    oracle::assert_mirrors(&world, &[]).await;
}

#[tokio::test]
async fn a_quarantined_record_that_is_gone_leaves_the_quarantine() {
    let world = World::new().await;
    let event = world.upcoming(0);
    world.control.move_event(&event, None).unwrap();
    world.full_sync_ok().await;
    let open = format!(
        "SELECT count(*) FROM sync_quarantine WHERE external_id = '{event}' AND state IN ('open', 'waiting')"
    );
    assert_eq!(world.one::<i64>(&open, &[]).await, 1);

    world.control.delete(RecordKind::Event, &event).unwrap();
    let run = world.full_sync_ok().await;
    assert_eq!(run["reasons"], json!([]));
    assert_eq!(world.one::<i64>(&open, &[]).await, 0);
    let tombstones: i64 = world
        .one(
            "SELECT count(*) FROM staging_appointments WHERE external_id = $1 AND operation = 'delete'",
            &[&event],
        )
        .await;
    assert_eq!(tombstones, 1);
    let again = world.full_sync_ok().await;
    assert_eq!(
        (again["staged"].as_i64(), again["deleted"].as_i64()),
        (Some(0), Some(0)),
        "asked and settled once"
    );
}

#[tokio::test]
async fn a_withheld_deletion_of_a_quarantined_record_is_no_difference_to_verify() {
    let mut world = World::new().await;
    let event = world.upcoming(0);
    world.control.move_event(&event, None).unwrap();
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "0");
    world.control.delete(RecordKind::Event, &event).unwrap();
    let run = world.full().await;
    assert_eq!(run.code, 3, "withheld: {run}");
    let rows = format!("gazelle_appointments WHERE external_id = '{event}'");
    assert_eq!(world.count(&rows).await, 0, "it is in quarantine alone");
    world.run(&["verify", "--sample", "20"]).await.success();

    // Kept by a person's decision it stays held.
    let run_id = run.json()["run_id"].as_str().unwrap().to_owned();
    world.run(&["deletions", "dismiss", &run_id]).await.success();
    world.run(&["verify", "--sample", "20"]).await.success();

    // One more that is gone is a difference still.
    world.control.delete(RecordKind::Event, &world.upcoming(3)).unwrap();
    let verified = world.run(&["verify", "--sample", "0"]).await;
    assert_eq!(verified.code, 1, "{verified}");
    assert!(verified.json()["checks"].to_string().contains("and 1 kept although gone"), "{verified}");
}

#[tokio::test]
async fn a_contact_goes_to_the_client_seen_last_although_the_clock_stepped_back() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let contact = world.control.ids(RecordKind::Contact)[5].clone();
    let from = world.control.record(RecordKind::Contact, &contact).unwrap()["client"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // It was a day ahead; the client that the contact leaves was the last one seen.
    world
        .execute(&format!(
            "UPDATE staging_clients SET fetched_at = fetched_at + interval '1 day' WHERE external_id <> '{from}';
             UPDATE staging_clients SET fetched_at = fetched_at + interval '1 day 1 minute' WHERE external_id = '{from}';
             UPDATE gazelle_contacts c SET synced_from_gazelle_at = s.fetched_at FROM staging_clients s WHERE s.id = c.staging_id"
        ))
        .await;
    let into = world.control.ids(RecordKind::Client).into_iter().find(|id| *id != from).unwrap();
    world.control.merge_clients(&from, &into).unwrap();
    world.full_sync_ok().await;
    let of = world
        .text(&format!("SELECT client_external_id FROM gazelle_contacts WHERE external_id = '{contact}'"))
        .await;
    assert_eq!(of.as_deref(), Some(into.as_str()));
    world.run(&["verify", "--sample", "20"]).await.success();
}

#[tokio::test]
async fn a_record_that_is_in_no_list_and_exists_is_no_difference_to_verify() {
    let spec = ShopSpec {
        bad_records: vec![BadRecord::UnlistedClient, BadRecord::UnlistedPiano],
        ..ShopSpec::small(7)
    };
    let world = World::with(spec, SimOptions::default()).await;
    // Named by an appointment in the first run; held and in no list in the others.
    for round in 0..3 {
        let run = if round == 1 { world.incremental().await } else { world.full().await };
        let report = run.success();
        for (entity, kind) in [("clients", RecordKind::Client), ("pianos", RecordKind::Piano)] {
            let entities = report["entities"].as_array().unwrap();
            let told = entities.iter().find(|told| told["entity"] == entity).unwrap();
            let by_id = (told["found_by_id"].as_u64(), told["unlisted"].as_u64());
            assert_eq!(
                by_id,
                if round == 0 { (Some(1), Some(0)) } else { (Some(0), Some(1)) },
                "{round}: {told}"
            );
            assert_eq!(told["in_production"], world.control.ids(kind).len() + 1, "{round}: {told}");
            if round == 0 {
                assert_eq!(told["staged"], told["in_production"], "{told}");
            }
        }
        let verified = world.run(&["verify", "--sample", "20"]).await.success();
        let notes = verified["notes"].to_string();
        assert!(notes.contains("clients: 1 held are in no list of the API"), "{round}: {notes}");
        assert!(notes.contains("pianos: 1 held are in no list of the API"), "{round}: {notes}");
    }

    // One that is lost is a difference, although as many are held as are listed.
    let listed = world.control.ids(RecordKind::Client).len();
    world.control.add(RecordKind::Client, json!({})).unwrap();
    let verified = world.run(&["verify", "--sample", "0"]).await;
    assert_eq!(verified.code, 1, "{verified}");
    let told = format!("clients: the API counts {} and 1 in no list, held are {}", listed + 1, listed + 1);
    assert!(verified.json()["checks"].to_string().contains(&told), "{told}: {verified}");
    world.incremental().await.success();
    world.run(&["verify", "--sample", "20"]).await.success();
}

#[tokio::test]
async fn a_technician_who_is_in_no_list_is_no_difference_to_verify() {
    let spec = ShopSpec { bad_records: vec![BadRecord::UnlistedUser], ..ShopSpec::small(7) };
    let world = World::with(spec, SimOptions::default()).await;
    world.full_sync_ok().await;
    let listed = world.control.ids(RecordKind::User).len() as i64;
    assert_eq!(world.count("gazelle_users").await, listed + 1, "found through the appointment");
    let verified = world.run(&["verify", "--sample", "20"]).await.success();
    assert!(verified["notes"].to_string().contains("users: 1 held are in no list"), "{verified}");

    // One that the list names and we lack is a difference still.
    let user = world.control.add(RecordKind::User, json!({})).unwrap();
    let verified = world.run(&["verify", "--sample", "0"]).await;
    assert_eq!(verified.code, 0, "as many as are listed nowhere: {verified}");
    world.control.add(RecordKind::User, json!({})).unwrap();
    let verified = world.run(&["verify", "--sample", "0"]).await;
    assert_eq!(verified.code, 1, "{user}: {verified}");
}

async fn is_deleted(world: &World, table: &str, id: &str) -> bool {
    world.one(&format!("SELECT deleted_at IS NOT NULL FROM {table} WHERE external_id = $1"), &[&id]).await
}

/// Contacts and locations of a client that are live.
async fn live_of(world: &World, client: &str) -> (i64, i64) {
    let live = |table: &str| {
        format!("SELECT count(*) FROM {table} WHERE client_external_id = '{client}' AND deleted_at IS NULL")
    };
    (world.one(&live("gazelle_contacts"), &[]).await, world.one(&live("gazelle_locations"), &[]).await)
}

#[tokio::test]
async fn what_a_record_carried_goes_and_comes_back_with_it() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let (client, appointment) = (
        world
            .text(
                "SELECT client_external_id FROM gazelle_locations WHERE deleted_at IS NULL
                  GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
            )
            .await
            .unwrap(),
        world
            .text(
                "SELECT appointment_external_id FROM gazelle_appointment_pianos WHERE deleted_at IS NULL
                  ORDER BY 1 LIMIT 1",
            )
            .await
            .unwrap(),
    );
    let before = live_of(&world, &client).await;
    assert!(before.0 > 0 && before.1 > 0, "{before:?}");
    let pianos = "SELECT count(*) FROM gazelle_appointment_pianos WHERE appointment_external_id = $1 AND deleted_at IS NULL";
    let pianos_before: i64 = world.one(pianos, &[&appointment]).await;
    let lists = |times: u8| {
        for (kind, id) in [(RecordKind::Event, &appointment), (RecordKind::Client, &client)] {
            world.control.apply(Change::SetListed { kind, id: id.clone(), times }).unwrap();
        }
    };
    // In no list, and their getters say that they are not there.
    lists(0);
    for (operation, field) in [("AppointmentById", "event"), ("ClientById", "client")] {
        let body = json!({ "data": { field: null } }).to_string();
        world
            .control
            .add_fault(Fault::new(FaultKind::Status { status: 200, body }).on_operation(operation).forever());
    }

    let report = world.full_sync_ok().await;
    let run = report["run_id"].as_str().unwrap().to_owned();

    assert!(is_deleted(&world, "gazelle_clients", &client).await);
    assert_eq!(live_of(&world, &client).await, (0, 0), "contacts and locations went with their client");
    assert_eq!(world.one::<i64>(pianos, &[&appointment]).await, 0);
    world.run(&["verify"]).await.success();
    let dated: i64 = world
        .one(
            "SELECT count(*) FROM gazelle_contacts t JOIN gazelle_clients c ON c.external_id = t.client_external_id
              WHERE c.external_id = $1 AND t.deleted_at IS DISTINCT FROM c.deleted_at",
            &[&client],
        )
        .await;
    assert_eq!(dated, 0);
    let contact =
        format!("SELECT external_id FROM gazelle_contacts WHERE client_external_id = '{client}' LIMIT 1");
    let contact = world.text(&contact).await.unwrap();
    let explained = world.run(&["explain", &contact, "deleted_at"]).await.success();
    assert!(explained.to_string().contains("not_listed_in"), "the tombstone of the client: {explained}");

    // Taken back by undo they are live again, and with the undo lifted they are gone.
    world.run(&["undo", &run]).await.success();
    assert_eq!(live_of(&world, &client).await, before);
    world.run(&["undo", "--lift", &run]).await.success();
    assert_eq!(live_of(&world, &client).await, (0, 0));

    world.control.clear_faults();
    lists(1);
    world.full_sync_ok().await;
    assert_eq!(live_of(&world, &client).await, before, "and come back with it");
    assert_eq!(world.one::<i64>(pianos, &[&appointment]).await, pianos_before);
    world.run(&["verify"]).await.success();
}

/// A database in which an older program left contacts of deleted clients live.
#[tokio::test]
async fn rows_that_an_older_program_left_behind_go_with_the_migration() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = world
        .text("SELECT client_external_id FROM gazelle_locations WHERE deleted_at IS NULL ORDER BY 1 LIMIT 1")
        .await
        .unwrap();
    world.control.delete(RecordKind::Client, &client).unwrap();
    world.full_sync_ok().await;
    world
        .execute(
            "UPDATE gazelle_contacts SET deleted_at = NULL; UPDATE gazelle_locations SET deleted_at = NULL;
             UPDATE gazelle_appointment_pianos SET deleted_at = NULL;
             DELETE FROM sync_migrations WHERE version = 22",
        )
        .await;
    assert_ne!(live_of(&world, &client).await, (0, 0));
    world.run(&["migrate"]).await.success();
    assert_eq!(live_of(&world, &client).await, (0, 0));
    world.run(&["verify"]).await.success();
}
