//! Each alert condition sends one opening message, reminders and one closing message, and no message twice.

use crate::support::World;
use crate::support::sink::{Received, WebhookReceiver};
use gazelle_sim::{Fault, FaultKind, RecordKind};
use serde_json::{Value, json};

/// A world with a full database whose alerts go to a webhook.
async fn world_with_webhook() -> (World, WebhookReceiver) {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_ATTEMPTS", "1");
    world.full_sync_ok().await;
    let sink = WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &sink.url("/alerts/s3cr3t"));
    (world, sink)
}

/// `kind/occasion` of what was told, in order.
fn sent_messages(sink: &WebhookReceiver) -> Vec<String> {
    sink.accepted().iter().map(|it| word(&it.json())).collect()
}

fn word(message: &Value) -> String {
    format!("{}/{}", message["kind"].as_str().unwrap(), message["occasion"].as_str().unwrap())
}

async fn check(world: &World) -> Value {
    world.installation.run(&["alerts", "check"]).await.success()
}

/// All messages seem to have been sent so long ago.
async fn later(world: &World, interval: &str) {
    let sql = format!("UPDATE sync_alert_messages SET sent_at = sent_at - interval '{interval}'");
    world.execute(&sql).await;
}

#[tokio::test]
async fn a_run_that_fails_is_told_once_then_reminded_of_then_over() {
    let (world, sink) = world_with_webhook().await;
    let fault = world.control.add_fault(Fault::new(FaultKind::ServerError).forever());

    // `sync` tells by itself.
    assert_eq!(world.incremental().await.code, 1);
    assert_eq!(sent_messages(&sink), ["run_failed/started"]);
    let message = sink.accepted()[0].json();
    assert!(message["text"].as_str().unwrap().contains("HTTP 500"), "{message}");
    assert_eq!(sink.accepted()[0].idempotency_key.as_deref(), message["id"].as_str());

    // It fails again, and again: nothing new to say.
    assert_eq!(world.incremental().await.code, 1);
    check(&world).await;
    assert_eq!(sent_messages(&sink).len(), 1, "{:?}", sent_messages(&sink));

    later(&world, "5 hours 59 minutes").await;
    check(&world).await;
    assert_eq!(sent_messages(&sink).len(), 1, "not yet time for a reminder");
    later(&world, "1 minute").await;
    check(&world).await;
    check(&world).await;
    assert_eq!(sent_messages(&sink)[1..], ["run_failed/reminder"]);
    later(&world, "6 hours").await;
    check(&world).await;
    assert_eq!(sent_messages(&sink)[2..], ["run_failed/reminder"]);

    world.control.remove_fault(fault);
    world.incremental().await.success();
    check(&world).await;
    assert_eq!(sent_messages(&sink)[3..], ["run_failed/over"]);
    let all: Vec<Value> = sink.accepted().iter().map(Received::json).collect();
    assert!(all.iter().all(|message| message["alert"] == all[0]["alert"]), "one alert: {all:?}");

    // The next failure is a new alert.
    world.control.add_fault(Fault::new(FaultKind::ServerError).forever());
    world.incremental().await;
    assert_eq!(sent_messages(&sink)[4..], ["run_failed/started"]);
    assert_ne!(sink.accepted()[4].json()["alert"], all[0]["alert"]);
}

#[tokio::test]
async fn only_a_success_about_the_same_makes_up_for_a_bad_run() {
    let (world, sink) = world_with_webhook().await;
    let fault = world.control.add_fault(Fault::new(FaultKind::ServerError).on_field("allPianos").forever());
    assert_eq!(world.incremental().await.code, 3);
    assert_eq!(sent_messages(&sink), ["run_partial/started"]);
    assert!(sink.accepted()[0].body.contains("pianos"));
    world.control.remove_fault(fault);
    world.installation.run(&["sync", "--entity", "users"]).await.success();
    assert_eq!(sent_messages(&sink).len(), 1, "users say nothing of pianos");
    world.incremental().await.success();
    assert_eq!(sent_messages(&sink)[1..], ["run_partial/over"]);
}

/// Stages so many appointments without a start, newly.
async fn bad_records(world: &World, count: usize) {
    for n in 0..count {
        world.stage("staging_appointments", &format!("evt_bad{n}"), &json!({ "title": "?" }), None).await;
    }
    world.installation.run(&["reconcile"]).await.success();
}

#[tokio::test]
async fn more_than_ten_record_errors_in_an_hour_are_told_and_a_restart_forgets_none() {
    let (world, sink) = world_with_webhook().await;
    // The made-up shop comes with faulty records of its own.
    world.execute("UPDATE sync_quarantine SET first_seen_at = first_seen_at - interval '1 day'").await;
    bad_records(&world, 10).await;
    check(&world).await;
    assert_eq!(sent_messages(&sink), [""; 0], "ten are not more than ten");

    // One of them is tried again and again, and comes with other faults: still one record.
    for n in 0..4 {
        world.installation.run(&["errors", "retry", "evt_bad3"]).await;
        world.stage("staging_appointments", "evt_bad3", &json!({ "title": n }), None).await;
        world.installation.run(&["reconcile"]).await.success();
    }
    let tries = "SELECT max(attempts)::text FROM sync_quarantine WHERE external_id = 'evt_bad3'";
    assert!(world.text(tries).await.unwrap().parse::<i32>().unwrap() > 1, "it was tried again");
    check(&world).await;
    assert_eq!(sent_messages(&sink), [""; 0]);

    // Each program run is a new process: what it counts is in the database.
    world.stage("staging_appointments", "evt_bad10", &json!({ "title": "?" }), None).await;
    world.installation.run(&["reconcile"]).await.success();
    check(&world).await;
    assert_eq!(sent_messages(&sink), ["record_errors/started"]);
    let message = sink.accepted()[0].json();
    assert_eq!((&message["facts"]["count"], &message["facts"]["limit"]), (&json!(11), &json!(10)));
    assert_eq!(message["facts"]["by_entity"], "appointments 11");

    world.execute("UPDATE sync_quarantine SET first_seen_at = first_seen_at - interval '61 minutes'").await;
    check(&world).await;
    assert_eq!(sent_messages(&sink)[1..], ["record_errors/over"]);
}

#[tokio::test]
async fn data_that_is_out_of_date_is_told_unless_a_run_is_fixing_it() {
    let (mut world, sink) = world_with_webhook().await;
    let age = async |world: &World, minutes: i64| {
        let sql = format!("UPDATE sync_runs SET finished_at = now() - interval '{minutes} minutes'");
        world.execute(&sql).await;
    };
    age(&world, 44).await;
    check(&world).await;
    assert_eq!(sent_messages(&sink), [""; 0]);
    age(&world, 46).await;
    let running = "INSERT INTO sync_runs (run_id, command, trigger, status, started_at, program)
                   VALUES (gen_random_uuid(), 'sync', 'schedule', 'running', now() - interval '5 minutes', 'x')";
    world.execute(running).await;
    check(&world).await;
    assert_eq!(sent_messages(&sink), [""; 0], "the first run after a night is under way");
    world
        .execute("UPDATE sync_runs SET started_at = now() - interval '1 hour' WHERE status = 'running'")
        .await;
    check(&world).await;
    assert_eq!(sent_messages(&sink), ["stale/started"], "a run that hangs fixes nothing");

    // In another language from here on.
    world.set("GAZELLE_SYNC_LANGUAGE", "fr");
    world.incremental().await.success();
    assert_eq!(sent_messages(&sink)[1..], ["stale/over"]);
    let message = sink.accepted()[1].json();
    assert_eq!(message["title"], "[gazelle-sync] Réglé\u{a0}: Les données ne sont plus à jour");
    assert_eq!(message["language"], "fr");

    // The setting is what decides.
    world.set("GAZELLE_SYNC_STALE_AFTER", "10");
    age(&world, 11).await;
    check(&world).await;
    assert_eq!(sent_messages(&sink)[2..], ["stale/started"]);
}

/// Runs of a machine without enough memory: each is killed, and the next one is started at once.
#[tokio::test]
async fn runs_that_are_killed_each_time_are_told_though_one_is_always_in_progress() {
    let (world, sink) = world_with_webhook().await;
    let run = async |status: &str, minutes: i64| {
        let sql = format!(
            "INSERT INTO sync_runs (run_id, command, trigger, status, started_at, program, reason)
             VALUES (gen_random_uuid(), 'sync', 'schedule', '{status}', now() - interval '{minutes} minutes', 'x',
                     CASE '{status}' WHEN 'interrupted' THEN 'the program ended without finishing the run' END)"
        );
        world.execute(&sql).await;
    };
    world
        .execute(
            "UPDATE sync_runs SET started_at = now() - interval '50 minutes', finished_at = now() - interval '46 minutes'",
        )
        .await;
    run("interrupted", 5).await;
    run("running", 0).await;
    check(&world).await;
    assert_eq!(sent_messages(&sink), [""; 0], "a power failure, and the first run after it");
    run("interrupted", 4).await;
    check(&world).await;
    assert_eq!(sent_messages(&sink), ["stale/started"]);
    run("interrupted", 3).await;
    check(&world).await;
    assert_eq!(sent_messages(&sink)[1..], ["run_failed/started"]);
    let message = sink.accepted()[1].json();
    let reason = message["facts"]["reason"].as_str().unwrap();
    assert_eq!(reason, "the last 3 runs: the program ended without finishing the run");
    check(&world).await;
    assert_eq!(sent_messages(&sink).len(), 2);

    world.incremental().await.success();
    let mut over = sent_messages(&sink)[2..].to_vec();
    over.sort_unstable();
    assert_eq!(over, ["run_failed/over", "stale/over"]);
}

/// A run may fail for one list, and the next for another: what was read whole in them is of today.
#[tokio::test]
async fn a_list_that_was_read_whole_is_fresh_whatever_failed_beside_it() {
    let (world, sink) = world_with_webhook().await;
    world
        .execute(
            "UPDATE sync_runs SET started_at = started_at - interval '1 day', finished_at = finished_at - interval '1 day'",
        )
        .await;
    let forbidden = |field: &str| {
        let kind = FaultKind::Status { status: 403, body: "{}".to_owned() };
        world.control.add_fault(Fault::new(kind).on_field(field).forever());
    };
    forbidden("allUsers");
    assert_eq!(world.incremental().await.code, 1);
    assert!(sent_messages(&sink).contains(&"stale/started".to_owned()), "{:?}", sent_messages(&sink));
    world.control.clear_faults();
    forbidden("allClients");
    assert_eq!(world.incremental().await.code, 1);
    assert!(sent_messages(&sink).contains(&"stale/over".to_owned()), "{:?}", sent_messages(&sink));
}

#[tokio::test]
async fn credentials_that_are_refused_are_told() {
    let (mut world, sink) = world_with_webhook().await;
    let key = world.sim.api_key().to_owned();
    world.set("GAZELLE_API_KEY", "wr0ng-k3y");
    assert_eq!(world.incremental().await.code, 1);
    let mut said = sent_messages(&sink);
    said.sort();
    assert_eq!(said, ["credentials_refused/started", "run_failed/started"]);
    let list = world.installation.run(&["alerts", "list"]).await;
    for text in sink.received().iter().map(|it| it.body.clone()).chain([list.stdout, list.stderr]) {
        assert!(!text.contains("wr0ng") && !text.contains("s3cr3t"), "{text}");
    }
    world.set("GAZELLE_API_KEY", &key);
    world.incremental().await.success();
    let mut said = sent_messages(&sink).split_off(2);
    said.sort();
    assert_eq!(said, ["credentials_refused/over", "run_failed/over"]);
}

#[tokio::test]
async fn a_list_that_is_suddenly_empty_is_told() {
    let (world, sink) = world_with_webhook().await;
    let fault = world.control.add_fault(Fault::new(FaultKind::EmptyList).on_field("allPianos").forever());
    let ran = world.full().await;
    let said = sent_messages(&sink);
    assert!(said.contains(&"nothing_fetched/started".to_owned()), "{said:?} {ran}");
    let message =
        sink.accepted().iter().map(Received::json).find(|it| it["kind"] == "nothing_fetched").unwrap();
    assert_eq!(message["facts"]["entities"], "pianos");
    world.control.remove_fault(fault);
    world.full().await.success();
    assert!(sent_messages(&sink).contains(&"nothing_fetched/over".to_owned()), "{:?}", sent_messages(&sink));
}

#[tokio::test]
async fn deletions_that_wait_for_a_word_are_told_until_they_are_decided() {
    let (mut world, sink) = world_with_webhook().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "1");
    for n in 0..3 {
        let event = world.upcoming(n);
        world.control.delete(RecordKind::Event, &event).unwrap();
    }
    assert_eq!(world.full().await.code, 3);
    let messages: Vec<Value> = sink.accepted().iter().map(Received::json).collect();
    let message = messages.iter().find(|it| it["kind"] == "deletions_withheld").expect("told");
    assert_eq!(message["facts"]["by_entity"], "appointments 3");
    let run = world.text("SELECT run_id::text FROM sync_deletions LIMIT 1").await.unwrap();
    world.installation.run(&["deletions", "approve", &run]).await.success();
    check(&world).await;
    assert!(
        sent_messages(&sink).contains(&"deletions_withheld/over".to_owned()),
        "{:?}",
        sent_messages(&sink)
    );
}

#[tokio::test]
async fn no_data_of_records_and_no_secret_is_in_what_is_told_or_logged() {
    let (mut world, sink) = world_with_webhook().await;
    world.set("GAZELLE_SYNC_LOG", "debug");
    let record = json!({ "id": "evt_x", "title": "Madame S3cr3te", "start": "demain chez Madame S3cr3te" });
    for n in 0..11 {
        world.stage("staging_appointments", &format!("evt_p{n}"), &record, None).await;
    }
    world.installation.run(&["reconcile"]).await;
    sink.answer(500);
    let first = world.installation.run(&["alerts", "check"]).await;
    sink.answer(200);
    world.execute("UPDATE sync_alert_messages SET due_at = now()").await;
    let second = world.installation.run(&["alerts", "check"]).await;
    let list = world.installation.run(&["alerts"]).await;
    assert_eq!(sent_messages(&sink), ["record_errors/started"]);
    let stored = world
        .text("SELECT string_agg(m::text || a::text, '') FROM sync_alert_messages m, sync_alerts a")
        .await;
    let mut texts: Vec<String> = sink.received().into_iter().map(|it| it.body).collect();
    texts.push(stored.unwrap());
    for ran in [first, second, list] {
        texts.extend([ran.stdout, ran.stderr]);
    }
    for text in texts {
        assert!(!text.contains("S3cr3te") && !text.contains("/alerts/s3cr3t"), "{text}");
    }
}

#[tokio::test]
async fn a_change_of_the_api_is_told_until_a_full_run_sees_no_other() {
    let (world, sink) = world_with_webhook().await;
    let field = FaultKind::FieldNew {
        type_name: "PrivatePiano".to_owned(),
        field: "voicing".to_owned(),
        field_type: "String".to_owned(),
    };
    world.control.add_fault(Fault::new(field).forever());
    world.full().await.success();
    assert_eq!(sent_messages(&sink), ["drift/started"]);
    let message = sink.accepted()[0].json();
    assert!(message["text"].as_str().unwrap().contains("PrivatePiano.voicing"), "{message}");
    // An incremental run does not look at the schema, and one that may not look has seen nothing either way.
    world.incremental().await.success();
    let refused = FaultKind::GraphqlError { message: "no introspection".to_owned(), extensions: None };
    let refused = world.control.add_fault(Fault::new(refused).on_field("__schema").forever());
    world.full().await;
    assert_eq!(sent_messages(&sink).len(), 1, "{:?}", sent_messages(&sink));
    world.control.remove_fault(refused);
    world.full().await.success();
    assert_eq!(sent_messages(&sink)[1..], ["drift/over"]);
}
