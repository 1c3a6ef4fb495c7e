//! Rights that others hold on our tables and need not: who takes them, from which tables, and who goes on meanwhile.

use super::superusers::granted_to_bi;
use super::there_first::{refused, with_mallory, works};
use crate::support::deployed::{doctor, shows};
use crate::support::roles::act_as;
use crate::support::{DATABASE, World};

const HELD: &str = "pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS held
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname ~ '^(gazelle|staging|sync|v)_'
      AND held.grantee <> c.relowner AND held.privilege_type IN ('TRIGGER', 'REFERENCES', 'TRUNCATE')";

const STEP: &str = "rights of others beyond rows";

async fn takes(world: &World, command: &[&str]) {
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
    let again = world.run(&["migrate", "--dry-run"]).await.success();
    assert_eq!(again["missing"], serde_json::json!([]));
}

#[tokio::test]
async fn migrating_takes_rights_before_a_superuser_is_refused_for_them() {
    let world = granted_to_bi().await;
    world.execute("CREATE TABLE company (id int)").await;
    world.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO mallory").await;
    // Foreign keys alone are enough to have code run.
    world.execute("REVOKE TRIGGER ON ALL TABLES IN SCHEMA public FROM mallory").await;
    refused(&world.run(&["sync"]).await, &["have foreign keys refer to", "alone: gazelle-sync migrate"]);
    takes(&world, &["migrate"]).await;
    works(&world, "postgres").await;
    takes(&world, &["migrate", "--roles"]).await;
    works(&world, "postgres on the owner's tables").await;
    // And where a migration is missing.
    world
        .execute("DELETE FROM sync_migrations WHERE version = 22; GRANT TRIGGER ON sync_runs TO PUBLIC")
        .await;
    world.run(&["migrate"]).await.success();
    works(&world, "postgres after an upgrade").await;
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
