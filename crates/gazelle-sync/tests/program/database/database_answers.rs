//! Answers that stop in their midst, and what stays behind of statements that nobody waits for any more.

use std::time::Duration;

use crate::support::fault_proxy::{Direction, FaultProxy, ProxyFault};
use crate::support::service::{Serving, runs, until};
use crate::support::{DATABASE, World};

/// Limits that a test can wait for.
async fn impatient_world() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DATABASE_SILENCE", "1");
    world.set("GAZELLE_SYNC_LOCK_NOTICE", "0.3");
    world.set("GAZELLE_SYNC_LOCK_WAIT", "1");
    world.set("GAZELLE_SYNC_LEASE_SECONDS", "3");
    world
}

async fn within<T>(seconds: u64, what: &str, work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(seconds);
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| panic!("not within {seconds} s: {what}"))
}

/// Raw records that wait for stage 2, each of 20 kB that nothing makes smaller.
async fn padded_records(world: &World, many: u32) {
    let sql = format!(
        "INSERT INTO staging_clients (external_id, raw_data, sync_status)
         SELECT 'cli_padded' || n, jsonb_build_object('id', 'cli_padded' || n, 'padding',
                (SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 625) m)), 'pending'
           FROM generate_series(1, {many}) n"
    );
    world.execute(&sql).await;
}

/// Sessions of the program that are at a statement.
async fn at_work(world: &World) -> i64 {
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gazelle-sync' AND state <> 'idle'";
    world.one(sql, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stops_in_its_midst_ends_the_run_and_the_session() {
    let mut world = impatient_world().await;
    world.full_sync_ok().await;
    padded_records(&world, 300).await;
    let proxy = FaultProxy::start(&world.server).await;
    world.set("DATABASE_URL", &proxy.url(DATABASE));
    proxy.fail_after_bytes(400_000, Direction::ToClient, ProxyFault::Silence);
    let run = within(60, "its end", world.run(&["reconcile"])).await;
    assert!(proxy.has_failed(), "{run}");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("stopped responding") && run.reasons().contains("hand over"), "{run}");
    until("nothing stays at it", async || at_work(&world).await == 0).await;

    proxy.restore();
    let next = within(60, "the next run", world.run(&["reconcile"])).await;
    next.success();
    let left: i64 =
        world.one("SELECT count(*) FROM staging_clients WHERE sync_status = 'pending'", &[]).await;
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_slowly_is_waited_for() {
    let mut world = impatient_world().await;
    world.full_sync_ok().await;
    padded_records(&world, 100).await;
    let proxy = FaultProxy::start(&world.server).await;
    world.set("DATABASE_URL", &proxy.url(DATABASE));
    // Longer than silence is borne, and never silent.
    proxy.fail_after_bytes(100_000, Direction::ToClient, ProxyFault::Trickle);
    let run = within(90, "its end", world.run(&["reconcile"])).await;
    assert!(proxy.has_failed(), "{run}");
    run.success();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_was_waited_for_in_vain_leaves_no_session_and_no_late_write() {
    let mut world = impatient_world().await;
    world.full_sync_ok().await;
    // As of a run that was killed: what the next one would mark as interrupted.
    world
        .execute(
            "INSERT INTO sync_runs (run_id, command, trigger, status, started_at, program)
             VALUES (gen_random_uuid(), 'sync', 'command', 'running', now(), 'x')",
        )
        .await;
    let person = crate::support::connect(&world.url()).await;
    for (lock, command) in [
        ("LOCK TABLE sync_runs IN ACCESS EXCLUSIVE MODE", &["sync"][..]),
        ("LOCK TABLE sync_lease IN ACCESS EXCLUSIVE MODE", &["sync"]),
        ("LOCK TABLE sync_bookmarks IN ACCESS EXCLUSIVE MODE", &["sync"]),
        ("LOCK TABLE gazelle_users IN ACCESS EXCLUSIVE MODE", &["replay"]),
    ] {
        person.batch_execute("BEGIN").await.unwrap();
        person.batch_execute(lock).await.unwrap();
        let run = within(60, lock, world.run(command)).await;
        assert!(run.code == 1 && run.reasons().contains("waited 1 s for a lock"), "{lock}: {run}");
        until("nothing of ours waits", async || at_work(&world).await == 0).await;
        person.batch_execute("COMMIT").await.unwrap();
        if lock.contains("sync_runs") {
            assert_eq!(
                runs(&world, "status = 'running' AND trigger = 'command'").await,
                1,
                "nothing comes late"
            );
        }
    }

    // The service, attempt after attempt.
    world.set("GAZELLE_SYNC_INCREMENTAL", "* * * * * *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    let serving = Serving::start(&world, &[]).await;
    until("a good run", async || runs(&world, "status = 'success' AND trigger = 'schedule'").await > 0).await;
    person.batch_execute("BEGIN; LOCK TABLE sync_runs IN SHARE MODE").await.unwrap();
    let waiting = "SELECT string_agg(DISTINCT pid::text, ' ') FROM pg_stat_activity
                    WHERE application_name = 'gazelle-sync' AND wait_event_type = 'Lock'";
    let mut seen = std::collections::BTreeSet::new();
    until("three attempts have waited", async || {
        let now = world.text(waiting).await.unwrap_or_default();
        assert!(now.split_whitespace().count() <= 1, "each attempt leaves one behind: {now}");
        seen.extend(now.split_whitespace().map(str::to_owned));
        seen.len() >= 3
    })
    .await;
    person.batch_execute("COMMIT").await.unwrap();
    serving.stop().await;
}
