//! Absence proves nothing by itself; deletion needs evidence, and beyond the guard a person's approval.

use crate::support::World;
use gazelle_sim::{Change, Fault, FaultKind, RecordKind};
use serde_json::json;

async fn is_deleted(world: &World, table: &str, id: &str) -> bool {
    world.one(&format!("SELECT deleted_at IS NOT NULL FROM {table} WHERE external_id = $1"), &[&id]).await
}

#[tokio::test]
async fn a_record_that_its_getter_denies_is_marked_deleted_with_the_answer_as_evidence() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(2);
    world.control.delete(RecordKind::Event, &event).unwrap();

    let report = world.incremental().await.success();

    assert_eq!(report["deleted"], 1, "{report}");
    assert!(is_deleted(&world, "gazelle_appointments", &event).await);
    let tombstone = world
        .rows(&format!("SELECT operation, sync_status, raw_data FROM staging_appointments WHERE external_id = '{event}' ORDER BY fetched_at DESC LIMIT 1"))
        .await;
    assert_eq!(tombstone[0]["operation"], "delete");
    assert_eq!(tombstone[0]["sync_status"], "processed");
    assert_eq!(tombstone[0]["raw_data"]["evidence"]["asked_with"], "AppointmentById");
    let seen: i64 =
        world.one("SELECT count(*) FROM v_appointments_montreal WHERE external_id = $1", &[&event]).await;
    assert_eq!(seen, 0, "deleted rows are left out of the day list");

    let again = world.incremental().await.success();
    assert_eq!((&again["deleted"], &again["staged"]), (&json!(0), &json!(0)), "nothing new: {again}");
}

#[tokio::test]
async fn a_record_that_comes_back_is_no_longer_deleted() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(2);
    let record = world.control.record(RecordKind::Event, &event).unwrap();
    world.control.delete(RecordKind::Event, &event).unwrap();
    world.incremental().await.success();
    assert!(is_deleted(&world, "gazelle_appointments", &event).await);

    world.control.add(RecordKind::Event, record).unwrap();
    world.incremental().await.success();

    assert!(!is_deleted(&world, "gazelle_appointments", &event).await);
}

#[tokio::test]
async fn a_record_that_moved_out_of_the_window_is_kept_and_its_new_version_staged() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(1);
    world.control.move_event(&event, Some("2019-03-04T15:00:00Z")).unwrap();

    let report = world.incremental().await.success();

    assert_eq!(report["deleted"], 0);
    let day: String = world
        .one("SELECT appointment_date::text FROM gazelle_appointments WHERE external_id = $1", &[&event])
        .await;
    assert_eq!(day, "2019-03-04");
}

#[tokio::test]
async fn a_merged_client_is_deleted_and_its_contacts_pianos_and_events_follow() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let rows = world
        .rows(
            "SELECT p.client_external_id AS client FROM gazelle_pianos p
              GROUP BY 1 HAVING count(*) BETWEEN 1 AND 5
                 AND EXISTS (SELECT 1 FROM gazelle_contacts c WHERE c.client_external_id = p.client_external_id)
              ORDER BY 1 LIMIT 2",
        )
        .await;
    let (from, into) = (rows[0]["client"].as_str().unwrap(), rows[1]["client"].as_str().unwrap());
    let children = |table: &str, client: &str| {
        format!("SELECT count(*) FROM {table} WHERE client_external_id = '{client}' AND deleted_at IS NULL")
    };
    let moved: i64 = world.one(&children("gazelle_contacts", from), &[]).await;
    assert!(moved > 0);
    let before: i64 = world.one(&children("gazelle_contacts", into), &[]).await;
    world.control.merge_clients(from, into).unwrap();

    world.full_sync_ok().await;

    assert!(is_deleted(&world, "gazelle_clients", from).await);
    for table in ["gazelle_contacts", "gazelle_pianos", "gazelle_appointments"] {
        let left: i64 = world.one(&children(table, from), &[]).await;
        assert_eq!(left, 0, "{table}");
    }
    let after: i64 = world.one(&children("gazelle_contacts", into), &[]).await;
    assert_eq!(after, before + moved);
}

#[tokio::test]
async fn an_error_in_words_alone_is_no_evidence_that_a_record_is_gone() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(2);
    world.control.apply(Change::SetListed { kind: RecordKind::Event, id: event.clone(), times: 0 }).unwrap();
    let words = FaultKind::GraphqlError { message: "Company not found".to_owned(), extensions: None };
    world.control.add_fault(Fault::new(words).on_operation("AppointmentById").forever());

    let ran = world.full().await;

    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.reasons().contains("could not be read whole"), "{}", ran.reasons());
    assert!(!is_deleted(&world, "gazelle_appointments", &event).await);
    assert_eq!(world.count("sync_deletions").await, 0);

    // With the code, but of no field: as little.
    world.control.clear_faults();
    let code = FaultKind::GraphqlError {
        message: "gone".to_owned(),
        extensions: Some(json!({ "code": "NOT_FOUND" })),
    };
    world.control.add_fault(Fault::new(code).on_operation("AppointmentById").forever());
    assert_eq!(world.full().await.code, 3);
    assert!(!is_deleted(&world, "gazelle_appointments", &event).await);

    // The record is gone indeed: the whole answer is the evidence.
    world.control.clear_faults();
    world.control.delete(RecordKind::Event, &event).unwrap();
    world.full_sync_ok().await;
    assert!(is_deleted(&world, "gazelle_appointments", &event).await);
    let answer: serde_json::Value =
        world.one("SELECT evidence -> 'evidence' -> 'answer' FROM sync_deletions", &[]).await;
    assert_eq!(answer, json!({ "data": { "event": null } }));
}

#[tokio::test]
async fn more_than_the_guard_allows_waits_for_a_person_and_the_rest_of_the_run_goes_through() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "2");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "50");
    world.full_sync_ok().await;
    let gone: Vec<String> = (0..3).map(|n| world.upcoming(n)).collect();
    let renamed = world.control.ids(RecordKind::Client)[0].clone();
    let record = world.control.record(RecordKind::Event, &gone[0]).unwrap();
    for event in &gone {
        world.control.delete(RecordKind::Event, event).unwrap();
    }
    world.control.edit(RecordKind::Client, &renamed, json!({ "companyName": "Salle Accordée" })).unwrap();

    let ran = world.incremental().await;

    assert_eq!(ran.code, 3, "{ran}");
    let report = ran.json();
    assert_eq!(report["status"], "partial");
    assert!(ran.reasons().contains("3 records are gone at the source"), "{ran}");
    for event in &gone {
        assert!(!is_deleted(&world, "gazelle_appointments", event).await);
    }
    let name: String =
        world.one("SELECT company_name FROM gazelle_clients WHERE external_id = $1", &[&renamed]).await;
    assert_eq!(name, "Salle Accordée");

    let waiting = world.run(&["deletions", "list"]).await.success();
    assert_eq!(waiting.as_array().unwrap().len(), 3);
    let run = waiting[0]["run_id"].as_str().unwrap().to_owned();
    let approved = world.run(&["deletions", "approve", &run]).await.success();
    assert_eq!(approved["decided"], 3);
    for event in &gone {
        assert!(is_deleted(&world, "gazelle_appointments", event).await);
    }
    assert_eq!(world.incremental().await.success()["status"], "success");

    // One that comes back has used up what was decided.
    world.control.add(RecordKind::Event, record).unwrap();
    world.incremental().await.success();
    let state = format!("SELECT state FROM sync_deletions WHERE external_id = '{}'", gone[0]);
    assert_eq!(world.text(&state).await.as_deref(), Some("superseded"));
}

#[tokio::test]
async fn a_walk_of_days_deletes_nothing_that_awaits_approval() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "3");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "100");
    let events: Vec<String> = (0..6).map(|n| world.upcoming(n)).collect();
    // Of the six, three lie in the days that an incremental walk reads.
    for id in &events[3..] {
        world.control.move_event(id, Some("2019-03-04T15:00:00Z")).unwrap();
    }
    world.full_sync_ok().await;
    for id in &events {
        world.control.delete(RecordKind::Event, id).unwrap();
    }
    assert_eq!(world.full().await.code, 3);
    assert_eq!(world.count("sync_deletions WHERE state = 'withheld'").await, 6);

    let run = world.incremental().await;

    assert_eq!(run.code, 3, "{run}");
    assert_eq!(world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 0, "{run}");
    assert_eq!(world.count("sync_deletions WHERE state = 'withheld'").await, 6, "{run}");
    let told = "3 records are gone at the source and 3 others await approval already: together";
    assert!(run.reasons().contains(told), "{}", run.reasons());
}

#[tokio::test]
async fn what_a_person_dismissed_is_kept_and_not_asked_about_again() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "0");
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    world.control.delete(RecordKind::Event, &event).unwrap();
    assert_eq!(world.incremental().await.code, 3);
    let waiting = world.run(&["deletions"]).await.success();
    let run = waiting[0]["run_id"].as_str().unwrap().to_owned();

    world.run(&["deletions", "dismiss", &run]).await.success();

    assert_eq!(world.incremental().await.success()["status"], "success");
    assert!(!is_deleted(&world, "gazelle_appointments", &event).await);
    let unknown = world.run(&["deletions", "approve", &run]).await;
    assert_eq!(unknown.code, 1, "{unknown}");
}

#[tokio::test]
async fn what_was_withheld_and_is_seen_again_waits_no_more_and_no_word_deletes_it() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "0");
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    let record = world.control.record(RecordKind::Event, &event).unwrap();
    world.control.delete(RecordKind::Event, &event).unwrap();
    assert_eq!(world.incremental().await.code, 3);
    let waiting = world.run(&["deletions"]).await.success();
    let run = waiting[0]["run_id"].as_str().unwrap().to_owned();

    world.control.add(RecordKind::Event, record).unwrap();
    world.incremental().await.success();
    // As if it had come back with the very bytes that it had, of which no new version is staged.
    world
        .execute(
            "DELETE FROM staging_appointments WHERE fetched_at > (SELECT max(found_at) FROM sync_deletions)",
        )
        .await;

    assert_eq!(world.run(&["deletions"]).await.success(), json!([]), "nothing waits");
    let late = world.run(&["deletions", "approve", &run]).await;
    assert_eq!(late.code, 1, "{late}");
    assert!(!is_deleted(&world, "gazelle_appointments", &event).await);

    // Gone again, and this time within the guard: that is settled too.
    world.control.delete(RecordKind::Event, &event).unwrap();
    assert_eq!(world.incremental().await.code, 3);
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "5");
    assert_eq!(world.incremental().await.success()["deleted"], 1);
    assert_eq!(world.run(&["deletions"]).await.success(), json!([]), "nothing waits");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_whole_is_not_taken_for_gone() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    let long: String = {
        world.full_sync_ok().await;
        let sql = "SELECT appointment_external_id FROM gazelle_appointment_pianos GROUP BY 1 ORDER BY count(*) DESC LIMIT 1";
        world.one(sql, &[]).await
    };
    let soon = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap()["start"].clone();
    world.control.move_event(&long, soon.as_str()).unwrap();
    world.full_sync_ok().await;
    world.control.move_event(&long, Some("2019-03-04T15:00:00Z")).unwrap();
    world
        .control
        .add_fault(Fault::new(FaultKind::RepeatCursor).on_operation("AppointmentMorePianos").forever());

    let run = world.incremental().await;

    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("could not be read whole"), "{run}");
    assert!(!is_deleted(&world, "gazelle_appointments", &long).await);
    assert_eq!(world.run(&["deletions", "list", "--all"]).await.success(), json!([]));

    world.control.clear_faults();
    world.incremental().await.success();
    let day: String = world
        .one("SELECT appointment_date::text FROM gazelle_appointments WHERE external_id = $1", &[&long])
        .await;
    assert_eq!(day, "2019-03-04");
}

#[tokio::test]
async fn an_incomplete_walk_and_an_empty_list_delete_nothing() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    world.control.delete(RecordKind::Event, &event).unwrap();
    world.control.add_fault(
        Fault::new(FaultKind::RepeatCursor)
            .on_operation("AppointmentsPage")
            .on_variable("first", 10)
            .forever(),
    );
    let mut small_pages = world;
    small_pages.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    small_pages.set("GAZELLE_SYNC_CONCURRENCY", "1");
    let ran = small_pages.incremental().await;
    assert_eq!(ran.code, 3, "{ran}");
    assert!(!is_deleted(&small_pages, "gazelle_appointments", &event).await);

    small_pages.control.clear_faults();
    small_pages.control.add_fault(Fault::new(FaultKind::EmptyList).on_field("allPianos").forever());
    let held: i64 =
        small_pages.one("SELECT count(*) FROM gazelle_pianos WHERE deleted_at IS NULL", &[]).await;
    let ran = small_pages.incremental().await;
    assert_eq!(ran.code, 3, "{ran}");
    let kept: i64 =
        small_pages.one("SELECT count(*) FROM gazelle_pianos WHERE deleted_at IS NULL", &[]).await;
    assert_eq!(kept, held);
}

#[tokio::test]
async fn deleting_a_client_keeps_its_children_readable() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client: String = world
        .one("SELECT client_external_id FROM gazelle_appointments WHERE client_external_id IS NOT NULL ORDER BY 1 LIMIT 1", &[])
        .await;
    world
        .control
        .apply(Change::Delete { kind: RecordKind::Client, id: client.clone(), keep_references: true })
        .unwrap();

    world.full().await;

    assert!(is_deleted(&world, "gazelle_clients", &client).await);
    let events: i64 = world
        .one("SELECT count(*) FROM v_appointments_montreal WHERE client_external_id = $1", &[&client])
        .await;
    assert!(events > 0, "its appointments are still on the day list");
}
