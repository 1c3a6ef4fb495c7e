//! One bad record harms only itself: it waits with a reason, and all others land.

use crate::support::World;
use crate::support::quarantined::{listed, place};
use gazelle_sim::{BadRecord, Fault, FaultKind, RecordKind, ShopSpec, SimOptions};
use serde_json::{Value, json};

async fn with_bad(bad_records: Vec<BadRecord>) -> World {
    World::with(ShopSpec { bad_records, ..ShopSpec::small(7) }, SimOptions::default()).await
}

fn bad(cases: &[Value], title_of: impl Fn(&Value) -> bool) -> &Value {
    cases.iter().find(|case| title_of(case)).unwrap_or_else(|| panic!("not among {cases:#?}"))
}

#[tokio::test]
async fn every_kind_of_bad_record_waits_with_its_reason_and_all_others_land() {
    let world = with_bad(vec![
        BadRecord::UnreadableStart,
        BadRecord::NullId,
        BadRecord::GhostClient,
        BadRecord::GhostPiano,
    ])
    .await;

    let report = world.full_sync_ok().await;

    assert_eq!(report["status"], "success", "quarantined records alone are not partial");
    assert_eq!(crate::support::entity(&report, "appointments")["in_production"], 117);
    let cases = listed(&world).await;
    assert_eq!(cases.len(), 3 + 4, "{cases:#?}");
    let titled = |title: &'static str| {
        move |case: &Value| case["raw_data"].as_str().is_some_and(|raw| raw.contains(title))
    };
    let case = bad(&cases, titled("unreadable_start"));
    assert_eq!((&case["error_code"], &case["error_field"]), (&json!("invalid_field"), &json!("start")));
    assert!(!case["message"].as_str().unwrap().contains("demain"), "no content in messages: {case}");
    let case = bad(&cases, titled("null_id"));
    assert_eq!(case["message"], "Missing required field: id");
    let case = bad(&cases, titled("ghost_client"));
    assert_eq!(
        (&case["error_code"], &case["waits_for"]),
        (&json!("missing_parent"), &json!("gazelle_clients"))
    );
    assert_eq!(case["error_field"], "client.id");
    let case = bad(&cases, titled("ghost_piano"));
    assert_eq!(case["waits_for"], "gazelle_pianos");
    assert!(case["error_field"].as_str().unwrap().contains("allEventPianos"), "{case}");
    let startless = cases.iter().filter(|case| case["message"] == "Missing required field: start").count();
    assert_eq!(startless, 3);
}

#[tokio::test]
async fn a_parent_in_no_list_is_fetched_by_its_id_within_the_same_run() {
    let world =
        with_bad(vec![BadRecord::UnlistedClient, BadRecord::UnlistedPiano, BadRecord::UnlistedUser]).await;
    let report = world.full_sync_ok().await;
    assert_eq!(report["errors"], 3, "those without a start, and none that was let out again: {report}");
    let in_production: i64 =
        world.one("SELECT count(*) FROM gazelle_appointments WHERE title LIKE 'Bad record%'", &[]).await;
    assert_eq!(in_production, 3, "{:#?}", world.quarantine().await);
    assert_eq!(world.count("gazelle_clients").await, 41);
    assert_eq!(world.count("gazelle_pianos").await, 163);
    assert_eq!(world.count("gazelle_users").await, 5);
    let name = world.text("SELECT company_name FROM gazelle_clients WHERE company_name LIKE 'Absent%'").await;
    assert_eq!(name.as_deref(), Some("Absent de la liste"));
    assert_eq!(world.count("sync_quarantine").await, 3 + 3, "their stay is remembered");
    let open: i64 = world.one("SELECT count(*) FROM sync_quarantine WHERE state = 'waiting'", &[]).await;
    assert_eq!(open, 0);
    // And a second run finds nothing to do.
    let before = world.row_versions().await;
    let again = world.full_sync_ok().await;
    assert_eq!((&again["staged"], &again["processed"]), (&json!(0), &json!(0)));
    crate::support::assert_same(&before, &world.row_versions().await, "again");
}

#[tokio::test]
async fn a_ghost_is_not_found_again_and_again_at_the_cost_of_the_rest() {
    let world = with_bad(vec![BadRecord::GhostClient, BadRecord::GhostUser]).await;
    world.full_sync_ok().await;
    let first = world.quarantine().await;
    let run = world.full().await;
    run.success();
    assert_eq!(run.json()["staged"], 0);
    assert_eq!(world.quarantine().await.len(), first.len());
}

#[tokio::test]
async fn an_event_of_a_client_created_while_the_run_goes_on_lands_in_that_run() {
    let world = World::new().await;
    world.control.call_after(Fault::new(FaultKind::Call).on_field("allClients").skip(1), |control| {
        let client =
            control.add(RecordKind::Client, json!({"id": "cli_new", "companyName": "À l'instant"})).unwrap();
        control.add(RecordKind::Piano, json!({"id": "ins_new", "client": {"id": client}})).unwrap();
        control
            .add(
                RecordKind::Event,
                json!({"id": "evt_new", "start": "2027-03-03T15:00:00Z", "client": {"id": client},
                       "allEventPianos": [{"piano": {"id": "ins_new"}, "isTuning": true}]}),
            )
            .unwrap();
    });
    world.full().await.success();
    let in_production =
        world.text("SELECT client_external_id FROM gazelle_appointments WHERE external_id = 'evt_new'").await;
    // Either walk may have been first; what was seen is in production whole.
    let seen: i64 =
        world.one("SELECT count(*) FROM staging_appointments WHERE external_id = 'evt_new'", &[]).await;
    if seen > 0 {
        assert_eq!(in_production.as_deref(), Some("cli_new"));
    }
    world.incremental().await.success();
    let pianos: i64 = world
        .one("SELECT count(*) FROM gazelle_appointment_pianos WHERE appointment_external_id = 'evt_new'", &[])
        .await;
    assert_eq!(pianos, 1);
}

/// Values at the end of what Postgres takes.
fn at_the_end_of_postgres() -> Vec<(&'static str, Value)> {
    let long = "x".repeat(10_000_000);
    vec![
        // 9999-12-30 and 4,000 years on: a year that timestamptz holds, so good; then one that it does not.
        ("end of time", json!({"start": "9999-12-30T12:00:00Z", "duration": i32::MAX})),
        // An index entry longer than a third of a page: start is indexed, the client's id is.
        ("long client", json!({"start": "2026-05-05T12:00:00Z", "client": {"id": &long[..4000]}})),
    ]
}

#[tokio::test]
async fn a_record_that_only_the_database_refuses_stands_alone_in_quarantine() {
    let mut place = place().await;
    place.env.insert("GAZELLE_SYNC_BATCH_SIZE".to_owned(), "50".to_owned());
    // What a user adds to our table may refuse what we accept.
    place
        .execute("ALTER TABLE gazelle_appointments ADD CONSTRAINT my_rule CHECK (duration_minutes <> 13)")
        .await;
    for number in 0..60 {
        let duration = if number % 17 == 3 { 13 } else { 60 };
        let id = format!("e{number:02}");
        place
            .stage(
                "staging_appointments",
                &id,
                &json!({"id": id, "start": "2026-05-05T12:00:00Z", "duration": duration, "title": "Mme Tremblay"}),
                None,
            )
            .await;
    }

    let report = place.run(&["reconcile"]).await.success();

    assert_eq!((&report["processed"], &report["errors"]), (&json!(56), &json!(4)));
    assert_eq!(place.count("gazelle_appointments").await, 56);
    let cases = listed(&place).await;
    let mut ids: Vec<&str> = cases.iter().map(|case| case["external_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["e03", "e20", "e37", "e54"]);
    for case in &cases {
        assert_eq!(case["error_code"], "refused_by_database");
        let message = case["message"].as_str().unwrap();
        assert!(message.contains("my_rule") && message.contains("23514"), "{message}");
        assert!(!message.contains("Tremblay"), "{message}");
    }
}

#[tokio::test]
async fn what_the_database_says_of_a_value_is_not_repeated() {
    let mut place = place().await;
    place.env.insert("GAZELLE_SYNC_LOG".to_owned(), "trace".to_owned());
    // A rule of the user's own, whose message quotes the record.
    place
        .execute(
            "CREATE FUNCTION my_rule() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'no visit for %', NEW.title USING ERRCODE = '23514'; END $$;
             CREATE TRIGGER my_rule BEFORE INSERT ON gazelle_appointments
                FOR EACH ROW EXECUTE FUNCTION my_rule()",
        )
        .await;
    let record = json!({"id": "e1", "start": "2026-05-05T12:00:00Z", "title": "Mme Tremblay"});
    place.stage("staging_appointments", "e1", &record, None).await;
    let run = place.run(&["reconcile"]).await;
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(listed(&place).await[0]["error_code"], "refused_by_database");
    let kept = place
        .text("SELECT concat_ws(' ', error_message, error_stack, error_field) FROM staging_appointments")
        .await
        .unwrap();
    for said in [&run.stdout, &run.stderr, &kept] {
        assert!(!said.contains("Tremblay"), "{said}");
    }
}

#[tokio::test]
async fn extreme_values_harm_no_other_record() {
    let place = place().await;
    for (id, mut record) in at_the_end_of_postgres() {
        record["id"] = id.into();
        place.stage("staging_appointments", id, &record, None).await;
    }
    let extremes = json!([
        {"id": "max", "start": "2026-05-05T12:00:00Z", "duration": 2147483647},
        {"id": "min", "start": "2026-05-05T12:00:00Z", "duration": -2147483648i64},
        {"id": "over", "start": "2026-05-05T12:00:00Z", "duration": 99999999999i64},
        {"id": "early", "start": "-009999-01-02T01:59:59Z", "duration": 10},
        {"id": "year 300000", "start": "+300000-01-01T00:00:00Z"},
        {"id": "list", "start": ["2026-05-05T12:00:00Z"]},
        {"id": "object", "start": {"a": 1}},
        {"id": "number", "start": 1767960000},
        {"id": "float", "start": "2026-05-05T12:00:00Z", "lat": 1e308, "lng": -1e-320},
        {"id": "text", "start": "2026-05-05T12:00:00Z", "duration": "soixante"},
        {"id": "pianos", "start": "2026-05-05T12:00:00Z", "allEventPianos": "beaucoup"},
        {"id": "no piano", "start": "2026-05-05T12:00:00Z", "allEventPianos": {"nodes": [{"isTuning": true}]}},
        {"id": "leap", "start": "2026-12-31T23:59:60Z"},
        {"id": "good", "start": "2026-05-05T12:00:00Z"},
    ]);
    for record in extremes.as_array().unwrap() {
        let id = record["id"].as_str().unwrap();
        place.stage("staging_appointments", id, record, None).await;
    }
    place.stage("staging_appointments", "array", &json!([1, 2]), None).await;
    place.stage("staging_appointments", "null", &Value::Null, None).await;
    place.stage("staging_appointments", "text only", &json!("x"), None).await;

    let run = place.run(&["reconcile"]).await;
    assert_eq!(run.code, 0, "{run}");

    let in_production =
        place.text("SELECT external_id FROM gazelle_appointments WHERE external_id = 'good'").await;
    assert!(in_production.is_some());
    let pending: i64 =
        place.one("SELECT count(*) FROM staging_appointments WHERE sync_status = 'pending'", &[]).await;
    assert_eq!(pending, 0);
    let staged = place.count("staging_appointments").await;
    let cases = listed(&place).await;
    assert_eq!(place.count("gazelle_appointments").await + cases.len() as i64, staged, "{cases:#?}");
    let unnamed: Vec<&Value> = cases
        .iter()
        .filter(|case| {
            case["error_code"] != "unreadable" && case["error_field"].as_str().unwrap_or_default().is_empty()
        })
        .map(|case| &case["message"])
        .collect();
    assert!(unnamed.is_empty(), "no field named: {unnamed:#?}");
    let mut waiting: Vec<&str> = cases.iter().map(|case| case["external_id"].as_str().unwrap()).collect();
    waiting.sort_unstable();
    // Those without a start that can be read, and what is no record: nothing else keeps one out.
    assert_eq!(waiting, ["array", "early", "list", "null", "object", "text only", "year 300000"]);
}

#[tokio::test]
async fn a_fault_of_the_database_itself_blames_no_record() {
    let place = place().await;
    for number in 0..20 {
        let id = format!("e{number}");
        place
            .stage("staging_appointments", &id, &json!({"id": id, "start": "2026-05-05T12:00:00Z"}), None)
            .await;
    }
    place.execute("ALTER TABLE gazelle_appointments ALTER COLUMN description TYPE integer USING NULL").await;
    let run = place.run(&["reconcile"]).await;
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(place.count("sync_quarantine").await, 0);
    let pending: i64 =
        place.one("SELECT count(*) FROM staging_appointments WHERE sync_status = 'pending'", &[]).await;
    assert_eq!(pending, 20);
    let noted = place.text("SELECT status FROM sync_runs").await;
    assert_eq!(noted.as_deref(), Some("failed"));

    place.execute("ALTER TABLE gazelle_appointments ALTER COLUMN description TYPE text").await;
    place.run(&["reconcile"]).await.success();
    assert_eq!(place.count("gazelle_appointments").await, 20);
}

#[tokio::test]
async fn a_record_whose_id_no_index_can_hold_harms_no_other() {
    let world = World::new().await;
    // Text that does not compress: an index entry holds some 2,700 bytes.
    let id: String = (0..400).map(|_| noise()).collect();
    world
        .control
        .add_raw_event(json!({"id": id, "start": "2026-05-05T12:00:00Z"}), Some("2026-05-05T12:00:00Z"))
        .unwrap();
    let run = world.full().await;
    assert_ne!(run.code, 1, "{}", run.reasons());
    assert_eq!(world.count("gazelle_appointments").await, 117);
    assert_eq!(world.count("gazelle_clients").await, 40);
}

#[tokio::test]
async fn an_id_too_long_and_a_day_before_the_calendar_are_named() {
    let world = World::new().await;
    let id: String = (0..400).map(|_| noise()).collect();
    let record = json!({"id": id, "start": "2026-05-05T12:00:00Z", "title": "trop long"});
    world.control.add_raw_event(record, Some("2026-05-05T12:00:00Z")).unwrap();
    world.full().await;
    let cases = listed(&world).await;
    let case = bad(&cases, |case| case["raw_data"].as_str().is_some_and(|raw| raw.contains("trop long")));
    assert_eq!((&case["error_code"], &case["error_field"]), (&json!("invalid_field"), &json!("id")));
    assert!(case["message"].as_str().unwrap().starts_with("Invalid field: id "), "{}", case["message"]);

    let place = place().await;
    for (id, start) in [("too early", "-004713-11-24T23:59:59Z"), ("first", "-004713-11-25T00:00:00Z")] {
        place.stage("staging_appointments", id, &json!({"id": id, "start": start}), None).await;
    }
    place.run(&["reconcile"]).await.success();
    let in_production = place.text("SELECT string_agg(external_id, ' ') FROM gazelle_appointments").await;
    assert_eq!(in_production.as_deref(), Some("first"));
    let cases = listed(&place).await;
    assert_eq!(
        (&cases[0]["error_code"], &cases[0]["error_field"]),
        (&json!("invalid_field"), &json!("start"))
    );
}

/// Sixteen letters that nobody can guess.
fn noise() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(std::time::Instant::now()))
}
