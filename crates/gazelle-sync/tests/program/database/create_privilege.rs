//! Neither writer nor readers may have CREATE in the schema, directly or through membership.

use super::created_before_us::refused;
use crate::support::deployed::{assert_check, doctor};
use crate::support::roles::{act_as, client_of, supabase};

#[tokio::test]
async fn no_roles_are_given_rights_where_they_could_create_in_the_schema() {
    let mut world = supabase().await;
    // What a server that was upgraded from version 14 has kept.
    world.execute("GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    let run = world.run(&["migrate", "--roles"]).await;
    refused(&run, &["PUBLIC may create in the schema public", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"]);
    assert_eq!(world.count("pg_roles WHERE rolname LIKE 'gazelle%'").await, 0, "nothing is changed");
    world.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    world.run(&["migrate", "--roles"]).await.success();

    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    world.execute("CREATE SCHEMA shop; CREATE ROLE team NOLOGIN").await;
    for (opened, words, closed) in [
        (
            "ALTER SCHEMA shop OWNER TO gazelle_sync",
            ["schema shop belongs to gazelle_sync", "is a superuser"],
            "ALTER SCHEMA shop OWNER TO postgres",
        ),
        (
            "ALTER SCHEMA shop OWNER TO team; GRANT team TO gazelle_sync",
            ["schema shop belongs to team", "is a superuser"],
            "REVOKE team FROM gazelle_sync; ALTER SCHEMA shop OWNER TO postgres",
        ),
        (
            "GRANT CREATE ON SCHEMA shop TO team; GRANT team TO gazelle_sync",
            ["gazelle_sync may create", "REVOKE CREATE ON SCHEMA shop FROM team"],
            "REVOKE team FROM gazelle_sync",
        ),
        (
            "GRANT team TO gazelle_reader",
            ["gazelle_reader may create", "REVOKE CREATE ON SCHEMA shop FROM team"],
            "REVOKE team FROM gazelle_reader",
        ),
    ] {
        world.execute(opened).await;
        act_as(&mut world, "postgres");
        refused(&world.run(&["migrate", "--roles"]).await, &words);
        world.execute(closed).await;
    }
    // A right of their own is taken by itself.
    world.execute("GRANT CREATE ON SCHEMA shop TO gazelle_sync, gazelle_reader").await;
    world.run(&["migrate", "--roles"]).await.success();
    for role in ["gazelle_sync", "gazelle_reader"] {
        let may = format!("SELECT has_schema_privilege('{role}', 'shop', 'CREATE')");
        assert!(!world.one::<bool>(&may, &[]).await, "{role}");
    }
    let writer = client_of(&world, "gazelle_sync").await;
    assert!(writer.batch_execute("CREATE TABLE shop.mine (id int)").await.is_err());
}

#[tokio::test]
async fn doctor_names_who_may_create_in_the_schema_and_need_not() {
    const CHECK: &str = "creating in the schema";
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    world.execute("CREATE ROLE team NOLOGIN; GRANT team TO gazelle_sync").await;
    for role in ["gazelle_sync", "administrator"] {
        act_as(&mut world, role);
        assert_check(&doctor(&world).await, CHECK, "ok", &["public"]);
        for (opened, fix, closed) in [
            (
                "GRANT CREATE ON SCHEMA public TO PUBLIC",
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            ),
            (
                "GRANT CREATE ON SCHEMA public TO gazelle_sync",
                "REVOKE CREATE ON SCHEMA public FROM gazelle_sync",
                "REVOKE CREATE ON SCHEMA public FROM gazelle_sync",
            ),
            (
                "GRANT CREATE ON SCHEMA public TO team",
                "REVOKE CREATE ON SCHEMA public FROM team",
                "REVOKE CREATE ON SCHEMA public FROM team",
            ),
        ] {
            world.execute(opened).await;
            assert_check(&doctor(&world).await, CHECK, "warning", &["may create", fix]);
            world.execute(closed).await;
        }
    }
}
