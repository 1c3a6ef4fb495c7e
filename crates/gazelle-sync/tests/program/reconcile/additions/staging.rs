//! What users add to the staging tables: a version that they refuse is left out alone.

use gazelle_sim::{Change, RecordKind};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_version_that_staging_refuses_is_named_and_keeps_no_other_out() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "CREATE FUNCTION no_secrets() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.raw_data ->> 'title' = 'Secret' THEN RAISE 'not here'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER no_secrets BEFORE INSERT ON staging_appointments FOR EACH ROW EXECUTE FUNCTION no_secrets()",
        )
        .await;
    let (refused, other) = (world.upcoming(1), world.upcoming(2));
    world.control.edit(RecordKind::Event, &refused, json!({ "title": "Secret" })).unwrap();
    world.control.edit(RecordKind::Event, &other, json!({ "title": "Public" })).unwrap();
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

/// A record that its list leaves out, though its getter knows it.
fn unlisted(world: &World, kind: RecordKind, id: &str) {
    world.control.apply(Change::SetListed { kind, id: id.to_owned(), times: 0 }).unwrap();
}

#[tokio::test]
async fn what_a_walk_did_not_see_and_staging_refuses_keeps_no_other_out() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let [secret, public, kept, gone] = [1, 2, 3, 4].map(|n| world.upcoming(n));
    world
        .execute(&format!(
            "CREATE FUNCTION no_secrets() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.raw_data ->> 'title' = 'Secret' OR NEW.operation <> 'upsert' AND NEW.external_id = '{kept}'
                 THEN RAISE 'not here'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER no_secrets BEFORE INSERT ON staging_appointments FOR EACH ROW EXECUTE FUNCTION no_secrets()"
        ))
        .await;
    for (event, title) in [(&secret, "Secret"), (&public, "Public")] {
        world.control.edit(RecordKind::Event, event, json!({ "title": title })).unwrap();
        unlisted(&world, RecordKind::Event, event);
    }
    for event in [&kept, &gone] {
        world.control.delete(RecordKind::Event, event).unwrap();
    }
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    for words in ["2 record(s) could not be stored", "no_secrets()", "staging_appointments"] {
        assert!(run.reasons().contains(words), "{words}: {run}");
    }
    assert_eq!(world.count("gazelle_appointments WHERE title = 'Public'").await, 1);
    let deleted = world
        .text("SELECT string_agg(external_id, ' ') FROM gazelle_appointments WHERE deleted_at IS NOT NULL");
    assert_eq!(deleted.await.as_deref(), Some(gone.as_str()));

    world.execute("DROP TRIGGER no_secrets ON staging_appointments").await;
    world.full().await.success();
    assert_eq!(world.count("gazelle_appointments WHERE title = 'Secret'").await, 1);
    assert_eq!(world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 2);
}

#[tokio::test]
async fn a_missing_parent_that_staging_refuses_keeps_no_other_out() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "CREATE FUNCTION no_secrets() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.raw_data ->> 'companyName' = 'Secret' THEN RAISE 'not here'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER no_secrets BEFORE INSERT ON staging_clients FOR EACH ROW EXECUTE FUNCTION no_secrets()",
        )
        .await;
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    for name in ["Secret", "Public"] {
        let client = world.control.add(RecordKind::Client, json!({ "companyName": name })).unwrap();
        unlisted(&world, RecordKind::Client, &client);
        let event = json!({ "title": name, "client": { "id": client }, "start": start.strftime("%Y-%m-%dT%H:00:00Z").to_string() });
        world.control.add(RecordKind::Event, event).unwrap();
    }
    let run = world.incremental().await;
    assert_eq!(run.code, 3, "{run}");
    for words in ["1 record(s) could not be stored", "no_secrets()", "staging_clients"] {
        assert!(run.reasons().contains(words), "{words}: {run}");
    }
    assert_eq!(world.count("gazelle_appointments WHERE title = 'Public'").await, 1);
    assert_eq!(world.count("gazelle_appointments WHERE title = 'Secret'").await, 0);
    let waits = world.quarantine().await;
    assert!(
        waits
            .iter()
            .any(|case| case["error_code"] == "missing_parent" || case["waits_for"] == "gazelle_clients"),
        "{waits:?}"
    );

    world.execute("DROP TRIGGER no_secrets ON staging_clients; DELETE FROM sync_missing_parents").await;
    world.incremental().await.success();
    assert_eq!(world.count("gazelle_appointments WHERE title = 'Secret'").await, 1);
}
