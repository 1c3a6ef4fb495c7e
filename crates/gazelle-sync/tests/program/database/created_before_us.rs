//! Objects with our names that another role created first are refused by name and none of their code runs; those of an
//! administrator are accepted.

use crate::support::roles::{act_as, client_of, supabase};
use crate::support::{CommandOutput, DATABASE, World};
use gazelle_sync::migrations;
use serde_json::json;

/// A database in which somebody with no more than CREATE in `public` has been before the first migration.
pub(super) async fn world_with_attacker() -> World {
    let world = supabase().await;
    world
        .execute(
            "CREATE ROLE mallory LOGIN; GRANT USAGE, CREATE ON SCHEMA public TO mallory;
             CREATE SEQUENCE public.sprung; GRANT ALL ON SEQUENCE public.sprung TO PUBLIC",
        )
        .await;
    world
}

/// What mallory would have run as whoever writes or reads: it makes him a superuser where it can.
pub(super) const TRAP: &str = "CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_catalog.nextval('public.sprung');
        BEGIN ALTER ROLE mallory SUPERUSER; EXCEPTION WHEN OTHERS THEN NULL; END;
        RETURN NEW;
    END $$;
    CREATE FUNCTION public.sprung_too() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_catalog.nextval('public.sprung');
        RETURN true;
    END $$";

const REGISTER: &str = "CREATE TABLE public.sync_migrations (version integer PRIMARY KEY, name text NOT NULL,
    checksum text NOT NULL, applied_at timestamptz NOT NULL)";

pub(super) async fn as_mallory(world: &World, sql: &str) {
    let mallory = client_of(world, "mallory").await;
    mallory.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}

pub(super) async fn assert_trap_not_executed(world: &World, by: &str) {
    // In a transaction that is read-only the trap cannot count, and fails.
    assert!(!by.contains("nextval") && !by.contains("sprung"), "{by}");
    assert!(!world.one::<bool>("SELECT is_called FROM public.sprung", &[]).await, "sprung by {by}");
    let risen = "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'";
    assert!(!world.one::<bool>(risen, &[]).await, "mallory is a superuser by {by}");
}

/// Commands that look at the tables, or write them.
pub(super) const COMMANDS: [&[&str]; 18] = [
    &["sync", "--mode", "full"],
    &["fetch"],
    &["reconcile"],
    &["migrate"],
    &["migrate", "--dry-run"],
    &["migrate", "--roles"],
    &["migrate", "--roles", "--dry-run"],
    &["replay"],
    &["replay", "--into", "look"],
    &["undo", "0190d3a5-0000-7000-8000-000000000000"],
    &["verify"],
    &["status"],
    &["errors"],
    &["errors", "retry"],
    &["deletions"],
    &["warnings"],
    &["alerts", "check"],
    &["doctor"],
];

/// As an administrator of the database, a superuser or not.
async fn act_beside_the_owner(world: &mut World, role: &str) {
    act_as(world, role);
    if role != "postgres" && world.count("pg_roles WHERE rolname = 'gazelle_owner'").await == 1 {
        world.execute(&format!("GRANT gazelle_owner TO {role}")).await;
    }
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO {role}")).await;
}

async fn every_command_refuses(world: &mut World, words: &[&str]) {
    // Up to Postgres 15 who makes roles is as good as a superuser (superuser_equivalents.rs).
    world.execute("ALTER ROLE administrator NOCREATEROLE").await;
    for role in ["postgres", "administrator"] {
        act_beside_the_owner(world, role).await;
        // A superuser is refused first what is an administrator's.
        let words = if role == "postgres" { &["is a superuser"] } else { words };
        for command in COMMANDS {
            let run = world.run(command).await;
            assert_eq!(run.code, 1, "{command:?} as {role}: {run}");
            let said = if command == ["doctor"] { run.stdout.clone() } else { run.reasons() };
            for word in words {
                assert!(said.contains(word), "{word} not said by {command:?} as {role}: {run}");
            }
            assert_trap_not_executed(world, &format!("{command:?} as {role}: {run}")).await;
        }
    }
    world.execute("ALTER ROLE administrator CREATEROLE").await;
}

#[tokio::test]
async fn a_register_that_another_role_made_is_refused_before_anything_of_it_is_run() {
    let mut world = world_with_attacker().await;
    as_mallory(&world, TRAP).await;
    for trap in [
        "CREATE TRIGGER t BEFORE INSERT ON public.sync_migrations FOR EACH ROW EXECUTE FUNCTION public.trap()",
        "CREATE RULE r AS ON INSERT TO public.sync_migrations DO ALSO SELECT public.sprung_too()",
        "ALTER TABLE public.sync_migrations ADD COLUMN x boolean DEFAULT public.sprung_too()",
        "ALTER TABLE public.sync_migrations FORCE ROW LEVEL SECURITY, ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON public.sync_migrations USING (public.sprung_too()); GRANT ALL ON public.sync_migrations TO PUBLIC",
    ] {
        as_mallory(&world, &format!("{REGISTER}; {trap}")).await;
        every_command_refuses(
            &mut world,
            &["sync_migrations belongs to mallory", "DROP TABLE", "OWNER TO"],
        )
        .await;
        let made = "pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')";
        assert_eq!(world.count(made).await, 1, "{trap}: nothing was made beside it");
        world.execute("DROP TABLE public.sync_migrations; SELECT setval('public.sprung', 1, false)").await;
    }
    // And it is free for us then. An empty one of our own is made anew, whatever was done to it.
    act_as(&mut world, "administrator");
    let ours = client_of(&world, "administrator").await;
    ours.batch_execute(&format!(
        "{REGISTER}; ALTER TABLE public.sync_migrations ADD COLUMN x boolean DEFAULT public.sprung_too()"
    ))
    .await
    .unwrap();
    world.run(&["migrate", "--roles"]).await.success();
    assert_trap_not_executed(&world, "migrate --roles").await;
    assert_eq!(
        world.count("pg_attribute WHERE attrelid = 'sync_migrations'::regclass AND attname = 'x'").await,
        0
    );
}

#[tokio::test]
async fn tables_that_look_like_ours_and_are_anothers_are_refused_whatever_he_granted() {
    let mut world = world_with_attacker().await;
    // He has the program too.
    act_as(&mut world, "mallory");
    world.full_sync_ok().await;
    as_mallory(&world, TRAP).await;
    as_mallory(
        &world,
        "DO $$ DECLARE t text; BEGIN
             FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
                 EXECUTE format('CREATE TRIGGER t BEFORE INSERT OR UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION trap()', t);
                 EXECUTE format('CREATE POLICY p ON %I USING (sprung_too())', t);
                 EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
             END LOOP;
         END $$;
         SELECT setval('public.sprung', 1, false);
         GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC",
    )
    .await;
    // Who is no superuser is bound by the policies too.
    world.execute("ALTER ROLE administrator NOBYPASSRLS").await;
    // Alerts are told past the database.
    world.set("ALERT_WEBHOOK_URL", "http://127.0.0.1:1/alerts");
    every_command_refuses(&mut world, &["mallory"]).await;
    // Nor are tokens looked for there.
    world.set("GAZELLE_SYNC_TOKEN_KEY", &"0123456789abcdef".repeat(4));
    world.set("GAZELLE_CLIENT_ID", "shop");
    world.set("GAZELLE_CLIENT_SECRET", "made-up-secret");
    let key = world.installation.env.remove("GAZELLE_API_KEY").unwrap();
    for command in [&["doctor"][..], &["auth", "status"], &["auth", "logout"], &["sync"]] {
        let run = world.run(command).await;
        assert_eq!(run.code, 1, "{command:?}: {run}");
        assert_trap_not_executed(&world, &format!("{command:?}: {run}")).await;
    }
    world.set("GAZELLE_API_KEY", &key);
    // Nor is anything handed to him by an upgrade.
    world.execute("DELETE FROM sync_migrations WHERE version = 11; DROP TABLE sync_wanted_runs").await;
    every_command_refuses(&mut world, &["mallory"]).await;
}

#[tokio::test]
async fn one_table_of_ours_that_is_anothers_is_refused() {
    let mut world = world_with_attacker().await;
    world.run(&["migrate", "--roles"]).await.success();
    for (relation, kind) in
        [("sync_notes", "TABLE"), ("gazelle_pianos", "TABLE"), ("v_sync_dashboard", "VIEW")]
    {
        world.execute(&format!("ALTER {kind} {relation} OWNER TO mallory")).await;
        every_command_refuses(&mut world, &[&format!("{relation} belongs to mallory")]).await;
        world.execute(&format!("ALTER {kind} {relation} OWNER TO gazelle_owner")).await;
    }
    act_as(&mut world, "administrator");
    world.run(&["migrate", "--roles"]).await.success();
}

#[tokio::test]
async fn what_somebody_hung_on_the_register_is_refused_whoever_owns_it() {
    let mut world = world_with_attacker().await;
    act_as(&mut world, "administrator");
    world.run(&["migrate", "--roles"]).await.success();
    as_mallory(&world, TRAP).await;
    for (hung, named, away) in [
        (
            "CREATE TRIGGER theirs BEFORE INSERT ON sync_migrations FOR EACH ROW EXECUTE FUNCTION trap()",
            "trigger theirs",
            "DROP TRIGGER theirs ON sync_migrations",
        ),
        (
            "CREATE RULE theirs AS ON INSERT TO sync_migrations DO ALSO SELECT sprung_too()",
            "rule theirs",
            "DROP RULE theirs ON sync_migrations",
        ),
        (
            "CREATE POLICY theirs ON sync_migrations FOR SELECT USING (sprung_too())",
            "policy theirs",
            "DROP POLICY theirs ON sync_migrations",
        ),
        (
            "CREATE POLICY theirs ON sync_migrations USING (true)",
            "policy theirs",
            "DROP POLICY theirs ON sync_migrations",
        ),
    ] {
        world.execute(hung).await;
        every_command_refuses(&mut world, &[named, away.split(" ON ").next().unwrap()]).await;
        world.execute(away).await;
    }
    // One that only lets somebody read is the company's, as are triggers on other tables.
    world
        .execute(
            "CREATE ROLE tableau; GRANT SELECT ON sync_migrations TO tableau;
             CREATE POLICY tableau ON sync_migrations FOR SELECT TO tableau USING (true)",
        )
        .await;
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;
}

#[tokio::test]
async fn installations_that_an_administrator_made_go_on_whoever_runs_them() {
    let mut world = supabase().await;
    // The administrator's tables, then a role with rights by hand, as before there were roles. Superusers: superusers.rs.
    world.run(&["migrate"]).await.success();
    works(&world, "administrator").await;
    crate::support::roles::act_as_poor(&mut world).await;
    works(&world, "a role with rights by hand on the administrator's tables").await;
    // Roles, as an earlier program left them: the sync's could create.
    act_as(&mut world, "administrator");
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("GRANT CREATE ON SCHEMA public TO gazelle_sync").await;
    for role in ["gazelle_sync", "poor", "administrator"] {
        act_as(&mut world, role);
        works(&world, &format!("{role} on the owner's tables")).await;
    }
    // Where Citus needs it.
    world.execute("ALTER ROLE gazelle_owner LOGIN").await;
    act_as(&mut world, "gazelle_sync");
    works(&world, "gazelle_sync under an owner that may log in").await;
}

pub(super) async fn works(world: &World, what: &str) {
    for command in [&["migrate"][..], &["sync"], &["status"], &["verify", "--offline"]] {
        let run = world.run(command).await;
        assert_eq!(run.code, 0, "{what}: {command:?}: {run}");
    }
}

#[tokio::test]
async fn a_plain_owners_tables_serve_him_his_members_and_whoever_cannot_create() {
    let mut world = World::new().await;
    world
        .execute(
            "CREATE ROLE app LOGIN; GRANT CREATE ON SCHEMA public TO app;
             CREATE ROLE deputy LOGIN; GRANT app TO deputy; CREATE ROLE robot LOGIN BYPASSRLS",
        )
        .await;
    act_as(&mut world, "app");
    world.run(&["migrate"]).await.success();
    works(&world, "app").await;
    act_as(&mut world, "deputy");
    works(&world, "a member that was made one by an administrator").await;
    world.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO robot").await;
    act_as(&mut world, "robot");
    works(&world, "a role with rights by hand, which can create nothing").await;
    // With the right to create it might have made them itself, and did not: it is told what it does not need.
    world.execute("GRANT CREATE ON SCHEMA public TO robot").await;
    refused(&world.run(&["sync"]).await, &["belongs to app", "REVOKE CREATE ON SCHEMA public FROM robot"]);
    // As is a superuser, until the tables are its own.
    act_as(&mut world, "postgres");
    refused(&world.run(&["migrate", "--roles"]).await, &["belongs to app", "is a superuser"]);
    for name in migrations::relation_names() {
        world.execute(&format!("ALTER TABLE {name} OWNER TO postgres")).await;
    }
    world.run(&["migrate", "--roles"]).await.success();
    act_as(&mut world, "gazelle_sync");
    works(&world, "gazelle_sync").await;
    // A schema of his own is his to fill.
    world.execute("CREATE SCHEMA shop AUTHORIZATION app").await;
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    act_as(&mut world, "app");
    works(&world, "app in app's schema").await;
}

#[track_caller]
pub(super) fn refused(run: &CommandOutput, words: &[&str]) {
    assert_eq!(run.code, 1, "{run}");
    for word in words {
        assert!(run.reasons().contains(word), "{word} not in {run}");
    }
}

#[tokio::test]
async fn a_schema_with_our_mark_is_built_again_only_where_it_is_ours() {
    let mut world = world_with_attacker().await;
    act_beside_the_owner(&mut world, "postgres").await;
    world.full_sync_ok().await;
    world
        .execute(
            "CREATE SCHEMA theirs AUTHORIZATION mallory;
             COMMENT ON SCHEMA theirs IS 'built by gazelle-sync replay --into';
             SET ROLE mallory; CREATE TABLE theirs.gazelle_clients (note text);
             INSERT INTO theirs.gazelle_clients VALUES ('precious'); RESET ROLE",
        )
        .await;
    for role in ["postgres", "administrator"] {
        act_beside_the_owner(&mut world, role).await;
        let run = world.run(&["replay", "--into", "theirs"]).await;
        refused(&run, &["theirs", "belongs to mallory", "name another"]);
        assert_eq!(world.count("theirs.gazelle_clients WHERE note = 'precious'").await, 1);
        if role == "postgres" {
            world.run(&["migrate", "--roles"]).await.success();
        }
    }
    // Ours, in which another role has put a table meanwhile.
    act_as(&mut world, "administrator");
    world.run(&["replay", "--into", "look"]).await.success();
    world.execute("ALTER TABLE look.gazelle_appointment_pianos OWNER TO mallory").await;
    refused(
        &world.run(&["replay", "--into", "look"]).await,
        &["look.gazelle_appointment_pianos belongs to mallory"],
    );
    world.execute("ALTER TABLE look.gazelle_appointment_pianos OWNER TO administrator").await;
    let again = world.run(&["replay", "--into", "look"]).await.success();
    assert_eq!(again["replaced"], true);
}

#[tokio::test]
async fn a_schema_built_beside_is_open_to_none_of_supabases_public_roles() {
    let mut world = supabase().await;
    world
        .execute(
            "CREATE ROLE service_role;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator GRANT ALL ON TABLES TO PUBLIC, anon, authenticated, service_role;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator GRANT ALL ON SCHEMAS TO PUBLIC, anon, authenticated, service_role",
        )
        .await;
    act_as(&mut world, "administrator");
    world.full_sync_ok().await;
    let open = "SELECT string_agg(c.name || ' ' || coalesce(r.rolname, 'PUBLIC') || ' ' || held.privilege_type, ', ')
                  FROM (SELECT nspname::text AS name, nspacl AS acl FROM pg_namespace WHERE nspname = 'look'
                        UNION ALL
                        SELECT relname, relacl FROM pg_class WHERE relnamespace = 'look'::regnamespace) AS c
                 CROSS JOIN LATERAL aclexplode(c.acl) AS held LEFT JOIN pg_roles r ON r.oid = held.grantee
                 WHERE held.grantee = 0 OR r.rolname IN ('anon', 'authenticated')";
    world.run(&["replay", "--into", "look"]).await.success();
    assert_eq!(world.text(open).await, None);
    // Whatever was opened since, too; who is let in by name stays.
    world.execute("GRANT ALL ON SCHEMA look TO authenticated; CREATE ROLE lecteur; GRANT USAGE ON SCHEMA look TO lecteur").await;
    let again = world.run(&["replay", "--into", "look"]).await.success();
    assert_eq!(again["replaced"], json!(true));
    assert_eq!(world.text(open).await, None);
    assert!(world.one::<bool>("SELECT has_schema_privilege('lecteur', 'look', 'USAGE')", &[]).await);
    // A schema's name is no place to fill in.
    world.run(&["replay", "--into", "{schema}"]).await.success();
    assert!(world.count("\"{schema}\".gazelle_clients").await > 0);
}

#[tokio::test]
async fn a_manifest_that_another_role_wrote_undoes_nothing() {
    let mut world = world_with_attacker().await;
    world
        .execute(
            "CREATE SCHEMA gazelle_v5 AUTHORIZATION mallory; SET ROLE mallory;
             CREATE TABLE gazelle_v5.v5_manifest (position int, schema text, what text, undo text);
             INSERT INTO gazelle_v5.v5_manifest VALUES (1, 'public', 'table moved', 'ALTER ROLE mallory SUPERUSER');
             RESET ROLE",
        )
        .await;
    for role in ["postgres", "administrator"] {
        act_beside_the_owner(&mut world, role).await;
        for args in
            [&["migrate", "--from-v5", "--back", "--dry-run"][..], &["migrate", "--from-v5", "--back"]]
        {
            let run = world.run(args).await;
            refused(&run, &["gazelle_v5.v5_manifest belongs to mallory"]);
            assert_trap_not_executed(&world, &format!("{args:?} as {role}")).await;
        }
        world.run(&["migrate", "--roles"]).await.success();
    }
}
