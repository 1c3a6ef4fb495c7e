//! A database of the old system: its tables move away and come back exactly as they were.

use crate::support::oracle::assert_mirrors;
use crate::support::{TestInstallation, World};
use serde_json::Value;

/// The old system as it stood: serial keys, local times, a trigger that shifts them, locally added columns, and
/// the company's own tables, views and functions around it. All made up.
const OLD_SYSTEM: &str = include_str!("../../support/old_system.sql");

async fn old_world() -> World {
    let world = World::new().await;
    world.execute(OLD_SYSTEM).await;
    world
}

/// Everything in the database but what gazelle-sync keeps aside: schema and data, as `pg_dump` writes it.
async fn dump(place: &TestInstallation) -> String {
    // The server's own: an older one of PATH would refuse it.
    let folder: String = place.one("SELECT setting FROM pg_config WHERE name = 'BINDIR'", &[]).await;
    let output = tokio::process::Command::new(format!("{folder}/pg_dump"))
        .args(["--no-sync", "--inserts", "--exclude-schema=gazelle_v6_*", "--dbname", &place.url()])
        .output()
        .await
        .expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    // Newer releases put a random word around the dump.
    text.lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    list.as_array()
        .expect("a list")
        .iter()
        .find(|one| one["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[tokio::test]
async fn without_the_flag_nothing_is_touched_and_the_flag_is_named() {
    let world = old_world().await;
    let before = dump(&world).await;
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("--from-v5"), "{run}");
    assert_eq!(dump(&world).await, before);
}

#[tokio::test]
async fn a_dry_run_shows_everything_and_touches_nothing() {
    let world = old_world().await;
    let before = dump(&world).await;
    let plan = world.run(&["migrate", "--from-v5", "--dry-run"]).await.success()["from_v5"].clone();
    assert_eq!(dump(&world).await, before);

    assert_eq!((&plan["schema"], &plan["backup_schema"]), (&"public".into(), &"gazelle_v5".into()));
    let appointments = named(&plan["moving"], "gazelle_appointments");
    assert_eq!(appointments["rows"], 2);
    assert_eq!(
        appointments["local_columns"],
        serde_json::json!(["id", "technicien", "last_notified_tech_id", "notified_at"])
    );
    assert_eq!(plan["triggers"], serde_json::json!(["gazelle_appointments.tr_fix_api_import"]));
    assert_eq!(plan["functions"], serde_json::json!(["fn_fix_gazelle_api_time()"]));
    let dependents = &plan["dependents"];
    let view = named(dependents, "public.v_tournee");
    assert_eq!(view["lacks"], serde_json::json!(["last_notified_tech_id"]), "{view}");
    assert!(view["definition"].as_str().unwrap().contains("public.gazelle_appointments"), "{view}");
    assert!(view["advice"].as_str().unwrap().contains("v5_local_gazelle_appointments"), "{view}");
    for (name, kind) in [
        ("public.v_tournee_du_jour", "view"),
        ("public.rappels.rappels_appointment_id_fkey", "foreign key"),
        ("public.compter_rendez_vous()", "function"),
        ("realtime", "publication"),
        ("public.rappels.rappels_des_clients", "policy"),
        ("public.gazelle_clients.tr_maj", "trigger"),
    ] {
        assert_eq!(named(dependents, name)["kind"], kind, "{name}");
    }
}

#[tokio::test]
async fn the_old_tables_move_whole_and_everything_is_fetched_afresh() {
    let world = old_world().await;
    let rows = "SELECT jsonb_agg(to_jsonb(t) ORDER BY id)::text FROM {}.gazelle_appointments t";
    let before = world.text(&rows.replace("{}", "public")).await;
    world.run(&["migrate", "--from-v5"]).await.success();

    assert_eq!(
        world.text(&rows.replace("{}", "gazelle_v5")).await,
        before,
        "the backup holds them as they were"
    );
    for (what, sql) in [
        (
            "a trigger of ours",
            "SELECT tgname::text FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace AND c.relname LIKE 'gazelle%'",
        ),
        ("the old trigger", "SELECT tgname::text FROM pg_trigger WHERE tgname = 'tr_fix_api_import'"),
        (
            "the old function",
            "SELECT proname::text FROM pg_proc WHERE proname = 'fn_fix_gazelle_api_time' AND pronamespace = 'public'::regnamespace",
        ),
    ] {
        assert_eq!(world.text(sql).await, None, "{what}");
    }
    // What the company had added is reachable by external_id, and its own tables still hold.
    let local = world
        .rows("SELECT external_id, last_notified_tech_id FROM v5_local_gazelle_appointments ORDER BY 1")
        .await;
    assert_eq!(
        local[0],
        serde_json::json!({"external_id": "evt_old0000000000001", "last_notified_tech_id": "usr_7"})
    );
    assert_eq!(world.count("rappels").await, 2);
    assert_eq!(
        world.count("v_tournee").await,
        2,
        "a view of the company reads the old table where it is now"
    );

    world.full_sync_ok().await;
    assert_mirrors(&world, &[]).await;
    let run = world.run(&["migrate", "--from-v5"]).await;
    assert_eq!(run.code, 1, "once is enough: {run}");
    assert!(run.reasons().contains("already holds the tables of gazelle-sync"), "{run}");
}

#[tokio::test]
async fn nobody_but_the_readers_of_before_reads_the_old_tables() {
    let world = old_world().await;
    world.run(&["migrate", "--from-v5"]).await.success();
    for (role, reads) in [("lecteur", true), ("anon", false), ("authenticated", false)] {
        for relation in ["gazelle_v5.gazelle_appointments", "v5_local_gazelle_appointments"] {
            world.execute(&format!("SET ROLE {role}")).await;
            let outcome = world.db.query(&format!("SELECT external_id FROM {relation}"), &[]).await;
            world.execute("RESET ROLE").await;
            assert_eq!(outcome.is_ok(), reads, "{role} {relation}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn back_restores_it_exactly_and_keeps_what_was_fetched() {
    let world = old_world().await;
    let before = dump(&world).await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.full_sync_ok().await;
    let fetched = world.count("staging_clients").await;

    let plan = world.run(&["migrate", "--from-v5", "--back", "--dry-run"]).await.success();
    assert!(dump(&world).await.contains("gazelle_v5"), "shown, not done: {plan}");
    let back = world.run(&["migrate", "--from-v5", "--back"]).await.success()["back"].clone();
    assert_eq!(dump(&world).await, before, "exactly as it was");
    // The trigger acts again, in the old way.
    world.execute("INSERT INTO gazelle_appointments (external_id, appointment_date, appointment_time) VALUES ('evt_x', '2026-01-09', '12:00')").await;
    assert_eq!(
        world
            .text("SELECT appointment_time::text FROM gazelle_appointments WHERE external_id = 'evt_x'")
            .await
            .as_deref(),
        Some("02:00:00")
    );

    let aside = back["aside_schema"].as_str().unwrap();
    assert_eq!(
        world.count(&format!("{aside}.staging_clients")).await,
        fetched,
        "raw history is not thrown away"
    );
    let mut aside_world = world;
    aside_world.set("GAZELLE_SYNC_SCHEMA", aside);
    let again = aside_world.run(&["sync", "--mode", "full"]).await.success();
    assert_eq!(again["staged"], 0, "and it is usable where it is: {again}");

    let run = aside_world.run(&["migrate", "--from-v5", "--back", "--schema", "public"]).await;
    assert_eq!(run.code, 1, "there is nothing more to undo: {run}");
    assert!(run.reasons().contains("keeps no tables of the old system"), "{run}");
}

#[tokio::test]
async fn there_and_back_twice_is_as_good_as_once() {
    let world = old_world().await;
    let before = dump(&world).await;
    for _ in 0..2 {
        world.run(&["migrate", "--from-v5", "--backup-schema", "ancien"]).await.success();
        world.run(&["migrate", "--from-v5", "--back", "--backup-schema", "ancien"]).await.success();
        assert_eq!(dump(&world).await, before);
        world.execute("DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gazelle_v6_%' LOOP EXECUTE 'DROP SCHEMA ' || s || ' CASCADE'; END LOOP; END $$").await;
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_told_and_leaves_no_trace() {
    let world = World::new().await;
    let run = world.run(&["migrate", "--from-v5"]).await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("holds no table of the old system"), "{run}");

    world.execute(OLD_SYSTEM).await;
    let before = dump(&world).await;
    for (args, code, word) in [
        (&["migrate", "--back"][..], 2, "--from-v5"),
        (&["migrate", "--from-v5", "--backup-schema", "Public"], 2, "lower-case"),
        (&["migrate", "--from-v5", "--backup-schema", "public"], 2, "own schema"),
        (&["migrate", "--from-v5", "--back"], 1, "--backup-schema"),
    ] {
        let run = world.run(args).await;
        assert_eq!(run.code, code, "{args:?}: {run}");
        assert!(run.to_string().contains(word), "{args:?}: {run}");
    }
    world.execute("CREATE SCHEMA gazelle_v5").await;
    let run = world.run(&["migrate", "--from-v5"]).await;
    assert!(run.code == 1 && run.reasons().contains("exists already"), "{run}");
    world.execute("DROP SCHEMA gazelle_v5; CREATE SEQUENCE sync_runs").await;
    let run = world.run(&["migrate", "--from-v5"]).await;
    assert!(run.code == 1 && run.reasons().contains("neither a table nor a view"), "{run}");
    world.execute("DROP SEQUENCE sync_runs").await;
    assert_eq!(dump(&world).await, before);
}

#[tokio::test]
async fn nothing_goes_back_while_a_run_is_at_work_or_something_leans_on_it() {
    let world = old_world().await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.execute("INSERT INTO sync_lease (name, holder, token, expires_at) VALUES ('sync', 'elsewhere', 9, now() + interval '1 hour')").await;
    let run = world.run(&["migrate", "--from-v5", "--back"]).await;
    assert!(run.code == 1 && run.reasons().contains("a run is in progress"), "{run}");
    world.execute("DELETE FROM sync_lease").await;
    world.execute("CREATE VIEW mine AS SELECT external_id FROM v5_local_gazelle_appointments").await;
    let before = dump(&world).await;
    let run = world.run(&["migrate", "--from-v5", "--back"]).await;
    assert!(run.code == 1 && run.reasons().contains("v5_local_gazelle_appointments"), "{run}");
    assert_eq!(dump(&world).await, before);
}

#[tokio::test]
async fn back_runs_the_steps_of_its_own_schema_alone() {
    let world = old_world().await;
    let before = dump(&world).await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world
        .execute(
            "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.precious (n integer);
             INSERT INTO gazelle_v5.v5_manifest (position, schema, what, undo)
             VALUES (1000, 'elsewhere', 'table precious', 'DROP TABLE elsewhere.precious')",
        )
        .await;
    let shown = world.run(&["migrate", "--from-v5", "--back", "--dry-run"]).await.success();
    world.run(&["migrate", "--from-v5", "--back"]).await.success();
    assert!(!shown.to_string().contains("precious"), "{shown}");
    assert_eq!(world.count("elsewhere.precious").await, 0, "it is still there");
    let left = world.rows("SELECT schema, what FROM gazelle_v5.v5_manifest").await;
    assert_eq!(left, [serde_json::json!({ "schema": "elsewhere", "what": "table precious" })]);
    world.execute("DROP SCHEMA gazelle_v5, elsewhere CASCADE").await;
    assert_eq!(dump(&world).await, before);
}
