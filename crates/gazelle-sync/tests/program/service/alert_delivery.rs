//! How alerts reach people: nothing lost and nothing doubled, whoever is down.

use crate::support::failing::{check, fail, failed_place, mail_settings, make_messages_due, succeed};
use crate::support::mail::{Identity, MailServer, ServerBehaviour};
use crate::support::service::{Serving, until};
use crate::support::sink::WebhookReceiver;
use crate::support::{CommandOutput, TestInstallation, World};
use gazelle_sim::{Fault, FaultKind};
use serde_json::{Value, json};

#[tokio::test]
async fn slack_that_answers_500_gets_each_message_once_when_it_is_back_and_in_order() {
    let mut place = failed_place().await;
    let slack = WebhookReceiver::start().await;
    place.env.insert("SLACK_WEBHOOK_URL".to_owned(), slack.url("/services/T0/B0/s3cr3t"));
    slack.answer(500);
    for attempt in 1..=4 {
        check(&place).await;
        assert_eq!(slack.received().len(), attempt, "the wait was over");
        make_messages_due(&place).await;
    }
    // It is over before anybody heard of it.
    succeed(&place).await;
    check(&place).await;
    let list = place.run(&["alerts"]).await.success();
    assert_eq!(list["undelivered"].as_array().unwrap().len(), 2, "{list}");
    assert_eq!(list["undelivered"][0]["attempts"], 5, "{list}");
    assert_eq!(list["undelivered"][0]["last_error"], "HTTP 500", "{list}");

    slack.answer(200);
    make_messages_due(&place).await;
    check(&place).await;
    let texts: Vec<String> =
        slack.accepted().iter().map(|it| it.json()["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("The sync failed") && texts[0].contains(":rotating_light:"), "{texts:?}");
    assert!(texts[1].contains("Over: The sync failed"), "{texts:?}");
    make_messages_due(&place).await;
    check(&place).await;
    assert_eq!(slack.accepted().len(), 2, "and no more");
    assert_eq!(place.run(&["alerts"]).await.success()["undelivered"], json!([]));
}

#[tokio::test]
async fn a_message_that_was_not_taken_rests_and_longer_each_time() {
    let mut place = failed_place().await;
    place.env.insert("GAZELLE_SYNC_RETRY_DELAY_SECONDS".to_owned(), "10".to_owned());
    let slack = WebhookReceiver::start().await;
    place.env.insert("SLACK_WEBHOOK_URL".to_owned(), slack.url("/x"));
    slack.answer(503);
    let wait = "SELECT round(extract(epoch FROM due_at - now()))::text FROM sync_alert_messages";
    for expected in [60, 120, 240] {
        check(&place).await;
        check(&place).await;
        let wait: i64 = place.text(wait).await.unwrap().parse().unwrap();
        assert!((expected - 20..=expected).contains(&wait), "{wait} for {expected}");
        make_messages_due(&place).await;
    }
    assert_eq!(slack.received().len(), 3, "none while it rests");

    // What follows it waits for it, though the channel is back.
    check(&place).await;
    slack.answer(200);
    succeed(&place).await;
    check(&place).await;
    assert_eq!(slack.accepted().len(), 0, "no last word before the first");
    make_messages_due(&place).await;
    check(&place).await;
    assert_eq!(slack.accepted().len(), 2);
}

#[tokio::test]
async fn many_processes_at_once_write_and_send_each_message_once() {
    let mut place = failed_place().await;
    let (slack, hook) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    place.env.insert("SLACK_WEBHOOK_URL".to_owned(), slack.url("/x"));
    place.env.insert("ALERT_WEBHOOK_URL".to_owned(), hook.url("/y"));
    place.execute("UPDATE sync_migrations SET applied_at = now() - interval '1 day'").await;
    let checks = (0..6).map(|_| place.run(&["alerts", "check"]));
    for ran in futures_util::future::join_all(checks).await {
        ran.success();
    }
    check(&place).await;
    for sink in [&slack, &hook] {
        assert_eq!(sink.received().len(), 2, "a failed run and stale data: {:?}", sink.received());
    }
    assert_eq!(place.count("sync_alerts").await, 2);
}

#[tokio::test]
async fn a_message_claimed_by_another_process_is_left_to_it_until_its_claim_runs_out() {
    let mut place = failed_place().await;
    let hook = WebhookReceiver::start().await;
    place.env.insert("ALERT_WEBHOOK_URL".to_owned(), hook.url("/y"));
    hook.answer(500);
    check(&place).await;
    hook.answer(200);
    make_messages_due(&place).await;
    place.execute("UPDATE sync_alert_messages SET claimed_until = now() + interval '60 seconds'").await;
    check(&place).await;
    assert_eq!(hook.accepted().len(), 0, "it is being sent by somebody else");
    place.execute("UPDATE sync_alert_messages SET claimed_until = now() - interval '1 second'").await;
    check(&place).await;
    assert_eq!(hook.accepted().len(), 1, "who claimed it is gone");
    check(&place).await;
    assert_eq!(hook.accepted().len(), 1);
}

#[tokio::test]
async fn a_clock_that_was_set_back_holds_up_nothing() {
    let mut place = failed_place().await;
    let hook = WebhookReceiver::start().await;
    place.env.insert("ALERT_WEBHOOK_URL".to_owned(), hook.url("/y"));
    hook.answer(500);
    check(&place).await;
    hook.answer(200);
    place
        .execute(
            "UPDATE sync_alert_messages SET due_at = now() + interval '1 day', claimed_until = now() + interval '1 day'",
        )
        .await;
    check(&place).await;
    assert_eq!(hook.accepted().len(), 1);
}

#[tokio::test]
async fn a_channel_that_is_configured_later_is_told_what_is_still_wrong() {
    let mut place = failed_place().await;
    check(&place).await;
    assert_eq!(place.count("sync_alerts").await, 1, "known, though nobody is to be told");
    let hook = WebhookReceiver::start().await;
    place.env.insert("ALERT_WEBHOOK_URL".to_owned(), hook.url("/y"));
    check(&place).await;
    assert_eq!(hook.accepted().len(), 1);
    let slack = WebhookReceiver::start().await;
    place.env.insert("SLACK_WEBHOOK_URL".to_owned(), slack.url("/x"));
    succeed(&place).await;
    check(&place).await;
    assert_eq!(hook.accepted().len(), 2);
    assert_eq!(slack.received().len(), 0, "who never heard of it need not hear that it is over");
}

fn tried(ran: &CommandOutput) -> Vec<(String, bool, String)> {
    let document = ran.json();
    let channels = document["channels"].as_array().unwrap_or_else(|| panic!("{ran}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    channels
        .iter()
        .map(|it| (text(&it["channel"]), it["ok"].as_bool().unwrap(), text(&it["error"])))
        .collect()
}

#[tokio::test]
async fn test_sends_one_on_every_channel_and_says_what_happened() {
    let mut place = TestInstallation::new().await;
    let nothing = place.run(&["alerts", "test"]).await;
    assert_eq!(nothing.code, 1);
    assert!(nothing.reasons().contains("no channel is configured: set SLACK_WEBHOOK_URL"), "{nothing}");

    let identity = Identity::new();
    let (slack, hook, deadman) =
        (WebhookReceiver::start().await, WebhookReceiver::start().await, WebhookReceiver::start().await);
    let mail = MailServer::start(&identity, ServerBehaviour::default()).await;
    mail_settings(&mut place, &identity, &mail, "smtp", "anne@example.org");
    for (name, url) in [
        ("SLACK_WEBHOOK_URL", slack.url("/s3cr3t")),
        ("ALERT_WEBHOOK_URL", hook.url("/s3cr3t")),
        ("DEADMAN_URL", deadman.url("/s3cr3t")),
    ] {
        place.env.insert(name.to_owned(), url);
    }
    let ran = place.run(&["alerts", "test"]).await;
    assert_eq!(ran.success()["ok"], true);
    assert_eq!(tried(&ran).len(), 4);
    assert_eq!(
        [slack.accepted().len(), hook.accepted().len(), deadman.accepted().len(), mail.mails().len()],
        [1; 4]
    );
    assert_eq!(hook.accepted()[0].json()["occasion"], "test");
    assert_eq!(deadman.accepted()[0].method, "GET");

    // Each fails in its own way, and is told so in its own line.
    slack.answer(404);
    hook.answer(302);
    let address = deadman.address;
    drop((deadman, mail));
    let ran = place.run(&["alerts", "test"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    let said = tried(&ran);
    assert!(said.iter().all(|(_, ok, _)| !ok), "{said:?}");
    assert_eq!(said[0].2, "HTTP 404: the address is not valid any more; make a new one and set it");
    assert!(said[1].2.contains("could not be reached"), "{said:?}");
    assert_eq!(said[2].2, "HTTP 302: the address has moved; set the new one");
    assert!(said[3].2.contains("refused"), "{said:?}");
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("s3cr3t") && !text.contains(&address.to_string()), "{text}");
    }
    let people = crate::support::run_to_end(place.command(&["alerts", "test"])).await;
    assert!(people.stdout.contains("problem  Slack: HTTP 404"), "{people}");
    assert_eq!(place.text("SELECT to_regclass('sync_alerts')::text").await, None, "no database is needed");
}

#[tokio::test]
async fn serve_sends_alerts_and_calls_the_heartbeat_url_after_good_runs_only() {
    let mut world = World::new().await;
    let (hook, deadman) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    world.set("ALERT_WEBHOOK_URL", &hook.url("/y"));
    world.set("DEADMAN_URL", &deadman.url("/ping"));
    world.set("GAZELLE_SYNC_ATTEMPTS", "1");
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    let fault = world.control.add_fault(Fault::new(FaultKind::ServerError).forever());
    let serving = Serving::start(&world, &[]).await;
    until("the failure is told", async || hook.accepted().len() == 1).await;
    assert_eq!(deadman.received().len(), 0, "no good run, no call");
    assert_eq!(serving.stop().await.code, Some(0));

    // Another process goes on where this one stopped; Slack's place is taken by a hook that answers 500 meanwhile.
    hook.answer(500);
    world.control.remove_fault(fault);
    let serving = Serving::start(&world, &[]).await;
    until("it is tried to tell that it is over", async || hook.received().len() >= 4).await;
    until("the heartbeat URL is called", async || deadman.accepted().len() == 1).await;
    hook.answer(200);
    until("it is told that it is over", async || hook.accepted().len() == 2).await;
    assert_eq!(serving.stop().await.code, Some(0));
    let words: Vec<_> = hook.accepted().iter().map(|it| it.json()["occasion"].clone()).collect();
    assert_eq!(words, ["started", "over"]);
    assert_eq!(deadman.accepted().len(), 1, "once a good run");
}

#[tokio::test]
async fn a_database_that_restarts_under_serve_loses_and_doubles_nothing() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let hook = WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &hook.url("/y"));
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    hook.answer(500);
    fail(&world).await;
    let serving = Serving::start(&world, &[]).await;
    until("it is tried", async || !hook.received().is_empty()).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'gazelle-sync' AND pid <> pg_backend_pid()";
    for _ in 0..3 {
        let before = hook.received().len();
        world.execute(cut).await;
        until("it is tried again", async || hook.received().len() > before).await;
    }
    hook.answer(200);
    until("it is told", async || hook.accepted().len() == 1).await;
    let sent = "SELECT count(*)::text FROM sync_alert_messages WHERE sent_at IS NOT NULL";
    until("it is noted", async || world.text(sent).await.as_deref() == Some("1")).await;
    serving.stop().await;
    check(&world).await;
    assert_eq!(hook.accepted().len(), 1);
}

#[tokio::test]
async fn what_has_no_channel_any_more_is_given_up_and_what_is_long_over_forgotten() {
    let mut place = failed_place().await;
    let hook = WebhookReceiver::start().await;
    place.env.insert("ALERT_WEBHOOK_URL".to_owned(), hook.url("/y"));
    hook.answer(500);
    check(&place).await;
    place.env.remove("ALERT_WEBHOOK_URL");
    place.execute("UPDATE sync_alert_messages SET created_at = created_at - interval '9 days'").await;
    place
        .execute(
            "INSERT INTO sync_alerts (id, kind, facts, opened_at, closed_at)
             SELECT gen_random_uuid(), 'stale', '{}', now() - age, now() - age
               FROM unnest('{89 days,91 days}'::interval[]) AS age",
        )
        .await;
    let given_up = "SELECT last_error FROM sync_alert_messages WHERE given_up_at IS NOT NULL";
    let settings = gazelle_sync::db::ConnectSettings {
        url: place.url(),
        ca_file: None,
        schema: "public".to_owned(),
        connections: 1,
    };
    let db = gazelle_sync::db::connect(&settings).await.unwrap();
    gazelle_sync::alerts::forget_old(&db).await.unwrap();
    assert_eq!(place.text(given_up).await.as_deref(), Some("HTTP 500"));
    let ages = "SELECT count(*)::text FROM sync_alerts WHERE kind = 'stale' AND closed_at < now() - interval '80 days'";
    assert_eq!(place.text(ages).await.as_deref(), Some("1"), "one of 89 days, none of 91");
}
