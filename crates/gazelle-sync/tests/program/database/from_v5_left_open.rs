//! The backup of the old system that an older program left open: `migrate` closes it for whoever may act as its owner, and says
//! what is left open, and what closes it, where it may not.

use serde_json::json;

use super::from_v5_rights::{is_closed, on_supabase};
use crate::support::World;
use crate::support::deployed::{assert_check, doctor, line};
use crate::support::roles::{act_as, transfer_ownership};

/// As the programs before 0070 left the backup: every right moved along, and nothing noted of it.
const OPENED: &str = "DO $$ DECLARE step record; BEGIN
         FOR step IN SELECT * FROM gazelle_v5.v5_manifest WHERE what LIKE '%closed%' ORDER BY position DESC LOOP
             EXECUTE step.undo;
             DELETE FROM gazelle_v5.v5_manifest WHERE position = step.position;
         END LOOP;
     END $$;
     GRANT USAGE ON SCHEMA gazelle_v5 TO anon, authenticated; GRANT SELECT ON gazelle_v5.v5_manifest TO anon";

const CHECK: &str = "backup of the old system";

/// Everything is `app`'s, who makes no roles; `deputy` may act as it.
async fn left_open_by_app() -> World {
    let mut world = on_supabase().await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.execute(OPENED).await;
    world.execute("CREATE ROLE app LOGIN; CREATE ROLE deputy LOGIN; GRANT app TO deputy").await;
    transfer_ownership(&world, "gazelle_v5", "app").await;
    transfer_ownership(&world, "public", "app").await;
    act_as(&mut world, "deputy");
    world
}

async fn is_open(world: &World) -> bool {
    world
        .one(
            "SELECT has_table_privilege('authenticated', 'gazelle_v5.staging_appointments', 'TRUNCATE')",
            &[],
        )
        .await
}

#[tokio::test]
async fn migrate_closes_it_for_whoever_may_act_as_its_owner() {
    let world = left_open_by_app().await;
    assert!(is_open(&world).await);
    assert_check(
        &doctor(&world).await,
        CHECK,
        "problem",
        &["may SELECT on gazelle_v5", "gazelle-sync migrate"],
    );
    let run = world.run(&["migrate"]).await;
    assert!(!is_open(&world).await, "{run}");
    is_closed(&world, &["anon", "authenticated"]).await;
    let report = run.success();
    let closed = report["closed"].as_array().unwrap_or_else(|| panic!("{report}"));
    assert!(
        closed.iter().any(|line| line.as_str().unwrap().contains("staging_appointments closed to")),
        "{report}"
    );
    assert_eq!(report["left_open"], json!([]), "{report}");
    assert_eq!(line(&doctor(&world).await, CHECK).0, "ok");
    let again = world.run(&["migrate"]).await.success();
    assert_eq!((&again["closed"], &again["left_open"]), (&json!([]), &json!([])), "{again}");
}

#[tokio::test]
async fn what_migrate_may_not_close_is_named_with_the_command_that_does() {
    let world = left_open_by_app().await;
    // As whom deputy may not act.
    world.execute("CREATE ROLE gone LOGIN; GRANT gone TO administrator").await;
    transfer_ownership(&world, "gazelle_v5", "gone").await;
    let advised = doctor(&world).await;
    let words = ["may SELECT on gazelle_v5", "as gone", "REVOKE ALL ON"];
    assert_check(&advised, CHECK, "problem", &words);
    let run = world.run(&["migrate"]).await;
    assert_eq!(run.code, 3, "what is open is no success: {run}");
    assert!(is_open(&world).await, "{run}");
    let report = run.json();
    let left = report["left_open"].as_array().unwrap_or_else(|| panic!("{report}")).clone();
    let said = |what: &str| left.iter().any(|left| left["what"].as_str().unwrap().contains(what));
    for what in
        ["gazelle_v5.staging_appointments is open to", "gazelle_v5 is open to", "v5_manifest is open to"]
    {
        assert!(said(what), "{what}: {report}");
    }
    let text = crate::support::run_to_end(world.command(&["migrate"])).await;
    for words in ["gazelle_v5.staging_appointments is open to", "as gone", "REVOKE ALL ON"] {
        assert!(text.stdout.contains(words), "{words}: {text}");
    }
    // The commands as they are told, for whom they are told.
    let gone = crate::support::roles::client_of(&world, "gone").await;
    for left in &left {
        assert_eq!(left["as_role"], "gone", "{left}");
        gone.batch_execute(left["close_with"].as_str().unwrap())
            .await
            .unwrap_or_else(|e| panic!("{left}: {e:?}"));
    }
    is_closed(&world, &["anon", "authenticated"]).await;
    let report = world.run(&["migrate"]).await.success();
    assert_eq!(report["left_open"], json!([]), "{report}");
    assert_eq!(line(&doctor(&world).await, CHECK).0, "ok");
}

#[tokio::test]
async fn an_administrator_closes_it_with_the_roles_and_a_superuser_too() {
    for role in ["administrator", "postgres"] {
        let mut world = on_supabase().await;
        world.run(&["migrate", "--from-v5"]).await.success();
        world.execute(OPENED).await;
        world.execute("CREATE ROLE gone LOGIN; GRANT gone TO administrator").await;
        transfer_ownership(&world, "gazelle_v5", "gone").await;
        if role == "postgres" {
            transfer_ownership(&world, "public", "postgres").await;
            act_as(&mut world, role);
        }
        let run = world.run(&["migrate", "--roles"]).await;
        assert!(!is_open(&world).await, "as {role}: {run}");
        is_closed(&world, &["anon", "authenticated"]).await;
        run.success();
    }
}

#[tokio::test]
async fn another_accounts_backup_is_closed_too_as_doctor_says_there() {
    let mut world = on_supabase().await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.execute(OPENED).await;
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    world.run(&["migrate"]).await.success();
    assert!(!is_open(&world).await);
    assert_eq!(line(&doctor(&world).await, CHECK).0, "ok");
}

#[tokio::test]
async fn who_holds_a_table_of_such_a_schema_locked_fails_no_migration() {
    let mut world = on_supabase().await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.execute(OPENED).await;
    world.execute("CREATE ROLE gone LOGIN; GRANT gone TO administrator").await;
    transfer_ownership(&world, "gazelle_v5", "gone").await;
    // And schemas that only look like backups.
    for schema in ["a_v5", "z_v5"] {
        world
            .execute(&format!(
                "CREATE SCHEMA {schema}; CREATE TABLE {schema}.v5_manifest (what text);
                 CREATE TABLE {schema}.gazelle_clients (id text); CREATE TABLE {schema}.gazelle_pianos (id text)"
            ))
            .await;
        transfer_ownership(&world, schema, "gone").await;
    }
    act_as(&mut world, "administrator");
    let gone = crate::support::roles::client_of(&world, "gone").await;
    // All of their tables, and the manifests.
    let pid: i32 = gone.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let lock = "BEGIN; DO $$ DECLARE t regclass; BEGIN
         FOR t IN SELECT oid FROM pg_class WHERE relnamespace::regnamespace::text LIKE '%_v5' AND relkind = 'r' LOOP
             EXECUTE format('LOCK TABLE %s', t);
         END LOOP; END $$";
    gone.batch_execute(lock).await.unwrap();
    let run = world.run(&["migrate"]).await;
    assert_eq!(run.code, 3, "{run}");
    // One is waited for; who holds it is named, and the others are said not to have been tried.
    let waited = std::fs::read_to_string(world.server.server().unwrap().log_file()).unwrap();
    assert_eq!(waited.matches("canceling statement due to lock timeout").count(), 1, "{run}");
    let report = run.json();
    let whys: Vec<&str> =
        report["left_open"].as_array().unwrap().iter().filter_map(|open| open["why"].as_str()).collect();
    let held = format!("is held locked by session {pid} (role gone)");
    assert!(whys.len() > 1 && whys.iter().all(|why| why.contains(&held)), "{run}");
    assert_eq!(whys.iter().filter(|why| why.starts_with("not tried")).count() + 1, whys.len(), "{run}");
    assert!(run.stdout.contains("gazelle_v5.gazelle_appointments has no row security"), "{run}");
    // Up to Postgres 17 rights are taken without a lock.
    let waits: bool = world.one("SELECT current_setting('server_version_num')::int >= 180000", &[]).await;
    assert_eq!(is_open(&world).await, waits, "{run}");
    gone.batch_execute("ROLLBACK").await.unwrap();
    world.run(&["migrate"]).await.success();
    assert!(!is_open(&world).await);
}

/// Whoever may connect may make a temporary table of any name, and lock a table of his own.
#[tokio::test]
async fn manifests_that_somebody_else_holds_locked_keep_no_backup_open() {
    let world = on_supabase().await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.execute(OPENED).await;
    world.execute("CREATE ROLE other LOGIN; CREATE SCHEMA others AUTHORIZATION other").await;
    let other = crate::support::roles::client_of(&world, "other").await;
    for table in ["pg_temp.v5_manifest", "others.v5_manifest"] {
        let sql = format!(
            "CREATE TABLE {table} (); ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY p ON {table} FOR SELECT USING (true)"
        );
        other.batch_execute(&sql).await.unwrap();
    }
    other.batch_execute("BEGIN; LOCK TABLE pg_temp.v5_manifest, others.v5_manifest").await.unwrap();
    let run = world.run(&["migrate"]).await;
    assert!(!is_open(&world).await, "{run}");
    run.success();
}
