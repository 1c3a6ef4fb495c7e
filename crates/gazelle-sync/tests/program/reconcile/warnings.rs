//! What is worth knowing and is no error: kept apart from the quarantine, listed by `warnings`.

use crate::support::quarantined::{listed, place};
use crate::support::{TestInstallation, World};
use gazelle_sim::{BadRecord, ShopSpec, SimOptions};
use serde_json::{Value, json};

/// The warnings of records: entity, code, number of records, ids.
async fn of_records(place: &TestInstallation, args: &[&str]) -> Vec<(String, String, i64, Vec<String>)> {
    let args: Vec<&str> = ["warnings"].iter().chain(args).copied().collect();
    let document = place.run(&args).await.success();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| {
            let ids = kind["samples"].as_array().unwrap().iter().map(|s| text(&s["external_id"])).collect();
            (text(&kind["entity"]), text(&kind["code"]), kind["records"].as_i64().unwrap(), ids)
        })
        .collect()
}

fn expected(of: &[(&str, &str, i64, &[&str])]) -> Vec<(String, String, i64, Vec<String>)> {
    of.iter()
        .map(|(entity, code, records, ids)| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            ((*entity).to_owned(), (*code).to_owned(), *records, ids)
        })
        .collect()
}

#[tokio::test]
async fn each_kind_of_oddity_lands_with_a_warning_and_is_no_error() {
    let place = place().await;
    for (table, record) in [
        ("staging_clients", json!({"id": "c", "companyName": "École des Érables"})),
        ("staging_pianos", json!({"id": "p1", "serialNumber": "  "})),
        ("staging_pianos", json!({"id": "p2", "serialNumber": ""})),
        ("staging_pianos", json!({"id": "p3", "serialNumber": null})),
        ("staging_pianos", json!({"id": "p4", "serialNumber": "123", "createdAt": "1815-06-18T00:00:00Z"})),
        ("staging_appointments", json!({"id": "a1", "start": "2026-01-09T12:00:00Z", "type": "APPOINTMENT"})),
        ("staging_appointments", json!({"id": "a2", "start": "2026-01-09T12:00:00Z", "type": "PERSONAL"})),
        ("staging_appointments", json!({"id": "a3", "start": "1989-12-31T23:59:59Z", "type": "MEMO"})),
        ("staging_appointments", json!({"id": "a4", "start": "2101-01-01T00:00:00Z", "type": "MEMO"})),
        ("staging_appointments", json!({"id": "a5", "start": "1990-01-01T00:00:00Z", "type": "MEMO"})),
        ("staging_appointments", json!({"id": "a6", "start": "2100-12-31T23:59:59Z", "type": "MEMO"})),
    ] {
        place.stage(table, record["id"].as_str().unwrap(), &record, None).await;
    }
    // As stage 1 stages what jsonb cannot hold.
    place
        .execute(
            r#"INSERT INTO staging_clients (external_id, raw_data, raw_bytes)
               VALUES ('c0', '{"id": "c0", "companyName": "ab"}', convert_to('{"id":"c0","companyName":"a\u0000b"}', 'UTF8'))"#,
        )
        .await;
    let run = place.run(&["reconcile"]).await.success();
    assert_eq!(
        (&run["status"], &run["errors"], &run["processed"]),
        (&json!("success"), &json!(0), &json!(12))
    );
    assert!(listed(&place).await.is_empty(), "the quarantine is something else");

    let all = of_records(&place, &[]).await;
    assert_eq!(
        all,
        expected(&[
            ("appointments", "appointment_without_client", 1, &["a1"]),
            ("appointments", "improbable_date", 2, &["a3", "a4"]),
            ("clients", "text_cleaned", 1, &["c0"]),
            ("pianos", "blank_serial", 2, &["p1", "p2"]),
            ("pianos", "improbable_date", 1, &["p4"]),
        ])
    );
    let pianos = of_records(&place, &["--entity", "pianos", "--code", "blank_serial", "--limit", "1"]).await;
    assert_eq!(pianos, expected(&[("pianos", "blank_serial", 2, &["p1"])]), "two records, one sample");

    // A warning goes with what deserved it.
    place.stage("staging_pianos", "p1", &json!({"id": "p1", "serialNumber": "77"}), None).await;
    let second = place.run(&["reconcile"]).await.success();
    let pianos = of_records(&place, &["--entity", "pianos", "--code", "blank_serial"]).await;
    assert_eq!(pianos, expected(&[("pianos", "blank_serial", 1, &["p2"])]));

    let run_id = |run: &Value| run["run_id"].as_str().unwrap().to_owned();
    assert_eq!(of_records(&place, &["--run", &run_id(&run), "--entity", "clients"]).await.len(), 1);
    assert!(of_records(&place, &["--run", &run_id(&second)]).await.is_empty(), "that run noted none");
}

#[tokio::test]
async fn an_id_that_comes_twice_in_a_page_is_a_warning_of_the_run_that_names_it() {
    let spec = ShopSpec { bad_records: vec![BadRecord::DuplicateId], ..ShopSpec::small(7) };
    let world = World::with(spec, SimOptions::default()).await;
    let run = world.full_sync_ok().await;
    let twice = world
        .text("SELECT external_id FROM staging_appointments WHERE raw_data ->> 'title' LIKE 'Bad%'")
        .await
        .unwrap();
    let warnings = run["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(
        (&warnings[0]["code"], &warnings[0]["subject"]),
        (&json!("duplicate_id"), &json!("appointments"))
    );
    assert!(warnings[0]["message"].as_str().unwrap().contains(&twice), "{warnings:?}");

    let document =
        world.run(&["warnings", "--entity", "appointments", "--code", "duplicate_id"]).await.success();
    let of_runs = document["runs"].as_array().unwrap();
    assert_eq!(of_runs.len(), 1, "{document}");
    assert_eq!((&of_runs[0]["run_id"], &of_runs[0]["message"]), (&run["run_id"], &warnings[0]["message"]));
}

#[tokio::test]
async fn a_run_tells_its_requests_its_retries_and_how_long_answers_took() {
    let world = World::new().await;
    world.control.add_fault(
        gazelle_sim::Fault::new(gazelle_sim::FaultKind::ServerError).on_field("allPianos").times(2),
    );
    let run = world.full_sync_ok().await;
    let (requests, retries) = (run["requests"].as_i64().unwrap(), run["retries"].as_i64().unwrap());
    let attempts = world.control.request_counts().total as i64;
    assert_eq!((requests + retries, retries), (attempts, 2), "{run}");
    let kept: i64 = world.one("SELECT sum(attempts) FROM sync_run_requests", &[]).await;
    assert_eq!(kept, attempts, "and each is in the run's record");
    let slowest: i64 = world.one("SELECT max(latency_ms) FROM sync_run_requests", &[]).await;
    assert_eq!(run["slowest_request_ms"].as_i64(), Some(slowest));

    let status = world.run(&["status"]).await.success();
    let last = &status["runs"][0];
    assert_eq!((&last["requests"], &last["retries"]), (&json!(requests), &json!(retries)), "{last}");
    assert!(last["median_latency_ms"].is_number() && last["slowest_latency_ms"] == json!(slowest), "{last}");
}

#[tokio::test]
async fn an_unknown_entity_or_a_run_that_is_none_is_wrong_use_and_an_empty_database_has_no_warnings() {
    let place = TestInstallation::new().await;
    let none = place.run(&["warnings"]).await.success();
    assert_eq!(none, json!({ "records": [], "runs": [] }));
    for args in [["warnings", "--entity", "piano"], ["warnings", "--run", "yesterday"]] {
        let ran = place.run(&args).await;
        assert_eq!(ran.code, 2, "{ran}");
    }
    assert_eq!(place.text("SELECT to_regclass('sync_runs')::text").await, None, "who reads makes no tables");
}
