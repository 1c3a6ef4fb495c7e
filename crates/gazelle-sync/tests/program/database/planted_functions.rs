//! Functions and operators that somebody has put where a search path looks, and that fit better than the server's own: none
//! is ever called, whoever runs whichever command, in a new database or one of an earlier release.

mod not_sent;
mod plants;

use std::path::Path;

use super::every_command::{
    CommandResult, every_command, from_v5_and_back, waited_for_a_table, with_stored_tokens,
};
use super::statements_sent::{files_never_sent, statements_in_rust, watch};
use not_sent::{CITUS, NOT_SENT, PIECES};
use plants::{OTHERS, called, plant};

use crate::support::roles::{act_as, client_of, supabase, transfer_ownership};
use crate::support::{DATABASE, World, connect};
use gazelle_sync::migrate::{Script, scripts};

pub(super) async fn none_was_called(world: &World, by: &str) {
    assert!(!world.one::<bool>("SELECT is_called FROM public.called", &[]).await, "called by {by}");
}

/// That they would be called, were it not for the program: anybody's own statement calls them, whatever it needs.
async fn are_called_by_others(world: &World) {
    for expression in [
        "now()",
        "clock_timestamp()",
        "pg_backend_pid()",
        "quote_ident('x'::name)",
        "set_config('a.b', 'c', true)",
        "format('%s %s', 'a'::text, 1)",
        "regexp_replace('a'::text, 'b', 'c', 'g')",
        "make_interval(secs => 1.5)",
        "'a'::text = 'b'",
        "ARRAY['a'::text] && ARRAY['b'::text]",
        "'{}'::jsonb ? 'a'::text",
        // Untyped, it is taken as what stands on the other side, where there is an operator between two of those.
        "'{}'::jsonb ? 'a'",
        "'{}'::jsonb ->> 'a'",
        "'{}'::jsonb ?& ARRAY['a'::text]",
        "'a'::text LIKE 'b'",
        "- 1::numeric",
    ] {
        let statement = format!("SET search_path = shop, public, pg_catalog; SELECT {expression}");
        let planted = world.db.batch_execute(&statement).await;
        let refused = planted.expect_err(expression);
        let message = refused.as_db_error().expect(expression).message().to_owned();
        assert!(message.contains("planted"), "{expression}: {message}");
    }
    world.execute("RESET search_path; SELECT pg_catalog.setval('public.called', 1, false)").await;
}

/// Has the roles look through schemas of their own, which is called by whoever does not say where to look.
async fn roles_look_elsewhere_first(world: &World) {
    world
        .execute(&format!(
            "ALTER ROLE gazelle_sync SET search_path = of_the_role, \"$user\", public, pg_catalog;
             ALTER ROLE gazelle_owner SET search_path = of_the_role, \"$user\", public, pg_catalog;
             ALTER ROLE administrator IN DATABASE {DATABASE} SET search_path = of_the_role_here, pg_catalog"
        ))
        .await;
    for (role, path) in [
        ("gazelle_sync", "of_the_role, \"$user\", public, pg_catalog"),
        ("administrator", "of_the_role_here, pg_catalog"),
        ("postgres", "\"$user\", shop, public, extensions, pg_catalog"),
    ] {
        let session = client_of(world, role).await;
        let shown: String = session.query_one("SHOW search_path", &[]).await.unwrap().get(0);
        assert_eq!(shown, path, "{role}");
    }
    for schema in OTHERS {
        for expression in ["now()", "'a'::text = 'b'"] {
            let statement = format!("SET search_path = {schema}, pg_catalog; SELECT {expression}");
            let planted = world.db.batch_execute(&statement).await.expect_err(schema);
            let message = planted.as_db_error().expect(schema).message().to_owned();
            assert!(message.contains("planted"), "{schema}, {expression}: {message}");
        }
    }
    world.execute("RESET search_path; SELECT pg_catalog.setval('public.called', 1, false)").await;
}

/// Nothing but the plants themselves is bound to one: what is created once and called later, such as a default, has its
/// functions from then.
async fn none_is_bound(world: &World, by: &str) {
    // Nor is a plant called by looking.
    world.execute("SET search_path = pg_catalog").await;
    let bound = world
        .rows(
            "SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what,
                    pg_describe_object(d.refclassid, d.refobjid, 0) AS called
               FROM pg_depend d
               LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
               LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
              WHERE coalesce(p.pronamespace, o.oprnamespace) NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
                AND d.classid NOT IN ('pg_proc'::regclass, 'pg_operator'::regclass)",
        )
        .await;
    world.execute("RESET search_path").await;
    assert!(bound.is_empty(), "bound by {by}: {bound:?}");
}

/// A shop whose tables an owner holds, planted or not, and what each command ended with.
async fn played(is_planted: bool) -> Vec<CommandResult> {
    let mut world = supabase().await;
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    if is_planted {
        plant(&world, &called()).await;
        are_called_by_others(&world).await;
        watch(&world).await;
    } else {
        world.execute("CREATE SEQUENCE public.called; CREATE SCHEMA shop AUTHORIZATION administrator").await;
    }
    // Alerts are written and claimed, though nobody listens there, and old versions are looked for.
    world.set("ALERT_WEBHOOK_URL", "http://127.0.0.1:1/alerts");
    world.set("GAZELLE_SYNC_RETENTION", "1");
    // People at the pages do what they do between no runs but their own.
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world.run(&["migrate", "--roles"]).await.success();
    none_was_called(&world, "migrate --roles").await;
    if is_planted {
        roles_look_elsewhere_first(&world).await;
        none_is_bound(&world, "migrate --roles").await;
        // What somebody writes by hand gets our defaults.
        let by_hand = "INSERT INTO shop.staging_clients (external_id, raw_data) VALUES ('cli_by_hand', '{}')";
        world.execute(&format!("{by_hand}; DELETE FROM shop.staging_clients")).await;
        none_was_called(&world, "a row by hand").await;
    }
    let mut ended = Vec::new();
    for (turn, role) in ["gazelle_sync", "administrator", "gazelle_owner", "postgres"].into_iter().enumerate()
    {
        if role == "postgres" {
            // A superuser uses superusers' tables.
            transfer_ownership(&world, "shop", "postgres").await;
            world.execute(&format!("ALTER DATABASE {DATABASE} OWNER TO postgres")).await;
        }
        // Nobody logs in as the owner but here, and on Citus.
        let logs_in = if role == "gazelle_owner" { "LOGIN" } else { "NOLOGIN" };
        world.execute(&format!("ALTER ROLE gazelle_owner {logs_in}")).await;
        act_as(&mut world, role);
        ended.extend(every_command(&world, role, turn).await);
        if role == "administrator" {
            // As good as a superuser up to Postgres 15, which puts no other role in force.
            world.execute("ALTER ROLE administrator NOCREATEROLE").await;
            world.run(&["doctor"]).await;
            world.execute("ALTER ROLE administrator CREATEROLE").await;
        }
        ended.extend(with_stored_tokens(&mut world, role).await);
        if is_planted {
            waited_for_a_table(&world, role).await;
        }
    }
    if is_planted {
        let mut missing = files_never_sent(&world);
        missing.retain(|file| !file.starts_with("from_v5/"));
        let reasoned: Vec<&str> = NOT_SENT.iter().map(|(file, _)| *file).collect();
        // On a slow machine a request that times out may have one of those sent: that is no fault.
        missing.retain(|file| !reasoned.contains(&file.as_str()));
        assert!(missing.is_empty(), "SQL that no command here sends: {missing:?}");
    }
    ended
}

#[tokio::test]
async fn what_no_command_sends_finds_every_name_where_nothing_is_planted() {
    let mut world = supabase().await;
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    plant(&world, &called()).await;
    world.run(&["migrate", "--roles"]).await.success();
    let session = connect(&world.url()).await;
    session.batch_execute("SET search_path = pg_catalog, pg_temp").await.unwrap();
    for (file, why) in NOT_SENT.iter().filter(|(file, why)| *why != CITUS && !PIECES.contains(file)) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let text = std::fs::read_to_string(source.join(file)).unwrap();
        // A shared part may name those after it.
        let shared = ["session", "ungrantable", "marked", "makers", "trusted_makers", "elsewhere"];
        let text = shared.iter().fold(text, |text, part| {
            let of_part = std::fs::read_to_string(source.join(format!("access/trust/{part}.sql"))).unwrap();
            text.replace(&format!("{{{part}}}"), of_part.trim_end())
        });
        let filled = [
            ("{entity}", "clients"),
            ("{condition}", "t.external_id = $1"),
            ("{keys}", "t.external_id"),
            ("{place}", "0"),
            ("{most}", "10"),
            ("{old_mark}", "a comment"),
            ("{mark}", "'a comment'"),
            ("{schema_text}", "'shop'"),
            ("{schema}", "shop"),
            ("{staging_table}", "staging_clients"),
            ("{table}", "gazelle_clients"),
            ("{holders}", "gazelle_clients"),
            ("{owner}", "external_id"),
            ("{and_not_held}", ""),
        ];
        let text = filled.iter().fold(text, |text, (place, with)| text.replace(place, with));
        session.prepare(&text).await.unwrap_or_else(|error| panic!("{file} ({why}): {error:?}"));
    }
    let in_rust = statements_in_rust();
    assert!(in_rust.len() > 60, "{} statements", in_rust.len());
    for (file, text) in in_rust.iter().filter(|(_, text)| !text.contains("pg_dist_")) {
        let prepared = session.prepare(&text.replace("{schema}", "shop")).await;
        prepared.unwrap_or_else(|error| panic!("{file}: {text}: {error:?}"));
    }
    none_was_called(&world, "preparing").await;
}

#[tokio::test]
async fn what_somebody_planted_beside_the_servers_functions_is_never_called() {
    let (without, with) = tokio::join!(played(false), played(true));
    for (without, with) in without.iter().zip(&with) {
        assert_eq!((&without.command, without.code), (&with.command, with.code), "planted: {}", with.ran);
    }
    assert_eq!(without.len(), with.len());
}

#[tokio::test]
async fn coming_from_the_old_system_and_going_back_calls_nothing_planted() {
    let mut ended = Vec::new();
    for is_planted in [false, true] {
        let mut world = supabase().await;
        world.set("GAZELLE_SYNC_SCHEMA", "shop");
        if is_planted {
            plant(&world, &called()).await;
            watch(&world).await;
        } else {
            world
                .execute("CREATE SEQUENCE public.called; CREATE SCHEMA shop AUTHORIZATION administrator")
                .await;
        }
        ended.push(from_v5_and_back(&mut world).await);
        if is_planted {
            let missing = files_never_sent(&world);
            assert!(!missing.iter().any(|file| file.starts_with("from_v5/")), "{missing:?}");
        }
    }
    for (without, with) in ended[0].iter().zip(&ended[1]) {
        assert_eq!((&without.command, without.code), (&with.command, with.code), "planted: {}", with.ran);
    }
}

/// Makes the schema `shop` what an earlier release left: its migrations, its register, and rows in all its tables.
async fn left_by_an_earlier_release(world: &World, scripts: &[Script], role: &str) {
    let mut sql = format!("SET search_path = pg_catalog; SET ROLE {role};");
    sql.push_str(
        "CREATE TABLE shop.sync_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                                           applied_at timestamptz NOT NULL);",
    );
    for Script { version, name, checksum, sql: text } in scripts {
        sql.push_str(&text.replace("{schema_text}", "'shop'").replace("{schema}", "shop"));
        sql.push_str(&format!(
            ";\nINSERT INTO shop.sync_migrations VALUES ({version}, '{name}', '{checksum}', pg_catalog.now());\n"
        ));
    }
    // Of the columns that there were then.
    sql.push_str(
        "RESET ROLE; SET session_replication_role = replica;
         DO $copy$
         DECLARE name text; columns text;
         BEGIN
             FOR name, columns IN
                 SELECT t.tablename, string_agg(quote_ident(a.attname), ', ')
                   FROM pg_tables t
                   JOIN pg_attribute a ON a.attrelid = format('shop.%I', t.tablename)::regclass
                   JOIN pg_attribute o ON o.attrelid = format('whole.%I', t.tablename)::regclass
                                      AND o.attname = a.attname
                  WHERE t.schemaname = 'shop' AND t.tablename <> 'sync_migrations'
                    AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                  GROUP BY t.tablename
             LOOP
                 EXECUTE format('INSERT INTO shop.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM whole.%1$I
                                 ON CONFLICT DO NOTHING',
                                name, columns);
             END LOOP;
         END
         $copy$;
         RESET session_replication_role; RESET search_path",
    );
    world.execute(&sql).await;
}

#[tokio::test]
async fn no_upgrade_from_an_earlier_release_calls_what_was_planted_before_it() {
    let mut world = supabase().await;
    world.set("GAZELLE_SYNC_SCHEMA", "whole");
    world.full_sync_ok().await;
    world.incremental().await.success();
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    plant(&world, &called()).await;
    are_called_by_others(&world).await;
    let scripts = scripts();
    assert!(scripts.len() > 20, "{} migrations", scripts.len());
    for until in 1..scripts.len() {
        let newest = scripts[until - 1].version;
        let role = if until % 2 == 0 { "administrator" } else { "postgres" };
        world.execute(&format!("ALTER SCHEMA shop OWNER TO {role}")).await;
        left_by_an_earlier_release(&world, &scripts[..until], role).await;
        none_was_called(&world, "the test itself").await;
        act_as(&mut world, role);
        let by = format!("an upgrade from {newest} as {role}");
        let run = world.run(&["migrate"]).await;
        none_was_called(&world, &by).await;
        none_is_bound(&world, &by).await;
        let applied = run.success()["applied"].as_array().map_or(0, Vec::len);
        assert_eq!(applied, scripts.len() - until, "{by}: {run}");
        // And it is one to work with.
        let run = world.incremental().await;
        none_was_called(&world, &format!("a sync after {by}")).await;
        assert!([0, 3].contains(&run.code), "a sync after {by}: {run}");
        world
            .execute(
                "SET search_path = pg_catalog;
                 DO $drop$
                 DECLARE ours text;
                 BEGIN
                     FOR ours IN SELECT format('shop.%I', tablename) FROM pg_tables WHERE schemaname = 'shop' LOOP
                         EXECUTE 'DROP TABLE ' || ours || ' CASCADE';
                     END LOOP;
                 END
                 $drop$;
                 RESET search_path",
            )
            .await;
    }
}
