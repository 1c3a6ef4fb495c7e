//! What must not grow, turn in a circle or be asked for ever: runs and requests, lists that never add up, missing parents,
//! long lists of cases and deletions.

use crate::support::service::{Serving, until};
use crate::support::{CommandOutput, World};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind};
use serde_json::{Value, json};

/// How often an entity was walked, and how often as part of which mode.
async fn walks(world: &World, entity: &str) -> i64 {
    world.one("SELECT count(*) FROM sync_run_entities WHERE entity = $1", &[&entity]).await
}

/// The list of clients counts one more than it holds, wherever it is counted.
fn count_one_more(world: &World) {
    for operation in ["ClientsPage", "ClientsCounts"] {
        world.control.add_fault(Fault::new(FaultKind::TotalOff { by: 1 }).on_operation(operation).forever());
    }
}

#[tokio::test]
async fn a_list_that_never_adds_up_is_tried_a_few_times_and_then_the_schedule_goes_on() {
    let mut world = World::new().await;
    for schedule in ["GAZELLE_SYNC_INCREMENTAL", "GAZELLE_SYNC_FULL"] {
        world.set(schedule, "0 0 1 1 *");
    }
    count_one_more(&world);
    let serving = Serving::start(&world, &[]).await;
    let settled = "SELECT count(*) FROM sync_run_entities WHERE entity = 'clients' AND walk_settled";
    until("the list is known to be short", async || {
        world.db.query_one(settled, &[]).await.is_ok_and(|row| row.get::<_, i64>(0) > 0)
    })
    .await;
    until("and nothing is due", async || {
        let health = serving.document("/healthz").await;
        health["activity"]["state"] == "waiting" && serving.get("/readyz").await.0 == 200
    })
    .await;
    assert_eq!(walks(&world, "clients").await, 3, "twice more than the others, and no more");
    assert_eq!(walks(&world, "users").await, 1, "the others are not walked again for it");
    serving.stop().await;

    // Once known, the walk is not repeated within a run either; what is listed is up to date.
    let client = world.control.ids(RecordKind::Client)[0].clone();
    world.control.edit(RecordKind::Client, &client, json!({ "companyName": "Encore une fois" })).unwrap();
    world.control.clear_requests();
    let ran = world.full().await;
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.reasons().contains("it was so in the runs before"), "{}", ran.reasons());
    let pages =
        world.control.requests().iter().filter(|r| r.operation.as_deref() == Some("ClientsPage")).count();
    let listed = world.control.total(RecordKind::Client).div_ceil(100) + 1;
    assert!(pages <= listed, "{pages} pages asked for, {listed} are one walk");
    let name: String =
        world.one("SELECT company_name FROM gazelle_clients WHERE external_id = $1", &[&client]).await;
    assert_eq!(name, "Encore une fois");

    // When it adds up again, all is as before.
    world.control.clear_faults();
    world.full_sync_ok().await;
}

/// What an attempt was short by says nothing about a later one that ends in an error.
#[tokio::test]
async fn a_walk_that_ends_in_an_error_is_not_short_by_what_its_first_attempt_was() {
    let world = World::new().await;
    count_one_more(&world);
    let mut attempts = 0;
    for pages in 0..5 {
        let forbidden = FaultKind::Status { status: 403, body: "{}".to_owned() };
        let fault = Fault::new(forbidden).on_operation("ClientsPage").skip(pages).forever();
        let fault = world.control.add_fault(fault);
        let run = world.full().await;
        world.control.remove_fault(fault);
        if run.reasons().contains("403") {
            attempts += 1;
            assert_eq!(run.entity("clients")["short_by"], Value::Null, "after {pages} pages: {run}");
        }
    }
    assert!(attempts > 1, "in a first attempt, and in a later one");
}

/// A list that is forbidden for ever is tried again by itself, and the others keep to the schedule.
#[tokio::test]
async fn a_list_that_fails_for_good_costs_the_others_no_walk() {
    let mut world = World::new().await;
    for schedule in ["GAZELLE_SYNC_INCREMENTAL", "GAZELLE_SYNC_FULL"] {
        world.set(schedule, "0 0 1 1 *");
    }
    count_one_more(&world);
    let forbidden = FaultKind::Status { status: 403, body: "{}".to_owned() };
    world.control.add_fault(Fault::new(forbidden).on_field("allUsers").forever());
    let serving = Serving::start(&world, &[]).await;
    // Of which the clients' count is known to be short after three walks, whatever became of the runs.
    let tried = "SELECT count(*) FILTER (WHERE entity = 'users') > 3
                        AND count(*) FILTER (WHERE entity = 'clients' AND walk_settled OR entity = 'pianos') > 1
                   FROM sync_run_entities";
    until("both are tried again", async || world.db.query_one(tried, &[]).await.is_ok_and(|row| row.get(0)))
        .await;
    let statuses =
        "SELECT string_agg(DISTINCT status, ' ') FROM sync_runs JOIN sync_run_entities USING (run_id)
                     WHERE entity = 'users'";
    assert_eq!(world.text(statuses).await.as_deref(), Some("failed"));
    assert_eq!(walks(&world, "clients").await, 3);
    assert_eq!((walks(&world, "pianos").await, walks(&world, "appointments").await), (1, 1));
    serving.stop().await;
}

/// A list that holds a record twice and counts it twice, each time alike, has been read whole.
#[tokio::test]
async fn a_list_that_holds_and_counts_a_record_twice_is_complete() {
    for page_size in ["2", "100"] {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", page_size);
        let piano = world.control.ids(RecordKind::Piano)[2].clone();
        world
            .control
            .apply(Change::SetListed { kind: RecordKind::Piano, id: piano.clone(), times: 2 })
            .unwrap();
        // The simulator counts a record once however often it lists it.
        world
            .control
            .add_fault(Fault::new(FaultKind::TotalOff { by: 1 }).on_operation("PianosPage").forever());
        world
            .control
            .add_fault(Fault::new(FaultKind::TotalOff { by: 1 }).on_operation("PianosCounts").forever());
        let report = world.run(&["sync", "--mode", "full", "--entity", "pianos"]).await;
        let document = report.json();
        let pianos = crate::support::entity(&document, "pianos");
        assert_eq!(pianos["walk_complete"], true, "page size {page_size}: {report}");
        let warned = document["warnings"].as_array().unwrap();
        assert!(
            warned
                .iter()
                .any(|w| w["code"] == "duplicate_id" && w["message"].as_str().unwrap().contains(&piano)),
            "{report}"
        );
    }
}

/// `verify` asks by count, which of these lists is off for good.
async fn verified(world: &World) -> CommandOutput {
    world.run(&["verify", "--sample", "20"]).await
}

#[tokio::test]
async fn verify_expects_of_a_list_that_counts_a_record_twice_what_it_holds() {
    let world = World::new().await;
    let piano = world.control.ids(RecordKind::Piano)[2].clone();
    world.control.apply(Change::SetListed { kind: RecordKind::Piano, id: piano, times: 2 }).unwrap();
    for operation in ["PianosPage", "PianosCounts"] {
        world.control.add_fault(Fault::new(FaultKind::TotalOff { by: 1 }).on_operation(operation).forever());
    }
    world.full_sync_ok().await;
    for _ in 0..2 {
        let ran = verified(&world).await;
        assert_eq!(ran.code, 0, "{ran}");
        let notes = ran.json()["notes"].to_string();
        assert!(notes.contains("pianos: the API counts 163, 1 more than"), "{notes}");
        world.full().await.success();
    }
    // What else is missing or too much shows as ever.
    let added = world.control.add(RecordKind::Piano, json!({ "make": "Neuf" })).unwrap();
    let ran = verified(&world).await;
    assert!(ran.code == 1 && ran.stdout.contains("pianos: the API counts 164"), "{ran}");
    world.full().await.success();
    assert_eq!(verified(&world).await.code, 0);
    for table in ["gazelle_pianos", "staging_pianos"] {
        world.execute(&format!("DELETE FROM {table} WHERE external_id = '{added}'")).await;
    }
    assert_eq!(verified(&world).await.code, 1);
}

#[tokio::test]
async fn verify_knows_a_list_that_never_adds_up_once_the_schedule_does() {
    for by in [1, -1] {
        let world = World::new().await;
        for operation in ["ClientsPage", "ClientsCounts"] {
            let off = Fault::new(FaultKind::TotalOff { by });
            world.control.add_fault(off.on_operation(operation).forever());
        }
        for settled in [false, false, true] {
            assert_eq!(world.full().await.code, 3);
            let ran = verified(&world).await;
            assert_eq!(ran.code, i32::from(!settled), "off by {by}: {ran}");
            let told = ran.json()["notes"].to_string().contains("as in the runs before");
            assert_eq!(told, settled, "off by {by}: {ran}");
        }
        world.control.add(RecordKind::Client, json!({ "companyName": "Neuve" })).unwrap();
        world.control.add(RecordKind::Client, json!({ "companyName": "Neuve aussi" })).unwrap();
        assert_eq!(verified(&world).await.code, 1, "off by {by}");
    }
}

#[tokio::test]
async fn what_a_list_holds_twice_is_told_once_and_costs_no_second_walk_again() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    let pianos = world.control.ids(RecordKind::Piano);
    let listed = |id: &str, times: u8| {
        world.control.apply(Change::SetListed { kind: RecordKind::Piano, id: id.to_owned(), times }).unwrap();
    };
    let count_more = |by: i64| {
        for operation in ["PianosPage", "PianosCounts"] {
            world.control.add_fault(Fault::new(FaultKind::TotalOff { by }).on_operation(operation).forever());
        }
    };
    let sync = async || {
        world.control.clear_requests();
        let run = world.run(&["sync", "--mode", "full", "--entity", "pianos"]).await;
        let requests = world.control.requests();
        let pages = requests.iter().filter(|r| r.operation.as_deref() == Some("PianosPage")).count();
        let walks = pages / world.control.total(RecordKind::Piano).div_ceil(10);
        let document = run.success();
        let warned = document["warnings"].as_array().unwrap().iter().filter(|w| w["code"] == "duplicate_id");
        let told: Vec<String> = warned.map(|w| w["message"].as_str().unwrap().to_owned()).collect();
        (walks, told)
    };
    world.run(&["sync", "--mode", "full"]).await.success();
    assert_eq!(sync().await, (1, Vec::new()));

    listed(&pianos[2], 2);
    count_more(1);
    let (walks, told) = sync().await;
    assert_eq!(walks, 2, "two walks tell that nothing shifts");
    assert!(told.len() == 1 && told[0].contains(&pianos[2]), "{told:?}");
    for _ in 0..2 {
        assert_eq!(sync().await, (1, Vec::new()), "known, and told");
    }

    // Another one is news; that the first is still there is not.
    listed(&pianos[70], 2);
    world.control.clear_faults();
    count_more(2);
    let (walks, told) = sync().await;
    assert_eq!(walks, 2);
    assert!(told.len() == 1 && told[0].contains(&pianos[70]) && !told[0].contains(&pianos[2]), "{told:?}");
    assert_eq!(sync().await, (1, Vec::new()));

    // What is over is forgotten: should it come again, it is told again.
    listed(&pianos[2], 1);
    listed(&pianos[70], 1);
    world.control.clear_faults();
    assert_eq!(sync().await, (1, Vec::new()));
    listed(&pianos[2], 2);
    count_more(1);
    let (walks, told) = sync().await;
    assert_eq!((walks, told.len()), (2, 1), "{told:?}");
}

#[tokio::test]
async fn parents_that_never_come_are_asked_for_less_and_less_often_and_at_once_when_a_person_asks() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    let mut record = world.control.record(RecordKind::Event, &event).unwrap();
    record["id"] = json!("evt_sans_client");
    record["client"] = json!({ "id": "cli_jamais" });
    world.control.add_raw_event(record, None).unwrap();
    let asked = |world: &World| {
        let asked = world.control.requests();
        world.control.clear_requests();
        asked.iter().filter(|r| r.operation.as_deref() == Some("ClientById")).count()
    };
    world.control.clear_requests();
    world.incremental().await.success();
    assert_eq!(asked(&world), 1);
    for _ in 0..2 {
        world.incremental().await.success();
        assert_eq!(asked(&world), 0, "not with every run");
    }
    let wait = "SELECT extract(epoch FROM next_ask_at - last_asked_at)::float8 FROM sync_missing_parents";
    let first: f64 = world.one(wait, &[]).await;
    world.execute("UPDATE sync_missing_parents SET next_ask_at = now()").await;
    world.incremental().await.success();
    assert_eq!(asked(&world), 1, "its time had come");
    let second: f64 = world.one(wait, &[]).await;
    assert!(second > 1.9 * first, "{first} s, then {second} s");

    world.run(&["errors", "retry", "evt_sans_client"]).await;
    world.incremental().await.success();
    assert_eq!(asked(&world), 1, "a person wants it tried");
}

#[tokio::test]
async fn missing_parents_are_staged_many_at_once() {
    let world = World::new().await;
    let ran = world.run(&["sync", "--mode", "full", "--entity", "appointments"]).await;
    assert!(ran.code == 0 || ran.code == 3, "{ran}");
    let (clients, transactions): (i64, i64) = (
        world.count("staging_clients").await,
        world.one("SELECT count(DISTINCT xmin::text) FROM staging_clients", &[]).await,
    );
    assert!(clients > 20, "{clients}");
    assert!(transactions <= clients / 10 + 1, "{clients} clients in {transactions} transactions");
}

/// How many rows the bookkeeping of runs has.
async fn kept(world: &World, table: &str) -> i64 {
    world.count(table).await
}

#[tokio::test]
async fn old_runs_and_requests_go_and_what_a_version_names_stays() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.control.edit(RecordKind::Event, &world.upcoming(0), json!({ "title": "changé" })).unwrap();
    world.incremental().await.success();
    // Long ago: runs that brought something, and 150 that brought nothing.
    world
        .execute(
            "UPDATE sync_runs SET started_at = started_at - interval '200 days', finished_at = finished_at - interval '200 days';
             INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
             SELECT gen_random_uuid(), 'sync', 'incremental', 'schedule', 'success', now() - n * interval '1 day',
                    now() - n * interval '1 day', 'test' FROM generate_series(1, 250) n;
             INSERT INTO sync_run_entities (run_id, entity) SELECT run_id, 'users' FROM sync_runs WHERE program = 'test';
             INSERT INTO sync_run_requests (run_id, sequence, operation, variables, attempts, outcome, latency_ms, bytes, started_at)
             SELECT run_id, n, 'UsersPage', '{}', 1, 'ok', 5, 100, started_at
               FROM sync_runs, generate_series(1, 20) n WHERE program = 'test'",
        )
        .await;
    let histories = async |world: &World| world.run(&["history", &world.upcoming(0)]).await.success();
    let explained = histories(&world).await;
    let requests = kept(&world, "sync_run_requests").await;

    world.set("GAZELLE_SYNC_RUNS_RETENTION", "all");
    world.full_sync_ok().await;
    assert!(kept(&world, "sync_run_requests").await >= requests, "all are kept where that is wanted");

    world.set("GAZELLE_SYNC_RUNS_RETENTION", "90");
    world.full_sync_ok().await;
    let left: i64 = world.one("SELECT count(*) FROM sync_runs WHERE program = 'test'", &[]).await;
    assert!((95..=100).contains(&left), "the last hundred or those of 90 days: {left}");
    let orphans: i64 = world
        .one("SELECT count(*) FROM sync_run_requests WHERE run_id NOT IN (SELECT run_id FROM sync_runs)", &[])
        .await;
    assert_eq!(orphans, 0);
    assert_eq!(
        histories(&world).await,
        explained,
        "run, request and page of each version are told as before"
    );
    world.run(&["verify"]).await.success();
}

#[tokio::test]
async fn a_list_of_cases_is_a_page_with_its_count_and_reads_no_raw_record_for_it() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "INSERT INTO staging_appointments (external_id, raw_data, sync_status)
             SELECT 'evt_' || n, jsonb_build_object('id', 'evt_' || n, 'notes', repeat('x', 1000)), 'pending'
               FROM generate_series(1, 300) n",
        )
        .await;
    world.run(&["reconcile"]).await;
    let listed = crate::support::run_to_end(world.command(&["errors", "list"])).await;
    assert!(listed.stdout.contains("50 of 300"), "{listed}");
    // With raw records that cannot be read, who asks for one fails.
    world
        .execute(
            "ALTER TABLE staging_appointments RENAME COLUMN raw_data TO raw_data_aside;
             CREATE TYPE unreadable AS (it integer);
             CREATE FUNCTION read(unreadable) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'read'; END $$;
             CREATE CAST (unreadable AS text) WITH FUNCTION read(unreadable);
             ALTER TABLE staging_appointments ADD COLUMN raw_data unreadable;
             UPDATE staging_appointments SET raw_data = ROW(1)",
        )
        .await;
    let listed = crate::support::run_to_end(world.command(&["errors", "list", "--limit", "3"])).await;
    assert!(listed.code == 0 && listed.stdout.contains("3 of 300"), "{listed}");
    assert_ne!(world.run(&["errors", "list", "--limit", "3"]).await.code, 0, "programs get the raw records");
}

#[tokio::test]
async fn approving_reaches_every_deletion_however_many_wait() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let run: String = world.one("SELECT run_id::text FROM sync_runs LIMIT 1", &[]).await;
    world
        .execute(&format!(
            "INSERT INTO staging_users (external_id, raw_data, sync_status)
             SELECT 'usr_' || n, jsonb_build_object('id', 'usr_' || n), 'pending' FROM generate_series(1, 12000) n;
             INSERT INTO sync_deletions (run_id, entity, external_id, state, evidence, found_at)
             SELECT '{run}', 'users', 'usr_' || n, 'withheld', '{{\"gone\": true}}', now() + interval '1 minute'
               FROM generate_series(1, 12000) n"
        ))
        .await;
    world.run(&["reconcile"]).await.success();
    let decided: Value = world.run(&["deletions", "approve", &run]).await.success();
    assert!(decided.to_string().contains("12000"), "{decided}");
    let live: i64 = world
        .one("SELECT count(*) FROM gazelle_users WHERE external_id LIKE 'usr\\_%' AND deleted_at IS NULL AND first_name IS NULL", &[])
        .await;
    assert_eq!(live, 0, "all of them are deleted, not the first ten thousand");
}
