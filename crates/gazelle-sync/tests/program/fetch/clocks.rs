//! A clock that is wrong: the API's, the machine's, or an earlier one that dated what is staged and the runs.

use crate::support::World;
use crate::support::service::{Serving, runs, until};
use gazelle_sim::RecordKind;
use serde_json::{Value, json};

/// 200 days.
const FAR: i64 = 200 * 24 * 3600;

/// Gives the next upcoming event another title and returns its id.
fn retitle(world: &World, title: &str) -> String {
    let event = world.upcoming(1);
    world.control.edit(RecordKind::Event, &event, json!({ "title": title })).unwrap();
    event
}

async fn title(world: &World, event: &str) -> String {
    world.one("SELECT title FROM gazelle_appointments WHERE external_id = $1", &[&event]).await
}

/// How many bookmarks are later than the database's clock.
async fn bookmarks_ahead(world: &World) -> i64 {
    world.one("SELECT count(*) FROM sync_bookmarks WHERE walk_started_at > now()", &[]).await
}

fn warns(report: &Value, code: &str) -> bool {
    report["warnings"].as_array().unwrap().iter().any(|warning| warning["code"] == code)
}

#[tokio::test]
async fn an_api_clock_far_ahead_moves_no_bookmark_and_dates_no_version_beyond_the_databases_clock() {
    let world = World::new().await;
    world.control.advance_clock(FAR);
    let report = world.full_sync_ok().await;
    assert!(warns(&report, "clock_skew"), "{report}");
    assert_eq!(bookmarks_ahead(&world).await, 0);
    let dated_ahead: i64 = world
        .one("SELECT count(*) FROM staging_appointments WHERE fetched_at > now() + interval '1 minute'", &[])
        .await;
    assert_eq!(dated_ahead, 0);

    world.control.advance_clock(-FAR);
    let event = retitle(&world, "après l'horloge folle");
    let report = world.incremental().await.success();
    assert_eq!(report["staged"], 1, "{report}");
    assert_eq!(title(&world, &event).await, "après l'horloge folle");
    assert!(!warns(&report, "clock_skew"), "{report}");
}

#[tokio::test]
async fn an_api_clock_far_behind_costs_a_longer_walk_and_no_record() {
    let world = World::new().await;
    world.control.advance_clock(-FAR);
    let report = world.full_sync_ok().await;
    assert!(warns(&report, "clock_skew"), "{report}");
    let event = retitle(&world, "en retard");
    world.incremental().await.success();
    assert_eq!(title(&world, &event).await, "en retard");
    // Right again, and then behind again: the bookmark goes on, and not back.
    world.control.advance_clock(FAR);
    world.incremental().await.success();
    let right = world.bookmarks().await;
    world.control.advance_clock(-FAR);
    let event = retitle(&world, "encore en retard");
    world.incremental().await.success();
    assert_eq!(title(&world, &event).await, "encore en retard");
    assert_eq!(world.bookmarks().await, right);
}

/// As a program that believed the API's clock has left it.
#[tokio::test]
async fn a_bookmark_in_the_future_is_named_and_costs_a_whole_walk_that_sets_it_right() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute("UPDATE sync_bookmarks SET walk_started_at = now() + interval '200 days'").await;
    let event = retitle(&world, "vue malgré tout");

    let report = world.incremental().await.success();

    assert!(warns(&report, "bookmark_in_future"), "{report}");
    assert_eq!(crate::support::entity(&report, "appointments")["walk"], "whole", "{report}");
    assert_eq!(title(&world, &event).await, "vue malgré tout");
    assert_eq!(bookmarks_ahead(&world).await, 0);
    let report = world.incremental().await.success();
    assert!(!warns(&report, "bookmark_in_future"), "{report}");
    assert_ne!(crate::support::entity(&report, "appointments")["walk"], "whole", "{report}");
}

#[tokio::test]
async fn an_empty_window_is_no_success_when_the_api_lists_nothing_at_all_any_more() {
    let world = World::new().await;
    world.full_sync_ok().await;
    // No event in the days of an incremental walk, here or there.
    for id in world.control.ids(RecordKind::Event) {
        if world.control.record(RecordKind::Event, &id).unwrap()["start"].is_string() {
            world.control.move_event(&id, Some("2019-03-04T15:00:00Z")).unwrap();
        }
    }
    world.full_sync_ok().await;
    let quiet = world.incremental().await.success();
    assert_eq!(
        crate::support::entity(&quiet, "appointments")["seen"],
        0,
        "a quiet month is no fault: {quiet}"
    );

    let empty =
        || gazelle_sim::Fault::new(gazelle_sim::FaultKind::EmptyList).on_field("allEventsBatched").forever();
    world.control.add_fault(empty());
    let ran = world.incremental().await;
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.reasons().contains("appointments: the API lists 0"), "{}", ran.reasons());

    // Nor when it does not say how many it lists, or fails when it is asked. A fault that was added first comes first.
    let empty_page = serde_json::json!({
        "data": { "allEventsBatched": { "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [] } }
    });
    let uncounted = gazelle_sim::FaultKind::Status { status: 200, body: empty_page.to_string() };
    let refused =
        gazelle_sim::FaultKind::GraphqlError { message: "no counts here".to_owned(), extensions: None };
    let fails = gazelle_sim::FaultKind::ServerError;
    for (at_the_page, said) in [
        (uncounted, "appointments: the API lists 0"),
        (fails, "appointments: the API lists none of the days walked"),
    ] {
        world.control.clear_faults();
        let on = |kind: &gazelle_sim::FaultKind, operation| {
            world.control.add_fault(gazelle_sim::Fault::new(kind.clone()).on_operation(operation).forever());
        };
        on(&refused, "AppointmentsCounts");
        on(&at_the_page, "AppointmentsPageCursor");
        world.control.add_fault(empty());
        let ran = world.incremental().await;
        assert_eq!(ran.code, 3, "{ran}");
        assert!(ran.reasons().contains(said), "{}", ran.reasons());
    }
}

/// Versions dated into the future, as a program that dated by the machine's clock has left them.
#[tokio::test]
async fn the_newest_version_wins_whatever_dates_staging_holds_and_ids_are_in_the_order_of_dates() {
    let world = World::new().await;
    world.full_sync_ok().await;
    for table in crate::support::staging_tables() {
        world.execute(&format!("UPDATE {table} SET fetched_at = fetched_at + interval '200 days'")).await;
    }
    for table in crate::support::production_tables() {
        world
            .execute(&format!(
                "UPDATE {table} SET synced_from_gazelle_at = synced_from_gazelle_at + interval '200 days'"
            ))
            .await;
    }
    let mut newest = Vec::new();
    for number in 1..=3 {
        let event = retitle(&world, &format!("titre {number}"));
        let report = world.incremental().await.success();
        assert!(warns(&report, "versions_in_future"), "{report}");
        assert_eq!(title(&world, &event).await, format!("titre {number}"));
        let latest: jiff::Timestamp =
            world.one("SELECT max(fetched_at) FROM staging_appointments", &[]).await;
        newest.push(latest);
        // The next run finds the newest version by its id.
        let by_id: jiff::Timestamp =
            world.one("SELECT fetched_at FROM staging_appointments ORDER BY id DESC LIMIT 1", &[]).await;
        assert_eq!(by_id, latest);
    }
    assert!(newest.is_sorted() && newest[0] < newest[2], "{newest:?}");
    world.run(&["verify"]).await.success();
}

/// Lets the database's clock tell a time that is off by this; the machine's is the wrong one then.
async fn shift_database_clock(world: &World, by: &str) {
    world
        .execute(&format!(
            "ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO true_clock;
             CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql
                 AS $$ SELECT pg_catalog.true_clock() + interval '{by}' $$"
        ))
        .await;
}

/// Dates in our bookkeeping and in staging that lie beyond the database's clock.
async fn dated_ahead(world: &World) -> Vec<String> {
    // What Postgres fills in itself (`now()`) has its own clock, which a test cannot set.
    let columns = world
        .rows(
            "SELECT table_name, column_name FROM information_schema.columns
              WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
                AND (table_name LIKE 'sync\\_%' OR table_name LIKE 'staging\\_%')
                AND coalesce(column_default, '') NOT LIKE '%now()%' AND column_name NOT IN ('expires_at', 'due_at')",
        )
        .await;
    let mut ahead = Vec::new();
    for row in &columns {
        let (table, column) = (row["table_name"].as_str().unwrap(), row["column_name"].as_str().unwrap());
        let sql =
            format!("SELECT count(*) FROM {table} WHERE {column} > clock_timestamp() + interval '1 day'");
        let found: i64 = world.one(&sql, &[]).await;
        if found > 0 {
            ahead.push(format!("{table}.{column}: {found}"));
        }
    }
    assert!(columns.len() > 20, "{columns:?}");
    ahead
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_clock_far_ahead_dates_nothing_and_drops_nothing() {
    let mut world = World::new().await;
    shift_database_clock(&world, "-200 days").await;
    world.set("GAZELLE_SYNC_RETENTION", "90");
    world.set("GAZELLE_SYNC_RUNS_RETENTION", "90");
    world.run(&["migrate"]).await.success();
    let event = world.upcoming(1);
    // Cases that close, a parent that is missing, a deletion: everything that gets a date.
    let now = world.text("SELECT clock_timestamp()::text").await;
    world.stage("staging_appointments", "evt_faulty", &json!({ "title": "?" }), now.as_deref()).await;
    world.full_sync_ok().await;
    let now = world.text("SELECT clock_timestamp()::text").await;
    world.stage("staging_appointments", "evt_faulty", &json!({ "title": "!" }), now.as_deref()).await;
    for number in 1..=2 {
        retitle(&world, &format!("titre {number}"));
        world.full().await.success();
    }
    world.control.delete(RecordKind::Event, &world.upcoming(3)).unwrap();
    world.run(&["errors", "dismiss", "evt_faulty", "--reason", "essai"]).await;
    let last = world.full().await.success();
    let versions = format!("SELECT count(*) FROM staging_appointments WHERE external_id = '{event}'");
    assert_eq!(world.one::<i64>(&versions, &[]).await, 3, "versions of these minutes stay");
    world.run(&["alerts", "check"]).await;
    world.run(&["undo", last["run_id"].as_str().unwrap()]).await.success();
    world.run(&["replay"]).await.success();

    // By the service too: it runs once what is asked for, and nothing because of the hour that the machine believes in.
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    let serving = Serving::start(&world, &[]).await;
    until("it is ready", async || serving.get("/readyz").await.0 == 200).await;
    assert_eq!(serving.ask(r#"{"mode": "full", "entities": ["users"]}"#).await.0, 202);
    until("what was asked for", async || {
        runs(&world, "trigger = 'request' AND status = 'success'").await == 1
    })
    .await;
    let ended = serving.stop().await;
    assert_eq!(runs(&world, "trigger = 'schedule'").await, 0, "{}", ended.log);
    assert_eq!(dated_ahead(&world).await, [""; 0]);
}

/// As a program that dated its runs by a machine's clock has left one.
async fn with_a_run_of_the_future() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_RETRIES", "1");
    world.full_sync_ok().await;
    world
        .execute(
            "UPDATE sync_runs SET started_at = started_at + interval '200 days',
                                  finished_at = finished_at + interval '200 days'",
        )
        .await;
    world
}

async fn open_alerts(world: &World) -> Vec<String> {
    world.run(&["alerts", "check"]).await;
    let rows = world.rows("SELECT kind FROM sync_alerts WHERE closed_at IS NULL ORDER BY kind").await;
    rows.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_dated_into_the_future_hides_neither_a_later_one_nor_how_old_the_data_are() {
    let mut world = with_a_run_of_the_future().await;
    // A good run, a day ago.
    world.incremental().await.success();
    world
        .execute(
            "UPDATE sync_runs SET started_at = started_at - interval '1 day', finished_at = finished_at - interval '1 day'
              WHERE started_at < now()",
        )
        .await;
    assert!(open_alerts(&world).await.contains(&"stale".to_owned()));
    let doctor = world.run(&["doctor"]).await.json();
    let of_runs =
        doctor["checks"].as_array().unwrap().iter().find(|line| line["check"] == "runs").unwrap().clone();
    assert_eq!(of_runs["level"], "warning", "{of_runs}");

    world.control.add_fault(gazelle_sim::Fault::new(gazelle_sim::FaultKind::ServerError).forever());
    assert_ne!(world.incremental().await.code, 0);
    let alerts = open_alerts(&world).await;
    assert!(alerts.contains(&"run_failed".to_owned()), "{alerts:?}");
    let status = world.run(&["status"]).await.success();
    assert_eq!(status["runs"][0]["status"], "failed", "the newest comes first: {status}");

    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    let serving = Serving::start(&world, &[]).await;
    until("the database is open", async || serving.document("/readyz").await["database"]["ok"] == true).await;
    let ready = serving.document("/readyz").await;
    assert_eq!(ready["fresh"]["ok"], false, "{ready}");
    let (_, metrics) = serving.get("/metrics").await;
    let good =
        metrics.lines().find_map(|line| line.strip_prefix("gazelle_sync_last_good_run_timestamp_seconds "));
    let good: f64 = good.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap();
    assert!(good < jiff::Timestamp::now().as_second() as f64, "{good}");
    serving.stop().await;

    // A good one fixes it all.
    world.control.clear_faults();
    world.full().await.success();
    let alerts = open_alerts(&world).await;
    assert!(!alerts.iter().any(|kind| kind == "stale" || kind == "run_failed"), "{alerts:?}");
}

#[tokio::test]
async fn a_failed_run_dated_into_the_future_is_told_until_the_next_one() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_RETRIES", "1");
    world.full_sync_ok().await;
    world.control.add_fault(gazelle_sim::Fault::new(gazelle_sim::FaultKind::ServerError).forever());
    assert_ne!(world.incremental().await.code, 0);
    let ahead = "UPDATE sync_runs SET started_at = started_at + interval '200 days', finished_at = finished_at + interval '200 days'
                  WHERE status <> 'success'";
    world.execute(ahead).await;
    let alerts = open_alerts(&world).await;
    assert!(alerts.contains(&"run_failed".to_owned()), "{alerts:?}");

    // A good one makes up for it, also one of the future; and hides none that fails after it.
    world.control.clear_faults();
    world.full().await.success();
    let alerts = open_alerts(&world).await;
    assert!(!alerts.contains(&"run_failed".to_owned()), "{alerts:?}");
    world.execute(&ahead.replace("<>", "=")).await;
    assert!(!open_alerts(&world).await.contains(&"run_failed".to_owned()));
    world.control.add_fault(gazelle_sim::Fault::new(gazelle_sim::FaultKind::ServerError).forever());
    assert_ne!(world.incremental().await.code, 0);
    assert!(open_alerts(&world).await.contains(&"run_failed".to_owned()));
}

#[tokio::test]
async fn a_note_of_dropped_versions_from_the_future_ends_with_the_next_full_run() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "INSERT INTO sync_notes (key, value, noted_at)
             SELECT 'staging_whole_since', at::text, at FROM (SELECT now() + interval '110 days') AS t (at)",
        )
        .await;
    let of_before =
        world.text("SELECT run_id::text FROM sync_runs ORDER BY started_at LIMIT 1").await.unwrap();
    world.full().await.success();
    let event = retitle(&world, "à défaire");
    let report = world.full().await.success();
    world.run(&["undo", report["run_id"].as_str().unwrap()]).await.success();
    assert_ne!(title(&world, &event).await, "à défaire");
    let run = world.run(&["undo", &of_before]).await;
    assert!(run.code == 1 && run.reasons().contains("no longer whole"), "{run}");
}

/// Whether a list that never adds up is known as such is read from the last walks, not from one of the future.
#[tokio::test]
async fn the_last_shortfalls_are_those_of_runs_that_have_been() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "WITH run AS (
                INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
                SELECT gen_random_uuid(), 'sync', 'full', 'schedule', 'success', now() + days * interval '1 day', now(), 'x'
                  FROM unnest(ARRAY[-2, -1, 200]) AS days
                RETURNING run_id, started_at)
             INSERT INTO sync_run_entities (run_id, entity, walk, walk_complete, short_by)
             SELECT run_id, 'pianos', 'whole', false, CASE WHEN started_at > now() THEN 7 ELSE 2 END FROM run",
        )
        .await;
    let db = gazelle_sync::db::connect(&gazelle_sync::db::ConnectSettings {
        url: world.url(),
        ca_file: None,
        schema: "public".to_owned(),
        connections: 2,
    })
    .await
    .unwrap();
    let pianos = gazelle_sync::entities::entity("pianos").unwrap();
    let known = gazelle_sync::run_log::runs::known_shortfall(&db, pianos, true).await.unwrap();
    assert_eq!(known, Some(2));
}
