//! `migrate --roles`: a role that owns, one that writes, one that reads, each tried at what it may and may not.

use crate::support::roles::{act_as, client_of, permission_denied, query_or_sqlstate, supabase, url_of};
use crate::support::{CommandOutput, TestInstallation, World, production_tables, staging_tables};
use gazelle_sim::RecordKind;
use gazelle_sync::migrations;
use serde_json::{Value, json};

/// A refusal that says what it is about.
#[track_caller]
pub(super) fn says(run: &CommandOutput, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{run}");
    for word in words {
        assert!(run.reasons().contains(word), "{word} not in: {run}");
    }
}

pub(super) async fn owners(place: &TestInstallation) -> Vec<Value> {
    place
        .rows(
            "SELECT DISTINCT pg_get_userbyid(c.relowner) AS owner FROM pg_class c
              WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')",
        )
        .await
}

#[tokio::test]
async fn the_roles_are_made_told_and_not_made_again() {
    let world = supabase().await;
    let run = world.run(&["migrate", "--roles", "--dry-run"]).await.success();
    assert!(run["sql"].as_str().unwrap().contains("CREATE ROLE \"gazelle_owner\" NOLOGIN"), "{run}");
    assert_eq!(world.count("pg_roles WHERE rolname LIKE 'gazelle%'").await, 0);
    assert_eq!(world.count("pg_tables WHERE schemaname = 'public'").await, 0);

    let run = world.run(&["migrate", "--roles"]).await.success();
    assert!(!run["applied"].as_array().unwrap().is_empty(), "an empty database is migrated first: {run}");
    let made = run["made"].to_string();
    for fact in [
        r#"{"is":"there, may not log in","of":"role gazelle_owner"}"#,
        r#"{"is":"there, may log in","of":"role gazelle_sync"}"#,
        r#"{"is":"gazelle_sync may USAGE","of":"schema public"}"#,
        r#"{"is":"owner gazelle_owner","of":"v_appointments_montreal"}"#,
        r#"{"is":"gazelle_sync may DELETE, INSERT, SELECT, UPDATE","of":"gazelle_pianos"}"#,
        r#"{"is":"gazelle_sync may SELECT","of":"sync_migrations"}"#,
    ] {
        assert!(made.contains(fact), "{fact} not in {made}");
    }
    assert!(!made.contains("anon may") && !made.contains("PUBLIC may"), "{made}");
    assert_eq!(owners(&world).await, [json!({ "owner": "gazelle_owner" })]);

    let versions = "SELECT string_agg(xmin::text, ' ' ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let before = world.text(versions).await;
    let again = world.run(&["migrate", "--roles"]).await.success();
    assert_eq!((&again["made"], &again["ended"], &again["applied"]), (&json!([]), &json!([]), &json!([])));
    assert_eq!(world.text(versions).await, before, "nothing is written the second time");

    // What somebody opened since is closed again, and told.
    world.execute("GRANT SELECT ON staging_clients TO authenticated; ALTER TABLE gazelle_users DISABLE ROW LEVEL SECURITY").await;
    let fixed = world.run(&["migrate", "--roles"]).await.success();
    assert_eq!(fixed["ended"], json!([{"of": "staging_clients", "is": "authenticated may SELECT"}]));
    assert_eq!(fixed["made"], json!([{"of": "gazelle_users", "is": "row security on"}]));

    let text = crate::support::run_to_end(world.command(&["migrate", "--roles"])).await;
    assert!(
        text.stdout.contains("nothing to do") && text.stdout.contains("\\password gazelle_sync"),
        "{text}"
    );
}

#[tokio::test]
async fn the_whole_sync_runs_as_the_writer_which_owns_nothing() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client)[2].clone();
    world
        .control
        .edit(RecordKind::Client, &client, json!({ "companyName": "Salle Neuve (exemple)" }))
        .unwrap();
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "0");
    world.control.delete(RecordKind::Event, &world.upcoming(1)).unwrap();
    let partial = world.incremental().await;
    assert_eq!(partial.code, 3, "a deletion is withheld: {partial}");
    let run_id = partial.json()["run_id"].as_str().unwrap().to_owned();
    world.run(&["deletions", "approve", &run_id]).await.success();
    assert_eq!(world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 1);
    assert_eq!(world.count("gazelle_clients WHERE company_name = 'Salle Neuve (exemple)'").await, 1);

    world.run(&["errors", "retry"]).await.success();
    world.execute("UPDATE gazelle_pianos SET make = 'Faux'").await;
    let replay = world.run(&["replay"]).await.success();
    assert!(replay["rows_written"].as_u64().unwrap() > 100, "{replay}");
    for args in [&["verify"][..], &["status"], &["errors"], &["deletions"], &["reconcile"]] {
        world.run(args).await.success();
    }
    world.run(&["migrate"]).await.success();
    assert_eq!(owners(&world).await, [json!({ "owner": "gazelle_owner" })], "scratch tables are gone");

    let writer = client_of(&world, "gazelle_sync").await;
    for sql in [
        "TRUNCATE gazelle_clients CASCADE",
        "DROP TABLE staging_users",
        "ALTER TABLE gazelle_clients ADD COLUMN x int",
        "ALTER TABLE gazelle_clients DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON gazelle_clients USING (true)",
        "SET ROLE gazelle_owner",
        "DELETE FROM sync_migrations",
        "CREATE ROLE another",
        "CREATE SCHEMA another",
        "CREATE TABLE public.another (x int)",
        "CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT '' $$",
    ] {
        assert_eq!(query_or_sqlstate(&writer, sql).await, permission_denied(), "{sql}");
    }
    // A grant of what one may not grant is no error to Postgres; it must do nothing.
    let _ = writer.batch_execute("GRANT SELECT ON gazelle_clients TO anon").await;
    let granted = "SELECT has_table_privilege('anon', 'gazelle_clients', 'SELECT')";
    assert!(!world.one::<bool>(granted, &[]).await);
}

#[tokio::test]
async fn readers_see_production_and_counts_and_change_nothing() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("CREATE ROLE office LOGIN; GRANT gazelle_reader TO office").await;
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;

    let reader = client_of(&world, "office").await;
    for name in production_tables().into_iter().chain([
        "v_appointments_montreal",
        "v_sync_dashboard",
        "v_sync_dashboard_entities",
    ]) {
        let all = world.count(name).await as usize;
        assert_eq!(query_or_sqlstate(&reader, &format!("SELECT * FROM {name}")).await, Ok(all), "{name}");
        if !name.starts_with("v_") {
            for sql in [
                format!("DELETE FROM {name}"),
                format!("UPDATE {name} SET staging_id = NULL"),
                format!("TRUNCATE {name}"),
            ] {
                assert_eq!(query_or_sqlstate(&reader, &sql).await, permission_denied(), "{sql}");
            }
        }
    }
    for name in staging_tables() {
        assert_eq!(
            query_or_sqlstate(&reader, &format!("SELECT raw_data FROM {name}")).await,
            permission_denied(),
            "{name}"
        );
        assert_eq!(
            query_or_sqlstate(&reader, &format!("SELECT external_id FROM {name}")).await,
            permission_denied(),
            "{name}"
        );
    }
    let hidden: Vec<&str> = migrations::relation_names()
        .into_iter()
        .filter(|name| name.starts_with("sync_"))
        .filter(|name| {
            !["sync_migrations", "sync_runs", "sync_run_entities", "sync_run_requests", "sync_bookmarks"]
                .contains(name)
        })
        .collect();
    assert!(hidden.len() > 5);
    assert_eq!(
        query_or_sqlstate(&reader, "SELECT variables FROM sync_run_requests").await,
        permission_denied()
    );
    for name in hidden {
        assert_eq!(
            query_or_sqlstate(&reader, &format!("SELECT 1 FROM {name}")).await,
            permission_denied(),
            "{name}"
        );
    }
    assert_eq!(query_or_sqlstate(&reader, "CREATE TABLE public.mine (id int)").await, permission_denied());

    act_as(&mut world, "office");
    let status = world.run(&["status"]).await.success();
    assert_eq!(status["runs"][0]["status"], "success", "{status}");
    assert!(
        status["production"].as_array().unwrap().iter().all(|line| line["rows"].as_i64() > Some(0)),
        "{status}"
    );
    for args in
        [&["sync"][..], &["errors"], &["replay"], &["verify", "--offline"], &["deletions"], &["reconcile"]]
    {
        says(&world.run(args).await, 1, &["permission denied", "the role in DATABASE_URL lacks this right"]);
    }
    says(&world.run(&["migrate", "--roles"]).await, 1, &["office may not act for it"]);
}

#[tokio::test]
async fn nobody_logs_in_as_the_owner_and_supabases_public_roles_get_nothing() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;
    for role in ["gazelle_owner", "gazelle_reader"] {
        let refusal =
            tokio_postgres::connect(&url_of(&world, role), tokio_postgres::NoTls).await.err().unwrap();
        assert_eq!(refusal.code().unwrap().code(), "28000", "{role}: {refusal}");
    }
    let administrator = client_of(&world, "administrator").await;
    for role in ["anon", "authenticated"] {
        administrator.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
        for name in migrations::relation_names() {
            assert_eq!(
                query_or_sqlstate(&administrator, &format!("SELECT 1 FROM {name}")).await,
                permission_denied(),
                "{role} {name}"
            );
        }
        administrator.batch_execute("RESET ROLE").await.unwrap();
    }
}

#[tokio::test]
async fn the_roles_have_no_password() {
    let world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    assert_eq!(world.count("pg_roles WHERE rolname LIKE 'gazelle%'").await, 3);
    assert_eq!(world.count("pg_authid WHERE rolname LIKE 'gazelle%' AND rolpassword IS NOT NULL").await, 0);
    for setting in gazelle_sync::config::SETTINGS.iter().filter(|setting| setting.secret) {
        assert_eq!(setting.default, "", "{} has a default that everybody knows", setting.key);
    }
}

#[tokio::test]
async fn later_migrations_are_the_administrators_and_cover_what_they_make() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    // As if this program brought a table that an older one had not made.
    world.execute("DROP TABLE sync_wanted_runs; DELETE FROM sync_migrations WHERE version = 11").await;
    act_as(&mut world, "gazelle_sync");
    says(&world.full().await, 1, &["lacks 1 migration(s)", "gazelle-sync migrate"]);
    says(
        &world.run(&["migrate"]).await,
        1,
        &["belong to gazelle_owner", "gazelle_sync may not act for it", "administrator"],
    );

    act_as(&mut world, "administrator");
    world.run(&["migrate"]).await.success();
    assert_eq!(owners(&world).await, [json!({ "owner": "gazelle_owner" })]);
    let again = world.run(&["migrate", "--roles"]).await.success();
    assert_eq!((&again["made"], &again["ended"]), (&json!([]), &json!([])), "nothing was left to cover");
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;
    let writer = client_of(&world, "gazelle_sync").await;
    assert_eq!(
        query_or_sqlstate(&writer, "INSERT INTO sync_wanted_runs (mode) VALUES ('full') RETURNING id").await,
        Ok(1)
    );
}

#[tokio::test]
async fn other_names_take_the_place_of_the_first_ones() {
    let world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    let args = ["migrate", "--roles", "--reader-role", "bureau", "--sync-role", "robot"];
    let run = world.run(&args).await.success();
    assert!(run["ended"].to_string().contains("gazelle_reader may SELECT"), "{run}");
    let left = world
        .text(
            "SELECT string_agg(c.relname || ' ' || r.rolname, ', ')
               FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS held JOIN pg_roles r ON r.oid = held.grantee
              WHERE r.rolname IN ('gazelle_reader', 'gazelle_sync')",
        )
        .await;
    assert_eq!(left, None);
    let again = world.run(&args).await.success();
    assert_eq!((&again["made"], &again["ended"]), (&json!([]), &json!([])));
    assert_eq!(
        query_or_sqlstate(&client_of(&world, "gazelle_sync").await, "SELECT 1 FROM gazelle_users").await,
        permission_denied()
    );
    assert_eq!(
        query_or_sqlstate(&client_of(&world, "robot").await, "SELECT 1 FROM gazelle_users").await,
        Ok(0)
    );
}

#[tokio::test]
async fn roles_that_would_protect_nothing_are_refused_and_nothing_is_changed() {
    let mut world = supabase().await;
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "CREATE ROLE mighty SUPERUSER LOGIN; CREATE ROLE unbound BYPASSRLS LOGIN; CREATE ROLE robot LOGIN CREATEROLE;
             CREATE ROLE chief LOGIN; CREATE ROLE boss NOLOGIN; CREATE ROLE deputy LOGIN; GRANT boss TO deputy",
        )
        .await;
    for (args, words) in [
        (["--sync-role", "mighty"], "mighty is a superuser"),
        (["--reader-role", "unbound"], "unbound bypasses row security"),
        (["--sync-role", "gazelle_owner"], "name three different ones"),
        (["--owner-role", "chief"], "chief may log in"),
        (["--sync-role", "administrator"], "run as administrator itself"),
    ] {
        says(&world.run(&["migrate", "--roles", args[0], args[1]]).await, 1, &[words]);
    }
    let args = ["migrate", "--roles", "--owner-role", "boss", "--sync-role", "deputy"];
    says(&world.run(&args).await, 1, &["deputy is a member of boss", "REVOKE boss FROM deputy"]);
    for args in [["--sync-role", "Robot"], ["--owner-role", "a\"; DROP TABLE x"], ["--reader-role", ""]] {
        says(
            &world.run(&["migrate", "--roles", args[0], args[1]]).await,
            2,
            &[args[0], "lower-case letters"],
        );
    }
    assert_eq!(world.run(&["migrate", "--sync-role", "robot"]).await.code, 2);
    assert_eq!(world.run(&["migrate", "--roles", "--from-v5"]).await.code, 2);
    act_as(&mut world, "robot");
    says(&world.run(&["migrate", "--roles"]).await, 1, &["permission denied for table sync_migrations"]);
    assert_eq!(world.count("pg_roles WHERE rolname LIKE 'gazelle%'").await, 0);
    assert_eq!(owners(&world).await, [json!({ "owner": "administrator" })]);
}

/// The lines of the runbook's chapter on backups, each a command, as a person would paste them.
fn of_the_runbook(word: &str) -> Vec<String> {
    let page = include_str!("../../../../../docs/runbook.md");
    let block = page.split("```").find(|block| block.starts_with("sh\n") && block.contains(word)).unwrap();
    block
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_backup_is_restored_word_for_word_as_the_runbook_says() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.run(&["migrate", "--roles"]).await.success();
    let before = world.production(&[]).await;
    let new = TestInstallation::new().await;
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_gazelle-sync")).parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let shell = async |line: &str, url: &str| {
        let mut command = world.command(&[]);
        let program = command.as_std().get_program().to_owned();
        assert!(program.to_string_lossy().ends_with("gazelle-sync"));
        let mut sh = tokio::process::Command::new("sh");
        sh.args(["-ec", &line.replace("gazelle-2026-01-09.dump", "gazelle-$(date +%F).dump")])
            .envs(command.as_std_mut().get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("PATH", &path)
            .env("DATABASE_URL", url)
            .env("NEW_DATABASE_URL", new.url())
            .current_dir(world.folder.path());
        let output = sh.output().await.unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for line in of_the_runbook("pg_dump") {
        shell(&line, &world.url()).await;
    }
    for line in of_the_runbook("pg_restore") {
        shell(&line, &new.url()).await;
        if line.starts_with("pg_restore") {
            crate::support::assert_same(&before, &new.production(&[]).await, "restored");
        }
    }
}
