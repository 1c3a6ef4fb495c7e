//! Membership in an owner role does not make its tables trustworthy: other members can act as the owner, and on Postgres 15
//! any role can add members to itself.

use super::created_before_us::{
    COMMANDS, TRAP, as_mallory, assert_trap_not_executed, refused, works, world_with_attacker,
};
use crate::support::World;
use crate::support::deployed::{doctor, line};
use crate::support::roles::{act_as, supabase};

/// Hands all that is ours in `public` to a role, with the trap in it.
async fn give_tables_with_trap(world: &World, owner: &str) {
    world
        .execute(&format!(
            "DO $$ DECLARE t regclass; kind \"char\"; BEGIN
                 FOR t, kind IN SELECT oid, relkind FROM pg_class
                                 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') LOOP
                     IF kind = 'r' AND t <> 'sync_migrations'::regclass THEN
                         EXECUTE format('CREATE OR REPLACE TRIGGER t BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION public.trap()', t);
                     END IF;
                     EXECUTE format('ALTER TABLE %s OWNER TO {owner}', t);
                 END LOOP;
             END $$; SELECT setval('public.sprung', 1, false)"
        ))
        .await;
}

#[tokio::test]
async fn tables_of_a_role_that_others_act_as_too_are_refused_to_its_members() {
    let mut world = world_with_attacker().await;
    world
        .execute(
            "CREATE ROLE team NOLOGIN; GRANT USAGE, CREATE ON SCHEMA public TO team; GRANT team TO mallory, administrator",
        )
        .await;
    act_as(&mut world, "mallory");
    world.full_sync_ok().await;
    as_mallory(&world, TRAP).await;
    act_as(&mut world, "administrator");
    // Up to Postgres 15 who makes roles is as good as a superuser (superuser_equivalents.rs).
    world.execute("ALTER ROLE administrator NOCREATEROLE").await;
    // As a team of which we are, as somebody who made us a member of him, and as one of Supabase's public roles.
    for (owner, before, words) in [
        ("team", "", ["belongs to team", "mallory may act", "REVOKE team FROM mallory"]),
        (
            "mallory",
            "GRANT mallory TO administrator",
            ["belongs to mallory", "mallory may log in", "OWNER TO administrator"],
        ),
        (
            "authenticated",
            "GRANT CREATE ON SCHEMA public TO authenticated",
            ["belongs to authenticated", "neither", "OWNER TO"],
        ),
    ] {
        world.execute(before).await;
        give_tables_with_trap(&world, owner).await;
        for command in COMMANDS {
            let run = world.run(command).await;
            assert_trap_not_executed(&world, &format!("{command:?} on tables of {owner}: {run}")).await;
            assert_eq!(run.code, 1, "{command:?}: {run}");
            let said = if command == ["doctor"] { run.stdout.clone() } else { run.reasons() };
            for word in words {
                assert!(said.contains(word), "{word} not said by {command:?}: {run}");
            }
        }
    }
}

#[tokio::test]
async fn a_manifest_and_a_schema_of_a_role_that_made_us_its_member_are_refused() {
    let mut world = world_with_attacker().await;
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "GRANT mallory TO administrator;
             CREATE SCHEMA theirs AUTHORIZATION mallory; COMMENT ON SCHEMA theirs IS 'built by gazelle-sync replay --into';
             CREATE SCHEMA gazelle_v5 AUTHORIZATION mallory; SET ROLE mallory;
             CREATE TABLE gazelle_v5.v5_manifest (position int, schema text, what text, undo text);
             INSERT INTO gazelle_v5.v5_manifest VALUES (1, 'public', 'table moved', 'ALTER ROLE administrator CREATEDB');
             RESET ROLE",
        )
        .await;
    act_as(&mut world, "administrator");
    refused(
        &world.run(&["replay", "--into", "theirs"]).await,
        &["theirs", "belongs to mallory", "name another"],
    );
    let back = world.run(&["migrate", "--from-v5", "--back"]).await;
    refused(&back, &["gazelle_v5.v5_manifest belongs to mallory"]);
}

#[tokio::test]
async fn a_team_shares_a_schema_of_its_own_or_roles_and_is_told_so() {
    let mut world = World::new().await;
    world
        .execute(
            "CREATE ROLE app LOGIN; GRANT CREATE ON SCHEMA public TO app;
             CREATE ROLE deputy LOGIN; CREATE ROLE second LOGIN; GRANT app TO deputy, second;
             CREATE ROLE keeper NOLOGIN; CREATE ROLE kept LOGIN; GRANT CREATE ON SCHEMA public TO keeper; GRANT keeper TO kept",
        )
        .await;
    act_as(&mut world, "app");
    world.run(&["migrate"]).await.success();
    act_as(&mut world, "deputy");
    refused(&world.run(&["sync"]).await, &["belongs to app", "second may act", "REVOKE app FROM second"]);
    act_as(&mut world, "app");
    works(&world, "app, the owner itself").await;
    // Whoever names a schema trusts its owner.
    world.execute("CREATE SCHEMA shop AUTHORIZATION app").await;
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    for role in ["app", "deputy", "second"] {
        act_as(&mut world, role);
        works(&world, &format!("{role} in a schema of the team's")).await;
    }
    // A group that we alone are in is ours.
    world.set("GAZELLE_SYNC_SCHEMA", "public");
    for name in gazelle_sync::migrations::relation_names() {
        world.execute(&format!("ALTER TABLE {name} OWNER TO keeper")).await;
    }
    act_as(&mut world, "kept");
    works(&world, "the only member of a group").await;
}

#[tokio::test]
async fn an_owner_that_cannot_be_asked_for_ends_the_checks_of_the_tables() {
    let mut world = supabase().await;
    world.full_sync_ok().await;
    // As somebody closed the catalogue to all but administrators.
    world
        .execute(
            "CREATE ROLE plain LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain;
             REVOKE SELECT ON pg_catalog.pg_policy FROM PUBLIC",
        )
        .await;
    act_as(&mut world, "plain");
    let run = doctor(&world).await;
    let (level, said) = line(&run, "tables");
    assert_eq!(level, "problem", "{run}");
    assert!(said.contains("could not be checked") && said.contains("left out until then"), "{said}");
    for check in ["additions", "look-alikes", "rights", "runs", "alert messages", "backup"] {
        assert_eq!(
            line(&run, check).0,
            "absent",
            "{check}: nothing is read of tables whose owners are not known: {run}"
        );
    }
    assert_eq!(run.code, 1);
}
