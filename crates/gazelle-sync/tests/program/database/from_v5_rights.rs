//! Who may read and write the tables of the old system once they are moved: nobody whom Supabase lets in from outside.

use crate::support::deployed::{assert_check, doctor};
use crate::support::roles::supabase;
use crate::support::{TestInstallation, World};
use serde_json::{Value, json};

const OLD_SYSTEM: &str = include_str!("../../support/old_system.sql");

/// The old system on Supabase: its public roles hold every right on whatever was made in `public`, and get what is made
/// elsewhere too. Rights of several kinds, in an order that is not the one they would be given in again.
pub(super) async fn on_supabase() -> World {
    let world = supabase().await;
    world
        .execute(
            "CREATE ROLE service_role BYPASSRLS; CREATE ROLE lecteur; CREATE ROLE comptable; CREATE ROLE bureau; GRANT bureau TO authenticated;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator GRANT ALL ON TABLES TO anon, authenticated, service_role;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator GRANT USAGE ON SCHEMAS TO PUBLIC, anon, authenticated;
             SET ROLE administrator",
        )
        .await;
    world.execute(OLD_SYSTEM).await;
    world
        .execute(
            "GRANT SELECT ON staging_appointments TO PUBLIC; GRANT SELECT ON staging_appointments TO bureau;
             GRANT SELECT (external_id, title) ON gazelle_appointments TO comptable, authenticated;
             GRANT UPDATE (title) ON gazelle_appointments TO authenticated WITH GRANT OPTION;
             GRANT SELECT (title) ON gazelle_appointments TO service_role;
             GRANT INSERT ON gazelle_clients TO lecteur; GRANT SELECT ON gazelle_clients TO lecteur WITH GRANT OPTION;
             INSERT INTO staging_appointments (payload) VALUES ('{\"name\": \"of a person\"}'); RESET ROLE",
        )
        .await;
    world
}

/// Rights, row security and policies, as the catalogue holds them: of everything in `public`.
pub(super) async fn rights(place: &TestInstallation) -> Vec<Value> {
    place
        .rows(
            "SELECT c.relname, c.relowner, c.relacl::text, c.relrowsecurity,
                    (SELECT string_agg(a.attname || a.attacl::text, ' ' ORDER BY a.attnum)
                       FROM pg_attribute a WHERE a.attrelid = c.oid) AS columns,
                    (SELECT string_agg(p.polname, ' ' ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
               FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1",
        )
        .await
}

/// Rows, or the SQLSTATE of the refusal.
async fn asked_as(place: &TestInstallation, role: &str, sql: &str) -> Result<usize, String> {
    place.execute(&format!("SET ROLE \"{role}\"")).await;
    let outcome = place.db.query(sql, &[]).await;
    place.execute("RESET ROLE").await;
    let state = |e: tokio_postgres::Error| e.code().map_or_else(|| e.to_string(), |c| c.code().to_owned());
    outcome.map(|rows| rows.len()).map_err(state)
}

/// Whatever of the old system could be written or read, with its kind and its first column.
async fn of_the_old_system(place: &TestInstallation) -> Vec<Value> {
    place
        .rows(
            "SELECT c.oid::regclass::text AS name, c.relkind::text AS kind, c.relrowsecurity AS secured,
                    (SELECT quote_ident(attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND attnum = 1) AS first
               FROM pg_class c
              WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                AND (c.relnamespace = 'gazelle_v5'::regnamespace OR c.relname LIKE 'v5\\_local\\_%')",
        )
        .await
}

pub(super) async fn is_closed(place: &TestInstallation, roles: &[&str]) {
    let relations = of_the_old_system(place).await;
    assert!(relations.len() >= 9, "tables, sequences, views and the manifest: {relations:?}");
    for relation in &relations {
        let text = |key: &str| relation[key].as_str().unwrap().to_owned();
        let (name, kind, first) = (text("name"), text("kind"), text("first"));
        assert!(kind != "r" || relation["secured"] == true, "{name} has no row security");
        let statements = match kind.as_str() {
            "S" => vec![format!("SELECT last_value FROM {name}"), format!("SELECT nextval('{name}')")],
            _ => vec![
                format!("SELECT 1 FROM {name}"),
                format!("INSERT INTO {name} DEFAULT VALUES"),
                format!("UPDATE {name} SET {first} = {first}"),
                format!("DELETE FROM {name}"),
                format!("TRUNCATE {name} CASCADE"),
            ],
        };
        for role in roles {
            for sql in statements.iter().filter(|sql| kind != "v" || !sql.starts_with("TRUNCATE")) {
                assert_eq!(asked_as(place, role, sql).await, Err("42501".to_owned()), "{role}: {sql}");
            }
        }
    }
}

#[tokio::test]
async fn supabases_public_roles_are_refused_every_relation_of_the_backup_and_every_view_of_it() {
    let world = on_supabase().await;
    for role in ["anon", "authenticated"] {
        let seen = asked_as(&world, role, "SELECT payload FROM staging_appointments").await;
        assert_eq!(seen, Ok(1), "as it was before");
    }
    world.run(&["migrate", "--from-v5"]).await.success();
    is_closed(&world, &["anon", "authenticated"]).await;
    let usage = "SELECT has_schema_privilege($1, 'gazelle_v5', 'USAGE')";
    assert!(!world.one::<bool>(usage, &[&"authenticated"]).await);
    // Somebody shows the schema to the API: each relation is closed by itself.
    world.execute("GRANT USAGE ON SCHEMA gazelle_v5 TO PUBLIC, anon, authenticated").await;
    is_closed(&world, &["anon", "authenticated", "bureau"]).await;
}

#[tokio::test]
async fn a_former_reader_reads_as_before_and_writes_through_no_view() {
    let world = on_supabase().await;
    world.run(&["migrate", "--from-v5"]).await.success();
    for (role, sql, rows) in [
        ("lecteur", "SELECT * FROM gazelle_v5.gazelle_appointments", 2),
        ("lecteur", "SELECT * FROM gazelle_v5.gazelle_clients", 2),
        ("lecteur", "SELECT last_notified_tech_id FROM public.v5_local_gazelle_appointments", 2),
        ("comptable", "SELECT external_id, title FROM gazelle_v5.gazelle_appointments", 2),
        ("service_role", "SELECT payload FROM gazelle_v5.staging_appointments", 1),
        ("service_role", "SELECT couleur_locale FROM public.v5_local_gazelle_clients", 2),
    ] {
        assert_eq!(asked_as(&world, role, sql).await, Ok(rows), "{role}: {sql}");
    }
    for role in ["lecteur", "service_role", "comptable"] {
        for sql in [
            "DELETE FROM public.v5_local_gazelle_appointments",
            "UPDATE public.v5_local_gazelle_clients SET couleur_locale = 'x'",
            "INSERT INTO public.v5_local_gazelle_clients (external_id) VALUES ('x')",
            "SELECT undo FROM gazelle_v5.v5_manifest",
        ] {
            assert_eq!(asked_as(&world, role, sql).await, Err("42501".to_owned()), "{role}: {sql}");
        }
    }
}

#[tokio::test]
async fn back_gives_rights_and_row_security_as_they_were_to_the_bit() {
    let world = on_supabase().await;
    let before = rights(&world).await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.run(&["migrate", "--from-v5", "--back"]).await.success();
    assert_eq!(rights(&world).await, before);
    let seen = asked_as(&world, "authenticated", "SELECT payload FROM staging_appointments").await;
    assert_eq!(seen, Ok(1));
}

#[tokio::test]
async fn the_report_names_who_loses_access_before_and_after() {
    let world = on_supabase().await;
    for args in [&["migrate", "--from-v5", "--dry-run"][..], &["migrate", "--from-v5"]] {
        let plan = world.run(args).await.success()["from_v5"].clone();
        let lost = plan["loses_access"].as_array().unwrap_or_else(|| panic!("{plan}")).clone();
        let of = |role: &str| {
            lost.iter().find(|lost| lost["role"] == role).unwrap_or_else(|| panic!("{role}: {lost:?}"))
        };
        let all = json!(["gazelle_appointments", "gazelle_clients", "staging_appointments"]);
        assert_eq!(of("anon")["tables"], all);
        assert_eq!(of("authenticated")["tables"], all);
        assert_eq!(of("PUBLIC")["tables"], json!(["staging_appointments"]));
        // By which `authenticated` would read still.
        assert_eq!(of("bureau")["tables"], json!(["staging_appointments"]));
        assert_eq!(lost.len(), 4, "{lost:?}");
    }
    let world = on_supabase().await;
    let text = crate::support::run_to_end(world.command(&["migrate", "--from-v5", "--dry-run"])).await;
    for words in ["authenticated", "PUBLIC", "staging_appointments"] {
        let said = text.stdout.lines().find(|line| line.contains("no longer") && line.contains(words));
        assert!(said.is_some(), "{words}: {text}");
    }
}

#[tokio::test]
async fn doctor_sees_a_backup_that_was_opened_again_and_migrate_roles_closes_it() {
    let world = on_supabase().await;
    let before = rights(&world).await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world.run(&["migrate", "--roles"]).await.success();
    let check = "backup of the old system";
    shows_level(&world, check, "ok", &["gazelle_v5", "closed"]).await;
    for (opened, words) in [
        (
            "GRANT SELECT ON gazelle_v5.staging_appointments TO authenticated",
            "authenticated may SELECT on gazelle_v5.staging_appointments",
        ),
        (
            "GRANT UPDATE (title) ON gazelle_v5.gazelle_appointments TO anon",
            "anon may UPDATE on gazelle_v5.gazelle_appointments",
        ),
        (
            "GRANT DELETE ON public.v5_local_gazelle_clients TO PUBLIC",
            "PUBLIC may DELETE on public.v5_local_gazelle_clients",
        ),
        ("GRANT USAGE ON SCHEMA gazelle_v5 TO authenticated", "authenticated may USAGE on gazelle_v5"),
        ("GRANT USAGE ON SCHEMA gazelle_v5 TO bureau", "authenticated may USAGE on gazelle_v5"),
        (
            "ALTER TABLE gazelle_v5.gazelle_appointments DISABLE ROW LEVEL SECURITY",
            "row security is off for gazelle_v5.gazelle_appointments",
        ),
        (
            "GRANT TRUNCATE ON gazelle_v5.v5_manifest TO authenticated",
            "authenticated may TRUNCATE on gazelle_v5.v5_manifest",
        ),
    ] {
        world.execute(opened).await;
        shows_level(&world, check, "problem", &[words, "gazelle-sync migrate"]).await;
        let closed = world.run(&["migrate", "--roles"]).await.success();
        assert_ne!(closed["closed"], json!([]), "{opened}: {closed}");
        shows_level(&world, check, "ok", &[]).await;
    }
    is_closed(&world, &["anon", "authenticated"]).await;
    let nothing = world.run(&["migrate", "--roles"]).await.success();
    assert_eq!((&nothing["closed"], &nothing["made"]), (&json!([]), &json!([])));
    // What was opened since is not what there was.
    world.run(&["migrate", "--from-v5", "--back"]).await.success();
    assert_eq!(rights(&world).await, before);
}

async fn shows_level(world: &World, check: &str, level: &str, words: &[&str]) {
    let run = doctor(world).await;
    if level == "ok" {
        let (found, text) = crate::support::deployed::line(&run, check);
        assert_eq!(found, level, "{text}\n{run}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    } else {
        assert_check(&run, check, level, words);
    }
}

/// Before this program closed anything, it moved all rights along and said nothing.
#[tokio::test]
async fn a_backup_of_an_older_program_is_closed_and_can_still_go_back_exactly() {
    let world = on_supabase().await;
    let before = rights(&world).await;
    world.run(&["migrate", "--from-v5"]).await.success();
    world
        .execute(
            "DO $$ DECLARE step record; BEGIN
                 FOR step IN SELECT * FROM gazelle_v5.v5_manifest WHERE what LIKE '%closed%' ORDER BY position DESC LOOP
                     EXECUTE step.undo;
                     DELETE FROM gazelle_v5.v5_manifest WHERE position = step.position;
                 END LOOP;
             END $$",
        )
        .await;
    let seen = asked_as(&world, "authenticated", "SELECT 1 FROM public.v5_local_gazelle_clients").await;
    assert!(seen.is_err(), "{seen:?}");
    assert!(
        world
            .one::<bool>(
                "SELECT has_table_privilege('authenticated', 'gazelle_v5.staging_appointments', 'TRUNCATE')",
                &[]
            )
            .await
    );
    world.run(&["migrate", "--roles"]).await.success();
    is_closed(&world, &["anon", "authenticated"]).await;
    world.run(&["migrate", "--from-v5", "--back"]).await.success();
    assert_eq!(rights(&world).await, before);
}

#[tokio::test]
async fn a_right_that_could_not_be_taken_and_given_back_is_refused_by_name() {
    let world = on_supabase().await;
    world
        .execute(
            "GRANT SELECT ON staging_appointments TO lecteur WITH GRANT OPTION;
             SET ROLE lecteur; GRANT SELECT ON staging_appointments TO anon; RESET ROLE",
        )
        .await;
    let before = rights(&world).await;
    let run = world.run(&["migrate", "--from-v5"]).await;
    assert_eq!(run.code, 1, "{run}");
    for words in ["lecteur", "anon", "staging_appointments", "REVOKE"] {
        assert!(run.reasons().contains(words), "{words} not in {run}");
    }
    assert_eq!(rights(&world).await, before);
}

#[tokio::test]
async fn names_that_look_like_places_to_fill_in_are_taken_as_they_are() {
    let world = on_supabase().await;
    world
        .execute(
            "ALTER TABLE gazelle_clients ADD COLUMN \"{schema}\" text DEFAULT 'kept', ADD COLUMN \"{schema_text}\" text;
             CREATE ROLE \"{schema}\"; GRANT SELECT, UPDATE (\"{schema}\") ON gazelle_clients TO \"{schema}\";
             GRANT SELECT ON staging_appointments TO \"{schema}\"; GRANT \"{schema}\" TO authenticated;
             CREATE ROLE \"{schema_text}\"; GRANT SELECT ON staging_appointments, gazelle_appointments TO \"{schema_text}\"",
        )
        .await;
    let before = rights(&world).await;
    world.run(&["migrate", "--from-v5"]).await.success();
    let kept = world.rows("SELECT DISTINCT \"{schema}\" AS kept FROM public.v5_local_gazelle_clients").await;
    assert_eq!(kept, [json!({ "kept": "kept" })]);
    is_closed(&world, &["anon", "authenticated", "{schema}"]).await;
    let reads = asked_as(&world, "{schema_text}", "SELECT 1 FROM gazelle_v5.gazelle_appointments").await;
    assert_eq!(reads, Ok(2));
    world.run(&["migrate", "--from-v5", "--back"]).await.success();
    assert_eq!(rights(&world).await, before);
}
