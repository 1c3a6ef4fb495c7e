//! The statements that a refusal prints grant no privileged role and grant nothing to one.

use super::created_before_us::{refused, world_with_attacker};
use super::printed_fixes_work::{WEBHOOKS, apps_place_in_the_database_of_boss, counts};
use crate::support::deployed::doctor;
use crate::support::roles::{act_as, supabase};
use crate::support::{CommandOutput, DATABASE};

#[track_caller]
fn advises_no(run: &CommandOutput, words: &[&str]) {
    for word in words {
        assert!(!run.reasons().contains(word), "{word} in {run}");
    }
}

const STATEMENTS: [&str; 4] = ["GRANT gazelle", "GRANT postgres", "GRANT boss", "ALTER TABLE"];

#[tokio::test]
async fn tables_are_handed_to_no_owner_that_is_a_superuser_or_makes_roles() {
    for keeper in ["postgres", "boss"] {
        let mut world = supabase().await;
        world.execute("CREATE ROLE boss CREATEROLE; CREATE ROLE deputy LOGIN").await;
        world.run(&["migrate"]).await.success();
        world.execute(&format!("{WEBHOOKS}; ALTER TABLE sync_migrations OWNER TO {keeper}")).await;
        let run = world.run(&["sync"]).await;
        if counts(&world).await {
            refused(
                &run,
                &["First look at each", "http_request() of supabase_functions_admin", "has to decide"],
            );
        }
        advises_no(&run, &STATEMENTS);
        // Nor is another role to act for it.
        act_as(&mut world, "deputy");
        world
            .execute("ALTER ROLE deputy BYPASSRLS; GRANT USAGE ON SCHEMA public TO deputy; GRANT SELECT ON sync_migrations TO deputy")
            .await;
        let run = world.run(&["migrate", "--roles"]).await;
        refused(&run, &["deputy may not act for it", "has to decide"]);
        advises_no(&run, &STATEMENTS);
    }
}

#[tokio::test]
async fn tables_are_handed_to_nobody_who_is_there_already_and_could_be_anybody() {
    let world = supabase().await;
    if !counts(&world).await {
        return;
    }
    world.run(&["migrate"]).await.success();
    world.execute(WEBHOOKS).await;
    world
        .execute("CREATE ROLE clerk LOGIN; CREATE ROLE staff; GRANT pg_execute_server_program TO staff")
        .await;
    for (there, gone) in [
        ("CREATE ROLE gazelle_owner LOGIN", "DROP ROLE gazelle_owner"),
        ("CREATE ROLE gazelle_owner CREATEROLE", "DROP ROLE gazelle_owner"),
        ("CREATE ROLE gazelle_owner; GRANT gazelle_owner TO clerk", "DROP ROLE gazelle_owner"),
        ("CREATE ROLE gazelle_admin LOGIN CREATEROLE", "DROP ROLE gazelle_admin"),
        ("CREATE ROLE gazelle_admin LOGIN; GRANT staff TO gazelle_admin", "DROP ROLE gazelle_admin"),
        ("CREATE ROLE gazelle_admin LOGIN; GRANT gazelle_admin TO clerk", "DROP ROLE gazelle_admin"),
        ("CREATE ROLE gazelle_owner; GRANT staff TO gazelle_owner", "DROP ROLE gazelle_owner"),
    ] {
        world.execute(there).await;
        let run = world.run(&["sync"]).await;
        refused(&run, &["hook ON public.gazelle_clients", "has to decide", "choose new names"]);
        advises_no(&run, &STATEMENTS);
        world.execute(gone).await;
    }
    world.execute("CREATE ROLE gazelle_owner").await;
    world.execute("CREATE DATABASE elsewhere OWNER gazelle_owner").await;
    advises_no(&world.run(&["sync"]).await, &STATEMENTS);
    world.execute("DROP DATABASE elsewhere").await;
    world.execute("CREATE ROLE gazelle_admin LOGIN").await;
    world.execute("CREATE DATABASE elsewhere OWNER gazelle_admin").await;
    advises_no(&world.run(&["sync"]).await, &STATEMENTS);
    world.execute("DROP DATABASE elsewhere").await;
    // What is there and nobody's is used.
    let words = ["GRANT gazelle_owner TO gazelle_admin;", "ALTER TABLE"];
    refused(&world.run(&["sync"]).await, &words);
}

#[tokio::test]
async fn an_administrator_is_asked_for_no_grant_of_a_role_that_can_do_more() {
    let world = apps_place_in_the_database_of_boss().await;
    world
        .execute(
            "ALTER ROLE app NOCREATEROLE; CREATE ROLE alice LOGIN; CREATE ROLE used; CREATE ROLE harmless; \
             CREATE ROLE root SUPERUSER NOCREATEROLE; CREATE ROLE of_root; GRANT root TO of_root; \
             CREATE ROLE of_used; GRANT used TO of_used; \
             CREATE ROLE of_server; GRANT pg_execute_server_program TO of_server",
        )
        .await;
    world.execute("CREATE DATABASE elsewhere OWNER used").await;
    for owner in ["alice", "postgres", "used", "of_root", "of_used", "of_server"] {
        for flags in [
            &["migrate", "--roles", "--owner-role", owner][..],
            &["migrate", "--roles", "--owner-role", owner, "--dry-run"],
        ] {
            let run = world.run(flags).await;
            refused(&run, &["--owner-role", owner]);
            advises_no(&run, &["GRANT"]);
            assert!(!run.stdout.contains("needed_first"), "{run}");
        }
    }
    // Of one that nobody uses our role becomes a member, and lets in nobody else.
    let run = world.run(&["migrate", "--roles", "--owner-role", "harmless"]).await;
    refused(&run, &["GRANT harmless TO app;"]);
    advises_no(&run, &["ADMIN OPTION"]);
}

#[tokio::test]
async fn the_owner_of_a_database_who_gives_it_a_table_of_ours_ends_no_command() {
    let world = world_with_attacker().await;
    world.run(&["migrate"]).await.success();
    world
        .execute(&format!(
            "ALTER DATABASE {DATABASE} OWNER TO mallory; ALTER TABLE sync_runs OWNER TO pg_database_owner"
        ))
        .await;
    if !counts(&world).await {
        return;
    }
    let words = ["belongs to pg_database_owner", "mallory may act", "whoever owns the database is a member"];
    for command in [&["sync"][..], &["status"], &["migrate"]] {
        let run = world.run(command).await;
        refused(&run, &words);
        assert!(!run.stderr.contains("panicked"), "{run}");
    }
    let run = doctor(&world).await;
    assert!(run.stdout.contains(words[2]) && !run.stderr.contains("panicked"), "{run}");
}

#[tokio::test]
async fn the_comment_of_the_owner_names_the_database() {
    let world = supabase().await;
    world.run(&["migrate", "--roles", "--owner-role", "shop_owner"]).await.success();
    let comment = "SELECT shobj_description('shop_owner'::regrole, 'pg_authid')";
    let said = format!("owner of the tables of gazelle-sync in the database {DATABASE}");
    assert_eq!(world.text(comment).await, Some(said));
}

#[tokio::test]
async fn names_of_roles_are_quoted_beside_statements() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    let odd = r#""x; DROP ""y"" (z)""#;
    world.execute(&format!("CREATE ROLE {odd} LOGIN; GRANT gazelle_owner TO {odd}")).await;
    if counts(&world).await {
        refused(
            &world.run(&["status"]).await,
            &[&format!("as which {odd} may act"), &format!("FROM {odd} ends")],
        );
    }
    world.execute(&format!("REVOKE gazelle_owner FROM {odd}; GRANT gazelle_reader TO {odd}")).await;
    act_as(&mut world, r#"x%3B%20DROP%20%22y%22%20(z)"#);
    refused(&world.run(&["migrate", "--roles"]).await, &[&format!("{odd} may not act for it")]);
}
