//! Functions and operators that somebody has put where a search path looks, and that fit better than the server's own: none
//! is ever called, whoever runs whichever command, in a new database or one of an earlier release.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::World;
use crate::support::roles::{act_as, supabase};
use gazelle_sim::Kind;
use gazelle_sync::migrate::{Script, scripts};
use serde_json::json;

/// What an argument can be declared as: an exact match wins over the server's function that takes any of them.
const TYPES: [&str; 18] = [
    "text",
    "name",
    "int2",
    "int4",
    "int8",
    "float8",
    "numeric",
    "bool",
    "timestamptz",
    "date",
    "interval",
    "uuid",
    "jsonb",
    "bytea",
    "oid",
    "regclass",
    "text[]",
    "uuid[]",
];

/// What the program's sources may call by name or by operator. What is no SQL in them is no name in the server's catalog, or
/// planted for nothing.
#[derive(Default)]
struct Called {
    functions: BTreeSet<String>,
    operators: BTreeSet<String>,
}

fn called() -> Called {
    fn gather(folder: &Path, called: &mut Called) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, called);
            } else {
                called.read(&std::fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    let mut called = Called::default();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut called);
    called
}

impl Called {
    /// The words that stand before a parenthesis, and whatever can be an operator.
    fn read(&mut self, text: &str) {
        for (at, _) in text.match_indices('(') {
            let before = text[..at].trim_end();
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let word = &before[before.trim_end_matches(is_part).len()..];
            self.functions.extend((!word.is_empty()).then(|| word.to_ascii_lowercase()));
        }
        // `a=-1` holds two operators and no sign says where one ends: each part of a run may be one.
        for run in text.split(|c: char| !"+-*/<>=~!@#%^&|?".contains(c)) {
            for from in 0..run.len() {
                self.operators
                    .extend((from + 1..=run.len().min(from + 4)).map(|to| run[from..to].to_owned()));
            }
        }
        // What keywords stand for.
        for (word, operator) in [("like", "~~"), ("not like", "!~~"), ("ilike", "~~*"), ("not ilike", "!~~*")]
        {
            let says = text.to_ascii_lowercase().contains(&format!(" {word} "));
            self.operators.extend(says.then(|| operator.to_owned()));
        }
    }
}

/// As a list of SQL literals.
fn quoted<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts = texts.into_iter().map(|text| format!("'{}'", text.as_ref()));
    texts.collect::<Vec<_>>().join(", ")
}

/// Puts overloads of every function and operator that the sources may call into both schemas, which a new session looks
/// through before the server's own.
async fn plant(world: &World, called: &Called) {
    let sql = include_str!("planted_functions.sql")
        .replace("{database}", crate::support::DATABASE)
        .replace("{functions}", &quoted(&called.functions))
        .replace("{operators}", &quoted(&called.operators))
        .replace("{types}", &quoted(TYPES));
    world.execute(&sql).await;
}

async fn none_was_called(world: &World, by: &str) {
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

#[tokio::test]
async fn what_somebody_planted_beside_the_servers_functions_is_never_called() {
    let mut world = supabase().await;
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    plant(&world, &called()).await;
    are_called_by_others(&world).await;

    world.run(&["migrate", "--roles"]).await.success();
    none_was_called(&world, "migrate --roles").await;
    for (turn, role) in ["gazelle_sync", "administrator", "postgres"].into_iter().enumerate() {
        act_as(&mut world, role);
        every_command(&world, role, turn).await;
    }
}

/// Runs every command that touches the database; what each answers is tested elsewhere.
async fn every_command(world: &World, role: &str, turn: usize) {
    let client = world.control.ids(Kind::Client)[turn].clone();
    world.full().await.success();
    none_was_called(world, &format!("sync as {role}")).await;
    let name = format!("Salle {turn} (exemple)");
    world.control.edit(Kind::Client, &client, json!({ "companyName": name })).unwrap();
    let run = world.incremental().await.success();
    let run_id = run["run_id"].as_str().unwrap().to_owned();
    let into = format!("look_{role}");
    let event = world.control.ids(Kind::Event)[turn].clone();
    world.control.delete(Kind::Event, &event).unwrap();
    let mut commands = vec![
        vec!["sync", "--mode", "full"],
        vec!["fetch"],
        vec!["reconcile"],
        vec!["status"],
        vec!["history", &client],
        vec!["explain", &client, "company_name"],
        vec!["errors"],
        vec!["errors", "retry"],
        vec!["warnings"],
        vec!["deletions"],
        vec!["deletions", "approve", &run_id],
        vec!["alerts"],
        vec!["alerts", "check"],
        vec!["auth", "status"],
        vec!["doctor"],
        vec!["verify"],
        vec!["verify", "--offline"],
        vec!["replay", "--dry-run"],
        vec!["replay", "--id", &client],
        vec!["replay"],
        vec!["undo", &run_id, "--dry-run"],
        vec!["undo", &run_id],
        vec!["migrate"],
    ];
    if role != "gazelle_sync" {
        commands.push(vec!["replay", "--into", &into]);
        commands.push(vec!["migrate", "--from-v5", "--dry-run"]);
        commands.push(vec!["migrate", "--roles"]);
    }
    for command in commands {
        let ran = world.run(&command).await;
        assert_ne!(ran.code, 2, "no such command: {command:?}: {ran}");
        none_was_called(world, &format!("{command:?} as {role}: {ran}")).await;
        let refused =
            ["planted", "is not unique", "operator does not exist", "function ", "cannot accept a value"];
        assert!(!refused.iter().any(|word| ran.reasons().contains(word)), "{command:?} as {role}: {ran}");
        // What only looks counts no call: the sequence may not be advanced there, which is told where the look failed.
        let told = ran.to_string();
        assert!(!["25006", "nextval"].iter().any(|word| told.contains(word)), "{command:?} as {role}: {ran}");
    }
}

/// Makes the schema `shop` what an earlier release left: its migrations, its register, and rows in all its tables.
async fn left_by_an_earlier_release(world: &World, scripts: &[Script]) {
    let mut sql = "SET search_path = pg_catalog; SET ROLE administrator;
        CREATE TABLE shop.sync_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                                           applied_at timestamptz NOT NULL);"
        .to_owned();
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
    world.filled().await;
    world.incremental().await.success();
    world.set("GAZELLE_SYNC_SCHEMA", "shop");
    plant(&world, &called()).await;
    are_called_by_others(&world).await;
    let scripts = scripts();
    assert!(scripts.len() > 20, "{} migrations", scripts.len());
    for until in 1..scripts.len() {
        let newest = scripts[until - 1].version;
        left_by_an_earlier_release(&world, &scripts[..until]).await;
        none_was_called(&world, "the test itself").await;
        let role = if until % 2 == 0 { "administrator" } else { "postgres" };
        act_as(&mut world, role);
        let by = format!("an upgrade from {newest} as {role}");
        let run = world.run(&["migrate"]).await;
        none_was_called(&world, &by).await;
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
