//! Rights that others hold on our tables and need not: who takes them, from which tables, and who goes on meanwhile; and who acts
//! for the owner of `migrate --roles` after a superuser, which owns no more.

use serde_json::json;

use super::superusers::{granted_to_bi, the_superuser_is_refused};
use super::there_first::{refused, with_mallory, works};
use crate::support::deployed::{doctor, shows};
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
    refused(&world.run(&["sync"]).await, &["have foreign keys refer to", "alone: gazelle-sync migrate"]);
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
    let mut world = with_mallory().await;
    act_as(&mut world, "administrator");
    world.filled().await;
    world.execute("CREATE TABLE company (id int); GRANT REFERENCES ON sync_runs TO mallory").await;
    world.run(&["sync"]).await.success();
    shows(
        &doctor(&world).await,
        "triggers",
        "warning",
        &["mallory", "REFERENCES on sync_runs", "gazelle-sync migrate"],
    );
    takes(&world, &["migrate"]).await;
    shows(&doctor(&world).await, "triggers", "ok", &[]);
    // Who does not own the tables takes nothing, and is not refused for it.
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("SET ROLE gazelle_owner; GRANT TRIGGER ON sync_runs TO mallory; RESET ROLE").await;
    act_as(&mut world, "gazelle_sync");
    works(&world, "gazelle_sync").await;
}

#[tokio::test]
async fn a_single_member_of_the_owner_is_told_the_simplest_cure() {
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
    let mut world = with_mallory().await;
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
    shows(&run, "as anon", "problem", &["anon may SELECT on gazelle_clients"]);
}

#[tokio::test]
async fn superusers_use_superusers_tables_and_hand_over_to_an_administrator_with_the_roles() {
    for (schema, kept_by) in [("public", "DATABASE mirror"), ("shop", "SCHEMA shop")] {
        let mut world = with_mallory().await;
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
        // The cure as it is told; the password is for people to choose.
        let said = world.run(&["status"]).await.reasons();
        let (_, cure) = said.split_once("such as this makes: ").unwrap_or_else(|| panic!("{said}"));
        let (cure, _) = cure.split_once(" WITH ADMIN OPTION").unwrap_or_else(|| panic!("{said}"));
        world.execute(&format!("{} WITH ADMIN OPTION", cure)).await;
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
        shows(&doctor(&world).await, "row security", "ok", &[]);
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
        refused(&crate::support::ran(command).await, &["embedded server", "superuser", "DATABASE_URL"]);
    }
}
