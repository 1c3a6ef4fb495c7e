//! Who may read and write what: the catalogue as a whole, and each role at each table and view.

use crate::support::{TestInstallation, World, production_tables};
use gazelle_sync::migrations;
use serde_json::json;

/// A database as Supabase hands it over: its public roles get rights on every table made in public.
async fn supabase() -> World {
    let world = World::new().await;
    world
        .execute(
            "CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role BYPASSRLS;
             GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role",
        )
        .await;
    world
}

/// What is wrong in the catalogue with tables and views of the schema public, ours or not, one line each.
async fn holes(place: &TestInstallation) -> Vec<String> {
    let rows = place
        .rows(
            "SELECT c.relname || ': ' || problem AS hole
               FROM pg_class c
              CROSS JOIN LATERAL (
                    SELECT 'row security is off' WHERE c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
                    UNION ALL
                    SELECT 'row security is forced' WHERE c.relforcerowsecurity
                    UNION ALL
                    SELECT 'runs with its owner''s rights'
                     WHERE c.relkind = 'v' AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)
                    UNION ALL
                    SELECT DISTINCT coalesce(r.rolname, 'PUBLIC') || ' has ' || granted.privilege_type
                      FROM (SELECT c.relacl AS acl
                            UNION ALL SELECT attacl FROM pg_attribute WHERE attrelid = c.oid) AS held
                     CROSS JOIN LATERAL aclexplode(held.acl) AS granted
                      LEFT JOIN pg_roles r ON r.oid = granted.grantee
                     WHERE granted.grantee = 0 OR r.rolname IN ('anon', 'authenticated')
                    UNION ALL
                    SELECT 'policy ' || p.polname || ' holds ' || word
                      FROM pg_policy p, unnest(ARRAY['SELECT', 'current_setting', 'auth.']) AS word
                     WHERE p.polrelid = c.oid
                       AND concat(pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)) LIKE '%' || word || '%'
                    ) AS found (problem)
              WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
              ORDER BY 1",
        )
        .await;
    rows.iter().map(|row| row["hole"].as_str().expect("text").to_owned()).collect()
}

/// What a role sees when it reads: rows, or the SQLSTATE of its refusal.
async fn reads(place: &TestInstallation, role: &str, sql: &str) -> Result<usize, String> {
    place.execute(&format!("SET ROLE \"{role}\"")).await;
    let outcome = place.db.query(sql, &[]).await;
    place.execute("RESET ROLE").await;
    outcome
        .map(|rows| rows.len())
        .map_err(|e| e.code().map_or_else(|| e.to_string(), |c| c.code().to_owned()))
}

fn refused<T>() -> Result<T, String> {
    Err("42501".to_owned())
}

#[tokio::test]
async fn no_table_of_ours_is_open_to_supabases_public_roles() {
    let world = supabase().await;
    world.run(&["migrate"]).await.success();
    assert_eq!(holes(&world).await, Vec::<String>::new());
    // Every name of ours is there to be looked at, and the look finds what is open.
    for name in migrations::relation_names() {
        assert!(world.text(&format!("SELECT to_regclass('{name}')::text")).await.is_some(), "{name}");
    }
    world.execute("CREATE TABLE careless (id int PRIMARY KEY); CREATE VIEW loud AS SELECT 1 AS one").await;
    let found = holes(&world).await;
    for hole in [
        "careless: row security is off",
        "careless: anon has SELECT",
        "careless: authenticated has TRUNCATE",
        "loud: runs with its owner's rights",
    ] {
        assert!(found.iter().any(|one| one == hole), "{hole} not in {found:?}");
    }
}

/// Supabase opens each new table: whatever a migration made, the step after it closes it.
#[tokio::test]
async fn a_migration_closes_every_table_of_ours_by_itself() {
    let world = supabase().await;
    world.run(&["migrate"]).await.success();
    for name in migrations::relation_names() {
        world.execute(&format!("GRANT ALL ON {name} TO PUBLIC, anon, authenticated")).await;
        if !name.starts_with("v_") {
            world.execute(&format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")).await;
        }
    }
    assert!(!holes(&world).await.is_empty());
    world.execute("DELETE FROM sync_migrations WHERE version = 22").await;
    world.run(&["migrate"]).await.success();
    assert_eq!(holes(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn supabases_public_roles_are_refused_everywhere_and_aloud() {
    let world = supabase().await;
    world.full_sync_ok().await;
    for role in ["anon", "authenticated"] {
        for name in migrations::relation_names() {
            assert_eq!(
                reads(&world, role, &format!("SELECT 1 FROM {name}")).await,
                refused(),
                "{role} {name}"
            );
            if !name.starts_with("v_") {
                for sql in [format!("DELETE FROM {name}"), format!("TRUNCATE {name} CASCADE")] {
                    assert_eq!(reads(&world, role, &sql).await, refused(), "{role}: {sql}");
                }
            }
        }
    }
    // Not because there is nothing to see.
    assert!(reads(&world, "service_role", "SELECT 1 FROM gazelle_clients").await.expect("rows") > 0);
}

#[tokio::test]
async fn closing_production_keeps_out_nobody_who_was_let_in_by_name() {
    let world = supabase().await;
    world.full_sync_ok().await;
    // As it was before: no row security, rights by Supabase's defaults and by hand.
    for table in production_tables() {
        world.execute(&format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")).await;
        world.execute(&format!("GRANT ALL ON {table} TO authenticated, anon")).await;
    }
    world
        .execute(
            "DELETE FROM sync_migrations WHERE version = 14;
             CREATE ROLE \"Tableau de bord\"; GRANT USAGE ON SCHEMA public TO \"Tableau de bord\";
             GRANT SELECT ON gazelle_clients TO \"Tableau de bord\";
             CREATE ROLE facturation; GRANT USAGE ON SCHEMA public TO facturation;
             GRANT SELECT (external_id, status) ON gazelle_clients TO facturation;
             CREATE POLICY de_la_maison ON gazelle_pianos FOR SELECT TO authenticated USING (status = 'ACTIVE')",
        )
        .await;
    let clients = usize::try_from(world.count("gazelle_clients").await).expect("a count");
    world.run(&["migrate"]).await.success();

    assert_eq!(reads(&world, "Tableau de bord", "SELECT * FROM gazelle_clients").await, Ok(clients));
    assert_eq!(reads(&world, "facturation", "SELECT status FROM gazelle_clients").await, Ok(clients));
    assert_eq!(reads(&world, "facturation", "SELECT * FROM gazelle_clients").await, refused());
    assert_eq!(reads(&world, "Tableau de bord", "DELETE FROM gazelle_clients").await, refused());
    assert_eq!(reads(&world, "anon", "SELECT 1 FROM gazelle_clients").await, refused());
    assert_eq!(reads(&world, "authenticated", "SELECT 1 FROM gazelle_clients").await, refused());
    // The company's own policy stands, without the rights that no policy holds back.
    let pianos = reads(&world, "authenticated", "SELECT status FROM gazelle_pianos").await.expect("rows");
    let active = world.one::<i64>("SELECT count(*) FROM gazelle_pianos WHERE status = 'ACTIVE'", &[]).await;
    assert_eq!(pianos as i64, active);
    assert_eq!(reads(&world, "authenticated", "TRUNCATE gazelle_pianos CASCADE").await, refused());
    // The next run writes as ever.
    world.stage("staging_clients", "cli_x", &json!({"id": "cli_x"}), None).await;
    world.run(&["reconcile"]).await.success();
    assert_eq!(world.count("gazelle_clients WHERE external_id = 'cli_x'").await, 1);
}
