//! `doctor`: all is well where it is; each thing broken shows in its line, with what mends it, and nothing is touched.

mod support;

use gazelle_sim::{Fault, FaultKind, ShopSpec, SimOptions};
use serde_json::Value;
use support::pooler::Pooler;
use support::roles::{act_as, supabase};
use support::service::{Serving, until};
use support::{Place, Ran, World};

/// As a company has it: roles made, the sync logged in as its own, everything fetched.
async fn deployed() -> World {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    act_as(&mut world, "gazelle_sync");
    world.filled().await;
    // Nobody listens there.
    world.set("GAZELLE_SYNC_LISTEN", "127.0.0.1:1");
    world
}

async fn doctor(world: &World) -> Ran {
    world.run(&["doctor"]).await
}

/// Of a check, the level and all that is said and mends it.
fn line(run: &Ran, check: &str) -> (String, String) {
    let report = run.json();
    let lines: Vec<&Value> =
        report["checks"].as_array().unwrap().iter().filter(|line| line["check"] == check).collect();
    let worst = ["problem", "warning", "ok"]
        .into_iter()
        .find(|level| lines.iter().any(|line| line["level"] == *level));
    let text: Vec<String> = lines
        .iter()
        .map(|line| {
            format!("{} -> {}", line["said"].as_str().unwrap(), line["mend"].as_str().unwrap_or_default())
        })
        .collect();
    (worst.unwrap_or("absent").to_owned(), text.join("\n"))
}

#[track_caller]
fn shows(run: &Ran, check: &str, level: &str, words: &[&str]) {
    let (found, text) = line(run, check);
    assert_eq!(found, level, "{check}: {text}\n{run}");
    for word in words {
        assert!(text.contains(word), "{check}: {word} not in {text}");
    }
    let worst = run.json()["status"].clone();
    assert_eq!(run.code, i32::from(worst == "problem"), "{run}");
    if level != "ok" {
        assert_ne!(worst, "ok");
    }
}

/// Which lines are not well.
fn unwell(run: &Ran) -> Vec<String> {
    let report = run.json();
    let lines = report["checks"].as_array().unwrap().iter().filter(|line| line["level"] != "ok");
    lines.map(|line| line["check"].as_str().unwrap().to_owned()).collect()
}

/// Every row version and every right of the schema.
async fn fingerprint(world: &World) -> Vec<Value> {
    let mut found = world
        .rows("SELECT relname::text, relowner, relacl::text, relrowsecurity, xmin::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
        .await;
    for name in gazelle_sync::db::migrate::relation_names() {
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
        unwell(&run),
        ["backup", "alerts", "dead-man's switch", "service"],
        "only what is not set: {run}"
    );
    assert_eq!(fingerprint(&world).await, before);
    assert_eq!(world.control.request_counts().total, 4, "one page of each entity");
    for (check, words) in [
        ("database", "Postgres 15"),
        ("connections", "8 at once"),
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
        ("alert messages", "none was sent yet"),
        ("disk", "free for tokens"),
        ("size", "the database holds"),
    ] {
        shows(&run, check, "ok", &[words]);
    }
    let text = support::ran(world.command(&["doctor"])).await;
    assert_eq!(text.code, 0, "{text}");
    let report = run.json();
    let lines = report["checks"].as_array().unwrap().len();
    assert_eq!(text.stdout.lines().count(), lines + 1, "one line each, and one for all: {text}");
    assert!(text.stdout.contains("4 to look at, 0 to mend"), "{text}");
}

#[tokio::test]
async fn what_is_broken_in_the_database_shows_in_its_line() {
    let world = deployed().await;
    let function = "CREATE FUNCTION fn_fix_gazelle_api_time() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'";
    let other = "CREATE FUNCTION public.other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE gazelle_pianos SET make = make; RETURN NEW; END'";
    for (check, spoil, level, words, mend) in [
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
            "problem",
            &["3 of 8 at once", "too many connections for role", "CONNECTION LIMIT"],
            "ALTER ROLE gazelle_sync CONNECTION LIMIT -1",
        ),
        // A server whose clock and zones are wrong cannot be had; functions that answer wrongly in their place can.
        (
            "database clock",
            "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$; ALTER ROLE gazelle_sync SET search_path = public, pg_catalog",
            "problem",
            &["1 h 00 min ahead", "timedatectl"],
            "DROP FUNCTION public.clock_timestamp(); ALTER ROLE gazelle_sync RESET search_path",
        ),
        (
            "database time zones",
            "CREATE FUNCTION public.to_char(timestamp, text) RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.to_char($1 + interval '1 hour', $2) $$; ALTER ROLE gazelle_sync SET search_path = public, pg_catalog",
            "problem",
            &["2026-01-09T12:00:00Z is 2026-01-09 07:00 in Montréal, not 2026-01-09 08:00", "tzdata"],
            "DROP FUNCTION public.to_char(timestamp, text); ALTER ROLE gazelle_sync RESET search_path",
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
        shows(&doctor(&world).await, check, level, words);
        world.execute(mend).await;
    }
    let run = doctor(&world).await;
    assert_eq!(unwell(&run), ["backup", "alerts", "dead-man's switch", "service"], "all mended: {run}");
}

#[tokio::test]
async fn a_database_that_is_empty_open_or_away_is_told() {
    let mut world = supabase().await;
    let run = doctor(&world).await;
    shows(&run, "migrations", "problem", &["holds no table of ours yet", "gazelle-sync sync --mode full"]);
    shows(
        &run,
        "our own role",
        "warning",
        &["administrator bypasses row security", "gazelle_sync in DATABASE_URL"],
    );
    assert_eq!(world.count("pg_tables WHERE schemaname = 'public'").await, 0);

    world.run(&["migrate"]).await.success();
    let run = doctor(&world).await;
    shows(&run, "runs", "warning", &["none was good yet"]);
    shows(&run, "owner", "warning", &["administrator owns the tables and may log in", "migrate --roles"]);
    shows(&run, "as anon", "ok", &["refused at every table"]);

    act_as(&mut world, "anon");
    world.execute("ALTER ROLE anon LOGIN").await;
    shows(&doctor(&world).await, "migrations", "problem", &["could not be looked at", "permission denied"]);

    world.set("DATABASE_URL", "postgres://sync:hidden-word@127.0.0.1:1/shop");
    let run = doctor(&world).await;
    shows(&run, "database", "problem", &["127.0.0.1", "refused", "DATABASE_URL"]);
    shows(&run, "API: clients", "ok", &["a page is readable"]);
    assert!(!format!("{run}").contains("hidden-word"), "{run}");
}

#[tokio::test]
async fn a_server_that_is_not_supabase_has_no_public_roles() {
    let world = World::new().await;
    world.filled().await;
    let run = doctor(&world).await;
    shows(&run, "as anon", "ok", &["there is no role anon"]);
    shows(&run, "our own role", "warning", &["is a superuser: more than a sync needs"]);
}

#[tokio::test]
async fn what_is_wrong_with_the_api_shows_in_its_line() {
    let mut world = deployed().await;
    let fault =
        world.control.add_fault(Fault::new(FaultKind::ServerError).on_operation("PianosPage").forever());
    let run = doctor(&world).await;
    shows(&run, "API: pianos", "problem", &["500"]);
    shows(&run, "API: clients", "ok", &[]);
    shows(&run, "API", "ok", &["takes our credentials"]);
    world.control.remove_fault(fault);

    for (seconds, level, words) in [(20, "warning", "ahead of"), (7200, "problem", "2 h 0")] {
        world.control.advance_clock(seconds);
        shows(&doctor(&world).await, "API clock", level, &[words]);
    }
    world.set("GAZELLE_API_KEY", "another-key");
    let run = doctor(&world).await;
    shows(&run, "API", "problem", &["GAZELLE_API_KEY"]);
    shows(&run, "API clock", "warning", &["not known"]);
    assert!(!format!("{run}").contains("another-key"), "{run}");
    world.place.env.remove("GAZELLE_API_KEY");
    shows(&doctor(&world).await, "API", "problem", &["no Gazelle credentials"]);
    world.set("GAZELLE_API_KEY", "a-key");
    world.set("GAZELLE_API_URL", "http://127.0.0.1:1/graphql");
    let run = doctor(&world).await;
    shows(&run, "API", "problem", &["127.0.0.1:1", "network"]);
    assert_eq!(line(&run, "API: clients").0, "absent", "told once");

    let spec = ShopSpec { pianos: 0, ..ShopSpec::small(3) };
    let bare = World::with(spec, SimOptions::default()).await;
    shows(&doctor(&bare).await, "API: pianos", "warning", &["holds none that we may see", "right account"]);
}

#[tokio::test]
async fn time_zone_data_of_this_machine_that_is_wrong_is_found() {
    let world = deployed().await;
    let zones = world.folder.path().join("zones/America");
    std::fs::create_dir_all(&zones).unwrap();
    std::fs::copy("/usr/share/zoneinfo/Etc/GMT+5", zones.join("Toronto")).expect("a zone of the machine's");
    let mut command = world.command(&["doctor", "--json"]);
    command.env("TZDIR", world.folder.path().join("zones"));
    let run = support::ran(command).await;
    shows(
        &run,
        "time zones",
        "problem",
        &["2026-07-15T11:00:00Z is 2026-07-15 07:00 in Montréal, not 2026-07-15 06:00", "tzdata"],
    );
    shows(&run, "database time zones", "ok", &[]);
}

#[tokio::test]
async fn the_service_and_who_watches_it_are_told() {
    let mut world = deployed().await;
    shows(
        &doctor(&world).await,
        "service",
        "warning",
        &["nothing syncs by itself", "systemctl start gazelle-sync"],
    );
    let serving = Serving::start(&world, &[]).await;
    world.set("GAZELLE_SYNC_LISTEN", serving.base.trim_start_matches("http://"));
    until("it waits", async || serving.document("/healthz").await["activity"]["state"] == "waiting").await;
    let run = doctor(&world).await;
    shows(&run, "service", "ok", &["runs at", "waiting"]);
    shows(&run, "monitoring", "warning", &["nobody has read the metrics", "Prometheus"]);
    serving.get("/metrics").await;
    shows(&doctor(&world).await, "monitoring", "ok", &["the metrics were read"]);
    serving.stop().await;

    // The simulator is no service of ours.
    let other = world.sim.graphql_url();
    let other = other.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    world.set("GAZELLE_SYNC_LISTEN", &other);
    shows(&doctor(&world).await, "service", "problem", &["something else answers", "GAZELLE_SYNC_LISTEN"]);

    world.set("GAZELLE_SYNC_HTTP_TOKEN", "0123456789abcdef");
    let serving = Serving::start(&world, &[]).await;
    world.set("GAZELLE_SYNC_LISTEN", serving.base.trim_start_matches("http://"));
    shows(&doctor(&world).await, "service", "ok", &["runs at"]);
    world.set("GAZELLE_SYNC_HTTP_TOKEN", "fedcba9876543210");
    shows(&doctor(&world).await, "service", "warning", &["refuses our token"]);
    serving.stop().await;
}

#[tokio::test]
async fn ways_to_tell_people_are_knocked_at_and_nothing_is_sent() {
    let mut world = deployed().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    world.set("SLACK_WEBHOOK_URL", &format!("http://127.0.0.1:{port}/services/secret-word"));
    world.set("SMTP_URL", "smtp://127.0.0.1:1");
    world.set("ALERT_EMAIL_FROM", "sync@example.org");
    world.set("ALERT_EMAIL_TO", "office@example.org");
    world.set("DEADMAN_URL", &format!("http://127.0.0.1:{port}/ping/secret-word"));
    let run = doctor(&world).await;
    shows(&run, "alerts", "ok", &["Slack", "alerts test"]);
    shows(&run, "alerts: Slack", "ok", &[&format!("127.0.0.1:{port} takes connections")]);
    shows(&run, "alerts: mail server", "warning", &["127.0.0.1:1 takes no connection", "refused"]);
    shows(&run, "dead-man's switch", "ok", &["takes connections"]);
    assert!(!format!("{run}").contains("secret-word"), "{run}");
    for _ in 0..2 {
        use tokio::io::AsyncReadExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.unwrap();
        assert!(said.is_empty(), "a knock and no word");
    }
}

#[tokio::test]
async fn the_last_backup_is_told_by_its_folder() {
    let mut world = deployed().await;
    let folder = world.folder.path().join("backups");
    world.set("GAZELLE_SYNC_BACKUP_DIR", folder.to_str().unwrap());
    shows(&doctor(&world).await, "backup", "problem", &["cannot be read", "GAZELLE_SYNC_BACKUP_DIR"]);
    std::fs::create_dir(&folder).unwrap();
    shows(&doctor(&world).await, "backup", "problem", &["holds no file", "pg_dump"]);
    let dump = folder.join("gazelle-2026-01-09.dump");
    std::fs::write(&dump, "").unwrap();
    shows(&doctor(&world).await, "backup", "problem", &["gazelle-2026-01-09.dump is empty"]);
    std::fs::write(&dump, "a dump").unwrap();
    shows(&doctor(&world).await, "backup", "ok", &["gazelle-2026-01-09.dump (6 B)"]);
    for (days, level) in [(3, "warning"), (9, "problem")] {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(days * 86_400 + 60);
        std::fs::File::options().write(true).open(&dump).unwrap().set_modified(then).unwrap();
        shows(&doctor(&world).await, "backup", level, &[&format!("{days} d 00 h old"), "pg_dump"]);
    }
}

#[tokio::test]
async fn the_last_backup_is_told_by_the_servers_own_archive() {
    for (command, level, words) in
        [("true", "ok", "archived its log"), ("false", "problem", "the last attempt failed")]
    {
        let settings = [("archive_mode", "on"), ("archive_command", command), ("wal_level", "replica")];
        let place = Place::with(&settings).await;
        let world = World::on(place, ShopSpec::small(7), SimOptions::default()).await;
        world.filled().await;
        world.execute("SELECT pg_switch_wal()").await;
        until("the archiver has tried", async || {
            world.one::<bool>("SELECT archived_count + failed_count > 0 FROM pg_stat_archiver", &[]).await
        })
        .await;
        shows(&doctor(&world).await, "backup", level, &[words]);
    }
}

#[tokio::test]
async fn the_embedded_database_is_looked_at_too() {
    let mut world = World::new().await;
    world.place.env.remove("DATABASE_URL");
    let mut command = world.command(&["doctor", "--json"]);
    command.env_remove("DATABASE_URL");
    std::fs::set_permissions(world.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let run = support::ran(command).await;
    shows(&run, "database", "ok", &["the embedded server"]);
    shows(&run, "our own role", "ok", &["this machine's own account"]);
    shows(&run, "disk", "ok", &["free for the embedded database"]);
    shows(&run, "migrations", "problem", &["no table of ours yet"]);
}

#[tokio::test]
async fn a_transaction_pooler_between_is_seen() {
    let mut world = World::new().await;
    let pooler = Pooler::start(&world, 4).await;
    world.set("DATABASE_URL", &pooler.url(&world));
    let run = doctor(&world).await;
    shows(&run, "pooler", "ok", &["a transaction pooler is between"]);
    shows(&run, "connections", "ok", &["8 at once"]);
    world.filled().await;
    let run = doctor(&world).await;
    shows(&run, "row security", "ok", &[]);
    shows(&run, "migrations", "ok", &[]);
}
