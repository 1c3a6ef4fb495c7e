//! `serve` from outside: it runs by itself and on demand, never two at once, and ends well.

use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::service::{Serving, runs, until};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, ShopSpec, SimOptions};
use serde_json::{Value, json};

/// A world whose scheduled runs never come while a test looks, but for the first.
async fn quiet_world() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_LOG", "info");
    world
}

const GOOD: &str = "status = 'success'";

#[tokio::test]
async fn it_fills_an_empty_database_and_says_that_it_is_ready() {
    let world = quiet_world().await;
    let serving = Serving::start(&world, &[]).await;
    until("ready", async || serving.get("/readyz").await.0 == 200).await;
    assert_eq!(runs(&world, "status = 'success' AND mode = 'full' AND trigger = 'schedule'").await, 1);
    assert!(world.count("gazelle_appointments").await > 0);
    let health = serving.document("/healthz").await;
    assert_eq!(
        (&health["status"], &health["activity"]["state"]),
        (&json!("alive"), &json!("waiting")),
        "{health}"
    );
    assert_eq!(health["last_scraped_at"], json!(null));
    serving.get("/metrics").await;
    assert!(serving.document("/healthz").await["last_scraped_at"].is_string());
    let ended = serving.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[tokio::test]
async fn a_row_in_the_database_or_a_post_starts_a_run() {
    let world = quiet_world().await;
    let serving = Serving::start(&world, &[]).await;
    until("the first run", async || runs(&world, GOOD).await == 1).await;

    world.execute("INSERT INTO sync_wanted_runs (mode) VALUES ('full')").await;
    until("the run of the row", async || runs(&world, "trigger = 'request' AND mode = 'full'").await == 1)
        .await;
    until("its outcome", async || {
        world.text("SELECT outcome FROM sync_wanted_runs").await.as_deref() == Some("success")
    })
    .await;

    let (status, answer) = serving.ask(r#"{"mode": "incremental", "entities": ["pianos", "clients"]}"#).await;
    assert_eq!(status, 202, "{answer}");
    let request = answer["request"].as_str().unwrap().to_owned();
    let outcome = format!("SELECT outcome FROM sync_wanted_runs WHERE id = '{request}'");
    until("the run of the post", async || world.text(&outcome).await.as_deref() == Some("success")).await;
    let entities = "SELECT string_agg(entity, ',' ORDER BY entity) FROM sync_run_entities WHERE run_id =
                    (SELECT run_id FROM sync_wanted_runs ORDER BY requested_at DESC LIMIT 1)";
    assert_eq!(world.text(entities).await.as_deref(), Some("clients,pianos"));
    let listed = serving.document("/runs").await;
    assert_eq!(listed["requests"][0]["id"], json!(request), "{listed}");
    assert_eq!(listed["runs"].as_array().unwrap().len(), 3, "{listed}");

    // What makes no sense starts nothing and says why.
    for (body, status) in
        [("{", 400), (r#"{"mode": "all"}"#, 400), (r#"{"entities": ["dogs"]}"#, 400), (r#"{"x": 1}"#, 400)]
    {
        assert_eq!(serving.ask(body).await.0, status, "{body}");
    }
    world.execute("INSERT INTO sync_wanted_runs (mode, entities) VALUES ('full', '{dogs}')").await;
    until("the refusal", async || {
        let reason = world.text("SELECT reason FROM sync_wanted_runs WHERE outcome = 'refused'").await;
        reason.is_some_and(|reason| reason.contains("entities must be some of users, clients"))
    })
    .await;
    assert!(world.db.batch_execute("INSERT INTO sync_wanted_runs (mode) VALUES ('half')").await.is_err());
    assert_eq!(runs(&world, "true").await, 3);
    serving.stop().await;
}

#[tokio::test]
async fn requests_for_the_same_are_served_by_one_run() {
    let world = quiet_world().await;
    world.full_sync_ok().await;
    // While nobody serves, they pile up.
    world.execute("INSERT INTO sync_wanted_runs (mode) SELECT 'full' FROM generate_series(1, 20)").await;
    world.execute("INSERT INTO sync_wanted_runs (mode) VALUES ('incremental')").await;
    let serving = Serving::start(&world, &[]).await;
    until("all served", async || {
        let served = "SELECT count(*) FROM sync_wanted_runs WHERE outcome = 'success'";
        world.one::<i64>(served, &[]).await == 21
    })
    .await;
    assert_eq!(runs(&world, "trigger = 'request' AND mode = 'full'").await, 1);
    assert_eq!(runs(&world, "trigger = 'request' AND mode = 'incremental'").await, 1);
    serving.stop().await;
}

#[tokio::test]
async fn while_another_run_is_at_work_it_waits_and_raises_no_alarm() {
    let mut world = quiet_world().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_LEASE_SECONDS", "60");
    // A runner of another machine, whose lease runs.
    world
        .execute(
            "UPDATE sync_lease SET holder = 'elsewhere boot 1 pid 2 started 3', token = token + 1,
                                   expires_at = now() + interval '1 minute'",
        )
        .await;
    world.execute("INSERT INTO sync_wanted_runs (mode) VALUES ('incremental')").await;
    let serving = Serving::start(&world, &[]).await;
    until("it has looked", async || serving.document("/healthz").await["activity"]["state"] == "waiting")
        .await;
    assert_eq!(runs(&world, "true").await, 1);
    world.execute("UPDATE sync_lease SET expires_at = 'epoch'").await;
    until("the run", async || runs(&world, "trigger = 'request' AND status = 'success'").await == 1).await;
    let ended = serving.stop().await;
    assert_eq!(ended.log.matches("another gazelle-sync run is in progress").count(), 1, "{}", ended.log);
    assert!(!ended.log.contains("\"WARN\"") && !ended.log.contains("\"ERROR\""), "{}", ended.log);
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_run_leaves_it_interrupted_and_the_next_start_goes_on() {
    let options = SimOptions { latency: Duration::from_millis(20), ..SimOptions::default() };
    let mut world = World::with(ShopSpec::small(7), options).await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "5");
    world.set("GAZELLE_SYNC_LOG", "info");
    let serving = Serving::start(&world, &[]).await;
    until("half a run", async || world.control.request_counts().total >= 12).await;
    let ended = serving.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(runs(&world, "status = 'interrupted' AND finished_at IS NOT NULL").await, 1, "{}", ended.log);
    let lease = world.text("SELECT (expires_at = 'epoch')::text FROM sync_lease").await;
    assert_eq!(lease.as_deref(), Some("true"), "the lease is given back");
    let staged: i64 = world.one("SELECT count(*) FROM staging_clients", &[]).await;
    assert!(staged > 0, "what had come is staged");

    let serving = Serving::start(&world, &[]).await;
    until("the run goes on", async || runs(&world, GOOD).await == 1).await;
    serving.stop().await;
    let other = World::new().await;
    other.full_sync_ok().await;
    crate::support::assert_same(&other.content().await, &world.content().await, "interrupted and gone on");
}

#[tokio::test]
async fn a_request_whose_runner_was_killed_is_run_by_the_next() {
    let options = SimOptions { latency: Duration::from_millis(20), ..SimOptions::default() };
    let mut world = World::with(ShopSpec::small(7), options).await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "5");
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    world.full_sync_ok().await;
    world.control.clear_requests();
    world.execute("INSERT INTO sync_wanted_runs (mode) VALUES ('full')").await;
    let serving = Serving::start(&world, &[]).await;
    until("half a run", async || world.control.request_counts().total >= 12).await;
    serving.signal("-KILL");
    serving.ended().await;
    assert_eq!(world.text("SELECT outcome FROM sync_wanted_runs").await, None);
    assert_eq!(world.one::<i32>("SELECT times_taken FROM sync_wanted_runs", &[]).await, 1);

    let serving = Serving::start(&world, &[]).await;
    until("run by the next", async || {
        world.text("SELECT outcome FROM sync_wanted_runs").await.as_deref() == Some("success")
    })
    .await;
    assert_eq!(world.one::<i32>("SELECT times_taken FROM sync_wanted_runs", &[]).await, 2);
    assert_eq!(runs(&world, "status = 'interrupted'").await, 1);
    serving.stop().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let world = World::new().await;
    world.control.add_fault(Fault::new(FaultKind::Hang).forever());
    let serving = Serving::start(&world, &[]).await;
    until("a request hangs", async || world.control.request_counts().total >= 1).await;
    let begun = Instant::now();
    serving.signal("-TERM");
    serving.signal("-INT");
    let ended = serving.ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(begun.elapsed() < gazelle_sync::stop::GRACE, "the answer was not waited for");
}

#[tokio::test]
async fn a_run_that_fails_is_tried_again_until_it_succeeds() {
    let mut world = quiet_world().await;
    world.set("GAZELLE_SYNC_ATTEMPTS", "1");
    let fault = world.control.add_fault(Fault::new(FaultKind::ServerError).forever());
    let serving = Serving::start(&world, &[]).await;
    until("three failures", async || runs(&world, "status = 'failed'").await >= 3).await;
    let (status, ready) = serving.get("/readyz").await;
    assert_eq!(status, 503, "{ready}");
    assert!(ready.contains("HTTP 500"), "it says why: {ready}");
    world.control.remove_fault(fault);
    until("a success", async || runs(&world, GOOD).await == 1).await;
    until("ready", async || serving.get("/readyz").await.0 == 200).await;
    let ended = serving.stop().await;
    assert!(ended.log.contains("tried again"), "{}", ended.log);
}

/// All lists are read whole, and a record in none of them cannot be asked for: what was read keeps to the schedule, and the run is
/// no good one.
#[tokio::test]
async fn a_failed_run_is_no_good_run_although_its_walks_were_complete() {
    let world = quiet_world().await;
    world.full_sync_ok().await;
    world.execute("DELETE FROM sync_run_entities").await;
    world.execute("DELETE FROM sync_runs").await;
    let unlisted = world.control.ids(RecordKind::Client)[20].clone();
    world.control.apply(Change::SetListed { kind: RecordKind::Client, id: unlisted, times: 0 }).unwrap();
    let refused = FaultKind::GraphqlError {
        message: "Field 'personalNotes' doesn't exist on type 'PrivateClient'".to_owned(),
        extensions: Some(json!({ "code": "undefinedField" })),
    };
    let fault = world.control.add_fault(Fault::new(refused).on_operation("ClientById").forever());
    let failed = async || runs(&world, "status = 'failed'").await;
    let rests = async |serving: &Serving| {
        until("it rests", async || {
            let health = serving.document("/healthz").await;
            health["activity"]["state"] == "waiting" && health["activity"]["next_full"].is_string()
        })
        .await;
    };
    let serving = Serving::start(&world, &[]).await;
    until("a failed run", async || failed().await == 1).await;
    until("its problem", async || {
        let problem = serving.document("/readyz").await["problem"].clone();
        problem.as_str().is_some_and(|problem| problem.contains("personalNotes"))
    })
    .await;
    rests(&serving).await;
    let (status, ready) = serving.get("/readyz").await;
    let document: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &document["fresh"]["last_good_run_at"]), (503, &Value::Null), "{ready}");
    assert!(document["problem"].is_string(), "later looks leave it: {ready}");
    assert_eq!(runs(&world, "true").await, 1, "what was read whole is not read again before its time");
    serving.stop().await;

    // A run that was stopped while it wrote to production has not compared anything: it is made good at once.
    world.execute("UPDATE sync_run_entities SET in_production = NULL").await;
    let serving = Serving::start(&world, &[]).await;
    until("another run", async || failed().await == 2).await;
    rests(&serving).await;
    world.control.remove_fault(fault);
    assert_eq!(serving.ask(r#"{"mode": "full"}"#).await.0, 202);
    until("a good run", async || runs(&world, GOOD).await == 1).await;
    until("ready", async || serving.get("/readyz").await.0 == 200).await;
    until("no problem", async || serving.document("/readyz").await["problem"].is_null()).await;
    serving.stop().await;
}
