//! The main job: what the shop holds is in production, once.

use crate::support::oracle::{all, assert_mirrors};
use crate::support::{World, assert_same};
use gazelle_sim::{BadRecord, RecordKind, ShopSpec, SimControl, SimOptions};
use serde_json::{Value, json};

fn startless(control: &SimControl) -> Vec<String> {
    let mut ids: Vec<String> = control
        .ids(RecordKind::Event)
        .into_iter()
        .filter(|id| control.record(RecordKind::Event, id).unwrap()["start"].is_null())
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_full_sync_brings_every_record_and_every_field() {
    let world = World::new().await;
    let report = world.full_sync_ok().await;

    assert_mirrors(&world, &[]).await;
    let counts = [("users", 4, 0), ("clients", 40, 0), ("pianos", 162, 0), ("appointments", 120, 3)];
    for (name, records, errors) in counts {
        let of = crate::support::entity(&report, name);
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
    world.full_sync_ok().await;
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
    world.full_sync_ok().await;
    let id = world.event_titled("Tire le Coyote à 18h");
    let raw: Value =
        world.one("SELECT raw_data FROM staging_appointments WHERE external_id = $1", &[&id]).await;
    let truth = world.control.record(RecordKind::Event, &id).unwrap();
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
    world.full_sync_ok().await;
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
async fn lists_longer_than_their_page_come_whole() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "7");
    world.full_sync_ok().await;
    let clients = world.control.ids(RecordKind::Client);
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
    world.full_sync_ok().await;
    let archived: i64 =
        world.one("SELECT count(*) FROM gazelle_contacts WHERE archived AND deleted_at IS NULL", &[]).await;
    let truth =
        all(&world.control, RecordKind::Contact).iter().filter(|contact| contact.is("archived")).count();
    assert!(archived > 0);
    assert_eq!(archived, truth as i64);
}

#[tokio::test]
async fn a_value_unknown_to_us_is_kept_as_it_is() {
    let spec = ShopSpec { bad_records: vec![BadRecord::UnknownEnum], ..ShopSpec::small(7) };
    let world = World::with(spec, SimOptions::default()).await;
    world.full_sync_ok().await;
    let kind = world
        .text("SELECT event_type FROM gazelle_appointments WHERE title = 'Bad record: unknown_enum'")
        .await;
    assert_eq!(kind.as_deref(), Some("HOLOGRAM"));
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

    let user = world.control.ids(RecordKind::User).remove(0);
    world.control.edit(RecordKind::User, &user, json!({"lastName": "Autrement"})).unwrap();
    let client = world.control.ids(RecordKind::Client).remove(0);
    world.control.edit(RecordKind::Client, &client, json!({"companyName": "Autrement"})).unwrap();
    let report = world.run(&["sync", "--mode", "full", "--entity", "users"]).await.success();
    assert_eq!(report["entities"].as_array().unwrap().len(), 1);
    assert_eq!(report["staged"], 1);
}

#[tokio::test]
async fn since_stands_for_the_bookmark() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_LOOKBACK_DAYS", "0");
    let far = world.run(&["sync", "--since", "2000-01-01"]).await.entity("appointments");
    let near = world.run(&["sync", "--since", "2030-01-01"]).await.entity("appointments");
    assert_eq!(near["fetched"], 0, "{near}");
    assert!(far["fetched"].as_i64().unwrap() > 100, "{far}");
}

#[tokio::test]
async fn runs_requests_and_bookmarks_are_noted() {
    let world = World::new().await;
    let report = world.full_sync_ok().await;
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
