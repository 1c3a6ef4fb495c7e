//! Expressions that releases before decision 0069 bound to a planted function or operator are found before any table is
//! used, and reported with the statement that fixes them.

use super::created_before_us::{refused, works};
use crate::support::deployed::{assert_check, doctor, line};
use crate::support::roles::{act_as, client_of, supabase, transfer_ownership};
use crate::support::{DATABASE, World};
use gazelle_sync::migrate::{Script, scripts};

/// Some of what the migrations call, of the very arguments, working as the server's own do, and counting.
const PLANTS: &str = "CREATE FUNCTION shop.now() RETURNS timestamptz STABLE LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_catalog.nextval('public.called'); RETURN pg_catalog.now(); END $$;
    CREATE FUNCTION shop.is(text, text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_catalog.nextval('public.called'); RETURN pg_catalog.texteq($1, $2); END $$;
    CREATE OPERATOR shop.= (LEFTARG = text, RIGHTARG = text, FUNCTION = shop.is)";

/// A schema of the administrator's, in which mallory may create too, and has created.
async fn planted() -> World {
    let mut world = supabase().await;
    world
        .execute(
            "CREATE ROLE mallory LOGIN; CREATE SCHEMA shop AUTHORIZATION administrator;
             GRANT USAGE, CREATE ON SCHEMA shop TO mallory;
             CREATE SEQUENCE public.called; GRANT ALL ON SEQUENCE public.called TO PUBLIC",
        )
        .await;
    client_of(&world, "mallory").await.batch_execute(PLANTS).await.unwrap();
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    world
}

/// Applies migrations as a program did that left the search path as it was.
async fn as_an_earlier_program(world: &World, scripts: &[Script]) {
    let mut sql = "SET search_path = shop, public, pg_catalog;
        CREATE TABLE shop.sync_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                                           applied_at timestamptz NOT NULL);"
        .to_owned();
    for Script { version, name, checksum, sql: text } in scripts {
        sql.push_str(&text.replace("{schema_text}", "'shop'").replace("{schema}", "shop"));
        sql.push_str(&format!(
            ";\nINSERT INTO shop.sync_migrations VALUES ({version}, '{name}', '{checksum}', pg_catalog.now());\n"
        ));
    }
    let administrator = client_of(world, "administrator").await;
    administrator.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{error:?}"));
    world.execute("SELECT setval('public.called', 1, false)").await;
}

async fn none_was_called(world: &World, by: &str) {
    assert!(!world.one::<bool>("SELECT is_called FROM public.called", &[]).await, "called by {by}");
}

/// What of ours calls functions or operators that are not the server's.
async fn bound(world: &World) -> i64 {
    world
        .count(
            "pg_depend d LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
                         LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
              WHERE 'shop'::regnamespace IN (p.pronamespace, o.oprnamespace)
                AND d.classid NOT IN ('pg_proc'::regclass, 'pg_operator'::regclass)",
        )
        .await
}

#[tokio::test]
async fn what_an_earlier_program_bound_to_a_planted_function_is_refused_with_its_fix() {
    let mut world = planted().await;
    let scripts = scripts();
    // A current database, and one of an earlier release.
    for until in [scripts.len(), scripts.len() - 2] {
        act_as(&mut world, "administrator");
        as_an_earlier_program(&world, &scripts[..until]).await;
        assert!(bound(&world).await > 5, "there is something to be found");
        for command in [&["migrate"][..], &["sync"], &["reconcile"], &["status"], &["migrate", "--roles"]] {
            let run = world.run(command).await;
            refused(&run, &["shop.now()", "mallory", "pg_catalog.now()"]);
            none_was_called(&world, &format!("{command:?}: {run}")).await;
        }
        let run = doctor(&world).await;
        assert_check(
            &run,
            "tables",
            "problem",
            &["mallory", "ALTER TABLE shop.", "SET DEFAULT pg_catalog.now()"],
        );
        // The fixes that it names, one after the other, until there is nothing to be fixed.
        let mut fixed = 0;
        loop {
            let run = world.run(&["migrate"]).await;
            let Some((_, fix)) =
                run.reasons().split_once("by the server's own: ").map(|(a, b)| (a.to_owned(), b.to_owned()))
            else {
                run.success();
                break;
            };
            world.execute(&fix).await;
            fixed += 1;
            assert!(fixed < 60, "{run}");
        }
        assert_eq!(bound(&world).await, 0);
        works(&world, "afterwards").await;
        none_was_called(&world, "the rest").await;
        world.execute("DROP SCHEMA IF EXISTS shop CASCADE").await;
        world
            .execute("CREATE SCHEMA shop AUTHORIZATION administrator; GRANT USAGE, CREATE ON SCHEMA shop TO mallory")
            .await;
        client_of(&world, "mallory").await.batch_execute(PLANTS).await.unwrap();
    }
}

#[tokio::test]
async fn neither_a_membership_nor_an_extension_of_his_own_makes_a_function_trusted() {
    let mut world = planted().await;
    act_as(&mut world, "administrator");
    as_an_earlier_program(&world, &scripts()).await;
    // On Postgres 15 he can do that himself.
    world.execute("GRANT mallory TO administrator").await;
    refused(&world.run(&["sync"]).await, &["shop.now()", "mallory", "pg_catalog.now()"]);
    none_was_called(&world, "a role that was made a member of mallory").await;
    // An extension that anybody may make, and add to.
    world
        .execute(&format!(
            "REVOKE mallory FROM administrator; GRANT CREATE ON DATABASE {DATABASE} TO mallory"
        ))
        .await;
    client_of(&world, "mallory")
        .await
        .batch_execute(
            "CREATE EXTENSION citext SCHEMA shop; ALTER EXTENSION citext ADD FUNCTION shop.now();
             ALTER EXTENSION citext ADD FUNCTION shop.is(text, text); ALTER EXTENSION citext ADD OPERATOR shop.= (text, text)",
        )
        .await
        .unwrap();
    refused(&world.run(&["sync"]).await, &["shop.now()", "mallory", "pg_catalog.now()"]);
    none_was_called(&world, "an extension of mallory's").await;
}

#[tokio::test]
async fn functions_of_the_tables_owner_and_of_extensions_are_the_companys() {
    let mut world = supabase().await;
    world.execute("GRANT CREATE ON SCHEMA public TO administrator").await;
    world.full_sync_ok().await;
    client_of(&world, "administrator")
        .await
        .batch_execute(
            "CREATE FUNCTION public.lower(text, int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT pg_catalog.lower($1)';
             ALTER TABLE gazelle_clients ADD CONSTRAINT theirs CHECK (public.lower(region, 1) <> 'nowhere')",
        )
        .await
        .unwrap();
    act_as(&mut world, "administrator");
    works(&world, "with a check of the company's own").await;
}

/// Tables that a superuser made and handed to the owner's role, in a database that `app` owns, with a check that calls a
/// function of `whose`, called like one of the server's and with other arguments, as people write for `float`.
async fn with_a_check_that_calls_a_function_of(whose: &str) -> World {
    let mut world = supabase().await;
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
    act_as(&mut world, "postgres");
    world.run(&["migrate"]).await.success();
    world.run(&["migrate", "--roles"]).await.success();
    world
        .execute(&format!(
            "CREATE ROLE app LOGIN; ALTER DATABASE {DATABASE} OWNER TO app; CREATE ROLE mallory LOGIN;
             CREATE SCHEMA theirs; GRANT USAGE, CREATE ON SCHEMA theirs TO PUBLIC"
        ))
        .await;
    let round = "CREATE FUNCTION theirs.round(double precision, integer) RETURNS double precision IMMUTABLE LANGUAGE sql
                 AS 'SELECT pg_catalog.round($1::numeric, $2)::double precision'";
    client_of(&world, whose).await.batch_execute(round).await.unwrap();
    world
        .execute(
            "ALTER TABLE gazelle_locations ADD CONSTRAINT theirs
                 CHECK (latitude IS NULL OR theirs.round(latitude::double precision, 2) <= 90)",
        )
        .await;
    world
}

#[tokio::test]
async fn a_check_of_the_companys_own_stops_nobody_and_doctor_says_whose_function_it_calls() {
    for whose in ["app", "mallory"] {
        let mut world = with_a_check_that_calls_a_function_of(whose).await;
        act_as(&mut world, "gazelle_sync");
        works(&world, &format!("gazelle_sync, with a check that calls a function of {whose}")).await;
        let calls = "the constraint theirs of public.gazelle_locations calls the function theirs.round(double precision,integer)";
        let run = doctor(&world).await;
        match whose {
            "mallory" => {
                let (level, said) = line(&run, "look-alikes");
                assert_eq!(level, "warning", "{run}");
                assert!(
                    said.contains(&format!("{calls} of mallory")) && said.contains("ALTER FUNCTION"),
                    "{said}"
                );
            }
            _ => assert!(!run.stdout.contains(calls), "the owner of the database is trusted: {run}"),
        }
    }
}

#[tokio::test]
async fn what_the_owner_of_the_database_has_made_is_trusted_but_by_a_superuser() {
    let mut world = with_a_check_that_calls_a_function_of("app").await;
    // Something of ours: a default.
    client_of(&world, "app")
        .await
        .batch_execute(
            "CREATE FUNCTION theirs.now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT pg_catalog.now()'",
        )
        .await
        .unwrap();
    world.execute("ALTER TABLE staging_clients ALTER COLUMN created_at SET DEFAULT theirs.now()").await;
    act_as(&mut world, "gazelle_sync");
    works(&world, "the sync").await;
    // Who owns nothing but the function is trusted by nobody.
    world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
    act_as(&mut world, "postgres");
    refused(&world.run(&["status"]).await, &["belongs to gazelle_owner", "is a superuser"]);
    act_as(&mut world, "gazelle_sync");
    refused(&world.run(&["status"]).await, &["theirs.now()", "of app", "SET DEFAULT pg_catalog.now()"]);
    // Also where the tables are a superuser's.
    transfer_ownership(&world, "public", "postgres").await;
    act_as(&mut world, "postgres");
    refused(&world.run(&["status"]).await, &["theirs.now()", "of app", "SET DEFAULT pg_catalog.now()"]);
}

#[tokio::test]
async fn the_checks_that_migrations_make_are_known_by_their_names() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    let there = "SELECT array_agg(conname::text ORDER BY conname) FROM pg_constraint
                  WHERE contype = 'c' AND connamespace = 'public'::regnamespace";
    let there: Vec<String> = world.one(there, &[]).await;
    let mut known = gazelle_sync::access::trust::bound::checks();
    known.sort_unstable();
    assert_eq!(there, known);
    let called = "pg_policy WHERE pg_get_expr(polqual, polrelid) <> 'true' OR pg_get_expr(polwithcheck, polrelid) <> 'true'";
    world.run(&["migrate", "--roles"]).await.success();
    assert_eq!(world.count(called).await, 0, "no policy of ours calls anything");
}

#[tokio::test]
async fn a_look_at_what_is_bound_waits_for_no_lock_of_a_table() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_LOCK_NOTICE", "0.2");
    world.set("GAZELLE_SYNC_LOCK_WAIT", "0.5");
    let person = crate::support::connect(&world.url()).await;
    person
        .batch_execute(
            "BEGIN; TRUNCATE gazelle_users, gazelle_clients, staging_users, staging_clients CASCADE",
        )
        .await
        .unwrap();
    let run = world.run(&["migrate", "--dry-run"]).await;
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.stderr.contains("lock"), "{run}");
    person.batch_execute("ROLLBACK").await.unwrap();
}
