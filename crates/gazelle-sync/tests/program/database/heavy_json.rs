//! JSON in our tables that becomes far larger when it is read: what another role wrote there, or a record that stage 1 took. The
//! program reads on within little memory.

use crate::support::{CommandOutput, TestInstallation, World};

/// What the process may reserve, in KiB: less than the unit allows it in memory.
const MEMORY: usize = 512 * 1024;
/// A list of so many nulls or numbers is stored in some 50 MiB, and takes five times that as values of ours.
const MANY: u32 = 12_000_000;

async fn limited(place: &TestInstallation, args: &[&str]) -> CommandOutput {
    let mut command = place.command(args);
    command.arg("--json").env("MALLOC_ARENA_MAX", "2").env("TOKIO_WORKER_THREADS", "2");
    crate::support::run_to_end(crate::support::limited::with_memory(&command, MEMORY)).await
}

#[tokio::test]
async fn facts_and_words_of_alerts_that_somebody_else_made_large_are_read_within_little_memory() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_ATTEMPTS", "1");
    world.full_sync_ok().await;
    let sink = crate::support::sink::WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &sink.url("/alerts/s3cr3t"));
    let fault = gazelle_sim::Fault::new(gazelle_sim::FaultKind::ServerError).forever();
    world.control.add_fault(fault);
    assert_eq!(world.incremental().await.code, 1);
    assert_eq!(sink.accepted().len(), 1);

    let of_many = format!("jsonb_build_object('reason', to_jsonb(array_fill(NULL::int, ARRAY[{MANY}])))");
    world.execute(&format!("UPDATE sync_alerts SET facts = {of_many}")).await;
    let run = limited(&world.installation, &["alerts", "list"]).await;
    assert_eq!(run.code, 0, "{:.2000}", run.stderr);
    let run = limited(&world.installation, &["alerts", "check"]).await;
    assert_eq!(run.code, 0, "{:.2000}", run.stderr);

    // And those of a message that waits.
    world.execute(&format!("UPDATE sync_alerts SET facts = {of_many}")).await;
    world
        .execute(
            "UPDATE sync_alert_messages
                SET sent_at = NULL, given_up_at = NULL, body = repeat(E'\\n', 150000000), due_at = created_at",
        )
        .await;
    let run = limited(&world.installation, &["alerts", "check"]).await;
    assert_eq!(run.code, 0, "{:.2000}", run.stderr);
    assert_eq!(sink.accepted().len(), 2, "{run}");
}

#[tokio::test]
async fn versions_with_more_values_than_are_read_are_told_of_within_little_memory() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    for day in 1..=2 {
        let sql = format!(
            "INSERT INTO staging_clients (external_id, raw_data, fetched_at)
             VALUES ('cli_1', jsonb_build_object('id', 'cli_1', 'day', {day}, 'more',
                              to_jsonb(array_fill(0, ARRAY[{}]))), '2026-01-0{day}T00:00:00Z')",
            MANY / 2
        );
        place.execute(&sql).await;
    }
    place.run(&["reconcile"]).await;
    let cases = place.quarantine().await;
    assert_eq!(cases.len(), 2, "{cases:?}");

    let run = limited(&place, &["history", "cli_1"]).await;
    assert_eq!(run.code, 0, "{:.2000}", run.stderr);
    let history = run.json();
    assert_eq!(history["versions_held"], 2);
    let told = history["versions"][1]["quarantine"]["message"].as_str().unwrap_or_default();
    assert!(told.contains("more than 500000 values"), "{history:.2000}");
    let case: String = place.one("SELECT staging_id::text FROM sync_quarantine LIMIT 1", &[]).await;
    let mut show = place.command(&["errors", "show", &case]);
    show.env("MALLOC_ARENA_MAX", "2").env("TOKIO_WORKER_THREADS", "2");
    let run = crate::support::run_to_end(crate::support::limited::with_memory(&show, MEMORY)).await;
    assert_eq!(run.code, 0, "{:.2000}", run.stderr);
}
