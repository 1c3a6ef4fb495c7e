//! A clock that is wrong: the API's, or an earlier one that dated what is staged.

mod support;

use gazelle_sim::Kind;
use serde_json::{Value, json};
use support::World;

/// 200 days.
const FAR: i64 = 200 * 24 * 3600;

/// Gives the next upcoming event another title and returns its id.
fn retitle(world: &World, title: &str) -> String {
    let event = world.upcoming(1);
    world.control.edit(Kind::Event, &event, json!({ "title": title })).unwrap();
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
    let report = world.filled().await;
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
    let report = world.filled().await;
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
    world.filled().await;
    world.execute("UPDATE sync_bookmarks SET walk_started_at = now() + interval '200 days'").await;
    let event = retitle(&world, "vue malgré tout");

    let report = world.incremental().await.success();

    assert!(warns(&report, "bookmark_in_future"), "{report}");
    assert_eq!(support::entity(&report, "appointments")["walk"], "whole", "{report}");
    assert_eq!(title(&world, &event).await, "vue malgré tout");
    assert_eq!(bookmarks_ahead(&world).await, 0);
    let report = world.incremental().await.success();
    assert!(!warns(&report, "bookmark_in_future"), "{report}");
    assert_ne!(support::entity(&report, "appointments")["walk"], "whole", "{report}");
}

#[tokio::test]
async fn an_empty_window_is_no_success_when_the_api_lists_nothing_at_all_any_more() {
    let world = World::new().await;
    world.filled().await;
    // No event in the days of an incremental walk, here or there.
    for id in world.control.ids(Kind::Event) {
        if world.control.record(Kind::Event, &id).unwrap()["start"].is_string() {
            world.control.move_event(&id, Some("2019-03-04T15:00:00Z")).unwrap();
        }
    }
    world.filled().await;
    let quiet = world.incremental().await.success();
    assert_eq!(support::entity(&quiet, "appointments")["seen"], 0, "a quiet month is no fault: {quiet}");

    world.control.add_fault(
        gazelle_sim::Fault::new(gazelle_sim::FaultKind::EmptyList).on_field("allEventsBatched").forever(),
    );
    let ran = world.incremental().await;
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.reasons().contains("appointments: the API lists 0"), "{}", ran.reasons());
}

/// Versions dated into the future, as a program that dated by the machine's clock has left them.
#[tokio::test]
async fn the_newest_version_wins_whatever_dates_staging_holds_and_ids_are_in_the_order_of_dates() {
    let world = World::new().await;
    world.filled().await;
    for table in support::STAGING {
        world.execute(&format!("UPDATE {table} SET fetched_at = fetched_at + interval '200 days'")).await;
    }
    for table in support::PRODUCTION {
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
