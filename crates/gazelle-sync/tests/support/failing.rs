//! Failed and successful runs for tests of alerts, and the settings of a mail server that receives the messages.

use serde_json::Value;

use super::TestInstallation;
use super::mail::{Identity, MailServer};

/// A migrated database in which a run has failed, and nothing else is wrong.
pub async fn failed_place() -> TestInstallation {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    fail(&place).await;
    place
}

pub async fn fail(place: &TestInstallation) {
    place
        .execute(
            "INSERT INTO sync_runs (run_id, command, mode, trigger, status, reason, started_at, finished_at, program)
             VALUES (gen_random_uuid(), 'sync', 'full', 'schedule', 'failed', 'HTTP 500', now(), now(), 'x')",
        )
        .await;
}

/// A good run of everything.
pub async fn succeed(place: &TestInstallation) {
    place
        .execute(
            "WITH run AS (INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
                          VALUES (gen_random_uuid(), 'sync', 'full', 'schedule', 'success', now(), now(), 'x')
                          RETURNING run_id)
             INSERT INTO sync_run_entities (run_id, entity, walk, walk_complete, fetched)
             SELECT run_id, entity, 'whole', true, 5
               FROM run, unnest('{users,clients,pianos,appointments}'::text[]) AS entity",
        )
        .await;
}

/// As if the wait were over.
pub async fn make_messages_due(place: &TestInstallation) {
    place.execute("UPDATE sync_alert_messages SET due_at = now() WHERE sent_at IS NULL").await;
}

pub async fn check(place: &TestInstallation) -> Value {
    place.run(&["alerts", "check"]).await.success()
}

pub fn mail_settings(
    place: &mut TestInstallation,
    identity: &Identity,
    server: &MailServer,
    scheme: &str,
    to: &str,
) {
    let ca = place.folder.path().join("mail-ca.pem");
    identity.write(&ca);
    let set = |place: &mut TestInstallation, name: &str, value: &str| {
        place.env.insert(name.to_owned(), value.to_owned())
    };
    set(place, "GAZELLE_SYNC_SMTP_CA", ca.to_str().unwrap());
    set(place, "SMTP_URL", &format!("{scheme}://sync:p%40ss-s3cr3t@{}", server.address));
    set(place, "ALERT_EMAIL_FROM", "gazelle-sync <sync@example.org>");
    set(place, "ALERT_EMAIL_TO", to);
}
