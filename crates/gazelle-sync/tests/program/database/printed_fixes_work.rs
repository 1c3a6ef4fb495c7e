//! The statements that a refusal prints resolve it: they are executed as printed, and the command then succeeds.

use super::created_before_us::{refused, works};
use crate::support::deployed::{assert_check, doctor, line};
use crate::support::roles::{act_as, client_of, supabase};
use crate::support::{CommandOutput, DATABASE, World};

/// Runs the statements that stand in a message between two of its words, as this role.
async fn runs_what_is_printed(
    world: &World,
    role: &str,
    run: &CommandOutput,
    between: (&str, &str),
) -> String {
    let said = run.reasons();
    let printed = said.split_once(between.0).unwrap_or_else(|| panic!("{} not in {run}", between.0)).1;
    let printed = printed.split_once(between.1).unwrap_or_else(|| panic!("{} not in {run}", between.1)).0;
    // Whom it is granted to is left open.
    let printed = &printed.replace('…', "deputy");
    let client = client_of(world, role).await;
    client.batch_execute(printed).await.unwrap_or_else(|error| panic!("{printed}: {error:?}"));
    printed.to_owned()
}

const BY_AN_ADMINISTRATOR: (&str, &str) = ("have an administrator run: ", ". Then run this again");

/// A database of `boss`, in which `app` may create.
pub(super) async fn apps_place_in_the_database_of_boss() -> World {
    let mut world = World::new().await;
    world
        .execute(&format!(
            "CREATE ROLE boss LOGIN; CREATE ROLE app LOGIN CREATEROLE; ALTER DATABASE {DATABASE} OWNER TO boss;
             GRANT USAGE, CREATE ON SCHEMA public TO app"
        ))
        .await;
    act_as(&mut world, "app");
    world
}

/// Up to version 15 who makes roles is as good as a superuser.
pub(super) async fn counts(world: &World) -> bool {
    world.one("SELECT current_setting('server_version_num')::int < 160000", &[]).await
}

#[tokio::test]
async fn who_cannot_make_the_roles_is_told_what_an_administrator_runs_first() {
    // As it was made, as one that has lost the right to make roles, and with tables and other names already.
    for (before, flags) in [
        ("SELECT 1", &["migrate", "--roles"][..]),
        ("ALTER ROLE app NOCREATEROLE", &["migrate", "--roles"]),
        (
            "ALTER ROLE app NOCREATEROLE",
            &[
                "migrate",
                "--roles",
                "--owner-role",
                "shop_owner",
                "--sync-role",
                "shop_sync",
                "--reader-role",
                "shop_reader",
            ],
        ),
    ] {
        let mut world = apps_place_in_the_database_of_boss().await;
        world.execute(before).await;
        let dry = world.run(&[flags, &["--dry-run"]].concat()).await;
        dry.success();
        let run = world.run(flags).await;
        refused(&run, &["no role was changed"]);
        let printed = runs_what_is_printed(&world, "postgres", &run, BY_AN_ADMINISTRATOR).await;
        for statement in ["CREATE ROLE", "NOLOGIN", "LOGIN", "GRANT", "TO app"] {
            assert!(printed.contains(statement), "{printed}");
        }
        let first = &dry.json()["needed_first"];
        for (at, statement) in printed.split("; ").enumerate() {
            assert_eq!(first[at], statement, "{dry}");
        }
        world.run(flags).await.success();
        world.run(flags).await.success();
        works(&world, "app").await;
        let writer = if flags.contains(&"shop_sync") { "shop_sync" } else { "gazelle_sync" };
        act_as(&mut world, writer);
        world.run(&["sync"]).await.success();
    }
}

#[tokio::test]
async fn tables_that_stand_already_do_not_keep_a_dry_run_from_saying_what_is_needed() {
    let world = apps_place_in_the_database_of_boss().await;
    world.execute("ALTER ROLE app NOCREATEROLE").await;
    world.run(&["migrate"]).await.success();
    world.execute("ALTER ROLE app CREATEROLE").await;
    let dry = world.run(&["migrate", "--roles", "--dry-run"]).await;
    dry.success();
    let run = world.run(&["migrate", "--roles"]).await;
    if counts(&world).await {
        assert!(dry.json()["missing"].is_null(), "nothing of the tables was read: {dry}");
        refused(&run, &["ALTER ROLE app NOCREATEROLE"]);
    }
    runs_what_is_printed(&world, "postgres", &run, BY_AN_ADMINISTRATOR).await;
    world.run(&["migrate", "--roles"]).await.success();
    works(&world, "app").await;
}

/// What Supabase puts beside a database for its webhooks: a function of a role of its own, which triggers hand arguments.
pub(super) const WEBHOOKS: &str = "CREATE ROLE supabase_functions_admin LOGIN;
     CREATE SCHEMA supabase_functions AUTHORIZATION supabase_functions_admin;
     CREATE TABLE supabase_functions.hooks (at timestamptz);
     CREATE FUNCTION supabase_functions.http_request() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
         INSERT INTO supabase_functions.hooks VALUES (pg_catalog.now()); RETURN NEW; END $$;
     ALTER FUNCTION supabase_functions.http_request() OWNER TO supabase_functions_admin;
     ALTER TABLE supabase_functions.hooks OWNER TO supabase_functions_admin;
     GRANT USAGE ON SCHEMA supabase_functions TO PUBLIC;
     CREATE TRIGGER hook AFTER INSERT ON public.gazelle_clients
         FOR EACH ROW EXECUTE FUNCTION supabase_functions.http_request('https://hooks.example.org', 'POST');
     CREATE ROLE crm LOGIN; CREATE SCHEMA crm AUTHORIZATION crm;
     GRANT USAGE ON SCHEMA public TO crm; GRANT REFERENCES ON gazelle_clients, gazelle_pianos TO crm; SET ROLE crm;
     CREATE TABLE crm.notes (client text REFERENCES public.gazelle_clients ON DELETE CASCADE);
     CREATE TABLE crm.repairs (piano text REFERENCES public.gazelle_pianos ON DELETE CASCADE); RESET ROLE;
     REVOKE REFERENCES ON gazelle_clients, gazelle_pianos FROM crm;
     ALTER TABLE crm.notes OWNER TO administrator; ALTER TABLE crm.repairs OWNER TO administrator;
     GRANT TRIGGER ON crm.notes TO crm; GRANT TRIGGER, REFERENCES ON crm.repairs TO crm, anon";

const AS_THE_ROLE: (&str, &str) = ("run as administrator: ", ". Then put gazelle_admin");

#[tokio::test]
async fn webhooks_and_keys_of_others_go_on_under_the_administrator_that_is_printed() {
    for with_roles in [false, true] {
        let mut world = supabase().await;
        world.run(&["migrate"]).await.success();
        if with_roles {
            world.run(&["migrate", "--roles"]).await.success();
        }
        world.execute(WEBHOOKS).await;
        let run = world.run(&["sync"]).await;
        if !counts(&world).await {
            run.success();
            continue;
        }
        // All that is in the way, at once.
        let words = [
            "CREATEROLE",
            "DROP TRIGGER hook ON public.gazelle_clients",
            "REVOKE TRIGGER, REFERENCES ON crm.notes FROM crm CASCADE",
            "REVOKE TRIGGER, REFERENCES ON crm.repairs FROM anon CASCADE",
            "REVOKE TRIGGER, REFERENCES ON crm.repairs FROM crm CASCADE",
        ];
        refused(&run, &words);
        refused(&world.run(&["migrate"]).await, &words);
        runs_what_is_printed(&world, "administrator", &run, AS_THE_ROLE).await;
        act_as(&mut world, "gazelle_admin");
        world.run(&["migrate", "--roles"]).await.success();
        for command in [&["migrate"][..], &["sync"], &["status"]] {
            world.run(command).await.success();
        }
        act_as(&mut world, "gazelle_sync");
        world.run(&["sync", "--mode", "full"]).await.success();
        assert!(world.count("supabase_functions.hooks").await > 0, "the webhook was called");
    }
}

#[tokio::test]
async fn who_is_let_in_by_the_advice_of_a_grant_takes_the_place_of_who_makes_roles() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("CREATE ROLE deputy LOGIN; GRANT gazelle_reader TO deputy").await;
    act_as(&mut world, "deputy");
    let run = world.run(&["migrate", "--roles"]).await;
    refused(&run, &["belong to gazelle_owner", "deputy may not act for it"]);
    let counts = counts(&world).await;
    let between = if counts { ("from then on (", ")") } else { ("granted with: ", "; the sync itself") };
    runs_what_is_printed(&world, "postgres", &run, between).await;
    works(&world, "deputy, who was let in").await;
    act_as(&mut world, "administrator");
    if counts {
        // As it was said: a managed server may not give CREATEROLE back.
        refused(&run, &["such as administrator", "separate administrator", "may not give it back"]);
        refused(&world.run(&["status"]).await, &["deputy may act", "REVOKE gazelle_owner FROM deputy"]);
    } else {
        works(&world, "administrator, who was there before").await;
    }
}

#[tokio::test]
async fn a_writer_that_may_not_lock_a_table_for_its_right_to_make_roles_is_told_to_lose_it() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("ALTER ROLE gazelle_sync CREATEROLE").await;
    act_as(&mut world, "gazelle_sync");
    let run = world.run(&["sync"]).await;
    if !counts(&world).await {
        run.success();
        return;
    }
    refused(&run, &["(gazelle_sync)", "CREATEROLE", "may not lock public.sync_migrations"]);
    let fix =
        runs_what_is_printed(&world, "postgres", &run, ("makes it so: ", ", then run this again")).await;
    assert_eq!(fix, "ALTER ROLE gazelle_sync NOCREATEROLE");
    world.run(&["sync"]).await.success();
}

#[tokio::test]
async fn doctor_says_that_another_role_is_in_force_than_logs_in() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("CREATE ROLE app LOGIN BYPASSRLS; GRANT gazelle_sync TO app").await;
    act_as(&mut world, "app");
    assert_eq!(line(&doctor(&world).await, "role in force").0, "absent");
    for set in [
        "ALTER ROLE app SET role = 'gazelle_sync'".to_owned(),
        format!("ALTER ROLE app RESET role; ALTER DATABASE {DATABASE} SET role = 'gazelle_sync'"),
    ] {
        world.execute(&set).await;
        let run = doctor(&world).await;
        assert_check(
            &run,
            "role in force",
            "warning",
            &["app logs in", "gazelle_sync is in force", "RESET role"],
        );
        // What the login is counts all the same: the session may put it in force again.
        assert_check(&run, "our own role", "warning", &["app bypasses row security"]);
    }
    world.execute("ALTER ROLE app NOBYPASSRLS; GRANT gazelle_owner TO app").await;
    assert_check(
        &doctor(&world).await,
        "our own role",
        "warning",
        &["app owns the tables or acts for their owner"],
    );
}
