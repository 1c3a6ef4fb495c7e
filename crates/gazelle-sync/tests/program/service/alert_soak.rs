//! Two services with intermittently failing channels: each alert is sent once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::service::{Serving, runs, until};
use crate::support::sink::WebhookReceiver;
use gazelle_sim::{Fault, FaultKind};

/// Longer by `SOAK_SECONDS`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_under_faults_tell_each_alert_once_and_in_order() {
    let long = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let (hook, slack) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    world.set("ALERT_WEBHOOK_URL", &hook.url("/"));
    world.set("SLACK_WEBHOOK_URL", &slack.url("/"));
    world.set("GAZELLE_SYNC_INCREMENTAL", "* * * * * *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_ATTEMPTS", "1");
    let mut serving = [Serving::start(&world, &[]).await, Serving::start(&world, &[]).await];
    let open = "SELECT count(*)::text FROM sync_alerts WHERE closed_at IS NULL";
    let (begun, mut round) = (Instant::now(), 0_usize);
    while begun.elapsed() < Duration::from_secs(long) {
        round += 1;
        // One way is down, then the other.
        let (one, other) = if round % 2 == 0 { (500, 200) } else { (200, 500) };
        hook.answer(one);
        slack.answer(other);
        let fault = world.control.add_fault(Fault::new(FaultKind::ServerError).forever());
        until("it is known that runs fail", async || world.text(open).await.as_deref() != Some("0")).await;
        if round % 3 == 0 {
            // One of them is started anew in the middle of it.
            let [first, second] = serving;
            assert_eq!(first.stop().await.code, Some(0));
            serving = [second, Serving::start(&world, &[]).await];
        }
        world.control.remove_fault(fault);
        let good = runs(&world, "status = 'success'").await;
        until("it is over", async || {
            world.text(open).await.as_deref() == Some("0") && runs(&world, "status = 'success'").await > good
        })
        .await;
    }
    hook.answer(200);
    slack.answer(200);
    // What rests is not waited for.
    let waiting = "SELECT count(*)::text FROM sync_alert_messages WHERE sent_at IS NULL";
    until("all is sent", async || {
        world.execute("UPDATE sync_alert_messages SET due_at = now() WHERE sent_at IS NULL").await;
        world.text(waiting).await.as_deref() == Some("0")
    })
    .await;
    for serving in serving {
        assert_eq!(serving.stop().await.code, Some(0));
    }

    let alerts = world.count("sync_alerts").await;
    assert!(round >= 2 && alerts >= 2, "{round} rounds, {alerts} alerts");
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in hook.accepted() {
        let message = message.json();
        let word = |key: &str| message[key].as_str().unwrap().to_owned();
        told.entry(word("alert")).or_default().push(word("occasion"));
    }
    assert_eq!(told.len() as i64, alerts, "none is lost");
    for (alert, words) in &told {
        assert_eq!(words, &["started", "over"], "{alert}");
    }
    assert_eq!(slack.accepted().len() as i64, 2 * alerts, "none is lost or doubled");
    assert!(hook.received().len() > hook.accepted().len(), "some were refused at first");
}
