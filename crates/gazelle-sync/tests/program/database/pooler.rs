//! Everything behind PgBouncer in transaction mode, held against the same work done without it.

use std::time::Duration;

use crate::support::pooler::Pooler;
use crate::support::service::{Serving, runs, until};
use crate::support::{Tables, TestInstallation, World, assert_same};
use gazelle_sim::{RecordKind, ShopSpec, SimOptions};
use serde_json::json;

/// A world whose program reaches its database through the pooler alone. The tests' own connection goes without.
async fn behind(mut world: World, server_connections: usize) -> (World, Pooler) {
    let pooler = Pooler::start(&world.installation, server_connections).await;
    world.set("DATABASE_URL", &pooler.url(&world.installation));
    (world, pooler)
}

/// The same shop, in a database without a pooler.
async fn directly(world: &World) -> Tables {
    let mut place = TestInstallation::new().await;
    place.env = world.env.clone();
    place.env.remove("DATABASE_URL");
    place.run(&["sync", "--mode", "full"]).await.success();
    place.content().await
}

fn change(world: &World) {
    let clients = world.control.ids(RecordKind::Client);
    world.control.move_event(&world.upcoming(0), Some("2027-02-03T14:15:00Z")).unwrap();
    world.control.cancel(&world.upcoming(1)).unwrap();
    world.control.delete(RecordKind::Event, &world.upcoming(2)).unwrap();
    world.control.edit(RecordKind::Client, &clients[8], json!({"companyName": "Nouveau nom"})).unwrap();
    world.control.merge_clients(&clients[12], &clients[13]).unwrap();
}

#[tokio::test]
async fn every_command_works_and_gives_the_same_database() {
    // Fewer server connections than the program uses at once, and one alone.
    for server_connections in [3, 1] {
        let (mut world, pooler) = behind(World::new().await, server_connections).await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", "20");
        world.set("GAZELLE_SYNC_BATCH_SIZE", "17");
        let said = |what: &str| format!("{what} through {server_connections}: {}", pooler.log());
        world.full().await.success();
        assert_same(&directly(&world).await, &world.content().await, &said("a first sync"));
        change(&world);
        world.full().await.success();
        // A deleted record is unknown to a database that never held it.
        let live = |tables: &Tables| -> Vec<String> {
            tables.values().flatten().filter(|row| !row.contains("\"deleted\": true")).cloned().collect()
        };
        let (with, without) = (world.content().await, directly(&world).await);
        assert_eq!(live(&without), live(&with), "{}", said("after changes"));

        world.execute("UPDATE gazelle_appointments SET title = 'faux'").await;
        world.run(&["replay"]).await.success();
        assert_same(&with, &world.content().await, &said("a replay"));
        world.execute("TRUNCATE gazelle_appointments CASCADE").await;
        world
            .execute(
                "UPDATE staging_appointments SET sync_status = 'pending' WHERE sync_status = 'processed'",
            )
            .await;
        world.run(&["reconcile"]).await.success();
        assert_same(&with, &world.content().await, &said("a reconcile"));
        let verified = world.run(&["verify", "--sample", "40"]).await.success();
        assert_eq!((&verified["status"], &verified["sampled"]), (&json!("equal"), &json!(40)));
        for args in [
            &["status"][..],
            &["errors"],
            &["errors", "retry"],
            &["deletions"],
            &["migrate"],
            &["incremental"],
        ] {
            let args = if args == ["incremental"] { &["sync"] } else { args };
            let ran = world.run(args).await;
            assert_eq!(ran.code, 0, "{args:?}: {ran}\n{}", pooler.log());
        }
        world.run(&["replay", "--into", "elsewhere"]).await.success();
        let built = world.count("elsewhere.gazelle_appointments").await;
        assert_eq!(built, world.count("public.gazelle_appointments").await);
    }
}

#[tokio::test]
async fn nothing_is_left_in_a_session_that_another_client_may_get() {
    let (world, pooler) = behind(World::new().await, 2).await;
    world.full().await.success();
    world.incremental().await.success();
    world.run(&["replay"]).await.success();
    world.run(&["verify", "--offline"]).await.success();

    // The sessions that the program used are still there, in the pooler; their next users see them as new.
    let url = pooler.url(&world.installation);
    let (one, two) = (crate::support::connect(&url).await, crate::support::connect(&url).await);
    let begin = "BEGIN";
    one.batch_execute(begin).await.unwrap();
    two.batch_execute(begin).await.unwrap();
    let mut sessions = Vec::new();
    for client in [&one, &two] {
        let rows = client
            .simple_query(
                "SELECT pg_backend_pid(),
                        (SELECT count(*) FROM pg_prepared_statements),
                        (SELECT count(*) FROM pg_cursors WHERE is_holdable),
                        (SELECT count(*) FROM pg_listening_channels()),
                        (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND pg_table_is_visible(oid)),
                        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),
                        (SELECT string_agg(name || '=' || setting, ' ') FROM pg_settings WHERE source = 'session'
                            AND name NOT IN ('application_name', 'client_encoding', 'TimeZone', 'DateStyle',
                                             'standard_conforming_strings', 'IntervalStyle')
                            -- A transaction may have chosen its own, which ended with it.
                            AND NOT (name = 'transaction_isolation' AND setting = 'read committed'))",
            )
            .await
            .unwrap();
        let row = rows.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = row.unwrap();
        sessions.push(row.get(0).unwrap().to_owned());
        for column in 1..=5 {
            assert_eq!(row.get(column), Some("0"), "column {column}");
        }
        assert_eq!(row.get(6), None, "settings of the session");
    }
    assert_ne!(sessions[0], sessions[1]);
}

#[tokio::test]
async fn many_at_once_through_two_connections_get_their_own_answers() {
    let options = SimOptions { latency: Duration::from_millis(3), ..SimOptions::default() };
    let (mut world, pooler) = behind(World::with(ShopSpec::small(7), options).await, 2).await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.set("GAZELLE_SYNC_BATCH_SIZE", "9");
    world.run(&["migrate"]).await.success();
    let sync = world.start(&["sync", "--mode", "full", "--json"]);
    let beside = async {
        for _ in 0..3 {
            let status = ["status"];
            let (one, two, three) =
                tokio::join!(world.run(&status), world.run(&status), world.run(&["verify", "--offline"]));
            for ran in [one, two, three] {
                assert_eq!(ran.code, 0, "{ran}\n{}", pooler.log());
            }
        }
    };
    let (output, ()) = tokio::join!(sync.wait_with_output(), beside);
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_same(&directly(&world).await, &world.content().await, "under concurrency");
}

#[tokio::test]
async fn a_runner_paused_for_longer_than_its_lease_writes_nothing_when_it_goes_on() {
    let options = SimOptions { latency: Duration::from_millis(5), ..SimOptions::default() };
    let (mut world, _pooler) = behind(World::with(ShopSpec::small(7), options).await, 6).await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.set("GAZELLE_SYNC_BATCH_SIZE", "7");
    world.set("GAZELLE_SYNC_LEASE_SECONDS", "1");
    world.run(&["migrate"]).await.success();
    let first = world.start(&["sync", "--mode", "full", "--json"]);
    let signal = |name: &str| {
        crate::support::tools::signal(first.id().expect("it runs"), name);
    };
    until("the first is at it", async || world.count("staging_clients").await > 5).await;
    signal("-STOP");

    // A transaction that the stopped one left open ends with its connection, or holds the second up: it may not.
    until("the second may", async || world.full().await.code == 0).await;
    let after: (Tables, i64) = (world.production(&[]).await, world.count("staging_appointments").await);
    signal("-CONT");
    let output =
        tokio::time::timeout(Duration::from_secs(60), first.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("took it over") || said.contains("lease"), "{said}");
    assert_same(&after.0, &world.production(&[]).await, "the first wrote after the second");
    assert_eq!(world.count("staging_appointments").await, after.1);
}

#[tokio::test]
async fn the_service_works_behind_it_too() {
    let (mut world, _pooler) = behind(World::new().await, 2).await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "* * * * * *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    let serving = Serving::start(&world, &[]).await;
    until("three runs", async || runs(&world, "status = 'success'").await >= 3).await;
    assert_eq!(serving.get("/readyz").await.0, 200);
    assert_eq!(serving.get("/metrics").await.0, 200);
    let ended = serving.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_same(&directly(&world).await, &world.content().await, "by the service");
}
