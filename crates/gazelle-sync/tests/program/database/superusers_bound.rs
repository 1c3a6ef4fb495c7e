//! Less obvious code paths that a superuser would execute: foreign keys to our tables, WHEN conditions of triggers, and
//! SET ROLE.

use super::created_before_us::{
    TRAP, as_mallory, assert_trap_not_executed, refused, works, world_with_attacker,
};
use super::superusers::granted_to_bi;
use crate::support::roles::{act_as, client_of};
use crate::support::service::until;
use crate::support::{DATABASE, World};
use gazelle_sim::RecordKind;
use serde_json::json;

/// That the commands refuse what was hung and name it.
async fn refuses(world: &World, words: &[&str]) {
    for command in [&["sync"][..], &["status"], &["migrate"]] {
        let run = world.run(command).await;
        // The refusal itself may name the trap.
        assert_trap_not_executed(world, &format!("{command:?}")).await;
        refused(&run, words);
    }
}

#[tokio::test]
async fn a_table_whose_rows_go_with_ours_runs_nothing_as_a_superuser() {
    let world = granted_to_bi().await;
    as_mallory(&world, TRAP).await;
    as_mallory(
        &world,
        "CREATE TABLE public.his (run uuid REFERENCES sync_runs ON DELETE CASCADE);
         CREATE TRIGGER t AFTER DELETE ON public.his FOR EACH ROW EXECUTE FUNCTION public.trap()",
    )
    .await;
    world
        .execute("INSERT INTO public.his SELECT run_id FROM sync_runs; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mallory; GRANT ALL ON public.his TO mallory")
        .await;
    refuses(
        &world,
        &[
            "the table public.his",
            "foreign key",
            "belongs to mallory",
            "is a superuser",
            "DROP TABLE public.his",
        ],
    )
    .await;
    // That it would: as runs are forgotten.
    world.execute("DELETE FROM sync_runs").await;
    assert!(world.one::<bool>("SELECT is_called FROM public.sprung", &[]).await, "the attack itself");
    world
        .execute(
            "ALTER ROLE mallory NOSUPERUSER; SELECT setval('public.sprung', 1, false); DROP TABLE public.his",
        )
        .await;
    // One of a superuser's table is the company's.
    world
        .execute("CREATE TABLE public.notes (client text REFERENCES gazelle_clients ON DELETE CASCADE)")
        .await;
    works(&world, "keys of the company").await;
    // But not where somebody may add a trigger to that.
    world.execute("GRANT TRIGGER ON public.notes TO mallory").await;
    let words =
        ["mallory may add triggers to", "REVOKE TRIGGER, REFERENCES ON public.notes FROM mallory CASCADE"];
    refuses(&world, &words).await;
}

/// As whoever looks for the rows of a table of his runs his cast, which puts a trigger off to the end of the transaction.
#[tokio::test]
async fn a_key_of_a_table_whose_rows_stay_runs_nothing_as_a_superuser() {
    let world = granted_to_bi().await;
    as_mallory(
        &world,
        "CREATE TYPE public.kind AS ENUM ('mal_1'); CREATE TABLE public.put_off (id int);
         CREATE FUNCTION public.rise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF session_user <> 'mallory' THEN PERFORM pg_catalog.nextval('public.sprung'); EXECUTE 'ALTER ROLE mallory SUPERUSER'; END IF;
             RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER rise AFTER INSERT ON public.put_off DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION public.rise();
         CREATE FUNCTION public.as_text(public.kind) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO public.put_off VALUES (1); RETURN format('%s', $1); END $$;
         CREATE CAST (public.kind AS text) WITH FUNCTION public.as_text(public.kind) AS IMPLICIT",
    )
    .await;
    world
        .execute(
            "INSERT INTO sync_bookmarks (entity, walk_started_at, walk, run_id)
             SELECT name, now(), 'full', gen_random_uuid() FROM unnest(ARRAY['mal_1', 'mal_2']) AS name",
        )
        .await;
    let his = "CREATE TABLE public.his (kind public.kind REFERENCES sync_bookmarks); INSERT INTO public.his VALUES ('mal_1')";
    if world.one("SELECT current_setting('server_version_num')::int >= 180000", &[]).await {
        // The server itself refuses a key whose columns differ so much.
        let refused =
            client_of(&world, "mallory").await.batch_execute(his).await.expect_err("a key of another type");
        assert_eq!(refused.code().map(|code| code.code()), Some("XX000"), "{refused:?}");
        return;
    }
    as_mallory(&world, his).await;
    world
        .execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mallory; GRANT ALL ON public.his, public.put_off TO mallory")
        .await;
    refuses(
        &world,
        &[
            "the table public.his",
            "foreign key",
            "belongs to mallory",
            "is a superuser",
            "DROP TABLE public.his",
        ],
    )
    .await;
    // That it would.
    world.execute("DELETE FROM sync_bookmarks WHERE entity = 'mal_2'").await;
    assert!(world.one::<bool>("SELECT is_called FROM public.sprung", &[]).await, "the attack itself");
}

#[tokio::test]
async fn conditions_of_triggers_run_nothing_as_a_superuser() {
    let world = granted_to_bi().await;
    as_mallory(&world, TRAP).await;
    as_mallory(&world, "CREATE DOMAIN public.evil AS boolean CHECK (public.sprung_too())").await;
    let mallory = client_of(&world, "mallory").await;
    let domain: u32 = world.one("SELECT 'public.evil'::regtype::oid", &[]).await;
    for (condition, named) in [
        ("query_to_xml('SELECT public.sprung_too()', true, true, '') IS NOT NULL", "calls query_to_xml"),
        ("pg_read_file('PG_VERSION') IS NOT NULL", "calls pg_read_file"),
        // The type is a number here, on which nothing depends.
        (&format!("domain_in('t'::cstring, {domain}::oid, -1) IS NOT NULL"), "calls domain_in"),
        ("'t'::text::public.evil", "uses the type public.evil"),
        ("public.sprung_too()", "sprung_too()"),
    ] {
        world.execute("GRANT TRIGGER ON sync_lease TO mallory").await;
        let hung = format!(
            "CREATE TRIGGER t BEFORE UPDATE ON sync_lease FOR EACH ROW WHEN ({condition})
                 EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        );
        mallory.batch_execute(&hung).await.unwrap_or_else(|error| panic!("{condition}: {error:?}"));
        world
            .execute("REVOKE TRIGGER ON sync_lease FROM mallory; SELECT setval('public.sprung', 1, false)")
            .await;
        world.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mallory").await;
        for command in [&["sync"][..], &["status"], &["migrate"]] {
            let run = world.run(command).await;
            assert!(
                !world.one::<bool>("SELECT is_called FROM public.sprung", &[]).await,
                "{command:?}: {run}"
            );
            refused(
                &run,
                &["the trigger t of public.sync_lease has a condition (WHEN) that", named, "is a superuser"],
            );
        }
        world.execute("DROP TRIGGER t ON sync_lease").await;
    }
    works(&world, "without any of them").await;
}

#[tokio::test]
async fn what_a_company_adds_with_the_servers_own_functions_serves_a_superuser() {
    let mut world = world_with_attacker().await;
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
    act_as(&mut world, "postgres");
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "CREATE TYPE public.colour AS ENUM ('red');
             ALTER TABLE gazelle_clients ADD COLUMN seen timestamptz DEFAULT now(), ADD COLUMN tag uuid DEFAULT gen_random_uuid(),
                 ADD COLUMN at text DEFAULT to_char(clock_timestamp(), 'YYYY'), ADD COLUMN number serial, ADD COLUMN colour public.colour,
                 ADD COLUMN name text GENERATED ALWAYS AS (lower(company_name)) STORED,
                 ADD CONSTRAINT sane CHECK (company_name NOT LIKE 'no%' AND length(company_name) < 900 AND seen < now() + interval '1 day');
             CREATE INDEX ON gazelle_clients (lower(company_name)) WHERE deleted_at IS NULL;
             CREATE TABLE public.log (client text);
             CREATE RULE noted AS ON DELETE TO gazelle_clients DO ALSO INSERT INTO public.log VALUES (OLD.external_id);
             CREATE TRIGGER same BEFORE UPDATE ON gazelle_clients FOR EACH ROW
                 WHEN (pg_trigger_depth() = 0 AND NEW.company_name IS DISTINCT FROM OLD.company_name)
                 EXECUTE FUNCTION suppress_redundant_updates_trigger();
             CREATE TRIGGER whole BEFORE UPDATE ON gazelle_users FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
                 EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        )
        .await;
    for command in [&["migrate"][..], &["sync"], &["status"]] {
        world.run(command).await.success();
    }
}

#[tokio::test]
async fn a_superuser_with_a_lesser_role_in_force_is_one() {
    let mut world = granted_to_bi().await;
    as_mallory(&world, TRAP).await;
    as_mallory(
        &world,
        "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON sync_lease FOR EACH ROW EXECUTE FUNCTION public.trap()",
    )
    .await;
    world
        .execute(
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mallory; CREATE ROLE app NOLOGIN BYPASSRLS;
             GRANT USAGE ON SCHEMA public TO app; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
             CREATE ROLE second LOGIN SUPERUSER; ALTER ROLE second SET role = 'app'; CREATE ROLE third LOGIN; GRANT postgres TO third",
        )
        .await;
    // Who may put a superuser in force is one too.
    for role in ["second", "third"] {
        act_as(&mut world, role);
        refuses(&world, &["the trigger t of public.sync_lease", "of mallory", "is a superuser"]).await;
    }
    world.execute("DROP TRIGGER t ON sync_lease; ALTER TABLE sync_runs OWNER TO mallory").await;
    act_as(&mut world, "second");
    refuses(&world, &["belongs to mallory", "(second) is a superuser, even after SET ROLE app"]).await;
}

/// The right is gone, and what was created with it appears when its transaction ends: before the first row is written.
#[tokio::test]
async fn a_trigger_of_an_open_transaction_is_waited_for_by_a_superuser() {
    let world = granted_to_bi().await;
    let mallory = client_of(&world, "mallory").await;
    mallory
        .batch_execute(
            "CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM pg_catalog.nextval('public.sprung'); RETURN NEW; END $$;
             BEGIN; CREATE TRIGGER theirs BEFORE UPDATE ON gazelle_clients FOR EACH ROW EXECUTE FUNCTION pg_temp.f()",
        )
        .await
        .unwrap();
    world.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mallory").await;
    let client = world.control.ids(RecordKind::Client)[0].clone();
    world.control.edit(RecordKind::Client, &client, json!({ "companyName": "Autrement" })).unwrap();
    let mut run = world.start(&["sync", "--json"]);
    let waits = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND application_name = 'gazelle-sync' AND wait_event_type = 'Lock'";
    until("it waits for the transaction", async || world.one::<i64>(waits, &[]).await > 0).await;

    mallory.batch_execute("COMMIT").await.unwrap();

    assert_eq!(run.wait().await.unwrap().code(), Some(1));
    assert_trap_not_executed(&world, "sync").await;
    let theirs = "the trigger theirs of public.gazelle_clients calls pg_temp";
    refused(&world.run(&["sync"]).await, &[theirs]);
}
