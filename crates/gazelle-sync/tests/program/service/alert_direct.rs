//! A `sync` that ends by itself tells people past the database when alerts cannot be written there: once, and when it is
//! over.

use crate::support::sink::{Received, WebhookReceiver};
use crate::support::{DATABASE, World};
use serde_json::Value;

/// What was taken of the database: occasions, in order.
fn sent_messages(sink: &WebhookReceiver) -> Vec<String> {
    let messages: Vec<Value> = sink.accepted().iter().map(Received::json).collect();
    let of_database = messages.iter().filter(|message| message["kind"] == "database");
    of_database.map(|message| message["occasion"].as_str().unwrap().to_owned()).collect()
}

fn last(sink: &WebhookReceiver) -> Value {
    sink.accepted().last().unwrap().json()
}

async fn world() -> (World, WebhookReceiver) {
    let mut world = World::new().await;
    let sink = WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &sink.url("/alerts"));
    world.full_sync_ok().await;
    assert!(sink.received().is_empty(), "{:?}", sink.received());
    (world, sink)
}

#[tokio::test]
async fn a_sync_at_a_database_that_is_read_only_tells_it_once_and_when_it_is_over() {
    let (world, sink) = world().await;
    world.execute(&format!("ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")).await;
    for _ in 0..2 {
        assert_eq!(world.incremental().await.code, 1);
    }
    assert_eq!(sent_messages(&sink), ["started"], "{:?}", sink.received());
    let message = last(&sink);
    assert!(message["facts"]["reason"].as_str().unwrap().contains("read-only"), "{message}");
    let text = message["text"].as_str().unwrap();
    assert!(!text.contains("never"), "when the last sync was is not known: {text}");

    world.execute(&format!("ALTER DATABASE {DATABASE} RESET default_transaction_read_only")).await;
    for _ in 0..2 {
        world.incremental().await.success();
    }
    assert_eq!(sent_messages(&sink), ["started", "over"]);
    let alert = |at: usize| sink.accepted()[at].json()["alert"].clone();
    assert_eq!(alert(0), alert(1));
    let left: Vec<_> = std::fs::read_dir(world.folder.path().join("data")).into_iter().flatten().collect();
    assert!(left.is_empty(), "nothing is left to remember: {left:?}");
}

#[tokio::test]
async fn a_sync_without_a_database_tells_it_until_somebody_has_taken_it() {
    let (mut world, sink) = world().await;
    let there = world.url();
    world.set("DATABASE_URL", "postgres://someone:s3cr3t@127.0.0.1:1/mirror");
    sink.answer(503);
    assert_eq!(world.full().await.code, 1);
    assert_eq!(sent_messages(&sink), [""; 0]);
    sink.answer(200);
    for _ in 0..2 {
        let ran = world.full().await;
        assert_eq!(ran.code, 1);
        assert!(ran.reasons().contains("nothing listens there"), "{ran}");
    }
    assert_eq!(world.run(&["alerts", "check"]).await.code, 1);
    assert_eq!(sent_messages(&sink), ["started"]);
    let kept = std::fs::read_to_string(world.folder.path().join("data/told-directly.json")).unwrap();
    for text in [&sink.accepted()[0].body, &kept] {
        assert!(!text.contains("s3cr3t") && !text.contains("someone"), "{text}");
    }
    // A file that nothing can be read from is no reason to be silent, or to fail.
    std::fs::write(world.folder.path().join("data/told-directly.json"), "{").unwrap();
    assert_eq!(world.full().await.code, 1);
    assert_eq!(sent_messages(&sink), ["started", "started"]);
    world.set("DATABASE_URL", &there);
    world.run(&["alerts", "check"]).await.success();
    assert_eq!(sent_messages(&sink), ["started", "started", "over"]);
}

#[tokio::test]
async fn a_sync_whose_alerts_alone_cannot_be_written_tells_that_too() {
    let (world, sink) = world().await;
    world
        .execute(
            "UPDATE sync_alert_watch SET looked_at = 'epoch';
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON sync_alert_watch FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    world.full().await.success();
    assert_eq!(sent_messages(&sink), ["started"]);
    assert!(last(&sink)["facts"]["reason"].as_str().unwrap().contains("53100"), "{}", last(&sink));
    world.execute("DROP TRIGGER refuse ON sync_alert_watch").await;
    world.full().await.success();
    assert_eq!(sent_messages(&sink), ["started", "over"]);
}

#[tokio::test]
async fn a_data_folder_that_others_may_write_is_named_once_by_each_command() {
    use std::os::unix::fs::PermissionsExt as _;
    let (mut world, sink) = world().await;
    let data = world.folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let there = world.url();
    world.set("DATABASE_URL", "postgres://someone@127.0.0.1:1/mirror");
    let refusal = format!("chmod go-w {}", data.display());
    for told_so_far in 1..=2 {
        let run = world.full().await;
        assert_eq!(run.code, 1, "{run}");
        assert_eq!(run.stderr.matches(&refusal).count(), 1, "{run}");
        // Better twice than never.
        assert_eq!(sent_messages(&sink).len(), told_so_far);
    }
    // That nothing is remembered is told also where nothing is wrong with the database, before it matters.
    world.set("DATABASE_URL", &there);
    let run = world.full().await;
    assert_eq!((run.code, run.stderr.matches(&refusal).count()), (0, 1), "{run}");
}
