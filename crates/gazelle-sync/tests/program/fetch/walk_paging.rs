//! Paging to the end: what shifts, repeats or is counted wrong on the way is repaired, or said.

use std::time::Duration;

use crate::support::World;
use crate::support::service::until;
use crate::support::walks::{EVENTS, assert_whole, bookmark, one_by_one};
use gazelle_sim::{BadRecord, Fault, FaultKind, RecordKind, ShopSpec, SimOptions};
use serde_json::{Value, json};

#[tokio::test]
async fn a_repeated_page_cursor_ends_the_walk_as_incomplete_and_moves_no_bookmark() {
    let world = one_by_one().await;
    world.control.add_fault(Fault::new(FaultKind::RepeatCursor).on_field(EVENTS).skip(2).forever());

    let run = world.full().await;

    assert_eq!(run.code, 3, "{run}");
    assert_eq!(run.json()["status"], "partial");
    assert_eq!(run.entity("appointments")["walk_complete"], false);
    assert!(run.reasons().contains("appointments") && run.reasons().contains("cursor"), "{}", run.reasons());
    assert_eq!(bookmark(&world, "appointments").await, None);
    assert!(bookmark(&world, "clients").await.is_some());
    assert!(world.control.request_counts().total < 60, "it did not walk in circles");
    let staged = world.count("staging_appointments").await;
    assert!((10..120).contains(&staged), "what came is kept: {staged}");

    world.control.clear_faults();
    world.full().await.success();
    assert_whole(&world).await;
    assert!(bookmark(&world, "appointments").await.is_some());
}

#[tokio::test]
async fn rows_that_shift_between_pages_are_found_by_walking_again() {
    let world = one_by_one().await;
    let first = world.control.ids(RecordKind::Event)[3].clone();
    let gone = first.clone();
    world.control.call_after(
        Fault::new(FaultKind::Call).on_operation("AppointmentsPage").skip(1),
        move |control| {
            control.delete(RecordKind::Event, &gone).unwrap();
        },
    );

    let run = world.full().await;

    let report = run.success();
    assert_eq!(run.entity("appointments")["walk_complete"], true, "{report}");
    assert!(run.entity("appointments")["fetched"].as_i64().unwrap() > 200, "walked twice: {report}");
    assert_eq!(run.entity("appointments")["source_total"], 119);
    assert_whole(&world).await;
}

#[tokio::test]
async fn rows_that_shift_in_a_split_walk_are_found_too() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "5");
    let events = world.control.ids(RecordKind::Event);
    let moved = events[60].clone();
    world.control.call_after(
        Fault::new(FaultKind::Call).on_operation("AppointmentsPage").skip(2),
        move |control| {
            // Out of a window to come, into one that may be past.
            control.move_event(&moved, Some("2019-01-02T15:00:00Z")).unwrap();
            control.add(RecordKind::Event, json!({"start": "2018-05-05T15:00:00Z"})).unwrap();
        },
    );
    world.full().await.success();
    assert_whole(&world).await;
    assert_eq!(world.control.total(RecordKind::Event), 121);
}

#[tokio::test]
async fn a_deletion_and_an_addition_between_two_pages_are_found_though_the_total_stays() {
    // In one sequence of pages, and in windows.
    for page_size in ["15", "5"] {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", page_size);
        let gone = world.control.ids(RecordKind::Client)[3].clone();
        world.control.call_after(Fault::new(FaultKind::Call).on_operation("ClientsPage"), move |control| {
            control.delete(RecordKind::Client, &gone).unwrap();
            control.add(RecordKind::Client, json!({"companyName": "Arrivée entre deux pages"})).unwrap();
        });

        world.full().await.success();

        let held = world.rows("SELECT external_id AS id FROM gazelle_clients WHERE deleted_at IS NULL").await;
        let mut held: Vec<&str> = held.iter().map(|row| row["id"].as_str().unwrap()).collect();
        let mut listed = world.control.ids(RecordKind::Client);
        held.sort_unstable();
        listed.sort_unstable();
        assert_eq!(held, listed, "{page_size} a page");
    }
}

#[tokio::test]
async fn a_page_is_dated_when_it_came_not_when_it_was_handed_on() {
    let world = World::new().await;
    // The page waits until the records in it are completed.
    world
        .control
        .add_fault(Fault::new(FaultKind::Slow { milliseconds: 4000 }).on_operation("ContactMoreLocations"));
    world.full().await.success();
    let latest: f64 = world
        .one(
            "SELECT max(extract(epoch FROM s.fetched_at - r.started_at) - r.latency_ms / 1000.0)::float8
               FROM staging_clients s
               JOIN sync_run_requests r ON r.run_id = s.run_id AND r.sequence = s.request",
            &[],
        )
        .await;
    assert!(latest < 2.0, "{latest} seconds after the answer");
}

#[tokio::test]
async fn a_total_that_is_wrong_once_is_repaired_and_one_that_stays_wrong_is_told() {
    let world = one_by_one().await;
    world.control.add_fault(Fault::new(FaultKind::TotalOff { by: 1 }).on_field("allPianos"));
    world.full().await.success();
    assert_whole(&world).await;
    let before = bookmark(&world, "pianos").await;

    for by in [-1, 1] {
        world.control.clear_faults();
        world.control.add_fault(Fault::new(FaultKind::TotalOff { by }).on_field("allPianos").forever());
        let run = world.full().await;
        assert_eq!(run.code, 3, "{by}: {run}");
        assert!(run.reasons().contains("pianos") && run.reasons().contains("162"), "{by}: {}", run.reasons());
        assert_eq!(bookmark(&world, "pianos").await, before, "{by}");
    }
}

#[tokio::test]
async fn a_null_in_a_page_is_told_and_harms_no_other_record() {
    let spec = ShopSpec { bad_records: vec![BadRecord::NullNode], ..ShopSpec::small(7) };
    let world = World::with(spec, SimOptions::default()).await;
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("appointments: 1 record(s) cannot be read"), "{}", run.reasons());
    assert_eq!(world.count("gazelle_appointments").await, 117);
    assert!(bookmark(&world, "appointments").await.is_some(), "the next run need not repeat it");
}

#[tokio::test]
async fn a_record_listed_twice_is_staged_once_and_no_fault() {
    let spec = ShopSpec { bad_records: vec![BadRecord::DuplicateId], ..ShopSpec::small(7) };
    let world = World::with(spec, SimOptions::default()).await;
    world.full_sync_ok().await;
    let staged: i64 = world
        .one("SELECT count(*) FROM staging_appointments WHERE raw_data ->> 'title' LIKE 'Bad%'", &[])
        .await;
    assert_eq!(staged, 1);
}

#[tokio::test]
async fn versions_of_a_record_are_staged_in_the_order_in_which_the_walk_met_them() {
    let mut world = one_by_one().await;
    // Every record in a transaction of its own.
    world.set("GAZELLE_SYNC_BATCH_SIZE", "2");
    world.full_sync_ok().await;
    let event = world.control.ids(RecordKind::Event)[3].clone();
    let clients = world.control.ids(RecordKind::Client);
    let (held_up, other) = (clients[0].clone(), clients[1].clone());
    // The first version waits for its client, which somebody holds; the second, further down, has another client.
    let first = json!({"title": "first", "client": {"id": &held_up}});
    world.control.edit(RecordKind::Event, &event, first).unwrap();
    let mut holder = crate::support::connect(&world.url()).await;
    let holding = holder.transaction().await.unwrap();
    let hold = "SELECT FROM gazelle_clients WHERE external_id = $1 FOR UPDATE";
    assert_eq!(holding.execute(hold, &[&held_up]).await.unwrap(), 1);
    // What is listed just before the second: once it is staged, the other lane has come as far as that.
    for last in world.control.ids(RecordKind::Event).iter().rev().take(4) {
        world.control.edit(RecordKind::Event, last, json!({"title": "just before"})).unwrap();
    }
    let (moved, client) = (event.clone(), other.clone());
    world.control.call_after(Fault::new(FaultKind::Call).on_operation("AppointmentsPage"), move |control| {
        // Listed again at the end.
        control.delete(RecordKind::Event, &moved).unwrap();
        let second = json!({"id": &moved, "title": "second", "client": {"id": &client},
                            "start": "2027-05-05T15:00:00Z"});
        control.add(RecordKind::Event, second).unwrap();
    });
    world.control.clear_requests();

    let mut run = world.start(&["sync", "--mode", "full"]);
    let is_waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the first version waits", async || world.one::<i64>(is_waiting, &[]).await > 0).await;
    until("the second has come", async || {
        let pages = world.control.requests();
        pages.iter().filter(|r| r.operation.as_deref() == Some("AppointmentsPage")).count() >= 12
    })
    .await;
    let staged = format!(
        "SELECT string_agg(raw_data ->> 'title', ', ' ORDER BY fetched_at) FROM staging_appointments
          WHERE external_id = '{event}' AND raw_data ->> 'title' IN ('first', 'second')"
    );
    // The second must not even begin: it would wait for the first one's row, or be staged before it.
    let before = "SELECT count(*) FROM staging_appointments WHERE raw_data ->> 'title' = 'just before'";
    until("all before it is staged", async || world.one::<i64>(before, &[]).await >= 2).await;
    let at_work = "SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = 'gazelle-sync' AND datname = current_database() AND state <> 'idle'";
    until("nothing but the first is under way", async || world.one::<i64>(at_work, &[]).await == 1).await;
    assert_eq!(world.one::<i64>(is_waiting, &[]).await, 1);
    assert_eq!(world.text(&staged).await, None);
    holding.commit().await.unwrap();

    assert!(run.wait().await.unwrap().success());
    assert_eq!(world.text(&staged).await.as_deref(), Some("first, second"));
    let now: String = world
        .one("SELECT client_external_id FROM gazelle_appointments WHERE external_id = $1", &[&event])
        .await;
    assert_eq!(now, other);
    assert_whole(&world).await;
}

#[tokio::test]
async fn pages_shorter_than_asked_are_no_fault() {
    for (concurrency, most) in [("1", 4), ("4", 4), ("1", 1)] {
        let mut world = one_by_one().await;
        world.set("GAZELLE_SYNC_CONCURRENCY", concurrency);
        world.control.add_fault(Fault::new(FaultKind::ShortPage { most }).forever());
        world.full().await.success();
        assert_whole(&world).await;
    }
}

#[tokio::test]
async fn a_split_walk_reads_every_record_once() {
    let spec = ShopSpec { events: 400, ..ShopSpec::small(3) };
    let world =
        World::with(spec, SimOptions { latency: Duration::from_millis(20), ..SimOptions::default() }).await;
    let mut world = world;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    let run = world.full().await;
    run.success();
    let of = run.entity("appointments");
    assert_eq!(
        (&of["fetched"], &of["staged"], &of["source_total"]),
        (&json!(400), &json!(400), &json!(400)),
        "{of}"
    );
    assert_whole(&world).await;
    let requests = world.control.requests();
    let windows: std::collections::HashSet<String> = requests
        .iter()
        .filter(|request| request.operation.as_deref() == Some("AppointmentsPage"))
        .map(|request| {
            format!("{:?} {:?}", request.variables.get("filters"), request.variables.get("sortBy"))
        })
        .collect();
    assert!(windows.len() >= 4, "{windows:?}");
    let most = world.control.request_counts().max_in_flight;
    assert!((2..=4).contains(&most), "{most} requests at once");
}

#[tokio::test]
async fn dates_by_which_the_api_filters_may_be_of_any_zone() {
    for dates_in_utc in [false, true] {
        let options = SimOptions { dates_in_utc, ..SimOptions::default() };
        let mut world = World::with(ShopSpec { events: 300, ..ShopSpec::small(5) }, options).await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
        world.full_sync_ok().await;
        assert_whole(&world).await;
        world.set("GAZELLE_SYNC_LOOKBACK_DAYS", "0");
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let event =
            world.control.add(RecordKind::Event, json!({"start": format!("{today}T03:30:00Z")})).unwrap();
        world.incremental().await.success();
        let in_production: i64 =
            world.one("SELECT count(*) FROM gazelle_appointments WHERE external_id = $1", &[&event]).await;
        assert_eq!(in_production, 1);
    }
}

#[tokio::test]
async fn the_bookmark_is_the_start_of_the_walk_by_the_clock_of_the_api() {
    let options = SimOptions {
        clock_offset_seconds: -7200,
        latency: Duration::from_millis(30),
        ..SimOptions::default()
    };
    let world = World::with(ShopSpec::small(7), options).await;
    let before = jiff::Timestamp::now();
    world.full_sync_ok().await;
    let bookmark: jiff::Timestamp =
        world.one("SELECT walk_started_at FROM sync_bookmarks WHERE entity = 'appointments'", &[]).await;
    let behind = before.duration_since(bookmark).as_secs();
    assert!((7190..7205).contains(&behind), "{behind} s behind our clock");
}

#[tokio::test]
async fn a_record_that_changes_while_the_walk_goes_on_is_seen_by_the_next_one() {
    let world = one_by_one().await;
    let event = world.control.ids(RecordKind::Event)[0].clone();
    let changed = event.clone();
    world.control.call_after(
        Fault::new(FaultKind::Call).on_operation("AppointmentsPage").skip(5),
        move |control| {
            control.edit(RecordKind::Event, &changed, json!({"title": "pendant la marche"})).unwrap();
        },
    );
    world.full_sync_ok().await;
    world.run(&["sync", "--mode", "full"]).await.success();
    let title: Value = world
        .rows(&format!("SELECT title FROM gazelle_appointments WHERE external_id = '{event}'"))
        .await
        .remove(0);
    assert_eq!(title["title"], "pendant la marche");
}
