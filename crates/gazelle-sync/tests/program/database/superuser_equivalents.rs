//! Roles that can make themselves superusers, and comments by which an owner cannot vouch for itself.

use super::citus::pretend_citus;
use super::created_before_us::{
    TRAP, as_mallory, assert_trap_not_executed, refused, works, world_with_attacker,
};
use super::superusers::SET_THE_TRAP;
use crate::support::deployed::{assert_check, doctor};
use crate::support::roles::{act_as, act_as_gazelle_admin};
use crate::support::{DATABASE, World};

/// Makes mallory one who runs programs of the server, where whoever runs it may give him that.
const RISE: &str = "CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_catalog.nextval('public.sprung');
        BEGIN GRANT pg_execute_server_program TO mallory; EXCEPTION WHEN OTHERS THEN NULL; END;
        RETURN NEW;
    END $$";

/// mallory's own schema `gazelle`, made with the program, and `robot`, who may read and write its rows.
async fn a_schema_of_mallorys(trap: &str) -> World {
    let mut world = world_with_attacker().await;
    world.execute(&format!("GRANT CREATE ON DATABASE {DATABASE} TO mallory")).await;
    as_mallory(&world, trap).await;
    world.set("GAZELLE_SYNC_SCHEMA", "gazelle");
    act_as(&mut world, "mallory");
    world.full_sync_ok().await;
    as_mallory(&world, SET_THE_TRAP).await;
    world
        .execute(
            "CREATE ROLE robot LOGIN BYPASSRLS; GRANT USAGE ON SCHEMA gazelle TO robot;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA gazelle TO robot",
        )
        .await;
    world
}

async fn attacker_is_superuser(world: &World) -> bool {
    world.one("SELECT pg_has_role('mallory', 'pg_execute_server_program', 'MEMBER')", &[]).await
}

/// Up to version 15 who makes roles gives the server's own roles too.
async fn who_makes_roles_makes_superusers(world: &World) -> bool {
    world.one("SELECT current_setting('server_version_num')::int < 160000", &[]).await
}

#[tokio::test]
async fn who_may_use_the_servers_files_or_programs_uses_nothing_that_others_own() {
    let mut world = a_schema_of_mallorys(TRAP).await;
    world.execute("CREATE ROLE staff NOLOGIN; CREATE ROLE others LOGIN").await;
    act_as(&mut world, "robot");
    for power in ["pg_execute_server_program", "pg_write_server_files", "pg_read_server_files"] {
        for (given, taken) in [
            (format!("GRANT {power} TO robot"), format!("REVOKE {power} FROM robot")),
            // By a group, of which it inherits nothing.
            (
                format!("ALTER ROLE robot NOINHERIT; GRANT {power} TO staff; GRANT staff TO robot"),
                format!("ALTER ROLE robot INHERIT; REVOKE {power} FROM staff; REVOKE staff FROM robot"),
            ),
            // With a lesser role in force, which any code can undo.
            (
                format!(
                    "GRANT {power} TO robot; GRANT others TO robot; GRANT USAGE ON SCHEMA gazelle TO others;
                         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA gazelle TO others;
                         ALTER ROLE others BYPASSRLS; ALTER ROLE robot SET role = others"
                ),
                format!("REVOKE {power} FROM robot; REVOKE others FROM robot; ALTER ROLE robot RESET role"),
            ),
        ] {
            world.execute(&given).await;
            for command in [&["sync"][..], &["status"], &["alerts", "check"], &["doctor"]] {
                let run = world.run(command).await;
                assert_trap_not_executed(&world, &format!("{given}: {command:?}: {run}")).await;
                assert_eq!(run.code, 1, "{given}: {command:?}: {run}");
                let said = if command == ["doctor"] { run.stdout.clone() } else { run.reasons() };
                for word in ["belongs to mallory", "as good as a superuser", power, "into DATABASE_URL"] {
                    assert!(said.contains(word), "{word} not said by {command:?}: {run}");
                }
            }
            world.execute(&taken).await;
        }
    }
    // What is its own serves it, where nobody else may hang code there.
    world
        .execute(&format!(
            "GRANT CREATE ON DATABASE {DATABASE} TO robot; GRANT pg_execute_server_program TO robot"
        ))
        .await;
    world.set("GAZELLE_SYNC_SCHEMA", "own");
    works(&world, "robot in a schema of its own").await;
    world.execute("GRANT USAGE ON SCHEMA own TO mallory; GRANT TRIGGER ON own.sync_lease TO mallory").await;
    let words = ["mallory may add triggers", "as good as a superuser", "pg_execute_server_program"];
    refused(&world.run(&["sync"]).await, &words);
    as_mallory(
        &world,
        "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON own.sync_lease FOR EACH ROW EXECUTE FUNCTION public.trap()",
    )
    .await;
    world.execute("REVOKE TRIGGER ON own.sync_lease FROM mallory").await;
    refused(&world.run(&["sync"]).await, &["calls public.trap() of mallory", "as good as a superuser"]);
    assert_trap_not_executed(&world, "a trigger of mallory's").await;
    world.execute("DROP TRIGGER t ON own.sync_lease").await;
    works(&world, "robot, after both are gone").await;
    let said = ["robot", "as good as a superuser", "pg_execute_server_program"];
    assert_check(&doctor(&world).await, "our own role", "warning", &said);
}

#[tokio::test]
async fn up_to_postgres_15_who_makes_roles_runs_nothing_of_others() {
    // Of the owner of a schema.
    let mut world = a_schema_of_mallorys(RISE).await;
    let counts = who_makes_roles_makes_superusers(&world).await;
    world.execute("ALTER ROLE robot CREATEROLE").await;
    act_as(&mut world, "robot");
    for owns in ["SELECT 1".to_owned(), format!("ALTER DATABASE {DATABASE} OWNER TO mallory")] {
        world.execute(&owns).await;
        let run = world.run(&["sync"]).await;
        assert!(!attacker_is_superuser(&world).await, "mallory runs programs of the server: {owns}: {run}");
        if counts {
            refused(&run, &["belongs to mallory", "as good as a superuser", "CREATEROLE", "DATABASE_URL"]);
        }
    }
    // Who only may put such a role in force is one as well.
    world
        .execute("ALTER ROLE robot NOCREATEROLE; CREATE ROLE makers CREATEROLE; GRANT makers TO robot")
        .await;
    let run = world.run(&["sync"]).await;
    assert!(!attacker_is_superuser(&world).await, "mallory runs programs of the server: {run}");
    // Of somebody who hangs a trigger.
    let mut world = world_with_attacker().await;
    world.run(&["migrate"]).await.success();
    as_mallory(&world, RISE).await;
    world.execute("GRANT TRIGGER ON sync_lease TO mallory").await;
    as_mallory(
        &world,
        "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON sync_lease FOR EACH ROW EXECUTE FUNCTION public.trap()",
    )
    .await;
    let run = world.run(&["sync"]).await;
    assert!(!attacker_is_superuser(&world).await, "mallory runs programs of the server: {run}");
    if counts {
        refused(&run, &["mallory", "as good as a superuser"]);
    }
    // The roles, and the administrators that are advised, with and without the right to make others.
    world.execute("DROP TRIGGER t ON sync_lease").await;
    world.run(&["migrate", "--roles"]).await.success();
    works(&world, "administrator").await;
    act_as(&mut world, "gazelle_sync");
    works(&world, "gazelle_sync").await;
    act_as_gazelle_admin(&mut world, "gazelle_owner").await;
    works(&world, "gazelle_admin that makes roles").await;
    world.execute("ALTER ROLE gazelle_admin NOCREATEROLE").await;
    works(&world, "gazelle_admin").await;
    world.run(&["migrate", "--roles"]).await.success();
    // Who could put something on the owner's tables, and makes no roles.
    if counts {
        act_as(&mut world, "administrator");
        world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO administrator")).await;
        let words =
            ["belongs to gazelle_owner", "gazelle_admin may act", "REVOKE gazelle_owner FROM gazelle_admin"];
        refused(&world.run(&["sync"]).await, &words);
    }
}

/// Both are marks that the owner of a table makes.
const FORGED: &str = "CREATE POLICY gazelle_sync_reads ON sync_migrations FOR SELECT TO mallory USING (true);
     CREATE POLICY gazelle_readers_read ON sync_migrations FOR SELECT TO mallory USING (true)";

#[tokio::test]
async fn an_owner_proves_nothing_by_what_he_writes_on_his_own_register() {
    let mut world = world_with_attacker().await;
    act_as(&mut world, "mallory");
    world.run(&["migrate"]).await.success();
    as_mallory(&world, &format!("{TRAP}; {FORGED}")).await;
    as_mallory(
        &world,
        &SET_THE_TRAP.replace(
            "'gazelle'::regnamespace AND relkind",
            "'public'::regnamespace AND relname LIKE 'sync_%' AND relkind",
        ),
    )
    .await;
    // Somebody has locked his password, as is done on Citus with the owner's. He logs in by his certificate.
    world.execute("ALTER ROLE mallory VALID UNTIL '-infinity'").await;
    pretend_citus(&world, "13.2-1", true, true).await;
    act_as(&mut world, "administrator");
    world.execute("GRANT mallory TO administrator; ALTER ROLE administrator NOCREATEROLE").await;
    for command in [&["sync"][..], &["migrate"], &["status"]] {
        let run = world.run(command).await;
        assert_trap_not_executed(&world, &format!("{command:?}: {run}")).await;
        refused(&run, &["belongs to mallory", "mallory may log in"]);
        assert!(!run.reasons().contains("COMMENT ON ROLE"), "{run}");
    }
    // Nor is a superuser told to make anybody a member of him.
    act_as(&mut world, "postgres");
    let run = world.run(&["status"]).await;
    refused(&run, &["belongs to mallory", "is a superuser"]);
    assert!(!run.reasons().contains("GRANT mallory TO"), "{run}");
}

/// Whoever may put a role in force that makes roles is one who makes roles, whichever check asks.
#[tokio::test]
async fn a_member_of_a_role_that_makes_roles_counts_as_one_that_makes_them_everywhere() {
    let mut world = world_with_attacker().await;
    world
        .execute(
            "CREATE ROLE makers NOLOGIN CREATEROLE; CREATE ROLE deputy LOGIN; GRANT makers TO deputy; ALTER ROLE deputy NOINHERIT",
        )
        .await;
    // As the owner's role is made: it is no stranger that acts as it.
    world.execute("CREATE ROLE gazelle_owner NOLOGIN; GRANT gazelle_owner TO deputy, administrator").await;
    world.run(&["migrate", "--roles"]).await.success();
    // As a second member of the owner, as the owner of a trigger's function, and of a table that refers to ours.
    works(&world, "administrator, beside deputy").await;
    world
        .execute(
            "CREATE FUNCTION public.same() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
             ALTER FUNCTION public.same() OWNER TO deputy;
             CREATE TRIGGER same BEFORE UPDATE ON gazelle_clients FOR EACH ROW EXECUTE FUNCTION public.same();
             CREATE TABLE public.notes (client text REFERENCES gazelle_clients ON DELETE CASCADE);
             ALTER TABLE public.notes OWNER TO deputy",
        )
        .await;
    // It locks the table before it writes, which needs a right on it.
    if who_makes_roles_makes_superusers(&world).await {
        refused(
            &world.run(&["sync"]).await,
            &["may not lock public.notes", "GRANT INSERT ON public.notes TO administrator"],
        );
        world.execute("GRANT INSERT ON public.notes TO administrator").await;
    }
    for command in [&["migrate"][..], &["sync"], &["status"]] {
        world.run(command).await.success();
    }
    act_as(&mut world, "deputy");
    let run = world.run(&["status"]).await;
    if who_makes_roles_makes_superusers(&world).await {
        // It is one of them itself, by the role that it may put in force, and uses what they use.
        assert_check(
            &doctor(&world).await,
            "our own role",
            "warning",
            &["deputy", "as good as a superuser", "CREATEROLE"],
        );
    }
    assert!(!run.reasons().contains("belongs to"), "{run}");
}
