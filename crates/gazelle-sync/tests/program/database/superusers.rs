//! A superuser trusts less than anybody: it would lend all of its rights to whatever hangs on a table. Only its own
//! tables, those of other superusers, and those of an owner as which nobody else can act are used.

use super::there_first::{COMMANDS, TRAP, as_mallory, nothing_sprang, refused, with_mallory, works};
use crate::support::World;
use crate::support::roles::{act_as, supabase};

/// Has the tables of the schema `gazelle` run the trap.
const SET_THE_TRAP: &str = "DO $$ DECLARE t regclass; BEGIN
         FOR t IN SELECT c.oid FROM pg_class c WHERE relnamespace = 'gazelle'::regnamespace AND relkind = 'r'
                                                 AND relname <> 'sync_migrations' LOOP
             EXECUTE format('CREATE TRIGGER t BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION public.trap()', t);
         END LOOP;
     END $$;
     SELECT setval('public.sprung', 1, false)";

async fn the_superuser_refuses(world: &mut World, words: &[&str]) {
    act_as(world, "postgres");
    for command in COMMANDS {
        let run = world.run(command).await;
        assert_eq!(run.code, 1, "{command:?}: {run}");
        let said = if command == ["doctor"] { run.stdout.clone() } else { run.reasons() };
        for word in words {
            assert!(said.contains(word), "{word} not said by {command:?}: {run}");
        }
        nothing_sprang(world, &format!("{command:?}: {run}")).await;
    }
}

#[tokio::test]
async fn a_schema_that_somebody_filled_beforehand_runs_nothing_as_a_superuser() {
    let mut world = with_mallory().await;
    world.execute(&format!("GRANT CREATE ON DATABASE {} TO mallory", crate::support::DATABASE)).await;
    as_mallory(&world, TRAP).await;
    // A schema of his with the right register: he has the program too.
    world.set("GAZELLE_SYNC_SCHEMA", "gazelle");
    act_as(&mut world, "mallory");
    world.filled().await;
    as_mallory(&world, SET_THE_TRAP).await;
    let owner = ["belongs to mallory", "is a superuser", "into DATABASE_URL", "ALTER TABLE gazelle."];
    the_superuser_refuses(&mut world, &owner).await;
    // Who may make roles is no superuser, nor is who owns the database.
    world.execute("ALTER ROLE mallory CREATEROLE").await;
    the_superuser_refuses(&mut world, &owner).await;
    world
        .execute(&format!(
            "ALTER ROLE mallory NOCREATEROLE; ALTER DATABASE {} OWNER TO mallory",
            crate::support::DATABASE
        ))
        .await;
    the_superuser_refuses(&mut world, &owner).await;
    // Nor does the name of an owner's role say whose it is.
    world.execute("ALTER ROLE mallory CREATEROLE").await;
    act_as(&mut world, "mallory");
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("SELECT setval('public.sprung', 1, false)").await;
    the_superuser_refuses(&mut world, &["belongs to gazelle_owner", "mallory"]).await;
}

#[tokio::test]
async fn superusers_use_their_own_tables_and_those_of_an_owner_that_nobody_else_acts_as() {
    let mut world = supabase().await;
    world.execute("CREATE ROLE second LOGIN SUPERUSER").await;
    act_as(&mut world, "postgres");
    world.run(&["migrate"]).await.success();
    for role in ["postgres", "second"] {
        act_as(&mut world, role);
        works(&world, role).await;
    }
    act_as(&mut world, "second");
    world.run(&["migrate", "--roles"]).await.success();
    for role in ["postgres", "second", "gazelle_sync"] {
        act_as(&mut world, role);
        works(&world, &format!("{role} on the owner's tables")).await;
    }
    // An administrator that may act for the owner is refused to a superuser, and works himself.
    world.execute("GRANT gazelle_owner TO administrator").await;
    act_as(&mut world, "administrator");
    works(&world, "administrator").await;
    act_as(&mut world, "postgres");
    refused(
        &world.run(&["sync"]).await,
        &["belongs to gazelle_owner", "administrator", "REVOKE gazelle_owner FROM administrator"],
    );
    world.execute("REVOKE gazelle_owner FROM administrator").await;
    works(&world, "postgres").await;
}
