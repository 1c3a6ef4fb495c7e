//! What makes the program run on Citus, as far as a plain Postgres can show it: who sends what in which message, what is
//! refused, what `doctor` says. What was tried on a real one is in docs/citus.md.

use std::fs;

use crate::support::roles::{act_as_gazelle_admin, supabase, transfer_ownership};
use crate::support::{CommandOutput, TestInstallation, World};
use gazelle_sim::RecordKind;
use gazelle_sync::db::statements;
use serde_json::{Value, json};

/// What a role has sent to the server, message by message.
fn sent_by(world: &World, role: &str) -> Vec<String> {
    let log = fs::read_to_string(world.server.server().unwrap().log_file()).unwrap();
    let mut messages: Vec<String> = Vec::new();
    let mut is_statement = false;
    for line in log.lines() {
        // A message of several lines goes on after a tab.
        if let Some(more) = line.strip_prefix('\t') {
            if is_statement {
                let message = messages.last_mut().unwrap();
                message.push('\n');
                message.push_str(more);
            }
            continue;
        }
        let statement = line
            .strip_prefix(&format!("by {role}: LOG:  "))
            .and_then(|said| said.strip_prefix("statement: ").or_else(|| said.strip_prefix("execute ")));
        is_statement = statement.is_some();
        messages.extend(statement.map(str::to_owned));
    }
    messages
}

#[tokio::test]
async fn a_migration_sends_one_statement_a_message_and_acts_as_nobody_else() {
    let world = supabase().await;
    world.server.set("log_line_prefix", "by %u: ").await.unwrap();
    world.server.set("log_statement", "all").await.unwrap();
    world.run(&["migrate", "--roles"]).await.success();
    // As if an older program had made the tables: an upgrade of what another role owns.
    world
        .execute(
            "DROP TABLE sync_wanted_runs; DELETE FROM sync_migrations WHERE version IN (11, 24);
             DROP INDEX staging_users_pending, staging_users_error, staging_users_withdrawn,
                        staging_clients_pending, staging_clients_error, staging_clients_withdrawn,
                        staging_pianos_pending, staging_pianos_error, staging_pianos_withdrawn,
                        staging_appointments_pending, staging_appointments_error, staging_appointments_withdrawn",
        )
        .await;
    world.run(&["migrate"]).await.success();

    let sent = sent_by(&world, "administrator");
    for message in &sent {
        let all = statements::split(message);
        // What every transaction begins with stays on the node that it is sent to.
        let settings = all.iter().all(|statement| {
            let is_fence = statement.starts_with("SELECT 1 FROM ") && statement.ends_with("FOR KEY SHARE");
            let begins = *statement == "BEGIN" || statement.starts_with("SELECT pg_catalog.pg_backend_pid()");
            begins || is_fence || statement.starts_with("SET LOCAL ")
        });
        assert!(all.len() == 1 || settings, "{} statements in one message: {message}", all.len());
        assert!(!message.to_uppercase().contains("SET LOCAL ROLE"), "{message}");
        assert!(!message.to_uppercase().contains("SET ROLE"), "{message}");
    }
    let tables: Vec<&String> = sent.iter().filter(|message| message.contains("CREATE TABLE")).collect();
    assert!(tables.len() > 20, "{} of {} messages", tables.len(), sent.len());
    let owners = world
        .text("SELECT string_agg(DISTINCT tableowner::text, ' ') FROM pg_tables WHERE schemaname = 'public'")
        .await;
    assert_eq!(owners.as_deref(), Some("gazelle_owner"), "what an upgrade makes is handed over");
}

#[tokio::test]
async fn a_member_that_does_not_inherit_is_told_how() {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    world
        .execute(
            "DROP TABLE sync_wanted_runs; DELETE FROM sync_migrations WHERE version = 11;
             CREATE ROLE proxy LOGIN NOINHERIT; GRANT gazelle_owner TO proxy; GRANT USAGE ON SCHEMA public TO proxy;
             GRANT SELECT ON sync_migrations TO proxy; ALTER ROLE proxy BYPASSRLS",
        )
        .await;
    crate::support::roles::act_as(&mut world, "proxy");
    let run = world.run(&["migrate"]).await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("ALTER ROLE proxy INHERIT"), "{run}");
    assert_eq!(
        world.text("SELECT to_regclass('sync_wanted_runs')::text").await,
        None,
        "nothing is half-done"
    );
}

/// Makes the catalogue look as it does where Citus is: as much of it as the program reads, with Citus' column names.
pub(super) async fn pretend_citus(
    place: &TestInstallation,
    version: &str,
    is_coordinator: bool,
    distributes: bool,
) {
    let group = if is_coordinator { 0 } else { 2 };
    place
        .execute(&format!(
            "SET allow_system_table_mods = on;
             INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
             VALUES (99999, 'citus', 10, 'pg_catalog'::regnamespace, false, '{version}');
             CREATE TABLE pg_catalog.pg_dist_local_group (groupid int);
             INSERT INTO pg_catalog.pg_dist_local_group VALUES ({group});
             CREATE TABLE pg_catalog.pg_dist_schema (schemaid oid, colocationid int);
             CREATE TABLE pg_catalog.pg_dist_node (groupid int, nodename text, nodeport int, noderole text);
             INSERT INTO pg_catalog.pg_dist_node VALUES (0, 'head', 5432, 'primary'), (2, 'two', 5433, 'primary'),
                    (3, 'three', 5434, 'primary'), (2, 'standby', 5435, 'secondary');
             CREATE TABLE pg_catalog.pg_dist_shard (logicalrelid regclass, shardid bigint);
             CREATE TABLE pg_catalog.pg_dist_placement (shardid bigint, groupid int);
             CREATE FUNCTION pg_catalog.citus_total_relation_size(regclass) RETURNS bigint LANGUAGE plpgsql
                 AS $$ BEGIN RAISE 'a node of another account is down' USING ERRCODE = '08006'; END $$;
             CREATE FUNCTION pg_catalog.run_command_on_shards(
                 regclass, text, OUT shardid bigint, OUT success boolean, OUT result text) RETURNS SETOF record LANGUAGE sql
                 AS $$ SELECT 1::bigint, true, '1048576' $$;
             GRANT SELECT ON pg_catalog.pg_dist_local_group, pg_catalog.pg_dist_schema, pg_catalog.pg_dist_node,
                   pg_catalog.pg_dist_shard, pg_catalog.pg_dist_placement TO PUBLIC;
             RESET allow_system_table_mods"
        ))
        .await;
    if distributes {
        place.execute("INSERT INTO pg_catalog.pg_dist_schema VALUES ('public'::regnamespace, 1)").await;
        place
            .execute(
                "INSERT INTO pg_catalog.pg_dist_shard
                 SELECT oid, oid::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r';
                 INSERT INTO pg_catalog.pg_dist_placement SELECT shardid, 2 FROM pg_catalog.pg_dist_shard",
            )
            .await;
    }
}

#[track_caller]
fn refused(run: &CommandOutput, words: &[&str]) {
    assert_eq!(run.code, 1, "{run}");
    for word in words {
        assert!(run.reasons().contains(word), "{word} not in: {run}");
    }
}

#[tokio::test]
async fn what_an_untried_citus_distributes_is_refused_before_anything_is_written() {
    let world = World::new().await;
    world.full_sync_ok().await;
    pretend_citus(&world, "14.0-1", true, true).await;
    let runs = world.count("sync_runs").await;
    for args in [&["sync", "--mode", "full"][..], &["reconcile"], &["verify"], &["replay"]] {
        refused(&world.run(args).await, &["Citus 14.0-1 distributes the schema public", "Citus 13 alone"]);
    }
    assert_eq!(world.count("sync_runs").await, runs, "nothing was written");
    // A schema that it leaves alone is like any other.
    world.execute("DELETE FROM pg_catalog.pg_dist_schema").await;
    world.run(&["sync", "--mode", "full"]).await.success();
    // And so is one that a version distributes which was tried.
    world
        .execute(
            "INSERT INTO pg_catalog.pg_dist_schema VALUES ('public'::regnamespace, 1);
             UPDATE pg_extension SET extversion = '13.2-1' WHERE extname = 'citus'",
        )
        .await;
    world.run(&["sync", "--mode", "full"]).await.success();
}

#[tokio::test]
async fn changes_of_tables_are_refused_at_a_worker_with_the_way_to_the_coordinator() {
    let world = World::new().await;
    pretend_citus(&world, "13.2-1", false, false).await;
    for args in [&["migrate"][..], &["migrate", "--roles"], &["sync", "--mode", "full"]] {
        refused(&world.run(args).await, &["a worker node of Citus", "coordinator's address in DATABASE_URL"]);
    }
    assert_eq!(world.count("pg_tables WHERE schemaname = 'public'").await, 0);
    world.execute("UPDATE pg_catalog.pg_dist_local_group SET groupid = 0").await;
    world.run(&["migrate"]).await.success();
    world.execute("UPDATE pg_catalog.pg_dist_local_group SET groupid = 2").await;
    world.full_sync_ok().await;
    refused(
        &world.run(&["replay", "--as-of", "2026-01-01T00:00:00Z", "--into", "then"]).await,
        &["a worker node of Citus"],
    );
}

fn line<'d>(report: &'d Value, check: &str) -> &'d Value {
    let lines = report["checks"].as_array().unwrap();
    lines.iter().find(|line| line["check"] == check).unwrap_or_else(|| panic!("no {check} in {report}"))
}

#[tokio::test]
async fn doctor_says_who_holds_the_schema_whether_it_can_move_and_how_large_it_is() {
    let mut world = World::new().await;
    let without = world.run(&["doctor"]).await.json();
    assert!(!without.to_string().contains("Citus"), "{without}");

    world.run(&["migrate", "--roles"]).await.success();
    act_as_gazelle_admin(&mut world, "gazelle_owner").await;
    pretend_citus(&world, "13.2-1", true, true).await;
    let report = world.run(&["doctor"]).await.json();
    assert_eq!(line(&report, "Citus")["said"], "Citus 13.2-1, and this is the coordinator");
    assert_eq!(line(&report, "schema on Citus")["said"], "public is distributed; two:5433 holds it");
    let owner = line(&report, "owner on Citus");
    assert_eq!(owner["level"], "warning", "{owner}");
    assert!(owner["fix"].as_str().unwrap().contains("ALTER ROLE gazelle_owner LOGIN"), "{owner}");
    let tables = world.count("pg_tables WHERE schemaname = 'public'").await;
    assert_eq!(line(&report, "size on Citus")["said"], format!("the schema holds {tables}.0 MiB"));

    world.execute("ALTER ROLE gazelle_owner LOGIN").await;
    let report = world.run(&["doctor"]).await.json();
    assert_eq!(line(&report, "owner on Citus")["level"], "ok");
    let status = world.run(&["status"]).await.success();
    assert!(status.to_string().contains("1048576"), "real sizes: {status}");

    world.execute("UPDATE pg_extension SET extversion = '14.0-1' WHERE extname = 'citus'").await;
    let report = world.run(&["doctor"]).await.json();
    assert_eq!(line(&report, "Citus")["level"], "problem", "{report}");
}

#[tokio::test]
async fn a_size_that_no_node_tells_keeps_nobody_from_the_rest() {
    let world = World::new().await;
    world.full_sync_ok().await;
    pretend_citus(&world, "13.2-1", true, true).await;
    world
        .execute(
            "CREATE OR REPLACE FUNCTION pg_catalog.run_command_on_shards(
                 regclass, text, OUT shardid bigint, OUT success boolean, OUT result text) RETURNS SETOF record LANGUAGE sql
                 AS $$ SELECT 1::bigint, false, 'Connection refused' $$",
        )
        .await;
    let status = world.run(&["status"]).await.success();
    let size = &status["staging_size"][0];
    assert_eq!((&size["bytes"], &size["bytes_a_day"]), (&json!(null), &json!(null)), "{status}");
    assert!(size["versions"].as_i64() > Some(0), "{status}");
    let text = crate::support::run_to_end(world.command(&["status"])).await;
    assert!(text.code == 0 && text.stdout.contains("unknown"), "{text}");
    let report = world.run(&["doctor"]).await.json();
    let told = line(&report, "size on Citus");
    assert!(told["level"] == "warning" && told["said"].as_str().unwrap().contains("is not known"), "{told}");
    assert_eq!(line(&report, "schema on Citus")["level"], "ok", "{report}");
}

/// Has a session that sleeps, or waits for a lock, look as that of a coordinator does while another node does the same for
/// it: it waits for its client. What the node does is seen in Citus' views alone.
async fn pretend_another_node_works(place: &TestInstallation) {
    place
        .execute(
            "SET allow_system_table_mods = on;
             CREATE FUNCTION pg_catalog.citus_backend_gpid() RETURNS bigint LANGUAGE sql
                 RETURN 10000000000 + pg_backend_pid();
             CREATE FUNCTION pg_catalog.citus_nodeid_for_gpid(bigint) RETURNS int LANGUAGE sql RETURN $1 / 10000000000;
             CREATE FUNCTION pg_catalog.citus_pid_for_gpid(bigint) RETURNS int LANGUAGE sql RETURN $1 % 10000000000;
             CREATE FUNCTION pg_catalog.citus_calculate_gpid(int, int) RETURNS bigint LANGUAGE sql
                 RETURN $1 * 10000000000 + $2;
             ALTER TABLE pg_catalog.pg_dist_node ADD nodeid int DEFAULT 1;
             DELETE FROM pg_catalog.pg_dist_node WHERE nodename <> 'head';
             DO $$ BEGIN
               EXECUTE 'CREATE VIEW pg_catalog.activity AS ' || pg_get_viewdef('pg_catalog.pg_stat_activity'::regclass);
             END $$;
             CREATE VIEW pg_catalog.citus_stat_activity AS
                 SELECT 10000000000 + pid AS global_pid, 1 AS nodeid, false AS is_worker_query, a.* FROM pg_catalog.activity a
                  UNION ALL
                 SELECT 10000000000 + pid, 2, true, a.* FROM pg_catalog.activity a
                  WHERE wait_event = 'PgSleep' OR wait_event_type = 'Lock';
             CREATE VIEW pg_catalog.citus_lock_waits AS
                 SELECT 10000000000 + a.pid AS waiting_gpid, 10000000000 + b.pid AS blocking_gpid
                   FROM pg_catalog.activity a CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b (pid);
             DO $$ DECLARE columns text; BEGIN
               SELECT string_agg(CASE attname
                          WHEN 'wait_event_type' THEN $q$ CASE WHEN wait_event = 'PgSleep' OR wait_event_type = 'Lock'
                               THEN 'Client' ELSE wait_event_type END AS wait_event_type $q$
                          WHEN 'wait_event' THEN $q$ CASE WHEN wait_event = 'PgSleep' OR wait_event_type = 'Lock'
                               THEN 'ClientRead' ELSE wait_event END AS wait_event $q$
                          ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
                 INTO columns
                 FROM pg_attribute WHERE attrelid = 'pg_catalog.activity'::regclass AND attnum > 0;
               EXECUTE 'CREATE OR REPLACE VIEW pg_catalog.pg_stat_activity AS SELECT ' || columns ||
                       ' FROM pg_catalog.activity';
             END $$;
             GRANT SELECT ON pg_catalog.activity, pg_catalog.citus_stat_activity, pg_catalog.citus_lock_waits TO PUBLIC;
             RESET allow_system_table_mods",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_node_works_on_is_waited_for_and_who_holds_its_lock_is_named() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    pretend_citus(&world, "13.2-1", true, true).await;
    pretend_another_node_works(&world).await;
    world.set("GAZELLE_SYNC_DATABASE_SILENCE", "1");
    world.set("GAZELLE_SYNC_LOCK_NOTICE", "0.3");
    world.set("GAZELLE_SYNC_LOCK_WAIT", "3");
    // Longer than a client may be silent, which is four times as long.
    let client = world.control.ids(RecordKind::Client)[0].clone();
    let slow = "ALTER TABLE gazelle_clients ADD CONSTRAINT slow
                CHECK (company_name IS DISTINCT FROM 'Lent' OR pg_sleep(5) IS NOT NULL) NOT VALID";
    world.execute(slow).await;
    world.control.edit(RecordKind::Client, &client, json!({ "companyName": "Lent" })).unwrap();
    world.incremental().await.success();
    world.execute("ALTER TABLE gazelle_clients DROP CONSTRAINT slow").await;

    world.control.edit(RecordKind::Client, &client, json!({ "companyName": "Attendue" })).unwrap();
    let person = crate::support::connect(&world.url()).await;
    person.batch_execute("BEGIN; UPDATE gazelle_clients SET company_name = company_name").await.unwrap();
    let pid: i32 = person.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let run = world.incremental().await;
    let named = format!("session {pid} at head:5432");
    refused(&run, &["waited 3 s for a lock", &named]);
    assert!(run.stderr.contains("given up after 3 s"), "it is said while it waits: {run}");
    person.batch_execute("ROLLBACK").await.unwrap();
    world.incremental().await.success();
}

#[tokio::test]
async fn the_owner_may_log_in_where_citus_is_and_only_without_a_password() {
    let mut world = World::new().await;
    // A superuser sees whether it has one, while all is a superuser's.
    world.run(&["migrate"]).await.success();
    world.execute("CREATE ROLE gazelle_owner LOGIN").await;
    refused(&world.run(&["migrate", "--roles"]).await, &["gazelle_owner may log in", "NOLOGIN"]);
    pretend_citus(&world, "13.2-1", true, false).await;
    world.execute("ALTER ROLE gazelle_owner PASSWORD 'made-up'").await;
    refused(&world.run(&["migrate", "--roles"]).await, &["gazelle_owner has a password", "PASSWORD NULL"]);
    world.execute("ALTER ROLE gazelle_owner PASSWORD NULL").await;
    world.run(&["migrate", "--roles"]).await.success();

    // Whoever cannot see whether it has one is told how to go on.
    act_as_gazelle_admin(&mut world, "gazelle_owner").await;
    refused(&world.run(&["migrate", "--roles"]).await, &["only a superuser could see", "NOLOGIN first"]);
    world.execute("ALTER ROLE gazelle_owner NOLOGIN").await;
    let run = world.run(&["migrate", "--roles"]).await.success();
    assert_eq!((&run["made"], &run["ended"]), (&json!([]), &json!([])));
    world.execute("ALTER ROLE gazelle_owner LOGIN").await;
    for command in [&["migrate"][..], &["sync", "--mode", "full"], &["status"]] {
        world.run(command).await.success();
    }
}

#[tokio::test]
async fn rights_are_given_again_where_the_schema_is_distributed() {
    let mut world = World::new().await;
    world.run(&["migrate", "--roles"]).await.success();
    act_as_gazelle_admin(&mut world, "gazelle_owner").await;
    let granted = "SELECT xmin::text FROM pg_class WHERE oid = 'v_appointments_montreal'::regclass";
    let before = world.text(granted).await;
    world.run(&["migrate", "--roles"]).await.success();
    assert_eq!(world.text(granted).await, before, "nothing is written where nothing changes");
    // Citus knows of a grant what was granted since it distributed the schema.
    pretend_citus(&world, "13.2-1", true, true).await;
    let again = world.run(&["migrate", "--roles"]).await.success();
    assert_eq!((&again["made"], &again["ended"]), (&json!([]), &json!([])), "{again}");
    assert_ne!(world.text(granted).await, before);
}

#[tokio::test]
async fn an_owner_by_another_name_may_log_in_where_no_password_of_it_is_ever_valid() {
    let mut world = World::new().await;
    world.run(&["migrate", "--roles", "--owner-role", "keeper"]).await.success();
    act_as_gazelle_admin(&mut world, "keeper").await;
    pretend_citus(&world, "13.2-1", true, true).await;
    let report = world.run(&["doctor"]).await.json();
    let advice = line(&report, "owner on Citus")["fix"].as_str().unwrap().to_owned();
    let statement = "ALTER ROLE keeper LOGIN VALID UNTIL '-infinity'";
    assert!(advice.contains(statement), "{advice}");

    // Without that, somebody might log in as it who has made the tables for an administrator to use: the reason is said. From
    // Postgres 16 on an administrator that makes roles is no superuser, and trusts the owner that is recorded.
    let is_as_good_as_a_superuser = super::printed_fixes_work::counts(&world).await;
    world.execute("ALTER ROLE keeper LOGIN").await;
    let run = world.run(&["sync"]).await;
    if is_as_good_as_a_superuser {
        refused(&run, &["belongs to keeper", ", keeper may log in", "NOLOGIN", statement]);
    } else {
        run.success();
    }
    world.execute(statement).await;
    for command in [&["sync", "--mode", "full"][..], &["migrate"], &["status"]] {
        world.run(command).await.success();
    }
    let report = world.run(&["doctor"]).await.json();
    assert_eq!(line(&report, "owner on Citus")["level"], "ok");
    // Who can act as it beside that is refused as ever; so is one that only pretends to be recorded.
    world.execute("CREATE ROLE mallory LOGIN; GRANT keeper TO mallory").await;
    let run = world.run(&["sync"]).await;
    if is_as_good_as_a_superuser {
        refused(&run, &["as which mallory may act"]);
    } else {
        run.success();
    }
    world.execute("REVOKE keeper FROM mallory").await;
    transfer_ownership(&world, "public", "mallory").await;
    world.execute("ALTER SCHEMA public OWNER TO pg_database_owner").await;
    refused(&world.run(&["sync"]).await, &["belongs to mallory"]);
}
