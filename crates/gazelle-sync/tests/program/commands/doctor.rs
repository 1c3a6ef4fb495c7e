//! `doctor` and the database: each thing broken shows in its line, with what fixes it, and nothing is touched.

use crate::support::World;
use crate::support::deployed::{assert_check, deployed, doctor, failing_checks};
use crate::support::roles::{act_as, supabase};
use serde_json::Value;

/// Every row version and every right of the schema.
async fn fingerprint(world: &World) -> Vec<Value> {
    let mut found = world
        .rows("SELECT relname::text, relowner, relacl::text, relrowsecurity, xmin::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
        .await;
    for name in gazelle_sync::migrations::relation_names() {
        if !name.starts_with("v_") {
            found.extend(
                world
                    .rows(&format!(
                        "SELECT count(*) AS n, sum(hashtext(t.xmin::text || t.ctid::text)) AS h FROM {name} t"
                    ))
                    .await,
            );
        }
    }
    found
}

#[tokio::test]
async fn a_deployment_that_is_well_is_told_so_and_nothing_is_touched() {
    let world = deployed().await;
    let before = fingerprint(&world).await;
    world.control.clear_requests();
    let run = doctor(&world).await;
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        failing_checks(&run),
        ["quarantine", "backup", "alerts", "heartbeat URL", "service"],
        "only what is not set: {run}"
    );
    assert_eq!(fingerprint(&world).await, before);
    assert_eq!(world.control.request_counts().total, 4, "one page of each entity");
    for (check, words) in [
        ("database", "Postgres 15"),
        ("connections", "8 connections are available"),
        ("pooler", "direct"),
        ("TLS to the database", "not needed"),
        ("migrations", "are applied"),
        ("staging tables", "all 4 are there"),
        ("old trigger", "neither tr_fix_api_import nor fn_fix_gazelle_api_time"),
        ("row security", "on for every table"),
        ("our own role", "gazelle_sync owns nothing"),
        ("as anon", "refused at every table and view of ours"),
        ("as authenticated", "refused at every table and view of ours"),
        ("time zones", "8 instants"),
        ("database time zones", "8 instants"),
        ("database clock", "agree"),
        ("API clock", "agree"),
        ("API: appointments", "a page is readable: 5 of 120"),
        ("runs", "the last good one ended"),
        ("last run", "succeeded"),
        ("deletions", "none awaits approval"),
        ("open alerts", "none"),
        ("alert messages", "none was sent yet"),
        ("disk", "free for tokens"),
        ("size", "the database holds"),
    ] {
        assert_check(&run, check, "ok", &[words]);
    }
    let text = crate::support::run_to_end(world.command(&["doctor"])).await;
    assert_eq!(text.code, 0, "{text}");
    let report = run.json();
    let lines = report["checks"].as_array().unwrap().len();
    assert_eq!(
        text.stdout.lines().count(),
        lines + 2,
        "one line each, one for all, and one for the database: {text}"
    );
    assert!(text.stdout.contains("5 warning(s), 0 problem(s)"), "{text}");
}

#[tokio::test]
async fn what_is_broken_in_the_database_shows_in_its_line() {
    let world = deployed().await;
    let function = "CREATE FUNCTION fn_fix_gazelle_api_time() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'";
    let other = "CREATE FUNCTION public.other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE gazelle_pianos SET make = make; RETURN NEW; END'";
    for (check, spoil, level, words, fix) in [
        (
            "staging tables",
            "ALTER TABLE staging_users RENAME TO gone",
            "problem",
            &["missing: staging_users", "backup"][..],
            "ALTER TABLE gone RENAME TO staging_users",
        ),
        (
            "other tables",
            "ALTER TABLE sync_notes RENAME TO gone",
            "problem",
            &["missing: sync_notes"],
            "ALTER TABLE gone RENAME TO sync_notes",
        ),
        (
            "migrations",
            "CREATE TABLE kept AS SELECT * FROM sync_migrations WHERE version = 14; DELETE FROM sync_migrations WHERE version = 14",
            "problem",
            &["1 missing: closed production", "gazelle-sync migrate"],
            "INSERT INTO sync_migrations SELECT * FROM kept; DROP TABLE kept",
        ),
        (
            "migrations",
            "UPDATE sync_migrations SET version = 9999 WHERE version = 14",
            "problem",
            &["version 9999 by a newer gazelle-sync", "upgrade this program"],
            "UPDATE sync_migrations SET version = 14 WHERE version = 9999",
        ),
        (
            "migrations",
            "UPDATE sync_migrations SET checksum = 'x' || checksum WHERE version = 7",
            "problem",
            &["another text"],
            "UPDATE sync_migrations SET checksum = substr(checksum, 2) WHERE version = 7",
        ),
        (
            "old trigger",
            function,
            "problem",
            &[
                "function public.fn_fix_gazelle_api_time() is still there",
                "DROP FUNCTION public.fn_fix_gazelle_api_time()",
            ],
            "DROP FUNCTION fn_fix_gazelle_api_time()",
        ),
        (
            "old trigger",
            &format!(
                "{function}; CREATE TRIGGER tr_fix_api_import BEFORE INSERT ON gazelle_appointments FOR EACH ROW EXECUTE FUNCTION fn_fix_gazelle_api_time()"
            ),
            "problem",
            &[
                "trigger tr_fix_api_import on public.gazelle_appointments",
                "DROP TRIGGER tr_fix_api_import ON public.gazelle_appointments",
            ],
            "DROP FUNCTION fn_fix_gazelle_api_time() CASCADE",
        ),
        (
            "other triggers",
            &format!(
                "{other}; CREATE TRIGGER notify BEFORE UPDATE ON gazelle_clients FOR EACH ROW EXECUTE FUNCTION other()"
            ),
            "warning",
            &[
                "trigger notify on public.gazelle_clients calls other",
                "DROP TRIGGER notify ON public.gazelle_clients",
            ],
            "DROP FUNCTION public.other() CASCADE",
        ),
        (
            "other triggers",
            &format!(
                "{other}; CREATE TABLE theirs (id int); CREATE TRIGGER notify AFTER INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION other()"
            ),
            "warning",
            &["trigger notify on public.theirs calls other, whose text names gazelle_pianos"],
            "DROP TABLE theirs; DROP FUNCTION public.other()",
        ),
        (
            "other triggers",
            "CREATE RULE never AS ON DELETE TO gazelle_pianos DO INSTEAD NOTHING",
            "warning",
            &["rule never on public.gazelle_pianos", "DROP RULE never ON public.gazelle_pianos"],
            "DROP RULE never ON gazelle_pianos",
        ),
        (
            "row security",
            "ALTER TABLE gazelle_users DISABLE ROW LEVEL SECURITY",
            "problem",
            &["off for gazelle_users", "migrate --roles"],
            "ALTER TABLE gazelle_users ENABLE ROW LEVEL SECURITY",
        ),
        (
            "row security",
            "ALTER TABLE gazelle_users FORCE ROW LEVEL SECURITY",
            "warning",
            &["forced on gazelle_users", "ALTER TABLE gazelle_users NO FORCE"],
            "ALTER TABLE gazelle_users NO FORCE ROW LEVEL SECURITY",
        ),
        (
            "views",
            "ALTER VIEW v_sync_dashboard RESET (security_invoker)",
            "problem",
            &["v_sync_dashboard run with their owner's rights", "ALTER VIEW v_sync_dashboard SET"],
            "ALTER VIEW v_sync_dashboard SET (security_invoker = true)",
        ),
        (
            "as everybody",
            "GRANT SELECT ON gazelle_users TO PUBLIC",
            "problem",
            &["PUBLIC may use gazelle_users"],
            "REVOKE ALL ON gazelle_users FROM PUBLIC",
        ),
        (
            "as anon",
            "GRANT SELECT ON gazelle_users TO anon",
            "problem",
            &["anon may SELECT on gazelle_users", "migrate --roles"],
            "REVOKE ALL ON gazelle_users FROM anon",
        ),
        (
            "as anon",
            "GRANT SELECT (email) ON gazelle_users TO anon",
            "problem",
            &["anon may SELECT on gazelle_users"],
            "REVOKE ALL ON gazelle_users FROM anon",
        ),
        (
            "as authenticated",
            "GRANT SELECT ON staging_clients TO authenticated",
            "problem",
            &["authenticated may SELECT on staging_clients"],
            "REVOKE ALL ON staging_clients FROM authenticated",
        ),
        (
            "as authenticated",
            "GRANT TRUNCATE ON gazelle_clients TO authenticated",
            "problem",
            &["authenticated may TRUNCATE on gazelle_clients"],
            "REVOKE ALL ON gazelle_clients FROM authenticated",
        ),
        (
            "as authenticated",
            "GRANT SELECT ON gazelle_clients TO authenticated",
            "ok",
            &["reads gazelle_clients as far as policies of yours allow"],
            "REVOKE ALL ON gazelle_clients FROM authenticated",
        ),
        (
            "owner",
            "ALTER ROLE gazelle_owner LOGIN",
            "warning",
            &["gazelle_owner owns the tables and may log in"],
            "ALTER ROLE gazelle_owner NOLOGIN",
        ),
        (
            "connections",
            "ALTER ROLE gazelle_sync CONNECTION LIMIT 3",
            "warning",
            &["3 of 8 connections are available", "makes do with them", "CONNECTION LIMIT"],
            "ALTER ROLE gazelle_sync CONNECTION LIMIT -1",
        ),
        (
            "temporary tables",
            "REVOKE TEMPORARY ON DATABASE mirror FROM PUBLIC",
            "problem",
            &["gazelle_sync may make none", "GRANT TEMPORARY ON DATABASE \"mirror\" TO \"gazelle_sync\""],
            "GRANT TEMPORARY ON DATABASE mirror TO PUBLIC",
        ),
        // A server whose clock and zones are wrong cannot be had; functions that answer wrongly in their place can.
        (
            "database clock",
            "ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO true_clock; CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.true_clock() + interval '1 hour' $$",
            "problem",
            &["1 h 00 min ahead", "timedatectl"],
            "DROP FUNCTION pg_catalog.clock_timestamp(); ALTER FUNCTION pg_catalog.true_clock() RENAME TO clock_timestamp",
        ),
        (
            "database time zones",
            "ALTER FUNCTION pg_catalog.to_char(timestamp, text) RENAME TO true_char; CREATE FUNCTION pg_catalog.to_char(timestamp, text) RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.true_char($1 + interval '1 hour', $2) $$",
            "problem",
            &["2026-01-09T12:00:00Z is 2026-01-09 07:00 in Montréal, not 2026-01-09 08:00", "tzdata"],
            "DROP FUNCTION pg_catalog.to_char(timestamp, text); ALTER FUNCTION pg_catalog.true_char(timestamp, text) RENAME TO to_char",
        ),
        (
            "look-alikes",
            "CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT '' $$",
            "warning",
            &["the function public.quote_ident(name) of", "DROP ROUTINE public.quote_ident(name)"],
            "DROP FUNCTION public.quote_ident(name)",
        ),
        (
            "look-alikes",
            "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = int, FUNCTION = pg_catalog.left)",
            "warning",
            &["the operator public.= (text, integer) of", "DROP OPERATOR public.= (text, integer)"],
            "DROP OPERATOR public.= (text, int)",
        ),
        (
            "runs",
            "UPDATE sync_runs SET finished_at = finished_at - interval '2 hours'",
            "warning",
            &["2 h 0", "gazelle-sync status"],
            "UPDATE sync_runs SET finished_at = finished_at + interval '2 hours'",
        ),
        (
            "alert messages",
            "INSERT INTO sync_alerts (id, kind, facts, opened_at) VALUES ('00000000-0000-0000-0000-000000000001', 'run_failed', '{}', now()); INSERT INTO sync_alert_messages (id, alert_id, channel, position, occasion, title, body, created_at, due_at, attempts, last_error) VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'slack', 0, 'started', 't', 'b', now(), now(), 2, 'HTTP 500')",
            "warning",
            &["1 could not be sent yet (HTTP 500)", "alerts test"],
            "DELETE FROM sync_alerts",
        ),
    ] {
        world.execute(spoil).await;
        assert_check(&doctor(&world).await, check, level, words);
        world.execute(fix).await;
    }
    let run = doctor(&world).await;
    assert_eq!(
        failing_checks(&run),
        ["quarantine", "backup", "alerts", "heartbeat URL", "service"],
        "all fixed: {run}"
    );
}

#[tokio::test]
async fn a_database_that_is_empty_open_or_away_is_told() {
    let mut world = supabase().await;
    let run = doctor(&world).await;
    assert_check(
        &run,
        "migrations",
        "problem",
        &["holds no table of ours yet", "gazelle-sync sync --mode full"],
    );
    assert_check(
        &run,
        "our own role",
        "warning",
        &["administrator", "more than a sync needs", "gazelle_sync in DATABASE_URL"],
    );
    assert_eq!(world.count("pg_tables WHERE schemaname = 'public'").await, 0);

    world.run(&["migrate"]).await.success();
    let run = doctor(&world).await;
    assert_check(&run, "runs", "warning", &["none was good yet"]);
    assert_check(
        &run,
        "owner",
        "warning",
        &["administrator owns the tables and may log in", "migrate --roles"],
    );
    assert_check(&run, "as anon", "ok", &["refused at every table"]);

    act_as(&mut world, "anon");
    world.execute("ALTER ROLE anon LOGIN").await;
    assert_check(
        &doctor(&world).await,
        "migrations",
        "problem",
        &["could not be checked", "permission denied"],
    );

    world.set("DATABASE_URL", "postgres://sync:hidden-word@127.0.0.1:1/shop");
    let run = doctor(&world).await;
    assert_check(&run, "database", "problem", &["127.0.0.1", "refused", "DATABASE_URL"]);
    assert_check(&run, "API: clients", "ok", &["a page is readable"]);
    assert!(!format!("{run}").contains("hidden-word"), "{run}");
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_told_with_what_made_it_so_and_the_fix() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let role = "plain";
    world.execute(&format!("CREATE ROLE {role} LOGIN SUPERUSER")).await;
    world.set("DATABASE_URL", &crate::support::roles::url_of(&world, role));
    let database = crate::support::DATABASE;
    for (set, reset) in [
        (format!("ALTER DATABASE {database} SET"), format!("ALTER DATABASE \"{database}\" RESET")),
        (format!("ALTER ROLE {role} SET"), format!("ALTER ROLE \"{role}\" RESET")),
        (
            format!("ALTER ROLE {role} IN DATABASE {database} SET"),
            format!("ALTER ROLE \"{role}\" IN DATABASE \"{database}\" RESET"),
        ),
    ] {
        world.execute(&format!("{set} default_transaction_read_only = on")).await;
        let ran = world.run(&["doctor"]).await;
        assert_eq!(ran.code, 1, "{set}: {ran}");
        let report = ran.json();
        let checks = report["checks"].as_array().unwrap();
        let line = checks.iter().find(|line| line["check"] == "writes").unwrap_or_else(|| panic!("{ran}"));
        assert_eq!(line["level"], "problem", "{line}");
        assert!(line["said"].as_str().unwrap().contains("takes no writes"), "{line}");
        let fix = line["fix"].as_str().unwrap();
        for word in ["free disk space", "Supabase", &format!("{reset} default_transaction_read_only")] {
            assert!(fix.contains(word), "{set}: no {word} in {fix}");
        }
        // What can be read is looked at as ever, and a run says where to look.
        assert!(
            checks.iter().any(|line| line["check"] == "tables" || line["check"] == "row security"),
            "{ran}"
        );
        let sync = world.full().await;
        assert!(sync.code == 1 && sync.reasons().contains("gazelle-sync doctor"), "{sync}");
        world
            .execute(&format!(
                "SET default_transaction_read_only = off; {reset} default_transaction_read_only"
            ))
            .await;
    }
    let report = world.run(&["doctor"]).await.json();
    assert!(report["checks"].as_array().unwrap().iter().all(|line| line["check"] != "writes"), "{report}");
}
