//! The life of a record in quarantine: it waits, is released, closed, tried again, or dismissed.

use crate::support::quarantined::{listed, place};
use crate::support::{CommandOutput, LINEAGE, TestInstallation, World};
use gazelle_sim::{Change, RecordKind};
use serde_json::{Value, json};

async fn staging_status(place: &TestInstallation, staging_id: &str) -> String {
    let mut found = None;
    for table in crate::support::staging_tables() {
        let sql = format!("SELECT sync_status FROM {table} WHERE id = '{staging_id}'");
        found = found.or(place.text(&sql).await);
    }
    found.expect("staged")
}

#[tokio::test]
async fn children_wait_for_their_parent_and_are_released_when_it_lands() {
    let place = place().await;
    let start = "2026-05-05T12:00:00Z";
    let child = place
        .stage(
            "staging_appointments",
            "e1",
            &json!({"id": "e1", "start": start, "client": {"id": "c1"}}),
            None,
        )
        .await;
    place
        .stage(
            "staging_appointments",
            "e2",
            &json!({"id": "e2", "start": start, "allEventPianos": {"nodes": [{"piano": {"id": "p1"}}]}}),
            None,
        )
        .await;
    place.stage("staging_pianos", "p1", &json!({"id": "p1", "client": {"id": "c1"}}), None).await;
    place.run(&["reconcile"]).await.success();
    assert_eq!(place.count("gazelle_appointments").await, 0);
    assert_eq!(staging_status(&place, &child).await, "error");
    let states: Vec<Value> = place.quarantine().await.iter().map(|case| case["state"].clone()).collect();
    assert_eq!(states, ["waiting", "waiting", "waiting"]);

    place.stage("staging_clients", "c1", &json!({"id": "c1"}), None).await;
    place.run(&["reconcile"]).await.success();

    // The client lets its piano in, the piano its event, all at once.
    assert_eq!(place.count("gazelle_pianos").await, 1);
    assert_eq!(place.count("gazelle_appointments").await, 2);
    assert_eq!(staging_status(&place, &child).await, "processed");
    let states: Vec<Value> = place.quarantine().await.iter().map(|case| case["state"].clone()).collect();
    assert_eq!(states, ["released", "released", "released"]);
    assert_eq!(listed(&place).await.len(), 0);
    assert_eq!(in_state(&place, &["--all"]).await, ["e1 released", "e2 released", "p1 released"]);
    let people = crate::support::run_to_end(place.command(&["errors", "--all"])).await;
    assert!(people.stdout.contains("missing_parent client.id"), "{people}");
}

#[tokio::test]
async fn a_child_that_a_trigger_keeps_in_quarantine_keeps_no_other_out() {
    let place = place().await;
    for id in ["p1", "p2"] {
        place.stage("staging_pianos", id, &json!({"id": id, "client": {"id": "c1"}}), None).await;
    }
    place.run(&["reconcile"]).await.success();
    place
        .execute(
            "CREATE FUNCTION garde() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN IF OLD.external_id = 'p1' AND NEW.sync_status = 'pending' THEN RETURN NULL; END IF; RETURN NEW; END $$;
             CREATE TRIGGER garde BEFORE UPDATE ON staging_pianos FOR EACH ROW EXECUTE FUNCTION garde()",
        )
        .await;
    place.stage("staging_clients", "c1", &json!({"id": "c1"}), None).await;
    let start = json!({"id": "e1", "start": "2026-05-05T12:00:00Z", "client": {"id": "c1"}});
    place.stage("staging_appointments", "e1", &start, None).await;
    let run = place.run(&["reconcile"]).await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("p1: ") && run.reasons().contains("trigger garde"), "{}", run.reasons());
    assert_eq!(in_state(&place, &["--all"]).await, ["p1 waiting", "p2 released"], "{run}");
    assert_eq!(place.count("gazelle_appointments").await, 1, "{run}");
}

/// What `errors` lists with these flags: id and state, sorted.
async fn in_state(place: &TestInstallation, flags: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["errors", "list"].iter().chain(flags).copied().collect();
    let cases = place.run(&args).await.success();
    let text = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    let mut told: Vec<String> = cases
        .as_array()
        .unwrap()
        .iter()
        .map(|case| format!("{} {}", text(case, "external_id"), text(case, "state")))
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn everything_that_a_person_needs_to_understand_a_case_is_shown() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    let good = world
        .text(&format!("SELECT staging_id::text FROM gazelle_appointments WHERE external_id = '{event}'"))
        .await
        .unwrap();
    world.control.edit(gazelle_sim::RecordKind::Event, &event, json!({ "start": "demain matin" })).unwrap();
    let run = world.incremental().await.success();

    let shown = world.run(&["errors", "show", &event]).await.success();
    let case = &shown[0];
    assert_eq!((&case["state"], &case["error_field"]), (&json!("open"), &json!("start")));
    assert_eq!(case["offending"], "demain matin");
    assert_eq!(case["run"]["run_id"], run["run_id"]);
    // Without a date it is in no window of days: it was asked for by its id.
    assert_eq!(case["request"]["operation"], "AppointmentById");
    assert_eq!(case["newest_good"]["staging_id"], good.as_str());
    assert!(case["first_try"]["local"].as_str().unwrap().contains(" E"), "{case}");
    assert!(case["raw_data"].as_str().unwrap().contains("demain matin"));
    let people = crate::support::run_to_end(world.command(&["errors", "show", &event])).await;
    for part in [
        "not a date and time",
        "demain matin",
        &good,
        "AppointmentById",
        " UTC (",
        "correct start of it in Gazelle",
        &format!("errors dismiss {event}"),
        "\"start\": \"demain matin\"",
    ] {
        assert!(people.stdout.contains(part), "no {part} in {people}");
    }

    let waits = json!({"id": "e1", "start": "2026-05-05T12:00:00Z", "client": {"id": "c9"}});
    world.stage("staging_appointments", "e1", &waits, None).await;
    world.run(&["reconcile"]).await.success();
    let parent = async || world.run(&["errors", "show", "e1"]).await.success()[0]["parent"].clone();
    assert_eq!(parent().await, "unknown");
    let no_id = json!({"companyName": "C"});
    world.stage("staging_clients", "c9", &no_id, None).await;
    world.run(&["reconcile"]).await.success();
    assert_eq!(parent().await, "staged");
}

#[tokio::test]
async fn a_persons_word_waits_for_no_run_and_is_refused_while_one_is_at_work() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.event_titled("Sans date");
    world
        .execute("UPDATE sync_lease SET holder = 'elsewhere', token = token + 1, expires_at = now() + interval '1 hour'")
        .await;
    for args in [&["errors", "dismiss", &event, "--reason", "x"][..], &["errors", "retry", &event]] {
        let busy = world.run(args).await;
        assert_eq!(busy.code, 1, "{busy}");
        assert!(busy.reasons().contains("in progress") && busy.reasons().contains("elsewhere"), "{busy}");
    }
    assert!(in_state(&world, &[]).await.contains(&format!("{event} open")));
    world.execute("UPDATE sync_lease SET expires_at = 'epoch'").await;
    world.run(&["errors", "dismiss", &event, "--reason", "voulu ainsi"]).await.success();
    assert_eq!(in_state(&world, &["--state", "dismissed"]).await, [format!("{event} dismissed")]);
    let people = crate::support::run_to_end(world.command(&["errors", "list", "--all"])).await;
    assert!(people.stdout.contains("dismissed: voulu ainsi"), "{people}");
    assert_eq!(world.run(&["errors", "--state", "shut"]).await.code, 2);
    // It can be retried, by name.
    world.run(&["errors", "retry", &event]).await.success();
    assert!(in_state(&world, &[]).await.contains(&format!("{event} open")));
}

#[tokio::test]
async fn a_newer_good_version_closes_the_fault_of_an_older_one() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.event_titled("Sans date");
    world.control.move_event(&event, Some("2027-01-05T15:00:00Z")).unwrap();
    world.incremental().await.success();

    let in_production = world
        .text(&format!(
            "SELECT appointment_date::text FROM gazelle_appointments WHERE external_id = '{event}'"
        ))
        .await;
    assert_eq!(in_production.as_deref(), Some("2027-01-05"));
    let case =
        world.quarantine().await.into_iter().find(|case| case["external_id"] == event.as_str()).unwrap();
    assert_eq!(case["state"], "superseded");
    let errors: i64 =
        world.one("SELECT count(*) FROM staging_appointments WHERE sync_status = 'error'", &[]).await;
    assert_eq!(errors, 2);
    assert_eq!(listed(&world).await.len(), 2);
    let shown = world.run(&["errors", "show", &event]).await.success();
    assert_eq!(shown[0]["state"], "superseded");
    assert!(shown[0]["closed_reason"].as_str().unwrap().contains("newer version"));
}

#[tokio::test]
async fn a_bad_newer_version_leaves_the_good_older_one_in_production() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    let before = world.table("gazelle_appointments", &[]).await;
    world.control.move_event(&event, None).unwrap();
    let report = world.full().await.success();
    assert_eq!(crate::support::entity(&report, "appointments")["errors"], 1);
    assert_eq!(world.table("gazelle_appointments", &[]).await, before);
    let cases = listed(&world).await;
    assert!(cases.iter().any(|case| case["external_id"] == event.as_str()), "{cases:#?}");
}

#[tokio::test]
async fn errors_can_be_listed_shown_retried_and_dismissed() {
    let world = World::new().await;
    assert_eq!(listed(&world).await.len(), 0, "an empty database");
    world.full_sync_ok().await;
    let cases = listed(&world).await;
    assert_eq!(cases.len(), 3);
    let id = cases[0]["external_id"].as_str().unwrap().to_owned();
    for field in
        ["entity", "external_id", "staging_id", "state", "error_code", "message", "attempts", "raw_data"]
    {
        assert!(!cases[0][field].is_null(), "{field}");
    }
    assert_eq!(cases[0]["attempts"], 1);

    let count = async |args: &[&str]| world.run(args).await.success().as_array().unwrap().len();
    assert_eq!(count(&["errors", "list", "--limit", "2"]).await, 2);
    assert_eq!(count(&["errors", "list", "--entity", "clients"]).await, 0);
    assert_eq!(count(&["errors", "--code", "missing_parent"]).await, 0);
    assert_eq!(count(&["errors", "--code", "missing_field"]).await, 3);

    let shown = world.run(&["errors", "show", &id]).await.success();
    assert_eq!(shown[0]["external_id"], id.as_str());
    let people = crate::support::run_to_end(world.command(&["errors", "show", &id])).await;
    assert!(people.stdout.contains("Missing required field: start"), "{people}");

    let retried = world.run(&["errors", "retry", &id]).await.success();
    assert_eq!(retried["retried"], 1);
    assert_eq!(retried["run"]["errors"], 1);
    let attempts: i32 =
        world.one("SELECT attempts FROM sync_quarantine WHERE external_id = $1", &[&id]).await;
    assert_eq!(attempts, 2);
    assert_eq!(world.run(&["errors", "retry"]).await.success()["retried"], 3);

    let dismissed = world.run(&["errors", "dismiss", &id, "--reason", "voulu ainsi"]).await.success();
    assert_eq!(dismissed["dismissed"], 1);
    assert_eq!(listed(&world).await.len(), 2);
    world.full().await.success();
    world.run(&["errors", "retry"]).await.success();
    assert_eq!(listed(&world).await.len(), 2, "what was dismissed stays so");
    let status =
        world.text(&format!("SELECT sync_status FROM staging_appointments WHERE external_id = '{id}'")).await;
    assert_eq!(status.as_deref(), Some("error"), "and stays in staging");

    let failed = |run: CommandOutput| {
        assert_eq!(run.code, 1, "{run}");
        assert!(
            run.json()["error"].as_str().unwrap().contains("evt_nobody") || run.stderr.contains("quarantine"),
            "{run}"
        );
    };
    failed(world.run(&["errors", "show", "evt_nobody"]).await);
    failed(world.run(&["errors", "retry", "evt_nobody"]).await);
    failed(world.run(&["errors", "dismiss", "evt_nobody", "--reason", "x"]).await);
}

#[tokio::test]
async fn what_a_person_dismissed_stays_so_whatever_is_replayed_or_undone() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let (event, other) = (world.upcoming(0), world.upcoming(1));
    let refused = "ALTER TABLE gazelle_appointments ADD CONSTRAINT mine CHECK (title <> 'Refusé')";
    world.execute(refused).await;
    world.control.edit(RecordKind::Event, &event, json!({ "title": "Refusé" })).unwrap();
    let run = world.full().await.success()["run_id"].as_str().unwrap().to_owned();
    world.run(&["errors", "dismiss", &event, "--reason", "voulu ainsi"]).await.success();
    world.execute("ALTER TABLE gazelle_appointments DROP CONSTRAINT mine").await;
    world.control.edit(RecordKind::Event, &other, json!({ "title": "Autre" })).unwrap();
    let later = world.full().await.success()["run_id"].as_str().unwrap().to_owned();
    let held = world.table("gazelle_appointments", &LINEAGE).await;
    let state = format!(
        "SELECT q.state || ' ' || s.sync_status FROM sync_quarantine q JOIN staging_appointments s ON s.id = q.staging_id
          WHERE q.external_id = '{event}'"
    );
    for args in [
        &["replay"][..],
        &["replay", "--id", &event],
        &["undo", &later],
        &["undo", "--lift", &later],
        &["undo", &run],
        &["undo", "--lift", &run],
    ] {
        world.run(args).await.success();
        assert_eq!(world.text(&state).await.as_deref(), Some("dismissed error"), "{args:?}");
    }
    assert_eq!(world.table("gazelle_appointments", &LINEAGE).await, held);
    // A row that differs for another reason is fixed.
    let corrupt = format!("UPDATE gazelle_appointments SET title = 'faux' WHERE external_id = '{event}'");
    world.execute(&corrupt).await;
    world.run(&["undo", &later]).await.success();
    assert_eq!(world.text(&state).await.as_deref(), Some("dismissed error"));
    assert_eq!(world.run(&["errors", "retry", &event]).await.success()["run"]["processed"], 1);
    // What a person has tried again counts.
    let title = format!("SELECT title FROM gazelle_appointments WHERE external_id = '{event}'");
    world.run(&["replay"]).await.success();
    assert_eq!(world.text(&title).await.as_deref(), Some("Refusé"));
}

#[tokio::test]
async fn a_record_fixed_by_hand_is_written_on_retry() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.event_titled("À fixer");
    world
        .execute(&format!(
            "UPDATE staging_appointments SET raw_data = raw_data || '{{\"start\": \"2026-12-24T18:00:00Z\"}}' WHERE external_id = '{event}'"
        ))
        .await;
    world.run(&["errors", "retry", &event]).await.success();
    let time = world
        .text(&format!(
            "SELECT appointment_time::text FROM gazelle_appointments WHERE external_id = '{event}'"
        ))
        .await;
    assert_eq!(time.as_deref(), Some("18:00:00"));
    assert_eq!(listed(&world).await.len(), 2);
}

#[tokio::test]
async fn what_was_listed_and_is_no_more_is_not_deleted_by_absence() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    world.control.apply(Change::SetListed { kind: RecordKind::Event, id: event.clone(), times: 0 }).unwrap();
    world.full().await.success();
    let held = world
        .text(&format!("SELECT external_id FROM gazelle_appointments WHERE external_id = '{event}' AND deleted_at IS NULL"))
        .await;
    assert_eq!(held, Some(event));
}

#[tokio::test]
async fn a_newer_reconciler_tries_again_by_itself_what_an_older_one_refused() {
    let place = place().await;
    let good = json!({"id": "e1", "start": "2026-05-05T12:00:00Z"});
    let read_now = place.stage("staging_appointments", "e1", &good, None).await;
    let still_bad = place.stage("staging_appointments", "e2", &json!({"id": "e2"}), None).await;
    let waits = json!({"id": "e3", "start": "2026-05-05T12:00:00Z", "client": {"id": "c9"}});
    place.stage("staging_appointments", "e3", &waits, None).await;
    place.run(&["reconcile"]).await.success();
    // As an older reconciler left it: it could not read the first, and the others it had no other reason to refuse.
    place
        .execute(&format!(
            "DELETE FROM gazelle_appointments;
             UPDATE staging_appointments SET sync_status = 'error', error_code = 'invalid_field', error_field = 'start',
                    error_message = 'Invalid field: start has an odd form' WHERE id = '{read_now}';
             INSERT INTO sync_quarantine (staging_id, entity, external_id, error_code, error_field, state, attempts,
                                          first_seen_at, last_seen_at, reconciler_version)
             VALUES ('{read_now}', 'appointments', 'e1', 'invalid_field', 'start', 'open', 1, now(), now(), 0);
             UPDATE sync_quarantine SET reconciler_version = 0"
        ))
        .await;
    place.run(&["reconcile"]).await.success();
    assert_eq!(
        staging_status(&place, &read_now).await,
        "error",
        "by itself only when the reconciler is a newer one"
    );
    place.execute("UPDATE sync_reconcilers SET version = 0 WHERE entity = 'appointments'").await;

    place.run(&["reconcile"]).await.success();

    assert_eq!(in_state(&place, &["--all"]).await, ["e1 reread", "e2 open", "e3 waiting"]);
    assert_eq!(in_state(&place, &["--state", "reread"]).await, ["e1 reread"]);
    assert_eq!(staging_status(&place, &read_now).await, "processed");
    assert_eq!(place.count("gazelle_appointments").await, 1);
    let tried = place
        .rows("SELECT external_id, attempts, reconciler_version > 0 AS by_this_one FROM sync_quarantine ORDER BY 1")
        .await;
    for case in &tried[1..] {
        assert_eq!((&case["attempts"], &case["by_this_one"]), (&json!(2), &json!(true)), "{case}");
    }
    let shown = place.run(&["errors", "show", "e1"]).await.success();
    assert!(
        shown[0]["closed_reason"].as_str().unwrap().contains("newer version of the reconciler"),
        "{shown}"
    );
    assert_eq!(staging_status(&place, &still_bad).await, "error");
    place.run(&["reconcile"]).await.success();
    let again: i32 = place.one("SELECT max(attempts) FROM sync_quarantine", &[]).await;
    assert_eq!(again, 2, "once, not with every run");
}
