//! Wrong input of every kind: one clear message, the right exit status, nothing half-written, one JSON document.

use crate::support::{CommandOutput, TestInstallation, World};

/// What is wrong was told in words, once, with this exit status.
#[track_caller]
fn assert_error(run: &CommandOutput, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{run}");
    let document = run.json();
    let message = document["error"].as_str().unwrap_or_else(|| panic!("no error told: {run}"));
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
    assert!(run.stderr.contains("error: "), "people are told on stderr: {run}");
    assert!(!run.stderr.contains("panicked") && !run.stderr.contains("RUST_BACKTRACE"), "{run}");
}

async fn tables(place: &TestInstallation) -> i64 {
    place
        .one("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')", &[])
        .await
}

#[tokio::test]
async fn without_credentials_it_says_which_settings_to_give() {
    let place = TestInstallation::new().await;
    assert_error(&place.run(&["sync"]).await, 2, &["GAZELLE_API_KEY", "GAZELLE_CLIENT_ID", "demo"]);
    assert_eq!(tables(&place).await, 0, "nothing was made");
}

#[tokio::test]
async fn an_unreachable_database_is_named_without_its_password() {
    let mut world = World::new().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.set("DATABASE_URL", &format!("postgres://user:geheim@127.0.0.1:{port}/mirror"));
    for args in [&["sync"][..], &["status"], &["reconcile"], &["replay"], &["errors"], &["migrate"]] {
        let run = world.run(args).await;
        assert_error(&run, 1, &[&format!("127.0.0.1:{port}"), "is Postgres running", "DATABASE_URL"]);
        assert!(!run.to_string().contains("geheim"), "{run}");
    }
    assert_eq!(world.control.request_counts().total, 0);
}

#[tokio::test]
async fn a_database_that_is_not_there_and_an_address_that_is_none() {
    let mut world = World::new().await;
    let url = world.server.connection_string("nowhere");
    world.set("DATABASE_URL", &url);
    assert_error(&world.run(&["sync"]).await, 1, &["nowhere", "create the database"]);
    for (url, word) in
        [("postgres://geheim@[", "`host`"), ("postgres://geheim@127.0.0.1/f1?foo=bar", "`foo`")]
    {
        world.set("DATABASE_URL", url);
        let run = world.run(&["sync"]).await;
        assert_error(&run, 2, &["DATABASE_URL", word]);
        assert!(!run.to_string().contains("geheim"), "{run}");
    }
}

#[tokio::test]
async fn a_read_only_database_is_told_before_anything_is_asked() {
    let world = World::new().await;
    world.execute("ALTER DATABASE mirror SET default_transaction_read_only = on").await;
    assert_error(&world.run(&["sync", "--mode", "full"]).await, 1, &["read-only"]);
    assert_eq!(world.control.request_counts().total, 0);
    assert_eq!(tables(&world).await, 0);
}

#[tokio::test]
async fn what_only_reads_needs_no_more_than_a_read_only_database() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let record = world.control.ids(gazelle_sim::RecordKind::Client).remove(0);
    world.execute("ALTER DATABASE mirror SET default_transaction_read_only = on").await;
    for args in [
        &["status"][..],
        &["errors"],
        &["deletions", "list"],
        &["warnings"],
        &["history", &record],
        &["explain", &record, "status"],
    ] {
        let run = world.run(args).await;
        assert!(run.code == 0, "{args:?}: {run}");
    }
    for args in [&["errors", "retry"][..], &["verify"]] {
        assert_error(&world.run(args).await, 1, &["read-only"]);
    }
}

#[tokio::test]
async fn a_role_that_may_not_write_is_told_so() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.execute("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader").await;
    let url = world.url().replacen("postgresql://", "", 1);
    let host = url.split_once('@').unwrap().1;
    world.set("DATABASE_URL", &format!("postgresql://reader@{host}"));
    let run = world.full().await;
    assert_error(&run, 1, &["lacks this right"]);
}

#[tokio::test]
async fn an_unknown_entity_is_wrong_use_and_the_nearest_is_named() {
    let world = World::new().await;
    let run = crate::support::run_to_end(world.command(&["sync", "--entity", "apointments"])).await;
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr.contains("apointments") && run.stderr.contains("`appointments`")
            || run.stderr.contains("\"appointments\""),
        "{run}"
    );
    assert!(run.stderr.contains("users, clients, pianos, appointments"), "{run}");
    assert_eq!(run.stdout, "");
    assert_eq!(tables(&world).await, 0);
}

#[tokio::test]
async fn wrong_use_with_json_is_one_json_document_too() {
    let place = TestInstallation::new().await;
    for args in [
        &["sync", "--entity", "apointments"][..],
        &["sync", "--mode", "everything"],
        &["sync", "--since", "gestern"],
        &["sink"],
        &["errors", "dismiss"],
    ] {
        let run = place.run(args).await;
        assert_eq!(run.code, 2, "{args:?}: {run}");
        assert_eq!(run.json()["status"], "failed", "{args:?}");
    }
}

#[tokio::test]
async fn unknown_and_malformed_settings_name_file_line_and_setting() {
    for (file, words) in [
        ("concurency = 3\n", &["gazelle-sync.toml", "concurency", "concurrency"][..]),
        ("# ok\npage_size = \"many\"\n", &["gazelle-sync.toml", "page_size"]),
        ("page_size = 5\napi_key = \"geheim\n", &["gazelle-sync.toml", "line 2"]),
        ("page_size = 100000\n", &["page_size", "500"]),
        ("timezone = \"America/Montreal_\"\n", &["timezone"]),
    ] {
        let place = TestInstallation::new().await;
        std::fs::write(place.folder.path().join("gazelle-sync.toml"), file).unwrap();
        let run = place.run(&["status"]).await;
        assert_error(&run, 2, words);
        assert!(!run.to_string().contains("geheim"), "{run}");
    }
    let mut place = TestInstallation::new().await;
    place.env.insert("GAZELLE_SYNC_CONCURRENCY".to_owned(), "lots".to_owned());
    assert_error(&place.run(&["status"]).await, 2, &["GAZELLE_SYNC_CONCURRENCY"]);
}

#[tokio::test]
async fn a_password_on_the_command_line_is_refused() {
    let place = TestInstallation::new().await;
    let run = place.run(&["status", "--database-url", "postgres://a:geheim@localhost/x"]).await;
    assert_error(&run, 2, &["--database-url", "DATABASE_URL"]);
    assert!(!run.to_string().contains("geheim"));
}

#[tokio::test]
async fn a_schema_with_tables_of_others_is_left_alone() {
    for table in ["gazelle_appointments", "gazelle_clients", "staging_clients", "sync_runs"] {
        let world = World::new().await;
        world.execute(&format!("CREATE TABLE {table} (id int); INSERT INTO {table} VALUES (1)")).await;
        let run = world.full().await;
        assert_error(&run, 1, &[table]);
        assert!(run.reasons().contains("GAZELLE_SYNC_SCHEMA"), "{table}: what to do: {run}");
        assert_eq!(tables(&world).await, 1, "{table}: nothing was made beside it");
        assert_eq!(world.count(table).await, 1);
    }
}

#[tokio::test]
async fn views_and_a_register_of_others_are_left_alone_too() {
    for (name, sql) in [
        ("v_sync_dashboard", "CREATE VIEW v_sync_dashboard AS SELECT 1"),
        ("sync_migrations", "CREATE TABLE sync_migrations (id int)"),
        ("sync_migrations", "CREATE TABLE sync_migrations (id int); INSERT INTO sync_migrations VALUES (1)"),
    ] {
        let place = TestInstallation::new().await;
        place.execute(sql).await;
        for args in [&["migrate"][..], &["status"], &["errors"], &["reconcile"]] {
            assert_error(&place.run(args).await, 1, &[name, "GAZELLE_SYNC_SCHEMA"]);
        }
        assert_eq!(tables(&place).await, 1, "{name}");
    }
}

#[tokio::test]
async fn an_empty_register_is_an_empty_database_only_when_nothing_stands_beside_it() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let made = tables(&place).await;
    place.execute("DELETE FROM sync_migrations").await;
    assert_error(&place.run(&["migrate"]).await, 1, &["gazelle_appointment_pianos", "GAZELLE_SYNC_SCHEMA"]);
    assert_eq!(place.count("sync_migrations").await, 0);

    let place = TestInstallation::new().await;
    place
        .execute(
            "CREATE TABLE sync_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                                           applied_at timestamptz NOT NULL)",
        )
        .await;
    place.run(&["migrate"]).await.success();
    assert_eq!(tables(&place).await, made);
}

#[tokio::test]
async fn what_only_reads_makes_no_table() {
    let place = TestInstallation::new().await;
    assert_eq!(place.run(&["errors"]).await.success(), serde_json::json!([]));
    assert_eq!(place.run(&["deletions"]).await.success(), serde_json::json!([]));
    assert_eq!(place.run(&["deletions", "list", "--all"]).await.success(), serde_json::json!([]));
    assert_error(&place.run(&["errors", "show", "evt_1"]).await, 1, &["evt_1"]);
    place.run(&["status"]).await.success();
    assert_eq!(tables(&place).await, 0);

    place.run(&["migrate"]).await.success();
    place.execute("DELETE FROM sync_migrations WHERE version = 7").await;
    for args in [&["errors"][..], &["errors", "show", "evt_1"], &["deletions"]] {
        assert_error(&place.run(args).await, 1, &["gazelle-sync migrate", "7"]);
    }
}

#[tokio::test]
async fn a_variable_that_is_no_setting_is_warned_about_once() {
    let mut place = TestInstallation::new().await;
    place.env.insert("GAZELLE_SYNC_CONCURENCY".to_owned(), "geheim".to_owned());
    place.env.insert("GAZELLE_SYNC_CONFIG".to_owned(), String::new());
    let run = place.run(&["settings"]).await;
    run.success();
    assert_eq!(run.stderr.matches("GAZELLE_SYNC_CONCURENCY").count(), 1, "{run}");
    assert!(run.stderr.contains("GAZELLE_SYNC_CONCURRENCY"), "{run}");
    assert!(!run.stderr.contains("GAZELLE_SYNC_CONFIG") && !run.to_string().contains("geheim"), "{run}");
}

#[tokio::test]
async fn a_schema_of_its_own_holds_everything() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_SCHEMA", "atelier_2");
    world.execute("CREATE TABLE public.gazelle_clients (id int)").await;
    world.full_sync_ok().await;
    assert_eq!(tables(&world).await, 1);
    assert_eq!(world.count("atelier_2.gazelle_appointments").await, 117);
    world.run(&["replay"]).await.success();
    world.run(&["status"]).await.success();
    assert_eq!(world.run(&["errors"]).await.success().as_array().unwrap().len(), 3);
    world.set("GAZELLE_SYNC_SCHEMA", "public; DROP");
    let run = world.run(&["status"]).await;
    assert_error(&run, 2, &["schema"]);
}

#[tokio::test]
async fn a_database_of_another_age_is_not_touched_before_it_is_migrated() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "DROP VIEW v_appointments_montreal, v_sync_dashboard, v_sync_dashboard_entities;
             DELETE FROM sync_migrations WHERE version = 7",
        )
        .await;
    assert_error(&world.full().await, 1, &["gazelle-sync migrate", "7"]);
    let dry = world.run(&["migrate", "--dry-run"]).await.success();
    assert_eq!(dry["missing"][0]["version"], 7);
    let applied = world.run(&["migrate"]).await.success();
    assert_eq!(applied["applied"][0]["name"], "views");
    assert_eq!(world.run(&["migrate"]).await.success()["applied"].as_array().unwrap().len(), 0);
    world.full().await.success();
    assert_eq!(world.count("v_appointments_montreal").await, 117);

    world.execute("INSERT INTO sync_migrations VALUES (99, 'to come', 'x', now())").await;
    assert_error(&world.full().await, 1, &["newer", "99"]);
    world.execute("DELETE FROM sync_migrations WHERE version = 99; UPDATE sync_migrations SET checksum = 'x' WHERE version = 3").await;
    assert_error(&world.full().await, 1, &["migration 3"]);
}

#[tokio::test]
async fn every_command_prints_one_json_document_and_the_rest_on_stderr() {
    let world = World::new().await;
    let commands: [&[&str]; 14] = [
        &["status"],
        &["errors"],
        &["settings"],
        &["migrate", "--dry-run"],
        &["migrate"],
        &["fetch", "--mode", "full"],
        &["reconcile"],
        &["sync"],
        &["sync", "--mode", "full", "-v"],
        &["replay", "--dry-run"],
        &["replay"],
        &["errors", "retry"],
        &["errors", "list"],
        &["status"],
    ];
    for args in commands {
        let run = world.run(args).await;
        assert_eq!(run.code, 0, "{args:?}: {run}");
        assert!(run.json().is_object() || run.json().is_array(), "{args:?}");
        let people = crate::support::run_to_end(world.command(args)).await;
        assert_eq!(people.code, 0, "{args:?}: {people}");
        assert!(serde_json::from_str::<serde_json::Value>(&people.stdout).is_err(), "{args:?}: {people}");
        assert!(!people.stdout.trim().is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn what_the_database_said_is_told_once_and_in_one_line() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute("ALTER TABLE gazelle_clients RENAME COLUMN region TO région").await;
    assert_error(&world.full().await, 1, &["column gazelle_clients.region", "gazelle-sync migrate"]);
    world.execute("ALTER TABLE gazelle_clients RENAME COLUMN région TO region").await;
    world.execute("ALTER TABLE sync_bookmarks RENAME COLUMN run_id TO course").await;
    let client = world.control.ids(gazelle_sim::RecordKind::Client).remove(0);
    world
        .control
        .edit(gazelle_sim::RecordKind::Client, &client, serde_json::json!({"personalNotes": "Mme Tremblay"}))
        .unwrap();
    let run = world.full().await;
    assert_error(&run, 1, &["run_id", "gazelle-sync migrate"]);
    let message = run.reasons();
    assert!(!message.contains('\n') && message.matches("does not exist").count() == 1, "{message:?}");
    assert!(!run.to_string().contains("Tremblay"), "{run}");
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_crash() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let mut command = world.command(&["errors", "--json"]);
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdout(writer);
    let child = command.spawn().unwrap();
    drop((command, reader));
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn no_secret_and_no_name_of_a_person_is_in_logs_or_bookkeeping() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_LOG", "trace");
    let run = world.full().await;
    run.success();
    assert!(run.stderr.len() > 1000, "something was logged");
    for text in ["sim-key", "@example.com", "555-01", "Tire le Coyote"] {
        assert!(!run.stderr.contains(text), "{text} is in the log");
        assert!(!run.stdout.contains(text), "{text} is in the report");
    }
    for table in [
        "sync_runs",
        "sync_run_entities",
        "sync_run_requests",
        "sync_quarantine",
        "sync_quality_warnings",
        "sync_lease",
    ] {
        for row in world.table(table, &[]).await {
            for text in ["sim-key", "@example.com", "555-01", "Tire le Coyote"] {
                assert!(!row.contains(text), "{text} is in {table}");
            }
        }
    }
}
