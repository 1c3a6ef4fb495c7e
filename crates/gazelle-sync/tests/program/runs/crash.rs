//! Killed at any instant, then run again: the same database as without the kill. And one runner at a time.

use std::time::{Duration, Instant};

use crate::support::service::until;
use crate::support::{Tables, TestInstallation, World, assert_same, connect};
use gazelle_sim::{Fault, FaultKind, ShopSpec, SimOptions};
use gazelle_sync::db;
use gazelle_sync::db::ConnectSettings;
use gazelle_sync::lease::{self, Lease};
use jiff::SignedDuration;
use tokio::process::Child;

/// Small pages and batches: many requests and transactions to be killed between.
async fn slow_world() -> World {
    let options = SimOptions { latency: Duration::from_millis(5), ..SimOptions::default() };
    let mut world = World::with(ShopSpec::small(7), options).await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.set("GAZELLE_SYNC_BATCH_SIZE", "7");
    world.run(&["migrate"]).await.success();
    world
}

/// What a database holds that was never killed: production, and the versions in staging with their outcome.
async fn all_tables(place: &TestInstallation) -> Tables {
    let mut tables = place.content().await;
    for table in crate::support::staging_tables() {
        let sql = format!(
            "SELECT concat_ws(' ', external_id, encode(content_hash, 'hex'), sync_status, error_code) AS v FROM {table} ORDER BY 1"
        );
        let rows = place.rows(&sql).await;
        tables.insert(table.to_owned(), rows.iter().map(|row| row["v"].to_string()).collect());
    }
    tables
}

async fn control(world: &World) -> Tables {
    let mut place = TestInstallation::new().await;
    place.env = world.env.clone();
    place.run(&["sync", "--mode", "full"]).await.success();
    all_tables(&place).await
}

/// Waits until `reached` says so or the program has ended; then kills it with SIGKILL. Returns whether it was still running.
async fn kill_when(child: &mut Child, mut reached: impl AsyncFnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if reached().await {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never got there");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let was_at_work = child.try_wait().unwrap().is_none();
    child.start_kill().ok();
    child.wait().await.unwrap();
    was_at_work
}

#[tokio::test]
async fn a_kill_after_any_request_then_a_rerun_gives_the_same_database() {
    let world = slow_world().await;
    let wanted = control(&world).await;
    let mut killed = 0;
    for requests in [1, 2, 4, 7, 11, 16, 22, 29, 37, 44] {
        let mut place = TestInstallation::new().await;
        place.env = world.env.clone();
        world.control.clear_requests();
        let mut child = place.command(&["sync", "--mode", "full", "--json"]).spawn().unwrap();
        killed += usize::from(
            kill_when(&mut child, async || world.control.request_counts().total >= requests).await,
        );

        // At once: the dead holder's lease keeps nobody waiting.
        let run = place.run(&["sync", "--mode", "incremental"]).await;
        assert_eq!(run.code, 0, "after {requests} requests: {run}");
        assert_same(&wanted, &all_tables(&place).await, &format!("killed after {requests} requests"));
    }
    assert!(killed >= 7, "only {killed} were killed at work");
}

#[tokio::test]
async fn a_kill_after_any_write_then_a_rerun_gives_the_same_database() {
    let world = slow_world().await;
    let wanted = control(&world).await;
    let mut killed = 0;
    for condition in [
        "(SELECT count(*) FROM sync_lease) > 0",
        "(SELECT count(*) FROM sync_runs) > 0",
        "(SELECT count(*) FROM staging_clients) > 5",
        "(SELECT count(*) FROM staging_appointments) > 50",
        "(SELECT count(*) FROM gazelle_users) > 0",
        "(SELECT count(*) FROM gazelle_contacts) > 20",
        "(SELECT count(*) FROM gazelle_pianos) > 30",
        "(SELECT count(*) FROM gazelle_appointments) > 10",
        "(SELECT count(*) FROM sync_quarantine) > 0",
        "(SELECT count(*) FROM sync_bookmarks) > 1",
        "(SELECT count(*) FROM sync_run_entities) > 0",
    ] {
        let mut place = TestInstallation::new().await;
        place.env = world.env.clone();
        place.run(&["migrate"]).await.success();
        let mut child = place.command(&["sync", "--mode", "full", "--json"]).spawn().unwrap();
        let sql = format!("SELECT {condition}");
        killed += usize::from(kill_when(&mut child, async || place.one::<bool>(&sql, &[]).await).await);

        let run = place.run(&["sync", "--mode", "full"]).await;
        assert_eq!(run.code, 0, "{condition}: {run}");
        assert_same(&wanted, &all_tables(&place).await, condition);
        let running: i64 = place.one("SELECT count(*) FROM sync_runs WHERE status = 'running'", &[]).await;
        assert_eq!(running, 0, "{condition}: the killed run is noted as interrupted");
    }
    assert!(killed >= 7, "only {killed} were killed at work");
}

#[tokio::test]
async fn killed_again_and_again_it_gets_there() {
    let world = slow_world().await;
    let wanted = control(&world).await;
    for requests in [12, 20, 9, 31, 3, 25] {
        world.control.clear_requests();
        let mut child = world.start(&["sync", "--mode", "full"]);
        kill_when(&mut child, async || world.control.request_counts().total >= requests).await;
    }
    world.full().await.success();
    assert_same(&wanted, &all_tables(&world).await, "after six kills");
}

#[tokio::test]
async fn a_kill_during_replay_leaves_production_whole_and_the_next_one_fixes_it() {
    let world = slow_world().await;
    world.full_sync_ok().await;
    let wanted = all_tables(&world).await;
    let columns = [
        ("gazelle_users", "first_name"),
        ("gazelle_clients", "company_name"),
        ("gazelle_appointments", "title"),
    ];
    for (table, column) in columns {
        world.execute(&format!("UPDATE {table} SET {column} = 'faux'")).await;
    }
    let broken = all_tables(&world).await;
    // It waits for rows that somebody has locked: before it has written any, and after those of the tables before.
    for (table, _) in columns {
        let mut person = connect(&world.url()).await;
        let held = person.transaction().await.unwrap();
        held.batch_execute(&format!("SELECT FROM {table} FOR UPDATE")).await.unwrap();
        let mut child = world.start(&["replay"]);
        let waits = format!(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                             WHERE wait_event_type = 'Lock' AND query LIKE '%UPDATE %.{table}%' AND pid <> pg_backend_pid())"
        );
        let is_killed = kill_when(&mut child, async || world.one::<bool>(&waits, &[]).await).await;
        assert!(is_killed, "{table}: the replay ended before it could be killed");
        held.rollback().await.unwrap();
        assert_same(&broken, &all_tables(&world).await, table);
    }
    world.run(&["replay"]).await.success();
    assert_same(&wanted, &all_tables(&world).await, "fixed");
    let scratch = "SELECT relname::text FROM pg_class WHERE relname LIKE 'rebuilt%'";
    until("nothing remains", async || world.text(scratch).await.is_none()).await;
}

#[tokio::test]
async fn a_database_killed_in_the_middle_fails_the_run_and_the_next_one_goes_on() {
    let mut world = slow_world().await;
    let wanted = control(&world).await;
    for requests in [5, 18, 33] {
        world.control.clear_requests();
        let child = world.start(&["sync", "--mode", "full", "--json"]);
        until("it is at work", async || world.control.request_counts().total >= requests).await;
        world.installation.server.kill9();
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("database"), "{said}");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert_eq!(document["status"], "failed");

        world.installation.server.start_again().await.unwrap();
        world.installation.db = crate::support::connect(&world.installation.url()).await;
        let quarantined: i64 = world
            .one("SELECT count(*) FROM sync_quarantine WHERE error_code = 'refused_by_database'", &[])
            .await;
        assert_eq!(quarantined, 0, "no record is to blame");
    }
    world.full().await.success();
    assert_same(&wanted, &all_tables(&world).await, "after three crashes of the database");
}

#[tokio::test]
async fn versions_that_a_crash_of_the_database_took_back_keep_the_bookmark_where_it_is() {
    let world = slow_world().await;
    let wanted = control(&world).await;
    // As a server does that comes back from a crash between two transactions: the latest are gone, and nobody is told.
    let held = FaultKind::Slow { milliseconds: 3000 };
    world.control.add_fault(Fault::new(held).on_operation("AppointmentsPage").skip(8));
    let child = world.start(&["sync", "--mode", "full", "--json"]);
    until("most is staged", async || world.count("staging_appointments").await >= 40).await;
    world
        .execute(
            "WITH lost AS (DELETE FROM staging_appointments s
                            WHERE s.id IN (SELECT id FROM staging_appointments ORDER BY id DESC LIMIT 3)
                        RETURNING external_id)
             DELETE FROM gazelle_appointment_pianos WHERE appointment_external_id IN (SELECT external_id FROM lost)",
        )
        .await;
    world
        .execute(
            "DELETE FROM gazelle_appointments a
              WHERE NOT EXISTS (SELECT 1 FROM staging_appointments s WHERE s.external_id = a.external_id)",
        )
        .await;
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("in which appointments were staged"), "{said}");
    let bookmarks = world.bookmarks().await.join(" ");
    assert!(bookmarks.contains("pianos") && !bookmarks.contains("appointments"), "{bookmarks}");

    world.incremental().await.success();
    assert_same(&wanted, &all_tables(&world).await, "after the next run");
}

#[tokio::test]
async fn of_two_syncs_one_works_and_the_other_is_told_who_does() {
    let options = SimOptions { latency: Duration::from_millis(40), ..SimOptions::default() };
    let mut world = World::with(ShopSpec::small(7), options).await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.run(&["migrate"]).await.success();
    let mut first = world.start(&["sync", "--mode", "full"]);
    let held = "SELECT EXISTS (SELECT 1 FROM sync_lease WHERE expires_at > now())";
    until("it holds the lease", async || {
        assert!(first.try_wait().unwrap().is_none(), "the first ended too early");
        world.one::<bool>(held, &[]).await
    })
    .await;

    for args in [&["sync"][..], &["fetch"], &["reconcile"], &["replay"]] {
        let second = world.run(args).await;
        assert_eq!(second.code, 1, "{args:?}: {second}");
        let pid = first.id().expect("still running").to_string();
        assert!(
            second.reasons().contains("another gazelle-sync") && second.reasons().contains(&pid),
            "{second}"
        );
    }
    world.run(&["status"]).await.success();

    assert_eq!(first.wait().await.unwrap().code(), Some(0));
    world.incremental().await.success();
    let runs: i64 = world.one("SELECT count(*) FROM sync_runs WHERE status = 'success'", &[]).await;
    assert_eq!(runs, 2);
}

#[tokio::test]
async fn two_first_syncs_of_an_empty_database_at_once_do_no_harm() {
    for _ in 0..3 {
        let world = World::new().await;
        let (one, two) = tokio::join!(world.full(), world.full());
        let mut codes = [one.code, two.code];
        codes.sort_unstable();
        assert!(codes == [0, 1] || codes == [0, 0], "{one}\n{two}");
        for run in [&one, &two] {
            if run.code == 1 {
                assert!(run.reasons().contains("another gazelle-sync"), "{run}");
            }
        }
        assert_eq!(world.count("gazelle_appointments").await, 117);
        assert_eq!(world.count("staging_appointments").await, 120);
    }
}

#[tokio::test]
async fn a_holder_elsewhere_is_waited_for_until_its_lease_has_run_out() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "INSERT INTO sync_lease (name, holder, token, expires_at)
             VALUES ('sync', 'elsewhere boot 12345678 pid 4242 started 99', 7, now() + interval '1 minute')",
        )
        .await;
    let refused = world.full().await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.reasons().contains("elsewhere"), "{refused}");
    assert_eq!(world.count("staging_users").await, 0);

    world.execute("UPDATE sync_lease SET expires_at = now() - interval '1 minute'").await;
    world.full().await.success();
    let token: i64 = world.one("SELECT token FROM sync_lease", &[]).await;
    assert_eq!(token, 8);
}

/// The longest lease that may be set is an hour.
#[tokio::test]
async fn a_lease_that_runs_longer_than_any_may_keeps_nobody_out() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    for (minutes, code) in [(59, 1), (62, 0)] {
        world
            .execute(&format!(
                "INSERT INTO sync_lease (name, holder, token, expires_at)
                 VALUES ('sync', 'elsewhere boot 12345678 pid 4242 started 99', 7, now() + interval '{minutes} minutes')
                 ON CONFLICT (name) DO UPDATE SET expires_at = EXCLUDED.expires_at"
            ))
            .await;
        let ran = world.full().await;
        assert_eq!(ran.code, code, "{minutes} minutes: {ran}");
    }
}

/// The two come over sessions of their own, and a server may hear the later one first.
#[tokio::test]
async fn a_renewal_that_is_heard_after_the_return_of_the_lease_renews_nothing() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let settings =
        ConnectSettings { url: place.url(), ca_file: None, schema: "public".to_owned(), connections: 2 };
    let db = db::connect(&settings).await.unwrap();
    let lease = Lease::acquire(&db, Duration::from_secs(60)).await.unwrap();
    let token = lease.fence().token();
    let until = db.now().await.unwrap() + SignedDuration::from_secs(60);
    assert!(lease::prolong(&db, token, until).await.unwrap(), "while it is held");
    lease.release().await.unwrap();
    assert!(!lease::prolong(&db, token, until).await.unwrap(), "after it was given back");
    let free = place.text("SELECT (expires_at = 'epoch')::text FROM sync_lease").await;
    assert_eq!(free.as_deref(), Some("true"));
}

#[tokio::test]
async fn a_lease_that_cannot_be_taken_is_no_runner_at_work() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    world
        .execute(
            "INSERT INTO sync_lease (name, holder, token, expires_at)
             VALUES ('sync', 'elsewhere boot 12345678 pid 4242 started 99', 9223372036854775807, 'epoch')",
        )
        .await;
    let refused = world.full().await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(!refused.reasons().contains("in progress"), "{refused}");
    for word in ["sync_lease could not be taken", "out of range (SQLSTATE 22003)"] {
        assert!(refused.reasons().contains(word), "{word} not in {refused}");
    }
}

#[tokio::test]
async fn a_run_whose_lease_was_taken_over_writes_nothing_more() {
    let mut world = slow_world().await;
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    let child = world.start(&["sync", "--mode", "full", "--json"]);
    until("it is at work", async || {
        world.count("staging_appointments").await + world.count("staging_clients").await >= 10
    })
    .await;
    world.execute("UPDATE sync_lease SET holder = 'another', token = token + 1").await;
    let taken: Vec<i64> = counts(&world).await;
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("took it over"), "{said}");
    assert_eq!(counts(&world).await, taken, "nothing was written after it");
    let status = world.text("SELECT status FROM sync_runs ORDER BY started_at DESC LIMIT 1").await;
    assert_eq!(status.as_deref(), Some("running"), "its end is for the new holder to note");
    let holder = world.text("SELECT holder FROM sync_lease WHERE expires_at > 'epoch'").await;
    assert_eq!(holder.as_deref(), Some("another"), "it gives back no lease that is not its own");
}

async fn counts(place: &TestInstallation) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in crate::support::staging_tables().iter().chain(&crate::support::production_tables()) {
        counts.push(place.count(table).await);
    }
    counts
}
