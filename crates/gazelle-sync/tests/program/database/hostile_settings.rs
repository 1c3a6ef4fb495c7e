//! Settings that the database's owner puts on every session of it (ALTER DATABASE … SET), with which SQL is read otherwise and answers
//! are shown otherwise: nothing of ours depends on them. And a transaction that does not begin.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::created_before_us::refused;
use crate::support::roles::{act_as, client_of, supabase};
use crate::support::service::until;
use crate::support::{DATABASE, TestInstallation, World};
use gazelle_sim::RecordKind;
use gazelle_sync::db::{self, Begin, ConnectSettings, Db};
use serde_json::json;

/// Settings that change how SQL is read, how what it makes is kept, or how values are shown as text.
const HOSTILE: [&str; 21] = [
    "standard_conforming_strings = off",
    "escape_string_warning = off",
    "backslash_quote = off",
    "quote_all_identifiers = on",
    "transform_null_equals = on",
    "array_nulls = off",
    "bytea_output = 'escape'",
    "xmloption = 'document'",
    "xmlbinary = 'hex'",
    "extra_float_digits = '-15'",
    "intervalstyle = 'sql_standard'",
    "datestyle = 'SQL, DMY'",
    "timezone = 'Asia/Kathmandu'",
    "timezone_abbreviations = 'Australia'",
    "lc_numeric = 'C'",
    "search_path = 'evil', 'pg_catalog'",
    "default_transaction_isolation = 'repeatable read'",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = on",
    "row_security = off",
    "check_function_bodies = off",
];

async fn as_eve(world: &World, sql: &str) {
    let eve = client_of(world, "eve").await;
    eve.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// Has the database's owner set all of them.
async fn set(world: &World, settings: &[&str]) {
    for setting in settings {
        as_eve(world, &format!("ALTER DATABASE {DATABASE} SET {setting}")).await;
    }
}

async fn reset(world: &World) {
    as_eve(world, &format!("ALTER DATABASE {DATABASE} RESET ALL")).await;
}

/// A superuser's schema with a superuser's tables, in a database of eve's.
async fn in_eves_database() -> World {
    let mut world = supabase().await;
    world
        .execute(&format!(
            "CREATE ROLE eve LOGIN; ALTER DATABASE {DATABASE} OWNER TO eve; CREATE SCHEMA shop;
             CREATE SEQUENCE public.sprung; GRANT ALL ON SEQUENCE public.sprung TO PUBLIC"
        ))
        .await;
    as_eve(
        &world,
        "CREATE SCHEMA evil;
         CREATE FUNCTION evil.own() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_catalog.nextval('public.sprung');
             BEGIN ALTER ROLE eve SUPERUSER; EXCEPTION WHEN OTHERS THEN NULL; END;
             RETURN true; END $$;
         GRANT USAGE ON SCHEMA evil TO PUBLIC",
    )
    .await;
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    act_as(&mut world, "postgres");
    world.full_sync_ok().await;
    world
}

async fn eve_is_nobody(world: &World, by: &str) {
    assert!(
        !world.one::<bool>("SELECT is_called FROM public.sprung", &[]).await,
        "her function was called by {by}"
    );
    let risen = "SELECT rolsuper FROM pg_roles WHERE rolname = 'eve'";
    assert!(!world.one::<bool>(risen, &[]).await, "eve is a superuser by {by}");
}

/// Hangs a trigger with this condition on a table of the superuser's, by a right that eve held for a moment.
async fn hangs(world: &World, condition: &str) {
    world.execute("GRANT USAGE ON SCHEMA shop TO eve; GRANT TRIGGER ON shop.sync_lease TO eve").await;
    as_eve(
        world,
        &format!(
            "CREATE TRIGGER t BEFORE UPDATE ON shop.sync_lease FOR EACH ROW WHEN ({condition})
                 EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
    )
    .await;
    world.execute("REVOKE ALL ON shop.sync_lease FROM eve; SELECT setval('public.sprung', 1, false)").await;
}

#[tokio::test]
async fn conditions_are_read_whatever_the_databases_owner_sets() {
    let world = in_eves_database().await;
    hangs(&world, "query_to_xml('SELECT evil.own()', true, true, '') IS NOT NULL").await;
    for settings in [&HOSTILE[..2], &HOSTILE[3..4], &HOSTILE] {
        set(&world, settings).await;
        for command in [&["sync"][..], &["status"], &["migrate"]] {
            let run = world.run(command).await;
            eve_is_nobody(&world, &format!("{command:?} with {settings:?}: {run}")).await;
            let words =
                ["the trigger t of shop.sync_lease has a condition (WHEN) that calls", "is a superuser"];
            refused(&run, &words);
        }
        reset(&world).await;
    }
    // That it would have been called.
    world.execute("UPDATE shop.sync_lease SET holder = holder").await;
    assert!(world.one::<bool>("SELECT is_called FROM public.sprung", &[]).await, "the attack itself");
}

/// The second look, behind the locks, sees what was committed while they were waited for.
#[tokio::test]
async fn a_trigger_of_an_open_transaction_is_seen_whatever_the_databases_owner_sets() {
    let world = in_eves_database().await;
    for setting in &HOSTILE[16..18] {
        world
            .execute("GRANT USAGE ON SCHEMA shop TO eve; GRANT TRIGGER ON shop.gazelle_clients TO eve")
            .await;
        let eve = client_of(&world, "eve").await;
        eve.batch_execute(
            "CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM pg_catalog.nextval('public.sprung'); RETURN NEW; END $$;
             BEGIN; CREATE TRIGGER theirs BEFORE UPDATE ON shop.gazelle_clients FOR EACH ROW EXECUTE FUNCTION pg_temp.f()",
        )
        .await
        .unwrap();
        world.execute("REVOKE ALL ON shop.gazelle_clients FROM eve").await;
        set(&world, &[setting]).await;
        let client = world.control.ids(RecordKind::Client)[0].clone();
        world
            .control
            .edit(RecordKind::Client, &client, json!({ "companyName": format!("With {setting}") }))
            .unwrap();
        let mut run = world.start(&["sync", "--json"]);
        let waits =
            "pg_stat_activity WHERE datname = current_database() AND application_name = 'gazelle-sync'
                                        AND wait_event_type = 'Lock'";
        until("it waits for the transaction", async || world.count(waits).await > 0).await;
        eve.batch_execute("COMMIT").await.unwrap();
        assert_eq!(run.wait().await.unwrap().code(), Some(1), "with {setting}");
        eve_is_nobody(&world, setting).await;
        world.execute("DROP TRIGGER theirs ON shop.gazelle_clients").await;
        reset(&world).await;
    }
}

/// What is no operator, value or comparison in a condition is refused, whatever it would call.
#[tokio::test]
async fn a_condition_of_parts_that_are_not_known_is_refused() {
    let world = in_eves_database().await;
    for (condition, is_known) in [
        ("NEW.holder IS DISTINCT FROM OLD.holder", true),
        ("OLD.* IS DISTINCT FROM NEW.*", true),
        ("coalesce(NEW.holder::text, '') = ANY (ARRAY['a', 'b']) AND NOT (OLD.holder IS NULL)", true),
        ("CASE WHEN pg_trigger_depth() = 0 THEN true ELSE false END", true),
        ("nullif(NEW.holder::text, 'x') IS NOT NULL", true),
        ("(xmlelement(name x, NEW.holder)) IS NOT NULL", false),
        ("(ROW (NEW.holder::text, 1)) IS NOT NULL", false),
        ("current_user = 'postgres'", false),
        ("greatest(NEW.holder::text, 'x') = 'x'", false),
    ] {
        hangs(&world, condition).await;
        let run = world.run(&["status"]).await;
        match is_known {
            true => drop(run.success()),
            false => {
                refused(&run, &["the trigger t of shop.sync_lease has a condition (WHEN)", "is a superuser"])
            }
        }
        world.execute("DROP TRIGGER t ON shop.sync_lease").await;
    }
}

/// What each command ended with, with and without the settings.
async fn played(is_hostile: bool) -> (World, Vec<(String, i32, String)>) {
    let world = in_eves_database().await;
    if is_hostile {
        set(&world, &HOSTILE).await;
        // Where the owner's right does not reach, a superuser's does.
        world.execute(&format!("ALTER DATABASE {DATABASE} SET lc_messages = 'C'")).await;
    }
    let clients = world.control.ids(RecordKind::Client);
    let name = json!({ "companyName": "Salle \\ 'neuve' \\' (exemple)" });
    world.control.edit(RecordKind::Client, &clients[1], name).unwrap();
    let odd = world.control.ids(RecordKind::Event)[40].clone();
    world.control.edit(RecordKind::Event, &odd, json!({ "start": "no time" })).unwrap();
    world.control.delete(RecordKind::Event, &world.control.ids(RecordKind::Event)[3].clone()).unwrap();
    let mut ended = Vec::new();
    for command in [
        &["sync", "--mode", "full"][..],
        &["sync"],
        &["reconcile"],
        &["errors"],
        &["warnings"],
        &["history", &clients[1]],
        &["explain", &clients[1], "company_name"],
        &["verify"],
        &["replay"],
        &["replay", "--into", "look"],
        &["status"],
        &["doctor"],
        &["migrate"],
    ] {
        let ran = world.run(command).await;
        ended.push((format!("{command:?}"), ran.code, format!("{ran}")));
    }
    (world, ended)
}

#[tokio::test]
async fn whatever_the_databases_owner_sets_the_same_is_written_and_answered() {
    let ((_plain, without), (world, with)) = tokio::join!(played(false), played(true));
    for (without, with) in without.iter().zip(&with) {
        assert_eq!((&without.0, without.1), (&with.0, with.1), "without: {}\nwith: {}", without.2, with.2);
    }
    // What was written with the settings is what is written without them: nothing is different, to the byte.
    reset(&world).await;
    let run = world.full().await.success();
    assert_eq!((&run["staged"], &run["processed"]), (&json!(0), &json!(0)), "{run}");
    assert_eq!(world.run(&["replay"]).await.success()["rows_written"], 0);
    assert_eq!(world.run(&["verify"]).await.success()["status"], "equal");
}

/// The old system's trigger is kept as SQL, read back by another session.
#[tokio::test]
async fn what_from_v5_keeps_as_sql_is_run_as_it_was_meant() {
    let mut world = supabase().await;
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    let old = include_str!("../../support/old_system.sql");
    world
        .execute(&format!(
            "CREATE SCHEMA shop AUTHORIZATION administrator; CREATE ROLE lecteur NOLOGIN; SET ROLE administrator;
             SET search_path = shop; {old};
             DROP TRIGGER tr_fix_api_import ON gazelle_appointments;
             CREATE TRIGGER tr_fix_api_import BEFORE INSERT ON gazelle_appointments FOR EACH ROW
                 WHEN (NEW.title IS DISTINCT FROM E'a\\\\b \\' c') EXECUTE FUNCTION fn_fix_gazelle_api_time();
             RESET ROLE; RESET search_path"
        ))
        .await;
    let definition = "SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t
                       WHERE t.tgname = 'tr_fix_api_import' AND t.tgrelid = 'shop.gazelle_appointments'::regclass";
    let before = world.text(definition).await;
    assert!(before.as_deref().is_some_and(|text| text.contains(r"a\b")), "{before:?}");
    world.execute(&format!("ALTER DATABASE {DATABASE} SET standard_conforming_strings = off")).await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.execute(&format!("ALTER DATABASE {DATABASE} RESET ALL")).await;
    world.run(&["migrate", "--from-v5", "--back"]).await.success();
    assert_eq!(world.text(definition).await, before);
}

/// What is sent in the place of `BEGIN`, and how it fails: when the message is read, or when it is executed.
const NO_BEGINNINGS: [(&[u8], &[u8], &str); 2] =
    [(b"BEGIN", b"BEGON", "42601"), (b"BEGIN; ", b"SHOW x;", "42704")];

/// A proxy before the database that makes nothing fail but BEGIN, while it is told how: `fails` is 0, or the number of
/// one of [`NO_BEGINNINGS`], from 1. Returns its port.
fn no_beginning(place: &TestInstallation, fails: &Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (socket, fails) = (place.server.socket_dir().join(".s.PGSQL.5432"), fails.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), Ok(server)) = (stream, UnixStream::connect(&socket)) else { return };
            let (back, answers, fails) =
                (stream.try_clone().unwrap(), server.try_clone().unwrap(), fails.clone());
            std::thread::spawn(move || pass_on(stream, server, &fails));
            std::thread::spawn(move || {
                let (mut from, mut to) = (answers, back);
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

fn pass_on(mut from: TcpStream, mut to: UnixStream, fails: &AtomicUsize) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let fails = fails.load(Ordering::SeqCst);
        if let Some((begin, other, _)) = fails.checked_sub(1).map(|how| NO_BEGINNINGS[how]) {
            for at in 0..read.saturating_sub(begin.len()) {
                if buffer[at..read].starts_with(begin) {
                    buffer[at..at + begin.len()].copy_from_slice(other);
                }
            }
        }
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[tokio::test]
async fn where_a_transaction_does_not_begin_nothing_is_run() {
    let place = TestInstallation::new().await;
    place
        .execute(&format!(
            "CREATE SCHEMA ours; CREATE TABLE ours.written (id int); CREATE SEQUENCE public.sprung; CREATE SCHEMA evil;
             CREATE FUNCTION evil.upper(text) RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.nextval('public.sprung')::text $$;
             ALTER DATABASE {DATABASE} SET search_path = 'evil', 'pg_catalog'"
        ))
        .await;
    let fails = Arc::new(AtomicUsize::new(0));
    let url =
        format!("postgres://postgres@127.0.0.1:{}/{DATABASE}?sslmode=disable", no_beginning(&place, &fails));
    let to = ConnectSettings { url, ca_file: None, schema: "ours".to_owned(), connections: 1 };
    let db = db::connect(&to).await.unwrap();
    let called = "SELECT upper('a')";
    db.query(called, &[]).await.unwrap();
    let mut connection = db.connection().await.unwrap();
    let (tx, _) = connection.begin_with(Begin { first: Some(called), ..Begin::default() }).await.unwrap();
    tx.rollback().await.unwrap();
    drop(connection);
    assert!(!place.one::<bool>("SELECT is_called FROM public.sprung", &[]).await, "as ever");

    for (how, (.., state)) in NO_BEGINNINGS.iter().enumerate() {
        fails.store(how + 1, Ordering::SeqCst);
        for db in [&db, &db.aside()] {
            without_beginning(&place, db, called, state).await;
        }
    }
    // And it is one to work with afterwards.
    fails.store(0, Ordering::SeqCst);
    db.execute("INSERT INTO {schema}.written VALUES (2)", &[]).await.unwrap();
    assert_eq!(place.count("ours.written").await, 1);
}

async fn without_beginning(place: &TestInstallation, db: &Db, called: &str, state: &str) {
    let failed = db.query(called, &[]).await.expect_err("it did not begin");
    assert!(
        failed.to_string().contains("refused BEGIN") && failed.state.as_deref() == Some(state),
        "{failed}"
    );
    db.execute("INSERT INTO {schema}.written VALUES (1)", &[]).await.expect_err("it did not begin");
    let mut connection = db.connection().await.unwrap();
    let begin = Begin { first: Some(called), ..Begin::default() };
    assert!(connection.begin_with(begin).await.is_err(), "it did not begin");
    let begin = Begin { first: Some("INSERT INTO {schema}.written VALUES (1)"), ..Begin::default() };
    assert!(connection.begin_with(begin).await.is_err(), "it did not begin");
    drop(connection);
    // What was sent before is over.
    tokio::time::timeout(Duration::from_secs(10), async {
        while place
            .count("pg_stat_activity WHERE application_name = 'gazelle-sync' AND state <> 'idle'")
            .await
            > 0
        {}
    })
    .await
    .expect("all is answered");
    assert!(
        !place.one::<bool>("SELECT is_called FROM public.sprung", &[]).await,
        "a planted function was called"
    );
    assert_eq!(place.count("ours.written").await, 0, "written, and said to have failed");
}
