//! What `replay` and `undo` would newly mark deleted has the guard of a walk, as what they would remove.

use crate::support::{LINEAGE, World, assert_same};
use gazelle_sim::RecordKind;
use serde_json::json;

#[tokio::test]
async fn rows_that_would_be_marked_deleted_have_the_guard_of_a_walk() {
    let world = World::new().await;
    world.full_sync_ok().await;
    // Within the guard of a walk, run by run; together beyond it.
    let pianos = world.control.ids(RecordKind::Piano);
    for some in pianos[..9].chunks(3) {
        some.iter().for_each(|piano| drop(world.control.delete(RecordKind::Piano, piano).unwrap()));
        assert_eq!(world.full().await.success()["deleted"], 3);
    }
    for contact in world.one_contact_each(3) {
        world.control.delete(RecordKind::Contact, &contact).unwrap();
        world.full().await.success();
    }
    let user = world.control.ids(RecordKind::User)[0].clone();
    world.control.edit(RecordKind::User, &user, json!({ "lastName": "Autre" })).unwrap();
    let run = world.full().await.success()["run_id"].as_str().unwrap().to_owned();
    let right = world.production(&LINEAGE).await;
    for (table, said) in [("gazelle_pianos", "pianos: rows of 9"), ("gazelle_contacts", "clients: rows of 3")]
    {
        world.execute(&format!("UPDATE {table} SET deleted_at = NULL")).await;
        let spoiled = world.production(&LINEAGE).await;
        for args in [&["replay"][..], &["undo", &run]] {
            let ran = world.run(args).await;
            assert_eq!(ran.code, 3, "{args:?}: {ran}");
            assert!(ran.reasons().contains(said) && ran.reasons().contains("--allow-deletions"), "{ran}");
            assert_same(&spoiled, &world.production(&LINEAGE).await, table);
        }
        world.run(&["replay", "--allow-deletions"]).await.success();
        assert_same(&right, &world.production(&LINEAGE).await, table);
    }
}

#[tokio::test]
async fn what_stage_2_would_mark_anyway_is_not_counted_by_the_guard_of_a_replay() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let contacts = world.one_contact_each(3);
    contacts.iter().for_each(|contact| drop(world.control.delete(RecordKind::Contact, contact).unwrap()));
    world.run(&["fetch", "--mode", "full"]).await.success();
    world.run(&["replay"]).await.success();
    let gone =
        "SELECT count(*) FROM gazelle_contacts WHERE deleted_at IS NOT NULL AND external_id = ANY ($1)";
    assert_eq!(world.one::<i64>(gone, &[&contacts]).await, 3);
}

#[tokio::test]
async fn the_guard_of_a_replay_is_a_share_of_the_rows_that_are_live() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    // Two percent of all rows are three, of the live ones one.
    let pianos = world.control.ids(RecordKind::Piano);
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "1000");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "100");
    world.set("GAZELLE_SYNC_SHRINK_GUARD_PERCENT", "100");
    pianos[..100].iter().for_each(|piano| drop(world.control.delete(RecordKind::Piano, piano).unwrap()));
    world.full().await.success();
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "2");
    let two = [pianos[0].as_str(), pianos[1].as_str()];
    let live = format!(
        "UPDATE gazelle_pianos SET deleted_at = NULL WHERE external_id IN ('{}', '{}')",
        two[0], two[1]
    );
    world.execute(&live).await;

    let ran = world.run(&["replay", "--entity", "pianos"]).await;

    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.reasons().contains("pianos: rows of 2 record(s)"), "{ran}");
    assert!(ran.reasons().contains("the guard allows 1 "), "{ran}");
}
