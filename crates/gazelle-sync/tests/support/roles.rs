//! A database as Supabase hands it over, and acting as one of its roles.

use super::{DATABASE, TestInstallation, World, connect};

/// A database as Supabase hands it over, and its administrator, who is no superuser.
pub async fn supabase() -> World {
    let mut world = World::new().await;
    world
        .execute(&format!(
            "CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN;
             CREATE ROLE administrator LOGIN CREATEROLE CREATEDB BYPASSRLS;
             ALTER DATABASE {DATABASE} OWNER TO administrator;
             GRANT anon, authenticated TO administrator;
             GRANT USAGE ON SCHEMA public TO anon, authenticated;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated"
        ))
        .await;
    act_as(&mut world, "administrator");
    world
}

/// Lets the program log in as this role from now on.
pub fn act_as(world: &mut World, role: &str) {
    let url = url_of(world, role);
    world.set("DATABASE_URL", &url);
}

pub fn url_of(place: &TestInstallation, role: &str) -> String {
    let (scheme, rest) = place.url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    format!("{scheme}://{role}@{}", rest.split_once('@').unwrap().1)
}

pub async fn client_of(place: &TestInstallation, role: &str) -> tokio_postgres::Client {
    connect(&url_of(place, role)).await
}

/// Rows, or the SQLSTATE of the refusal.
pub async fn query_or_sqlstate(client: &tokio_postgres::Client, sql: &str) -> Result<usize, String> {
    let rows = client.query(sql, &[]).await;
    rows.map(|rows| rows.len()).map_err(|e| e.code().map_or_else(|| e.to_string(), |c| c.code().to_owned()))
}

pub fn permission_denied() -> Result<usize, String> {
    Err("42501".to_owned())
}

/// Makes the role `poor`, whose connections a test limits, and lets the program log in as it.
pub async fn act_as_poor(world: &mut World) {
    world
        .execute(
            "CREATE ROLE poor LOGIN BYPASSRLS; GRANT USAGE, CREATE ON SCHEMA public TO poor;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO poor",
        )
        .await;
    act_as(world, "poor");
}

/// Where a superuser has run `migrate --roles`: makes the administrator that its refusal tells it to make, and lets the program log
/// in as that.
pub async fn act_as_gazelle_admin(world: &mut World, owner: &str) {
    world
        .execute(&format!(
            "CREATE ROLE gazelle_admin LOGIN CREATEROLE; ALTER DATABASE {DATABASE} OWNER TO gazelle_admin;
             GRANT {owner} TO gazelle_admin WITH ADMIN OPTION"
        ))
        .await;
    act_as(world, "gazelle_admin");
}

/// Has all that is in a schema, and the schema, be a role's.
pub async fn transfer_ownership(world: &World, schema: &str, role: &str) {
    world
        .execute(&format!(
            "SET search_path = pg_catalog;
             DO $hand$ DECLARE name text; BEGIN
                 FOR name IN SELECT c.oid::regclass FROM pg_class c
                              WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind IN ('r', 'v') LOOP
                     EXECUTE format('ALTER TABLE %s OWNER TO {role}', name);
                 END LOOP;
             END $hand$;
             ALTER SCHEMA {schema} OWNER TO {role}; RESET search_path"
        ))
        .await;
}
