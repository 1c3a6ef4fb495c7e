//! The record of a run that fails.

use crate::support::World;
use gazelle_sim::RecordKind;
use serde_json::json;

#[tokio::test]
async fn an_end_that_cannot_be_noted_does_not_hide_why_a_rebuild_failed() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let piano = world.control.ids(RecordKind::Piano)[0].clone();
    world.control.edit(RecordKind::Piano, &piano, json!({ "make": "Another" })).unwrap();
    let run = world.full().await.success()["run_id"].as_str().unwrap().to_owned();
    world
        .execute(&format!(
            "UPDATE gazelle_pianos SET make = 'Spoiled' WHERE external_id = '{piano}';
             ALTER TABLE gazelle_pianos ADD CONSTRAINT as_they_are CHECK (false) NOT VALID;
             CREATE FUNCTION no_end() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN RAISE EXCEPTION 'the end is not noted'; END $$;
             CREATE TRIGGER no_end BEFORE UPDATE ON sync_runs FOR EACH ROW
                 WHEN (NEW.status = 'failed') EXECUTE FUNCTION no_end()"
        ))
        .await;
    for args in [&["replay"][..], &["undo", &run]] {
        let failed = world.run(args).await;
        assert_eq!(failed.code, 1, "{args:?}: {failed}");
        assert!(failed.reasons().contains("as_they_are"), "{args:?} hides why: {failed}");
    }
    world.execute("DROP TRIGGER no_end ON sync_runs").await;
    // The next run tells that they never ended.
    world.execute("ALTER TABLE gazelle_pianos DROP CONSTRAINT as_they_are").await;
    world.run(&["replay"]).await.success();
    assert_eq!(world.one::<i64>("SELECT count(*) FROM sync_runs WHERE status = 'interrupted'", &[]).await, 2);
}
