//! What simulated histories found: records that vanish before stage 2 has taken them, and a clock that steps back.

mod support;

use gazelle_sim::{BadRecord, Kind, ShopSpec, SimOptions};
use serde_json::json;
use support::{World, oracle};

#[tokio::test]
async fn a_record_staged_by_a_killed_run_and_gone_since_does_not_come_to_life() {
    let world = World::new().await;
    world.run(&["fetch"]).await.success();
    let (event, piano) = (world.upcoming(0), world.control.ids(Kind::Piano)[3].clone());
    world.control.delete(Kind::Event, &event).unwrap();
    world.control.delete(Kind::Piano, &piano).unwrap();

    world.filled().await;
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
    world.filled().await;
    let open = format!(
        "SELECT count(*) FROM sync_quarantine WHERE external_id = '{event}' AND state IN ('open', 'waiting')"
    );
    assert_eq!(world.one::<i64>(&open, &[]).await, 1);

    world.control.delete(Kind::Event, &event).unwrap();
    let run = world.filled().await;
    assert_eq!(run["reasons"], json!([]));
    assert_eq!(world.one::<i64>(&open, &[]).await, 0);
    let tombstones: i64 = world
        .one(
            "SELECT count(*) FROM staging_appointments WHERE external_id = $1 AND operation = 'delete'",
            &[&event],
        )
        .await;
    assert_eq!(tombstones, 1);
    let again = world.filled().await;
    assert_eq!(
        (again["staged"].as_i64(), again["deleted"].as_i64()),
        (Some(0), Some(0)),
        "asked and settled once"
    );
}

#[tokio::test]
async fn a_contact_goes_to_the_client_seen_last_although_the_clock_stepped_back() {
    let world = World::new().await;
    world.filled().await;
    let contact = world.control.ids(Kind::Contact)[5].clone();
    let from =
        world.control.record(Kind::Contact, &contact).unwrap()["client"]["id"].as_str().unwrap().to_owned();
    // It was a day ahead; the client that the contact leaves was the last one seen.
    world
        .execute(&format!(
            "UPDATE staging_clients SET fetched_at = fetched_at + interval '1 day' WHERE external_id <> '{from}';
             UPDATE staging_clients SET fetched_at = fetched_at + interval '1 day 1 minute' WHERE external_id = '{from}';
             UPDATE gazelle_contacts c SET synced_from_gazelle_at = s.fetched_at FROM staging_clients s WHERE s.id = c.staging_id"
        ))
        .await;
    let into = world.control.ids(Kind::Client).into_iter().find(|id| *id != from).unwrap();
    world.control.merge_clients(&from, &into).unwrap();
    world.filled().await;
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
        for (entity, kind) in [("clients", Kind::Client), ("pianos", Kind::Piano)] {
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
    let listed = world.control.ids(Kind::Client).len();
    world.control.add(Kind::Client, json!({})).unwrap();
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
    world.filled().await;
    let listed = world.control.ids(Kind::User).len() as i64;
    assert_eq!(world.count("gazelle_users").await, listed + 1, "found through the appointment");
    let verified = world.run(&["verify", "--sample", "20"]).await.success();
    assert!(verified["notes"].to_string().contains("users: 1 held are in no list"), "{verified}");

    // One that the list names and we lack is a difference still.
    let user = world.control.add(Kind::User, json!({})).unwrap();
    let verified = world.run(&["verify", "--sample", "0"]).await;
    assert_eq!(verified.code, 0, "as many as are listed nowhere: {verified}");
    world.control.add(Kind::User, json!({})).unwrap();
    let verified = world.run(&["verify", "--sample", "0"]).await;
    assert_eq!(verified.code, 1, "{user}: {verified}");
}
