//! Timeouts that somebody set for a role, a database or a connection: where they are shorter than ours, they hold.

use std::time::Duration;

use crate::support::roles::url_of;
use crate::support::{DATABASE, TestInstallation, World, connect};
use gazelle_sim::RecordKind;
use gazelle_sync::db;
use gazelle_sync::db::ConnectSettings;
use gazelle_sync::db::Db;
use gazelle_sync::db::Timeout;
use gazelle_sync::db::Tx;
use serde_json::json;

async fn open(place: &TestInstallation, url: &str) -> Db {
    place.execute("CREATE SCHEMA IF NOT EXISTS ours").await;
    let to =
        ConnectSettings { url: url.to_owned(), ca_file: None, schema: "ours".to_owned(), connections: 2 };
    db::connect(&to).await.unwrap()
}

/// `statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout` inside a transaction.
async fn shown(tx: &Tx<'_>) -> [String; 3] {
    let names = [Timeout::Statement, Timeout::Lock, Timeout::IdleInTransaction].map(Timeout::name);
    let sql = format!(
        "SELECT current_setting('{}'), current_setting('{}'), current_setting('{}')",
        names[0], names[1], names[2]
    );
    let rows = tx.query(&sql, &[]).await.unwrap();
    [rows[0].get(0), rows[0].get(1), rows[0].get(2)]
}

/// What our transactions have, before and after limits of ours of ten seconds.
async fn ours(db: &Db) -> [[String; 3]; 2] {
    let mut connection = db.connection().await.unwrap();
    let tx = connection.begin().await.unwrap();
    let begun = shown(&tx).await;
    for timeout in [Timeout::Statement, Timeout::Lock, Timeout::IdleInTransaction] {
        tx.limit(timeout, Duration::from_secs(10)).await.unwrap();
    }
    let limited = shown(&tx).await;
    tx.rollback().await.unwrap();
    [begun, limited]
}

#[tokio::test]
async fn a_shorter_timeout_of_role_database_or_url_holds_and_a_longer_one_is_cut() {
    let place = TestInstallation::new().await;
    place.execute("CREATE ROLE hasty LOGIN SUPERUSER").await;
    let url = url_of(&place, "hasty");
    let none = [["2h", "0", "0"], ["10s", "10s", "10s"]];
    assert_eq!(ours(&open(&place, &url).await).await, none, "nobody set any");
    place.execute("ALTER SYSTEM SET statement_timeout = '2min'").await;
    place.execute("SELECT pg_reload_conf()").await;
    crate::support::service::until("the server's default is in force", async || {
        connect(&url).await.query_one("SHOW statement_timeout", &[]).await.unwrap().get::<_, &str>(0)
            == "2min"
    })
    .await;
    assert_eq!(
        ours(&open(&place, &url).await).await,
        none,
        "what holds for a whole server is not meant for us"
    );

    place.execute("ALTER ROLE hasty SET statement_timeout = '90s'").await;
    place.execute(&format!("ALTER DATABASE {DATABASE} SET lock_timeout = '1500ms'")).await;
    let with = if url.contains('?') { '&' } else { '?' };
    let given = format!("{url}{with}options=-c%20idle_in_transaction_session_timeout%3D4s");
    let db = open(&place, &given).await;
    assert_eq!(ours(&db).await, [["90s", "1500ms", "4s"], ["10s", "1500ms", "4s"]]);
    assert_eq!(ours(&db).await[0][0], "90s", "the next transaction of the session too");
    // Statements that must be short stay so, and a snapshot begins as before.
    let mut connection = db.connection().await.unwrap();
    let tx = connection.begin_snapshot().await.unwrap();
    assert_eq!(shown(&tx).await, ["90s", "1500ms", "4s"]);
    let isolation = tx.query("SELECT current_setting('transaction_isolation')", &[]).await.unwrap();
    assert_eq!(isolation[0].get::<_, String>(0), "repeatable read");
    tx.rollback().await.unwrap();
    let aside = db.aside();
    assert_eq!(ours(&aside).await[0], ["4500ms", "1500ms", "4s"]);

    place.execute("ALTER ROLE hasty SET statement_timeout = '2s'").await;
    place.execute("ALTER ROLE hasty SET lock_timeout = '1h'").await;
    let db = open(&place, &url).await;
    assert_eq!(ours(&db).await, [["2s", "1h", "0"], ["2s", "10s", "10s"]]);
    assert_eq!(ours(&db.aside()).await[0][0], "2s");
}

#[tokio::test]
async fn a_run_keeps_to_them_while_it_writes() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "CREATE ROLE hasty LOGIN SUPERUSER;
             ALTER ROLE hasty SET statement_timeout = '70s';
             ALTER ROLE hasty SET idle_in_transaction_session_timeout = '5s';
             CREATE TABLE seen (statement text, idle text);
             CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               INSERT INTO public.seen VALUES (current_setting('statement_timeout'),
                                        current_setting('idle_in_transaction_session_timeout'));
               RETURN NEW; END $$;
             CREATE TRIGGER see BEFORE UPDATE ON gazelle_users FOR EACH ROW EXECUTE FUNCTION see()",
        )
        .await;
    let user = world.control.ids(RecordKind::User)[0].clone();
    let seen = async |world: &World, name: &str| {
        world.execute("TRUNCATE seen").await;
        world.control.edit(RecordKind::User, &user, json!({ "firstName": name })).unwrap();
        world.full().await.success();
        world.rows("SELECT DISTINCT statement, idle FROM seen").await
    };
    assert_eq!(seen(&world, "Ours").await, [json!({ "statement": "2h", "idle": "1min" })]);
    world.set("DATABASE_URL", &url_of(&world, "hasty"));
    assert_eq!(seen(&world, "Theirs").await, [json!({ "statement": "70s", "idle": "5s" })]);

    // A statement that is cut off by it is no record's fault, and the message says whose limit it was.
    world
        .execute(
            "ALTER ROLE hasty SET statement_timeout = '2s';
             CREATE OR REPLACE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_sleep(90); RETURN NEW; END $$",
        )
        .await;
    let before = world.quarantine().await;
    world.control.edit(RecordKind::User, &user, json!({ "firstName": "Slow" })).unwrap();
    let ran = world.full().await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.reasons().contains("57014"), "{ran}");
    assert_eq!(world.quarantine().await, before);
    world.execute("DROP TRIGGER see ON gazelle_users").await;
    world.full().await.success();
}
