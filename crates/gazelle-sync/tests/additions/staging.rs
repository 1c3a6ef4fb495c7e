//! What users add to the staging tables: a version that they refuse is kept out by itself.

use gazelle_sim::Kind;
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_version_that_staging_refuses_is_named_and_keeps_no_other_out() {
    let world = World::new().await;
    world.filled().await;
    world
        .execute(
            "CREATE FUNCTION no_secrets() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.raw_data ->> 'title' = 'Secret' THEN RAISE 'not here'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER no_secrets BEFORE INSERT ON staging_appointments FOR EACH ROW EXECUTE FUNCTION no_secrets()",
        )
        .await;
    let (refused, other) = (world.upcoming(1), world.upcoming(2));
    world.control.edit(Kind::Event, &refused, json!({ "title": "Secret" })).unwrap();
    world.control.edit(Kind::Event, &other, json!({ "title": "Public" })).unwrap();
    let bookmark =
        world.text("SELECT walk_started_at::text FROM sync_bookmarks WHERE entity = 'appointments'").await;
    for full in [false, true] {
        let run = if full { world.full().await } else { world.incremental().await };
        assert_eq!(run.code, 3, "{run}");
        for words in [refused.as_str(), "no_secrets()", "staging_appointments"] {
            assert!(run.reasons().contains(words), "{words}: {run}");
        }
        assert_eq!(world.count("gazelle_appointments WHERE title = 'Public'").await, 1);
        assert_eq!(
            world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await,
            0,
            "it counts as seen"
        );
        let now = world
            .text("SELECT walk_started_at::text FROM sync_bookmarks WHERE entity = 'appointments'")
            .await;
        assert_eq!(now, bookmark, "the next run fetches it again");
    }
    world.execute("DROP TRIGGER no_secrets ON staging_appointments").await;
    world.incremental().await.success();
    assert_eq!(world.count("gazelle_appointments WHERE title = 'Secret'").await, 1);
}
