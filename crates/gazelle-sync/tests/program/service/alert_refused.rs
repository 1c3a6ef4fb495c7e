//! Messages of alerts that the database refuses to hand out, or to mark as sent: all others leave, people are told past the
//! database, and nobody gets the same message again and again.

use std::time::Duration;

use crate::support::failing::{check, fail, failed_place, make_messages_due};
use crate::support::service::{Serving, until};
use crate::support::sink::{Received, WebhookReceiver};
use crate::support::{CommandOutput, TestInstallation, World};
use gazelle_sim::{Fault, FaultKind};
use serde_json::Value;

/// Puts a trigger in front of changes of the messages of failed runs.
async fn hang(place: &TestInstallation, condition: &str, does: &str) {
    place
        .execute(&format!(
            "CREATE FUNCTION silence() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN
                 IF {condition} AND NEW.alert_id IN (SELECT id FROM public.sync_alerts WHERE kind = 'run_failed') THEN
                   {does};
                 END IF;
                 RETURN NEW;
               END $$;
             CREATE TRIGGER silence BEFORE UPDATE ON sync_alert_messages FOR EACH ROW EXECUTE FUNCTION silence()"
        ))
        .await;
}

/// The kinds of the messages that were taken, in order.
fn taken(hook: &WebhookReceiver) -> Vec<String> {
    let kind = |message: &Received| message.json()["kind"].as_str().unwrap().to_owned();
    hook.accepted().iter().map(kind).collect()
}

fn times(hook: &WebhookReceiver, kind: &str) -> usize {
    taken(hook).iter().filter(|it| *it == kind).count()
}

/// The occasions of the messages about the database, with their reasons.
fn of_database(hook: &WebhookReceiver) -> Vec<(String, String)> {
    let messages = hook.accepted();
    let of = messages.iter().map(Received::json).filter(|message| message["kind"] == "database");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of.map(|message| (text(&message["occasion"]), text(&message["facts"]["reason"]))).collect()
}

/// Another problem than the failed run.
async fn withhold(place: &TestInstallation) {
    place
        .execute(
            "INSERT INTO sync_deletions (run_id, entity, external_id, state, evidence, found_at)
             SELECT run_id, 'pianos', 'p', 'withheld', '{}', now() FROM sync_runs LIMIT 1",
        )
        .await;
}

async fn place() -> (TestInstallation, WebhookReceiver) {
    let mut place = failed_place().await;
    let hook = WebhookReceiver::start().await;
    place.env.insert("ALERT_WEBHOOK_URL".to_owned(), hook.url("/y"));
    (place, hook)
}

/// A shop of which the only run has failed, and a hook.
async fn world() -> (World, WebhookReceiver) {
    let mut world = World::new().await;
    let hook = WebhookReceiver::start().await;
    for (name, value) in [
        ("ALERT_WEBHOOK_URL", hook.url("/y").as_str()),
        ("GAZELLE_SYNC_ATTEMPTS", "1"),
        ("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *"),
        ("GAZELLE_SYNC_FULL", "0 0 1 1 *"),
    ] {
        world.set(name, value);
    }
    world.control.add_fault(Fault::new(FaultKind::ServerError).forever());
    world.run(&["migrate"]).await.success();
    fail(&world).await;
    (world, hook)
}

fn assert_reported(ran: &CommandOutput) {
    assert!(ran.code == 1 && ran.to_string().contains("silence"), "{ran}");
}

#[tokio::test]
async fn a_message_that_cannot_be_claimed_silences_no_other_of_its_channel() {
    for does in ["RETURN NULL", "RAISE 'non'"] {
        let (place, hook) = place().await;
        // The message of the failed run is the first in its channel.
        hook.answer(500);
        check(&place).await;
        hook.answer(200);
        make_messages_due(&place).await;
        hang(&place, "true", does).await;
        withhold(&place).await;
        for _ in 0..2 {
            assert_reported(&place.run(&["alerts", "check"]).await);
        }
        assert_eq!(taken(&hook), ["deletions_withheld", "database"], "{does}");
        place.execute("DROP FUNCTION silence CASCADE").await;
        check(&place).await;
        assert_eq!(
            taken(&hook)[2..],
            ["run_failed", "database"],
            "{does}: what waited is sent, and it is over"
        );
    }
}

const MARKS: [&str; 3] = ["RETURN NULL", "RAISE 'non'", "NEW.sent_at := NULL; NEW.claimed_until := NULL"];

#[tokio::test]
async fn a_message_that_cannot_be_marked_as_sent_is_not_sent_by_each_command() {
    for does in MARKS {
        let (mut place, hook) = place().await;
        place.env.insert("GAZELLE_SYNC_RETRY_DELAY_SECONDS".to_owned(), "10".to_owned());
        hang(&place, "NEW.sent_at IS NOT NULL", does).await;
        withhold(&place).await;
        for _ in 0..3 {
            let ended = tokio::time::timeout(Duration::from_secs(30), place.run(&["alerts", "check"])).await;
            assert_reported(&ended.expect("it ends at once"));
        }
        assert_eq!(times(&hook, "run_failed"), 1, "{does}: {:?}", taken(&hook));
        assert_eq!(times(&hook, "deletions_withheld"), 1, "{does}: {:?}", taken(&hook));
        assert_eq!(times(&hook, "database"), 1, "{does}: {:?}", taken(&hook));
        let rests = "sync_alert_messages WHERE sent_at IS NULL AND due_at > now()";
        assert_eq!(place.count(rests).await, 1, "{does}: for processes that do not know of it");
        // As if its rest were over.
        make_messages_due(&place).await;
        assert_reported(&place.run(&["alerts", "check"]).await);
        place.execute("DROP FUNCTION silence CASCADE").await;
        check(&place).await;
        assert_eq!(times(&hook, "run_failed"), 1, "{does}: {:?}", taken(&hook));
        assert_eq!(times(&hook, "database"), 2, "{does}: it is over: {:?}", taken(&hook));
    }
}

#[tokio::test]
async fn the_service_sends_what_cannot_be_marked_as_sent_once_and_tells_it_past_the_database() {
    for does in MARKS {
        let (mut place, hook) = world().await;
        place.set("GAZELLE_SYNC_ALERT_DATABASE", "1");
        hang(&place, "NEW.sent_at IS NOT NULL", does).await;
        let serving = Serving::start(&place, &[]).await;
        // Before, that the database is not open yet may have been told.
        until("it is told", async || of_database(&hook).iter().any(|(_, why)| why.contains("silence"))).await;
        // As if its rest and its claim were over; another message shows that the channel had its turn again.
        let due = "UPDATE sync_alert_messages SET due_at = now(), claimed_until = NULL WHERE sent_at IS NULL";
        place.execute(due).await;
        withhold(&place).await;
        until("another message is sent", async || times(&hook, "deletions_withheld") == 1).await;
        assert_eq!(times(&hook, "run_failed"), 1, "{does}: {:?}", taken(&hook));
        place.execute("DROP FUNCTION silence CASCADE").await;
        until("it is marked", async || {
            place.count("sync_alert_messages m JOIN sync_alerts a ON a.id = m.alert_id WHERE a.kind = 'run_failed' AND m.sent_at IS NOT NULL").await == 1
        })
        .await;
        until("it is over", async || of_database(&hook).last().is_some_and(|(what, _)| what == "over")).await;
        assert_eq!(times(&hook, "run_failed"), 1, "{does}: {:?}", taken(&hook));
        serving.stop().await;
    }
}

/// The look at the conditions, which succeeds in between, does not end what sending has met.
#[tokio::test]
async fn the_service_tells_past_the_database_that_a_message_cannot_be_claimed() {
    let (mut place, hook) = world().await;
    place.set("GAZELLE_SYNC_ALERT_DATABASE", "20");
    hang(&place, "true", "RAISE 'non'").await;
    let serving = Serving::start(&place, &[]).await;
    until("it is told", async || of_database(&hook).iter().any(|(_, why)| why.contains("silence"))).await;
    assert_eq!(times(&hook, "run_failed"), 0, "{:?}", taken(&hook));
    serving.stop().await;
}
