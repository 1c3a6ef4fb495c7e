//! What the owner of the database, or whoever may alter our role, sets for our sessions: ways to read SQL, to show values, to find
//! names, to see rows, to wait, to write. A command may fail of it, with words; it writes nothing else than it would without.

use super::Tally;
use super::support::random::Random;
use super::support::roles::{act_as, supabase};
use super::support::{DATABASE, World, connect};

/// Constellations of one case.
const ROUNDS: usize = 4;

const SETTINGS: [&str; 44] = [
    "standard_conforming_strings = off",
    "escape_string_warning = off",
    "backslash_quote = on",
    "quote_all_identifiers = on",
    "transform_null_equals = on",
    "array_nulls = off",
    "bytea_output = 'escape'",
    "xmloption = 'document'",
    "xmlbinary = 'hex'",
    "extra_float_digits = '-15'",
    "intervalstyle = 'sql_standard'",
    "intervalstyle = 'iso_8601'",
    "datestyle = 'SQL, DMY'",
    "datestyle = 'German, YMD'",
    "timezone = 'Asia/Kathmandu'",
    "timezone = 'America/Toronto'",
    "timezone_abbreviations = 'India'",
    "client_encoding = 'LATIN1'",
    "client_encoding = 'SQL_ASCII'",
    "client_min_messages = 'debug5'",
    "search_path = 'evil', 'pg_catalog'",
    "search_path = 'evil'",
    "search_path = ''",
    "default_transaction_isolation = 'repeatable read'",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = on",
    "default_transaction_read_only = on",
    "row_security = off",
    "check_function_bodies = off",
    "statement_timeout = '1ms'",
    "statement_timeout = '300ms'",
    "lock_timeout = '1ms'",
    "idle_in_transaction_session_timeout = '50ms'",
    "idle_session_timeout = '50ms'",
    "plan_cache_mode = 'force_generic_plan'",
    "enable_hashjoin = off",
    "enable_indexscan = off",
    "from_collapse_limit = 1",
    "work_mem = '64kB'",
    "temp_buffers = 100",
    "synchronous_commit = off",
    "default_toast_compression = 'pglz'",
    "gin_fuzzy_search_limit = 1",
    "role = 'gazelle_reader'",
];

const COMMANDS: [&[&str]; 9] = [
    &["sync"],
    &["sync", "--mode", "full"],
    &["reconcile"],
    &["replay"],
    &["verify", "--offline"],
    &["status"],
    &["errors"],
    &["doctor"],
    &["migrate"],
];

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    let mut world = installation().await;
    // Opened before anything is set, which is only for sessions that begin later.
    let keeper = connect(&world.url()).await;
    let before = content(&keeper).await;
    for _ in 0..ROUNDS {
        let role = *random.pick(&["administrator", "gazelle_sync"]);
        act_as(&mut world, role);
        let mut set = Vec::new();
        for _ in 0..=random.below(3) {
            let setting = *random.pick(&SETTINGS);
            let whose = match random.below(3) {
                0 => format!("ALTER DATABASE {DATABASE}"),
                1 => format!("ALTER ROLE {role}"),
                _ => format!("ALTER ROLE {role} IN DATABASE {DATABASE}"),
            };
            keeper.batch_execute(&format!("{whose} SET {setting}")).await.expect("a setting that there is");
            set.push(format!("{whose} SET {setting}"));
        }
        for _ in 0..3 {
            let mut args = random.pick(&COMMANDS).to_vec();
            args.push("--json");
            tally.attempt(format!("{args:?} as {role} after {}", set.join("; ")));
            let ran = tally.run_json(&world.command(&args)).await;
            assert!(!called(&keeper).await, "a function of somebody's was called: {ran:.3000}");
            assert_eq!(content(&keeper).await, before, "rows are others: {ran:.3000}");
        }
        keeper
            .batch_execute(&format!(
                "ALTER DATABASE {DATABASE} RESET ALL; ALTER ROLE {role} RESET ALL; ALTER ROLE {role} IN DATABASE {DATABASE} RESET ALL"
            ))
            .await
            .unwrap();
    }
    tally.attempt("verify, after all is reset".to_owned());
    let ran = tally.run_json(&world.command(&["verify", "--offline", "--json"])).await;
    assert_eq!(ran.code, 0, "what was written under such settings is not what it should be: {ran:.3000}");
}

/// A filled account with the roles, and functions and operators beside it that are called like the server's own.
async fn installation() -> World {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;
    world
        .execute(
            "CREATE SEQUENCE public.sprung; GRANT ALL ON SEQUENCE public.sprung TO PUBLIC; CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
             CREATE FUNCTION evil.format(text, name) RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.nextval('public.sprung')::text $$;
             CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS
                 $$ SELECT '2001-01-01'::timestamptz + pg_catalog.nextval('public.sprung') * interval '1 s' $$;
             CREATE FUNCTION evil.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.nextval('public.sprung')::text $$;
             CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE sql AS
                 $$ SELECT pg_catalog.nextval('public.sprung') > 0 $$;
             CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same)",
        )
        .await;
    world
}

async fn called(keeper: &tokio_postgres::Client) -> bool {
    keeper.query_one("SELECT is_called FROM public.sprung", &[]).await.unwrap().get(0)
}

/// All rows of production, and how many versions there are.
async fn content(keeper: &tokio_postgres::Client) -> Vec<String> {
    let tables = gazelle_sync::migrations::relation_names();
    let mut found = Vec::new();
    for table in tables.iter().filter(|table| table.starts_with("gazelle_") || table.starts_with("staging_"))
    {
        let sql = format!(
            "SELECT pg_catalog.count(*)::text || coalesce(pg_catalog.md5(pg_catalog.string_agg(t::text, ',' ORDER BY t::text COLLATE \"C\")), '')
               FROM public.{table} AS t"
        );
        let row = keeper.query_one(&sql, &[]).await.unwrap();
        found.push(format!("{table}: {}", row.get::<_, String>(0)));
    }
    found
}
