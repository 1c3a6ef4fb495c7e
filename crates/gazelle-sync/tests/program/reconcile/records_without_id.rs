//! Records that the API lists and cannot give, and whose ids it does not tell either: the walk ends all the same, and nothing
//! is deleted after it.

use crate::support::walks::{EVENTS, assert_whole, bookmark, one_by_one};
use crate::support::{CommandOutput, World};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, Takes};
use serde_json::json;

/// Records of a healthy walk of appointments, and a few more for what is asked again.
const ONE_WALK: i64 = 125;

async fn is_live(world: &World, event: &str) -> bool {
    let sql = "SELECT count(*) FROM gazelle_appointments WHERE external_id = $1 AND deleted_at IS NULL";
    world.one::<i64>(sql, &[&event]).await == 1
}

fn assert_ended(run: &CommandOutput, what: &str) {
    assert_eq!(run.code, 3, "{what}: {run}");
    let appointments = run.entity("appointments");
    assert_eq!(appointments["walk_complete"], true, "{what}: {run}");
    assert!(appointments["fetched"].as_i64().unwrap() <= ONE_WALK, "{what}: repeated, {run}");
    let reasons = run.reasons();
    assert!(reasons.contains("appointments: 1 record(s) cannot be read"), "{what}: {reasons}");
}

#[tokio::test]
async fn a_record_without_a_name_ends_no_walk_moves_the_bookmark_and_deletes_nothing() {
    for takes in [Takes::Record, Takes::Answer, Takes::Server] {
        let world = one_by_one().await;
        world.full_sync_ok().await;
        let (nameless, gone) = (world.upcoming(2), world.upcoming(5));
        let kind =
            FaultKind::RecordFault { id: nameless.clone(), field: None, message: "oh".to_owned(), takes };
        world.control.add_fault(Fault::new(kind).forever());
        world
            .control
            .apply(Change::Delete { kind: RecordKind::Event, id: gone.clone(), keep_references: false })
            .unwrap();
        let added = world
            .control
            .add(RecordKind::Event, json!({"start": "2026-05-05T15:00:00Z", "title": "neu"}))
            .unwrap();
        for mode in ["full", "incremental"] {
            world
                .execute("UPDATE sync_bookmarks SET walk_started_at = walk_started_at - interval '1 hour'")
                .await;
            let before = bookmark(&world, "appointments").await;
            let run = world.run(&["sync", "--mode", mode]).await;
            assert_ended(&run, &format!("{takes:?}, {mode}"));
            assert!(
                bookmark(&world, "appointments").await > before,
                "{takes:?}, {mode}: the bookmark is stuck"
            );
            assert!(is_live(&world, &nameless).await && is_live(&world, &gone).await, "{takes:?}, {mode}");
            assert!(is_live(&world, &added).await, "{takes:?}, {mode}");
        }
        world.control.clear_faults();
        world.full().await.success();
        assert!(is_live(&world, &nameless).await && !is_live(&world, &gone).await, "{takes:?}");
    }
}

#[tokio::test]
async fn an_entry_that_is_null_without_a_word_is_named_by_the_list_of_ids() {
    let nulls = || FaultKind::PartialData { message: String::new(), null_nodes: 1, missing_nodes: 0 };
    let world = one_by_one().await;
    world.control.add_fault(Fault::new(nulls()).on_operation("AppointmentsPage").times(4));
    world.full().await.success();
    assert_whole(&world).await;

    // And where that says null too, nothing is known of it.
    let world = one_by_one().await;
    world.control.add_fault(Fault::new(nulls()).on_field(EVENTS).times(2));
    let run = world.full().await;
    assert_ended(&run, "null in both");
    world.full().await.success();
    assert_whole(&world).await;
}
