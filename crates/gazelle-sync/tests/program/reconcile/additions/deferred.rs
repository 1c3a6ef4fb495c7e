//! Constraint triggers that are checked only when a transaction ends: what they refuse stands alone all the same.

use serde_json::json;

use super::unnoted::{assert_names_first, drop_trigger, edit, noted, two_clients};
use crate::support::failing::failed_place;
use crate::support::{TestInstallation, World, assert_same};

/// Puts a trigger on a table that is checked at COMMIT.
pub(super) async fn hang_deferred(place: &TestInstallation, table: &str, operation: &str, condition: &str) {
    place
        .execute(&format!(
            "CREATE FUNCTION silence() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN IF {condition} THEN RAISE 'non'; END IF; RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER silence AFTER {operation} ON {table} DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION silence()"
        ))
        .await;
}

const REFUSED: &str = "sync_quarantine WHERE error_code = 'refused_by_database'";

#[tokio::test]
async fn a_warning_that_is_refused_at_the_end_holds_no_record_back() {
    let (world, two) = two_clients().await;
    let [kept, other] = &two;
    let condition = format!("NEW.external_id = '{kept}'");
    hang_deferred(&world, "sync_quality_warnings", "INSERT", &condition).await;
    edit(&world, &two, "Neuf", &json!("0000-00-00"));
    for _ in 0..2 {
        let run = world.full().await;
        assert_names_first(&run, &two, "deferred");
        assert_eq!(world.count("gazelle_clients WHERE company_name = 'Neuf'").await, 2, "{run}");
        assert_eq!(world.count(REFUSED).await, 0, "{run}");
        assert_eq!((noted(&world, kept).await, noted(&world, other).await), (false, true), "{run}");
    }
    drop_trigger(&world).await;
    world.full().await.success();
    assert!(noted(&world, kept).await);
}

#[tokio::test]
async fn a_first_sync_lands_whole_where_every_warning_is_refused_at_the_end() {
    let healthy = World::new().await;
    healthy.full_sync_ok().await;
    let warnings = healthy.count("sync_quality_warnings").await;
    assert!(warnings > 0);
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    hang_deferred(&world, "sync_quality_warnings", "INSERT", "true").await;
    let run = world.full().await;
    assert_eq!((run.code, world.count(REFUSED).await), (3, 0), "{run}");
    assert_same(&healthy.content().await, &world.content().await, "all records are written");
    drop_trigger(&world).await;
    world.full().await.success();
    assert_eq!(world.count("sync_quality_warnings").await, warnings);
}

/// The row is refused, and the warnings that are noted after it in the same transaction are not blamed.
#[tokio::test]
async fn a_row_that_is_refused_at_the_end_is_blamed_itself_where_warnings_follow_it() {
    let (world, two) = two_clients().await;
    let [kept, other] = &two;
    hang_deferred(&world, "gazelle_clients", "UPDATE", &format!("NEW.external_id = '{kept}'")).await;
    edit(&world, &two, "Neuf", &json!("0000-00-00"));
    let run = world.full().await;
    assert!(!run.stdout.contains("could not be noted"), "{run}");
    let blamed =
        world.rows("SELECT external_id FROM sync_quarantine WHERE error_code = 'refused_by_database'").await;
    assert_eq!(blamed, [json!({ "external_id": kept })], "{run}");
    assert!(noted(&world, other).await, "{run}");
    assert_eq!(world.count("sync_notes WHERE key LIKE 'unnoted%'").await, 0, "{run}");
}

#[tokio::test]
async fn an_alert_that_is_refused_at_the_end_silences_no_other() {
    let place = failed_place().await;
    place
        .execute(
            "INSERT INTO sync_deletions (run_id, entity, external_id, state, evidence, found_at)
             SELECT run_id, 'pianos', 'p', 'withheld', '{}', now() FROM sync_runs",
        )
        .await;
    hang_deferred(&place, "sync_alerts", "INSERT", "NEW.kind = 'run_failed'").await;
    let ran = place.run(&["alerts", "check"]).await;
    assert!(ran.code == 1 && ran.to_string().contains("silence"), "{ran}");
    let open = "SELECT string_agg(kind, ' ' ORDER BY kind) FROM sync_alerts WHERE closed_at IS NULL";
    assert_eq!(place.text(open).await.as_deref(), Some("deletions_withheld"), "{ran}");
}
