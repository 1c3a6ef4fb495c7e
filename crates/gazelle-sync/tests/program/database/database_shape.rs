//! Few connections, wrong encodings and missing tables; and a service under many requests.

use std::time::Duration;

use crate::support::roles::act_as_poor;
use crate::support::service::{Serving, runs, until};
use crate::support::{DATABASE, TestInstallation, World};
use gazelle_sync::entities::ENTITIES;
use gazelle_sync::migrations::declared;
use serde_json::json;

async fn within<T>(seconds: u64, what: &str, work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(seconds);
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| panic!("not within {seconds} s: {what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_few_connections_makes_do_with_them() {
    let mut world = World::new().await;
    world.run(&["migrate"]).await.success();
    act_as_poor(&mut world).await;
    for limit in [3, 2, 1] {
        world.execute(&format!("ALTER ROLE poor CONNECTION LIMIT {limit}")).await;
        let run = within(60, "a sync", world.full()).await;
        assert_eq!(run.code, 0, "{limit}: {run}");
        if limit < 3 {
            assert!(run.stderr.contains("database_connections"), "it says so: {run}");
        }
        for command in
            [&["status"][..], &["errors"], &["verify", "--sample", "5"], &["deletions"], &["warnings"]]
        {
            let ran = within(60, command[0], world.run(command)).await;
            assert_eq!(ran.code, 0, "{limit}: {ran}");
        }
        // The server counts a session for a moment after its program has ended.
        crate::support::service::until("no session of another command is counted", async || {
            world.count("pg_stat_activity WHERE usename = 'poor'").await == 0
        })
        .await;
        let doctor = within(60, "doctor", world.run(&["doctor"])).await;
        let said = doctor.json()["checks"].as_array().unwrap().clone();
        let line = said.iter().find(|line| line["check"] == "connections").unwrap();
        assert_eq!(
            (&line["level"], line["said"].as_str().unwrap().starts_with(&limit.to_string())),
            (&json!("warning"), true),
            "{line}"
        );
    }
    world.set("GAZELLE_SYNC_DATABASE_CONNECTIONS", "1");
    world.execute("ALTER ROLE poor CONNECTION LIMIT -1").await;
    let run = within(60, "a sync with one", world.full()).await;
    assert_eq!(run.code, 0, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_encoding_is_refused_at_the_start() {
    let mut world = World::new().await;
    world
        .execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        .await;
    world.set("DATABASE_URL", &world.server.connection_string("latin"));
    for command in [&["sync", "--mode", "full"][..], &["status"], &["migrate"]] {
        let run = world.run(command).await;
        assert_eq!(run.code, 1, "{run}");
        for word in ["LATIN1", "UTF8 is needed", "template0"] {
            assert!(run.reasons().contains(word), "{word} not in {run}");
        }
    }
}

/// Every command that works on the database, with what it needs to get there.
const COMMANDS: [&[&str]; 17] = [
    &["sync", "--mode", "full"],
    &["fetch", "--mode", "full"],
    &["reconcile"],
    &["replay"],
    &["replay", "--into", "elsewhere"],
    &["undo", "0190d3a5-0000-7000-8000-000000000000"],
    &["status"],
    &["errors"],
    &["errors", "retry"],
    &["verify"],
    &["deletions"],
    &["warnings"],
    &["history", "cli_1"],
    &["explain", "cli_1", "company_name"],
    &["alerts"],
    &["alerts", "check"],
    &["deletions", "approve", "0190d3a5-0000-7000-8000-000000000000"],
];

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_age_gets_the_same_line_from_every_command() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "INSERT INTO sync_migrations SELECT n, 'to come', 'x', now() FROM generate_series(900, 917) n",
        )
        .await;
    for command in COMMANDS {
        let run = world.run(command).await;
        assert_ne!(run.code, 0, "{command:?}: {run}");
        assert!(run.reasons().contains("version 917 by a newer gazelle-sync"), "{command:?}: {run}");
    }
    // As the release before the last migration but one left it.
    world.execute("DELETE FROM sync_migrations WHERE version >= 16; ALTER TABLE sync_run_entities DROP COLUMN unlisted").await;
    for command in COMMANDS {
        let run = world.run(command).await;
        assert_ne!(run.code, 0, "{command:?}: {run}");
        let said = run.reasons();
        assert!(said.contains("gazelle-sync migrate") && said.contains("from 16"), "{command:?}: {run}");
    }
}

/// Migration 21 says the same in other words since a server refused it: a database that it was applied to before is current.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_written_anew_is_known_by_what_it_said_before() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let was =
        |checksum: &str| format!("UPDATE sync_migrations SET checksum = '{checksum}' WHERE version = 21");
    world.execute(&was("6ee0678709761401")).await;
    let migrated = world.run(&["migrate"]).await.success();
    assert_eq!(migrated["applied"], serde_json::json!([]));
    world.full_sync_ok().await;
    world.execute(&was("0000000000000000")).await;
    let run = world.run(&["sync"]).await;
    assert!(run.code == 1 && run.reasons().contains("another text"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_listed_where_nothing_may_be_written() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute(&format!("ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")).await;
    world.run(&["alerts"]).await.success();
    world.run(&["status"]).await.success();
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_the_metrics_pile_up_nothing_in_the_database() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    let serving = Serving::start(&world, &[]).await;
    until("the first run", async || runs(&world, "status = 'success'").await == 1).await;
    // What only the metrics and the alerts read, so that each look takes for ever.
    let person = crate::support::connect(&world.url()).await;
    person.batch_execute("BEGIN; LOCK TABLE sync_deletions IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%json_object_agg%'";
    let mut most = 0;
    for _ in 0..3 {
        let (status, text) = serving.get("/metrics").await;
        assert_eq!(status, 200);
        assert!(text.contains("gazelle_sync_database_up 0"), "{text}");
        most = most.max(world.one::<i64>(waiting, &[]).await);
    }
    assert!(most <= 2, "{most} looks at once");
    until("what nobody waits for is cancelled", async || world.one::<i64>(waiting, &[]).await == 0).await;
    drop(person);
    until("they are read again", async || {
        serving.get("/metrics").await.1.contains("gazelle_sync_database_up 1")
    })
    .await;
    serving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_requests_does_not_keep_the_schedule_from_its_turn() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "* * * * * *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    let serving = Serving::start(&world, &[]).await;
    until("the first run", async || runs(&world, "status = 'success'").await >= 1).await;
    let before = runs(&world, "trigger = 'schedule'").await;
    let mut entities = ["users", "clients", "pianos", "appointments"].into_iter().cycle();
    // There is always another one waiting.
    until("both have had their turn", async || {
        let entity = entities.next().unwrap();
        let (status, answer) = serving.ask(&format!(r#"{{"mode": "full", "entities": ["{entity}"]}}"#)).await;
        assert_eq!(status, 202, "{answer}");
        let scheduled = runs(&world, "trigger = 'schedule'").await - before;
        scheduled >= 2 && runs(&world, "trigger = 'request'").await >= 2
    })
    .await;
    serving.stop().await;
}

#[tokio::test]
async fn the_migrations_make_the_tables_that_the_declarations_make() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    place.execute("CREATE SCHEMA declared").await;
    for entity in ENTITIES.iter() {
        place.execute(&declared::staging_table(entity).replace("{schema}", "declared")).await;
        for table in entity.tables {
            place.execute(&declared::production_table(table).replace("{schema}", "declared")).await;
        }
    }
    let shape = async |schema: &str| {
        let columns = place
            .rows(&format!(
                "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, a.attgenerated::text,
                        pg_get_expr(d.adbin, d.adrelid) AS expression
                   FROM pg_class c
                   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                  WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^(gazelle|staging)_'
                  ORDER BY 1, 2"
            ))
            .await;
        let constraints = place
            .rows(&format!(
                "SELECT c.relname, replace(pg_get_constraintdef(k.oid), '{schema}.', '') AS says
                   FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                  WHERE k.connamespace = '{schema}'::regnamespace AND c.relname ~ '^(gazelle|staging)_'
                  ORDER BY 1, 2"
            ))
            .await;
        (columns, constraints)
    };
    let (declared, migrated) = (shape("declared").await, shape("public").await);
    assert!(declared.0.len() > 200 && declared.1.len() > 20, "{} {}", declared.0.len(), declared.1.len());
    assert_eq!(declared.0, migrated.0, "columns");
    assert_eq!(declared.1, migrated.1, "constraints");
}

/// Versions are added with their outcome and rarely changed. A table of the test's own shows that the query would find one.
#[tokio::test]
async fn no_table_of_ours_keeps_room_free_in_its_pages() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    place.execute("CREATE TABLE half_full (id int) WITH (fillfactor = 50)").await;
    let kept = place
        .rows(
            "SELECT c.relname AS name FROM pg_class c
              WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                AND array_to_string(c.reloptions, ' ') LIKE '%fillfactor%'",
        )
        .await;
    assert_eq!(kept, [json!({ "name": "half_full" })]);
}

#[tokio::test]
async fn a_column_of_ours_that_somebody_dropped_is_named() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.count("gazelle_clients").await;
    for (dropped, column) in [
        ("ALTER TABLE gazelle_pianos DROP COLUMN deleted_at CASCADE", "gazelle_pianos.deleted_at"),
        ("ALTER TABLE staging_users DROP COLUMN fetched_at CASCADE", "staging_users.fetched_at"),
    ] {
        world.execute(dropped).await;
        for command in [&["sync"][..], &["status"], &["migrate"]] {
            let run = world.run(command).await;
            assert_eq!(run.code, 1, "{command:?}: {run}");
            for words in [&format!("lacks the column {column}"), "backup"] {
                assert!(run.reasons().contains(words), "{words} not said by {command:?}: {run}");
            }
            assert!(!run.reasons().contains("did not make"), "{command:?}: {run}");
        }
    }
    assert_eq!(world.count("gazelle_clients").await, before);
}
