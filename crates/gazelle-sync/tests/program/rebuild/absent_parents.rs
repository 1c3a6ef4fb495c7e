//! Records whose parent staging does not give: no rebuild takes their rows away unnoticed.

use crate::support::quarantined::place;
use crate::support::{LINEAGE, TestInstallation, assert_same};
use serde_json::json;

/// An appointment that went from the client c1 to c2, which only a user's row in our table stands for.
async fn with_a_row_of_the_users() -> TestInstallation {
    let place = place().await;
    let event = |client: &str| json!({ "id": "e1", "start": "2026-05-05T12:00:00Z", "title": client, "client": { "id": client } });
    place.stage("staging_clients", "c1", &json!({ "id": "c1" }), None).await;
    place.stage("staging_appointments", "e1", &event("c1"), None).await;
    place.run(&["reconcile"]).await.success();
    place.stage("staging_appointments", "e1", &event("c2"), None).await;
    place.run(&["reconcile"]).await.success();
    assert_eq!(owner(&place).await.as_deref(), Some("c1"), "it waits");
    place
        .execute(
            "INSERT INTO gazelle_clients (external_id, reconciler_version, staging_id, synced_from_gazelle_at)
             VALUES ('c2', 1, gen_random_uuid(), now())",
        )
        .await;
    let ran = place.run(&["reconcile"]).await;
    assert_eq!(ran.code, 3, "production holds a client more than staging: {ran}");
    assert_eq!(owner(&place).await.as_deref(), Some("c2"), "it is released");
    place
}

async fn owner(place: &TestInstallation) -> Option<String> {
    place.text("SELECT client_external_id FROM gazelle_appointments WHERE external_id = 'e1'").await
}

#[tokio::test]
async fn a_replay_that_cannot_place_a_record_changes_nothing_and_names_the_parent() {
    let place = with_a_row_of_the_users().await;
    let before = place.production(&LINEAGE).await;
    for args in [&["replay"][..], &["replay", "--allow-deletions"], &["replay", "--id", "e1"]] {
        let ran = place.run(args).await;
        assert_eq!(ran.code, 1, "{args:?}: {ran}");
        for word in ["appointments e1", "client.id names c2", "nothing was changed"] {
            assert!(ran.reasons().contains(word), "{args:?}: {word}: {ran}");
        }
        assert_same(&before, &place.production(&LINEAGE).await, "after a replay");
    }
    let ran = place.run(&["verify", "--offline"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("client.id names c2"), "{ran}");
}

#[tokio::test]
async fn a_record_that_has_lost_its_row_and_its_parent_waits_in_quarantine_after_a_replay() {
    let place = with_a_row_of_the_users().await;
    place
        .execute(
            "DELETE FROM gazelle_appointments WHERE external_id = 'e1';
             DELETE FROM gazelle_clients WHERE external_id = 'c2'",
        )
        .await;
    let report = place.run(&["replay"]).await.success();
    assert_eq!(owner(&place).await.as_deref(), Some("c1"), "as the newest version that can stand says");
    assert_eq!(report["waiting"][0]["external_ids"], json!(["e1"]), "{report}");
    let newest = "SELECT sync_status FROM staging_appointments WHERE external_id = 'e1' ORDER BY fetched_at DESC LIMIT 1";
    assert_eq!(place.text(newest).await.as_deref(), Some("error"));
    place.stage("staging_clients", "c2", &json!({ "id": "c2" }), None).await;
    place.run(&["reconcile"]).await.success();
    assert_eq!(owner(&place).await.as_deref(), Some("c2"));
    assert_eq!(place.run(&["verify", "--offline"]).await.code, 0);
}

/// The appointment was gone before stage 2 saw the version that names a client nobody has: nothing of it is to be written.
#[tokio::test]
async fn a_record_that_was_gone_before_its_parent_was_missed_differs_from_nothing() {
    let place = place().await;
    place.stage("staging_clients", "c1", &json!({ "id": "c1" }), None).await;
    let event = json!({ "id": "e1", "start": "2026-05-05T12:00:00Z", "client": { "id": "nobody" } });
    place.stage("staging_appointments", "e1", &event, Some("2026-05-01T10:00:00Z")).await;
    place
        .execute(
            "INSERT INTO staging_appointments (external_id, raw_data, operation, fetched_at)
             VALUES ('e1', '{\"id\": \"e1\", \"gone\": true}', 'delete', '2026-05-02T10:00:00Z')",
        )
        .await;
    place.run(&["reconcile"]).await.success();
    assert_eq!(place.text("SELECT external_id FROM gazelle_appointments").await, None);
    let ran = place.run(&["verify", "--offline"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    let report = place.run(&["replay"]).await.success();
    assert_eq!(report["status"], "success", "{report}");
    let pending = "SELECT raw_data::text FROM staging_appointments WHERE sync_status = 'pending'";
    assert_eq!(place.text(pending).await, None, "a replay makes nothing of it pending");
}
