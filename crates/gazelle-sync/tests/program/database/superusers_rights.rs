//! Unneeded privileges on our tables: who revokes them, on which tables, and who keeps access meanwhile; and who may act for
//! the owner role.

use serde_json::json;

use super::created_before_us::{refused, works, world_with_attacker};
use super::superusers::{granted_to_bi, the_superuser_is_refused};
use crate::support::deployed::{assert_check, doctor};
use crate::support::roles::{act_as, act_as_gazelle_admin};
use crate::support::{DATABASE, World};

const HELD: &str = "pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS held
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname ~ '^(gazelle|staging|sync|v)_'
      AND held.grantee <> c.relowner AND held.privilege_type IN ('TRIGGER', 'REFERENCES', 'TRUNCATE')";

const STEP: &str = "rights of others beyond rows";

async fn takes(world: &World, command: &[&str]) {
    takes_to(world, command).await;
    let again = world.run(&["migrate", "--dry-run"]).await.success();
    assert_eq!(again["missing"], json!([]));
}

async fn takes_to(world: &World, command: &[&str]) {
    world
        .execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO mallory; GRANT REFERENCES (run_id) ON sync_runs TO mallory")
        .await;
    let listed = world.run(&["migrate", "--dry-run"]).await.success();
    assert_eq!(listed["missing"][0]["name"], STEP, "{listed}");
    assert!(world.count(HELD).await > 0, "a dry run takes nothing");
    world.run(command).await.success();
    assert_eq!(world.count(HELD).await, 0, "{command:?}");
    let kept = "SELECT has_table_privilege('mallory', 'company', 'TRIGGER') AND has_table_privilege('mallory', 'gazelle_clients', 'SELECT')";
    assert!(world.one::<bool>(kept, &[]).await, "{command:?} takes of our tables alone, and no reading");
}

#[tokio::test]
async fn migrating_takes_rights_before_a_superuser_is_refused_for_them() {
    let mut world = granted_to_bi().await;
    world.execute("CREATE TABLE company (id int)").await;
    world.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO mallory").await;
    // Foreign keys alone are enough to have code run.
    world.execute("REVOKE TRIGGER ON ALL TABLES IN SCHEMA public FROM mallory").await;
    refused(&world.run(&["sync"]).await, &["foreign keys that refer to", "alone: gazelle-sync migrate"]);
    takes(&world, &["migrate"]).await;
    works(&world, "postgres").await;
    // And where a migration is missing.
    world
        .execute("DELETE FROM sync_migrations WHERE version = 22; GRANT TRIGGER ON sync_runs TO PUBLIC")
        .await;
    world.run(&["migrate"]).await.success();
    works(&world, "postgres after an upgrade").await;
    takes_to(&world, &["migrate", "--roles"]).await;
    act_as_gazelle_admin(&mut world, "gazelle_owner").await;
    takes(&world, &["migrate"]).await;
    works(&world, "gazelle_admin").await;
}

#[tokio::test]
async fn a_current_database_is_cleaned_by_migrate_and_serves_meanwhile() {
    let mut world = world_with_attacker().await;
    act_as(&mut world, "administrator");
    world.full_sync_ok().await;
    // Up to Postgres 15 who makes roles is as good as a superuser, and does not go on meanwhile.
    world
        .execute(
            "CREATE TABLE company (id int); GRANT REFERENCES ON sync_runs TO mallory; ALTER ROLE administrator NOCREATEROLE",
        )
        .await;
    world.run(&["sync"]).await.success();
    assert_check(
        &doctor(&world).await,
        "triggers",
        "warning",
        &["mallory", "REFERENCES on sync_runs", "gazelle-sync migrate"],
    );
    takes(&world, &["migrate"]).await;
    assert_check(&doctor(&world).await, "triggers", "ok", &[]);
    // Who does not own the tables takes nothing, and is not refused for it.
    world.execute("ALTER ROLE administrator CREATEROLE").await;
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("SET ROLE gazelle_owner; GRANT TRIGGER ON sync_runs TO mallory; RESET ROLE").await;
    act_as(&mut world, "gazelle_sync");
    works(&world, "gazelle_sync").await;
}

#[tokio::test]
async fn a_single_member_of_the_owner_is_told_the_simplest_fix() {
    let mut world = World::new().await;
    // As Postgres 14 leaves `public`.
    world
        .execute(
            "GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE ROLE app_owner LOGIN; CREATE ROLE gaz LOGIN; GRANT app_owner TO gaz",
        )
        .await;
    act_as(&mut world, "app_owner");
    world.run(&["migrate"]).await.success();
    act_as(&mut world, "gaz");
    refused(
        &world.run(&["sync"]).await,
        &["belongs to app_owner", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"],
    );
    world.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    works(&world, "the only member").await;
}

#[tokio::test]
async fn doctor_puts_no_role_in_force_in_a_superusers_session() {
    let mut world = world_with_attacker().await;
    act_as(&mut world, "postgres");
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
    world.run(&["migrate"]).await.success();
    let mark = std::env::temp_dir().join(format!("gazelle-sync-reached-{}", std::process::id()));
    // A view that a policy reads belongs to somebody plain, and his function puts the superuser in force again.
    world
        .execute(&format!(
            "CREATE FUNCTION public.reach() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM set_config('role', 'none', true); COPY (SELECT 1) TO '{}'; RETURN true; END $$;
             CREATE VIEW public.his AS SELECT public.reach() AS yes; ALTER FUNCTION public.reach OWNER TO mallory;
             ALTER VIEW public.his OWNER TO mallory; GRANT SELECT ON public.his TO anon; GRANT SELECT ON gazelle_clients TO anon;
             INSERT INTO gazelle_clients (external_id, reconciler_version, staging_id, synced_from_gazelle_at)
                 VALUES ('x', 1, gen_random_uuid(), now());
             CREATE POLICY shown ON gazelle_clients FOR SELECT TO anon USING ((SELECT yes FROM public.his))",
            mark.display()
        ))
        .await;
    let run = doctor(&world).await;
    assert!(!mark.exists(), "code of his ran as a superuser: {run}");
    assert_check(&run, "as anon", "problem", &["anon may SELECT on gazelle_clients"]);
}

#[tokio::test]
async fn superusers_use_superusers_tables_and_hand_over_to_an_administrator_with_the_roles() {
    for (schema, kept_by) in [("public", "DATABASE mirror"), ("shop", "SCHEMA shop")] {
        let mut world = world_with_attacker().await;
        world
            .execute(&format!(
                "CREATE ROLE second LOGIN SUPERUSER; ALTER DATABASE {DATABASE} OWNER TO postgres"
            ))
            .await;
        world.set("GAZELLE_SYNC_SCHEMA", schema);
        act_as(&mut world, "postgres");
        world.run(&["migrate"]).await.success();
        for role in ["postgres", "second"] {
            act_as(&mut world, role);
            works(&world, role).await;
        }
        // Everything is a superuser's until the tables are handed over, which comes last.
        world.run(&["migrate", "--roles"]).await.success();
        let words = [
            &format!("{schema}.gazelle_appointment_pianos belongs to gazelle_owner"),
            "is a superuser, which uses nothing that others own",
            &format!("ALTER {kept_by}"),
        ];
        the_superuser_is_refused(&mut world, &words).await;
        // The fix as it is told; the password is for people to choose.
        let said = world.run(&["status"]).await.reasons();
        let (_, fix) = said.split_once("such as this makes: ").unwrap_or_else(|| panic!("{said}"));
        let (fix, _) = fix.split_once(" (and for its password").unwrap_or_else(|| panic!("{said}"));
        world.execute(fix).await;
        act_as(&mut world, "gazelle_admin");
        works(&world, "gazelle_admin").await;
        let again = world.run(&["migrate", "--roles"]).await.success();
        assert_eq!((&again["made"], &again["ended"]), (&json!([]), &json!([])), "{again}");
        let table = format!("{schema}.sync_wanted_runs");
        world
            .execute(&format!("DROP TABLE {table}; DELETE FROM {schema}.sync_migrations WHERE version = 11"))
            .await;
        world.run(&["migrate"]).await.success();
        let owner = format!("SELECT relowner::regrole::text FROM pg_class WHERE oid = '{table}'::regclass");
        assert_eq!(world.text(&owner).await.as_deref(), Some("gazelle_owner"));
        assert_check(&doctor(&world).await, "row security", "ok", &[]);
        world.run(&["verify"]).await.success();
        act_as(&mut world, "gazelle_sync");
        works(&world, "gazelle_sync").await;
    }
}

#[tokio::test]
async fn no_roles_are_made_in_the_embedded_server_where_all_are_one_superuser() {
    let world = World::new().await;
    for args in [&["migrate", "--roles", "--json"][..], &["migrate", "--roles", "--dry-run", "--json"]] {
        let mut command = world.command(args);
        command.env_remove("DATABASE_URL");
        refused(
            &crate::support::run_to_end(command).await,
            &["embedded server", "superuser", "DATABASE_URL"],
        );
    }
}

/// The embedded server of a world, left running by the test.
async fn embedded_of(world: &World) -> embedded_postgres::Server {
    std::fs::set_permissions(world.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let mut options = embedded_postgres::Options::new(world.folder.path().join("data"));
    options.database = "gazelle".to_owned();
    embedded_postgres::Server::start_or_attach(options).await.unwrap()
}

async fn in_the_embedded_server(world: &World, args: &[&str]) -> crate::support::CommandOutput {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let mut command = world.command(&args);
    command.env_remove("DATABASE_URL");
    crate::support::run_to_end(command).await
}

#[tokio::test]
async fn tables_that_an_earlier_program_gave_to_roles_in_the_embedded_server_are_taken_over_by_migrate() {
    let world = World::new().await;
    let server = embedded_of(&world).await;
    in_the_embedded_server(&world, &["migrate"]).await.success();
    // As `migrate --roles` left them when it was not refused there.
    let db = crate::support::connect(&server.connection_string()).await;
    let roles = "CREATE ROLE gazelle_owner NOLOGIN; CREATE ROLE gazelle_sync LOGIN; CREATE ROLE gazelle_reader NOLOGIN;
        GRANT USAGE, CREATE ON SCHEMA public TO gazelle_owner;
        DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT c.oid::regclass FROM pg_class c
                         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') LOOP
                EXECUTE format('ALTER TABLE %s OWNER TO gazelle_owner', name);
                EXECUTE format('GRANT SELECT ON %s TO gazelle_reader', name);
            END LOOP;
        END $$";
    db.batch_execute(roles).await.unwrap();
    // The fix that is told works word for word.
    let run = in_the_embedded_server(&world, &["status"]).await;
    refused(&run, &["belongs to gazelle_owner", "embedded server", "gazelle-sync migrate"]);
    assert!(!run.reasons().contains("DATABASE_URL"), "there is none: {run}");
    let report = in_the_embedded_server(&world, &["migrate"]).await.success();
    assert!(report["taken_over"].as_array().is_some_and(|taken| taken.len() > 20), "{report}");
    for command in [&["status"][..], &["sync"], &["verify", "--offline"], &["doctor"]] {
        let run = in_the_embedded_server(&world, command).await;
        assert!(!run.stdout.contains("belongs to gazelle_owner"), "{command:?}: {run}");
        assert!(command == ["doctor"] || run.code == 0, "{command:?}: {run}");
    }
    let kept = "SELECT has_table_privilege('gazelle_reader', 'gazelle_clients', 'SELECT')";
    assert!(db.query_one(kept, &[]).await.unwrap().get::<_, bool>(0), "readers read on");
    let again = in_the_embedded_server(&world, &["migrate"]).await.success();
    assert_eq!(again["taken_over"], json!([]), "{again}");
    // What somebody hung there is looked at as ever.
    db.batch_execute(
        "CREATE ROLE somebody LOGIN; CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         ALTER FUNCTION public.f OWNER TO somebody;
         CREATE TRIGGER t BEFORE INSERT ON public.sync_lease FOR EACH ROW EXECUTE FUNCTION public.f();
         ALTER TABLE public.sync_lease OWNER TO gazelle_owner",
    )
    .await
    .unwrap();
    in_the_embedded_server(&world, &["migrate"]).await;
    refused(&in_the_embedded_server(&world, &["sync"]).await, &["trigger t", "of somebody"]);
    drop(db);
    server.stop().await.unwrap();
}
