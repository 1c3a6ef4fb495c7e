//! A superuser uses only tables and schemas of superusers: code attached to a table runs with the user's rights.

use super::created_before_us::{
    COMMANDS, TRAP, as_mallory, assert_trap_not_executed, refused, works, world_with_attacker,
};
use crate::support::deployed::{assert_check, doctor};
use crate::support::roles::{act_as, client_of, supabase, transfer_ownership};
use crate::support::service::{Serving, until};
use crate::support::{DATABASE, World};

/// Has the tables of the schema `gazelle` run the trap.
pub(super) const SET_THE_TRAP: &str = "DO $$ DECLARE t regclass; BEGIN
         FOR t IN SELECT c.oid FROM pg_class c WHERE relnamespace = 'gazelle'::regnamespace AND relkind = 'r'
                                                 AND relname <> 'sync_migrations' LOOP
             EXECUTE format('CREATE TRIGGER t BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION public.trap()', t);
         END LOOP;
     END $$;
     SELECT setval('public.sprung', 1, false)";

pub(super) async fn the_superuser_is_refused(world: &mut World, words: &[&str]) {
    act_as(world, "postgres");
    for command in COMMANDS {
        let run = world.run(command).await;
        assert_eq!(run.code, 1, "{command:?}: {run}");
        let said = if command == ["doctor"] { run.stdout.clone() } else { run.reasons() };
        for word in words {
            assert!(said.contains(word), "{word} not said by {command:?}: {run}");
        }
        assert_trap_not_executed(world, &format!("{command:?}: {run}")).await;
    }
}

#[tokio::test]
async fn a_schema_that_somebody_filled_beforehand_runs_nothing_as_a_superuser() {
    let mut world = world_with_attacker().await;
    world.execute(&format!("GRANT CREATE ON DATABASE {DATABASE} TO mallory")).await;
    as_mallory(&world, TRAP).await;
    // A schema of his with the right register: he has the program too.
    world.set("GAZELLE_SYNC_SCHEMA", "gazelle");
    act_as(&mut world, "mallory");
    world.full_sync_ok().await;
    as_mallory(&world, SET_THE_TRAP).await;
    let owner = ["belongs to mallory", "is a superuser", "into DATABASE_URL", "DROP TABLE gazelle."];
    the_superuser_is_refused(&mut world, &owner).await;
    // Who may make roles is no superuser, nor is who owns the database.
    world.execute("ALTER ROLE mallory CREATEROLE").await;
    the_superuser_is_refused(&mut world, &owner).await;
    world
        .execute(&format!("ALTER ROLE mallory NOCREATEROLE; ALTER DATABASE {DATABASE} OWNER TO mallory"))
        .await;
    the_superuser_is_refused(&mut world, &owner).await;
    // Nor does the name of an owner's role say whose it is.
    world.execute("ALTER ROLE mallory CREATEROLE").await;
    act_as(&mut world, "mallory");
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("SELECT setval('public.sprung', 1, false)").await;
    the_superuser_is_refused(&mut world, &["belongs to gazelle_owner", "is a superuser"]).await;
}

/// A schema of an owner as whom nobody acts any more, in which mallory made the tables while he could.
pub(super) async fn left_by_an_owner_that_nobody_acts_as() -> World {
    let mut world = world_with_attacker().await;
    world
        .execute(&format!("GRANT CREATE ON DATABASE {DATABASE} TO mallory; ALTER ROLE mallory CREATEROLE"))
        .await;
    as_mallory(&world, TRAP).await;
    as_mallory(
        &world,
        "CREATE TABLE public.theirs (id int);
         CREATE VIEW public.calling AS SELECT public.sprung_too() AS sprung;
         CREATE TRIGGER t BEFORE INSERT ON public.theirs FOR EACH ROW EXECUTE FUNCTION public.trap();
         CREATE DOMAIN public.evil AS boolean CHECK (public.sprung_too());
         GRANT SELECT, INSERT ON public.theirs, public.calling TO PUBLIC",
    )
    .await;
    world.set("GAZELLE_SYNC_SCHEMA", "gazelle");
    act_as(&mut world, "mallory");
    world.full_sync_ok().await;
    // As the catalogue shows it when he has made the role, worked as it, and left it.
    world.execute("CREATE ROLE ghost NOLOGIN; GRANT CREATE ON SCHEMA public TO ghost").await;
    transfer_ownership(&world, "gazelle", "ghost").await;
    // Made by a superuser for a job of his, and everybody's to call.
    world
        .execute(
            "CREATE FUNCTION public.exec_sql(q text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE q; RETURN q; END $$;
             SELECT setval('public.sprung', 1, false)",
        )
        .await;
    world
}

/// What somebody can leave on tables of an owner that he acted as, and what takes it away.
const LEFT: [(&str, &str); 9] = [
    (
        "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON gazelle.sync_lease FOR EACH ROW EXECUTE FUNCTION public.trap()",
        "DROP TRIGGER t ON gazelle.sync_lease",
    ),
    (
        "ALTER TABLE gazelle.sync_runs ADD COLUMN x boolean DEFAULT public.sprung_too()",
        "ALTER TABLE gazelle.sync_runs DROP COLUMN x",
    ),
    (
        "ALTER TABLE gazelle.sync_runs ADD CONSTRAINT x CHECK (public.sprung_too()) NOT VALID",
        "ALTER TABLE gazelle.sync_runs DROP CONSTRAINT x",
    ),
    (
        "ALTER TABLE gazelle.sync_runs ADD COLUMN x public.evil",
        "ALTER TABLE gazelle.sync_runs DROP COLUMN x",
    ),
    (
        "CREATE RULE r AS ON INSERT TO gazelle.sync_runs DO ALSO INSERT INTO public.theirs VALUES (1)",
        "DROP RULE r ON gazelle.sync_runs",
    ),
    (
        "CREATE VIEW public.kept WITH (security_invoker = true) AS SELECT * FROM gazelle.v_sync_dashboard;
         CREATE OR REPLACE VIEW gazelle.v_sync_dashboard WITH (security_invoker = true) AS
             SELECT sync_status, count(*) AS count, min(fetched_at) AS oldest_record, max(fetched_at) AS newest_record
               FROM gazelle.staging_clients, public.calling GROUP BY 1",
        "DROP VIEW public.kept",
    ),
    // A superuser's function that runs what it is given.
    (
        "ALTER TABLE gazelle.sync_runs ADD CONSTRAINT x CHECK (public.exec_sql('ALTER ROLE mallory SUPERUSER') IS NOT NULL) NOT VALID",
        "ALTER TABLE gazelle.sync_runs DROP CONSTRAINT x",
    ),
    (
        "ALTER TABLE gazelle.sync_runs ADD COLUMN x text;
         ALTER TABLE gazelle.sync_runs ALTER COLUMN x SET DEFAULT public.exec_sql('ALTER ROLE mallory SUPERUSER')",
        "ALTER TABLE gazelle.sync_runs DROP COLUMN x",
    ),
    // A policy binds the table's owner, as whom a rule reads it; a deferred trigger runs at the end, as who began.
    (
        "ALTER TABLE gazelle.staging_clients FORCE ROW LEVEL SECURITY;
         CREATE POLICY p ON gazelle.staging_clients USING (public.sprung_too());
         CREATE RULE r AS ON INSERT TO gazelle.sync_runs DO ALSO UPDATE gazelle.staging_clients SET sync_status = sync_status",
        "DROP RULE r ON gazelle.sync_runs; DROP POLICY p ON gazelle.staging_clients",
    ),
];

#[tokio::test]
async fn what_an_owner_left_behind_as_whom_nobody_acts_runs_nothing_as_a_superuser() {
    let mut world = left_by_an_owner_that_nobody_acts_as().await;
    act_as(&mut world, "postgres");
    for (left, away) in LEFT {
        world.execute(&format!("{left}; SELECT setval('public.sprung', 1, false)")).await;
        for command in [&["sync"][..], &["status"], &["migrate"], &["migrate", "--roles"], &["doctor"]] {
            let run = world.run(command).await;
            assert_trap_not_executed(&world, &format!("{command:?}: {run}")).await;
            assert_eq!(run.code, 1, "{left}: {command:?}: {run}");
            let said = if command == ["doctor"] { run.stdout.clone() } else { run.reasons() };
            assert!(
                said.contains("belongs to ghost") && said.contains("is a superuser"),
                "{command:?}: {run}"
            );
            assert!(!said.contains("OWNER TO"), "what was left stays when the table changes hands: {run}");
        }
        world.execute(away).await;
    }
}

#[tokio::test]
async fn a_superusers_functions_and_types_serve_a_superuser() {
    let mut world = world_with_attacker().await;
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
    act_as(&mut world, "postgres");
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "CREATE TABLE public.seen (at timestamptz);
             CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO public.seen VALUES (pg_catalog.now()); RETURN NULL; END $$;
             CREATE TRIGGER note AFTER INSERT ON sync_runs FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.note();
             CREATE EXTENSION citext; ALTER TABLE gazelle_clients ADD COLUMN nickname public.citext DEFAULT 'none'",
        )
        .await;
    for command in [&["migrate"][..], &["sync"], &["status"]] {
        world.run(command).await.success();
    }
    assert!(world.count("public.seen").await > 0, "a trigger of a superuser's is the company's");
}

#[tokio::test]
async fn a_manifest_of_an_owner_that_nobody_acts_as_undoes_nothing() {
    let mut world = world_with_attacker().await;
    world
        .execute(
            "CREATE ROLE ghost NOLOGIN; CREATE SCHEMA gazelle_v5 AUTHORIZATION ghost; SET ROLE ghost;
             CREATE TABLE gazelle_v5.v5_manifest (position int, schema text, what text, undo text);
             INSERT INTO gazelle_v5.v5_manifest VALUES (1, 'public', 'table moved', 'ALTER ROLE mallory SUPERUSER');
             RESET ROLE; GRANT USAGE ON SCHEMA gazelle_v5 TO PUBLIC; GRANT ALL ON gazelle_v5.v5_manifest TO PUBLIC",
        )
        .await;
    for role in ["postgres", "administrator"] {
        act_as(&mut world, role);
        let run = world.run(&["migrate", "--from-v5", "--back"]).await;
        assert_trap_not_executed(&world, &format!("{role}: {run}")).await;
        refused(&run, &["gazelle_v5.v5_manifest belongs to ghost"]);
    }
}

/// Tables of a superuser's in a database of its own, all of which somebody else was granted.
pub(super) async fn granted_to_bi() -> World {
    let mut world = world_with_attacker().await;
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
    act_as(&mut world, "postgres");
    world.full_sync_ok().await;
    world.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO mallory").await;
    world
}

#[tokio::test]
async fn who_may_hang_a_trigger_on_a_table_runs_nothing_as_a_superuser() {
    let world = granted_to_bi().await;
    world
        .execute(
            "CREATE FUNCTION public.exec_sql(q text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE q; RETURN q; END $$;
             CREATE FUNCTION public.run_argument() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN EXECUTE TG_ARGV[0]; RETURN NEW; END $$;
             CREATE SCHEMA theirs AUTHORIZATION mallory",
        )
        .await;
    let may = [
        "mallory may add triggers to, or foreign keys that refer to, tables of ours",
        "is a superuser",
        "from our tables alone: gazelle-sync migrate",
    ];
    for command in [&["sync"][..], &["status"]] {
        refused(&world.run(command).await, &may);
    }
    // With no more than that right, in a session that goes on; and with a superuser's function, called by the condition.
    let mallory = client_of(&world, "mallory").await;
    for (hung, words) in [
        (
            "CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM pg_catalog.nextval('public.sprung'); RETURN NEW; END $$;
             CREATE TRIGGER theirs BEFORE INSERT OR UPDATE ON sync_lease FOR EACH ROW EXECUTE FUNCTION pg_temp.f()",
            ["the trigger theirs of public.sync_lease calls pg_temp", " of mallory, and"],
        ),
        (
            "CREATE TRIGGER theirs BEFORE UPDATE ON sync_lease FOR EACH ROW
                 WHEN (public.exec_sql('ALTER ROLE mallory SUPERUSER') IS NOT NULL)
                 EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
            ["the trigger theirs of public.sync_lease has a condition (WHEN) that", "exec_sql(text)"],
        ),
        // An immutable function of the server that opens a table and evaluates the key of its partitions.
        (
            "CREATE FUNCTION theirs.spring(i integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
                 IF current_setting('is_superuser') = 'on' THEN PERFORM pg_catalog.nextval('public.sprung'); END IF;
                 RETURN i; END $$;
             CREATE FUNCTION theirs.calm(i integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql
                 AS $$ BEGIN RETURN theirs.spring(i); END $$;
             CREATE TABLE theirs.parted (id integer) PARTITION BY HASH ((id + theirs.calm(1)));
             DO $$ BEGIN EXECUTE format(
                 'CREATE TRIGGER theirs BEFORE UPDATE ON public.sync_lease FOR EACH ROW
                      WHEN (NOT satisfies_hash_partition(%L::oid, 1, 0, 1))
                      EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()',
                 'theirs.parted'::regclass::oid); END $$",
            ["the trigger theirs of public.sync_lease has a condition (WHEN) that", "satisfies_hash_partition("],
        ),
        // A superuser's function that runs what it is given.
        (
            "CREATE TRIGGER theirs BEFORE INSERT OR UPDATE ON sync_lease FOR EACH ROW
                 EXECUTE FUNCTION public.run_argument('SELECT pg_catalog.nextval(''public.sprung'')')",
            ["the trigger theirs of public.sync_lease hands arguments to", "run_argument()"],
        ),
    ] {
        world.execute("GRANT TRIGGER ON sync_lease TO mallory").await;
        mallory.batch_execute(hung).await.unwrap();
        world.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mallory").await;
        for command in [&["sync"][..], &["status"], &["migrate"]] {
            let run = world.run(command).await;
            assert_trap_not_executed(&world, &format!("{command:?}: {run}")).await;
            refused(&run, &words);
            refused(&run, &["is a superuser", "DROP TRIGGER theirs ON public.sync_lease"]);
        }
        world.execute("DROP TRIGGER theirs ON sync_lease").await;
    }
    works(&world, "postgres").await;
    // Somebody may become a member of a group that has none.
    world
        .execute(
            "CREATE ROLE group_of_none NOLOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO group_of_none",
        )
        .await;
    refused(&world.run(&["sync"]).await, &["group_of_none may add triggers"]);
    works(&world, "postgres, after a migration").await;
}

#[tokio::test]
async fn migrations_and_roles_take_the_right_to_hang_triggers_from_everybody_but_the_owner() {
    let mut world = supabase().await;
    // As Supabase's own defaults are, and somebody who passes what he was granted on.
    world
        .execute(
            "CREATE ROLE service_role NOLOGIN BYPASSRLS; CREATE ROLE bi LOGIN; CREATE ROLE others LOGIN;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator IN SCHEMA public GRANT ALL ON TABLES TO service_role",
        )
        .await;
    let held = "pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS held
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relname ~ '^(gazelle|staging|sync|v)_'
                   AND held.grantee <> c.relowner AND held.privilege_type IN ('TRIGGER', 'REFERENCES', 'TRUNCATE')";
    world.full_sync_ok().await;
    assert_eq!(world.count(held).await, 0, "after the migrations");
    let reads = "has_table_privilege('service_role', 'gazelle_clients', 'SELECT, INSERT, UPDATE, DELETE')";
    assert!(world.one::<bool>(&format!("SELECT {reads}"), &[]).await, "the rest is the company's to grant");
    world
        .execute(
            "SET ROLE administrator; GRANT ALL ON ALL TABLES IN SCHEMA public TO bi WITH GRANT OPTION; RESET ROLE;
             CREATE TABLE theirs (client text REFERENCES gazelle_clients); ALTER TABLE theirs OWNER TO bi;
             SET ROLE bi; GRANT ALL ON gazelle_clients, sync_runs TO others; RESET ROLE",
        )
        .await;
    // Up to Postgres 15 who makes roles is as good as a superuser, and refused already for a key of bi's: a superuser makes them.
    world
        .execute(
            "ALTER ROLE administrator NOCREATEROLE; CREATE ROLE gazelle_owner NOLOGIN; CREATE ROLE gazelle_sync LOGIN;
             CREATE ROLE gazelle_reader NOLOGIN; GRANT gazelle_owner TO administrator",
        )
        .await;
    let run = doctor(&world).await;
    assert_check(
        &run,
        "triggers",
        "warning",
        &["bi", "others", "REFERENCES", "gazelle-sync migrate", "whoever writes"],
    );
    world.run(&["migrate", "--roles"]).await.success();
    assert_eq!(world.count(held).await, 0, "after migrate --roles");
    assert!(world.one::<bool>("SELECT has_table_privilege('bi', 'gazelle_clients', 'SELECT')", &[]).await);
    let again = world.run(&["migrate", "--roles"]).await.success();
    assert_eq!(again["made"], serde_json::json!([]), "{again}");
    // A foreign key of theirs that is there goes on.
    client_of(&world, "bi")
        .await
        .batch_execute("INSERT INTO theirs SELECT external_id FROM gazelle_clients LIMIT 1")
        .await
        .unwrap();
    act_as(&mut world, "gazelle_sync");
    works(&world, "gazelle_sync").await;
    act_as(&mut world, "administrator");
    assert_check(&doctor(&world).await, "triggers", "ok", &[]);
}

#[tokio::test]
async fn a_service_of_a_superuser_stops_at_tables_that_somebody_puts_in_place_of_its_own() {
    let mut world = world_with_attacker().await;
    as_mallory(&world, TRAP).await;
    act_as(&mut world, "postgres");
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "* * * * *");
    world.full_sync_ok().await;
    let service = Serving::start(&world, &[]).await;
    until("it is ready", async || service.get("/readyz").await.0 == 200).await;
    // Somebody hands the database over while it runs. Whoever owns the schema drops what stands in it.
    world
        .execute(&format!(
            "CREATE SCHEMA his AUTHORIZATION mallory; CREATE TABLE his.sync_wanted_runs (LIKE public.sync_wanted_runs INCLUDING ALL);
             ALTER TABLE his.sync_wanted_runs OWNER TO mallory; ALTER DATABASE {DATABASE} OWNER TO mallory"
        ))
        .await;
    as_mallory(
        &world,
        "BEGIN; CREATE TRIGGER t BEFORE INSERT OR UPDATE ON his.sync_wanted_runs FOR EACH ROW EXECUTE FUNCTION public.trap();
         DROP TABLE public.sync_wanted_runs; ALTER TABLE his.sync_wanted_runs SET SCHEMA public; COMMIT",
    )
    .await;
    let (status, said) = service.ask(r#"{"mode": "incremental"}"#).await;
    assert_trap_not_executed(&world, &format!("POST /runs: {said}")).await;
    assert_eq!(status, 503, "{said}");
    until("it says why", async || {
        let (status, said) = service.get("/readyz").await;
        status == 503 && said.contains("belongs to mallory")
    })
    .await;
    until("it gives the database up", async || service.log().contains("trying again: ")).await;
    assert_trap_not_executed(&world, &service.log()).await;
    let ended = service.stop().await;
    assert!(ended.log.contains("belongs to mallory"), "{}", ended.log);
    assert_trap_not_executed(&world, &ended.log).await;
}

#[tokio::test]
async fn a_superuser_is_told_of_a_schema_whose_owner_could_replace_its_tables() {
    let mut world = world_with_attacker().await;
    act_as(&mut world, "postgres");
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO mallory")).await;
    let words = ["the schema public belongs to mallory", "is a superuser", "GAZELLE_SYNC_SCHEMA"];
    refused(&world.run(&["sync"]).await, &words);
    // In one of its own it works, and in none of a role that nobody acts as; and so does the owner of the database.
    world.execute("CREATE ROLE keeper NOLOGIN; CREATE SCHEMA kept AUTHORIZATION keeper").await;
    world.set("GAZELLE_SYNC_SCHEMA", "kept");
    refused(&world.run(&["sync"]).await, &["the schema kept belongs to keeper", "is a superuser"]);
    world.set("GAZELLE_SYNC_SCHEMA", "own");
    works(&world, "a schema of its own").await;
    world.set("GAZELLE_SYNC_SCHEMA", "public");
    act_as(&mut world, "mallory");
    works(&world, "who owns the database").await;
    act_as(&mut world, "postgres");
    refused(&world.run(&["status"]).await, &["belongs to mallory", "is a superuser"]);
}
