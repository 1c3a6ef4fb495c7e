//! A database that falls silent, is locked by somebody, takes no writes for a while, or is not as it must be.

use std::time::{Duration, Instant};

use crate::support::fault_proxy::{Direction, FaultProxy, ProxyFault};
use crate::support::roles::url_of;
use crate::support::service::{Serving, runs, until};
use crate::support::sink::WebhookReceiver;
use crate::support::{CommandOutput, DATABASE, World};
use gazelle_sim::{ShopSpec, SimOptions};
use serde_json::{Value, json};

/// Limits that a test can wait for.
fn impatient(world: &mut World) {
    world.set("GAZELLE_SYNC_DATABASE_SILENCE", "2");
    world.set("GAZELLE_SYNC_LOCK_NOTICE", "0.3");
    world.set("GAZELLE_SYNC_LOCK_WAIT", "2");
    world.set("GAZELLE_SYNC_LEASE_SECONDS", "3");
}

/// Pages of few records from a slow API, so that there is time for something to happen.
async fn slow_world() -> World {
    // Long enough to be met.
    let options = SimOptions { latency: Duration::from_millis(60), ..SimOptions::default() };
    let mut world = World::with(ShopSpec::small(7), options).await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    impatient(&mut world);
    world
}

/// Scheduled runs come every second.
fn hurried(world: &mut World) {
    world.set("GAZELLE_SYNC_INCREMENTAL", "* * * * * *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_LOG", "info");
}

async fn within<T>(seconds: u64, what: &str, work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(seconds);
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| panic!("not within {seconds} s: {what}"))
}

/// Everything that one run left behind as another did.
async fn same_as_undisturbed(world: &World) {
    let other = World::new().await;
    other.full_sync_ok().await;
    crate::support::assert_same(&other.content().await, &world.content().await, "disturbed and undisturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_whose_connections_fall_silent_ends_and_the_next_one_goes_on() {
    for (bytes, direction, trouble) in [
        (20_000, Direction::ToServer, ProxyFault::Silence),
        (6_000, Direction::ToClient, ProxyFault::Silence),
        (40_000, Direction::ToServer, ProxyFault::Freeze),
    ] {
        let mut world = slow_world().await;
        world.run(&["migrate"]).await.success();
        let proxy = FaultProxy::start(&world.server).await;
        world.set("DATABASE_URL", &format!("{}&connect_timeout=2", proxy.url(DATABASE)));
        proxy.fail_after_bytes(bytes, direction, trouble);
        let run = within(60, "its end", world.full()).await;
        assert!(proxy.has_failed(), "{run}");
        assert_eq!(run.code, 1, "{run}");
        let said = run.reasons();
        assert!(
            said.contains("stopped responding")
                || said.contains("no answer")
                || said.contains("no database connection"),
            "{said}"
        );
        proxy.restore();
        let next = within(60, "the next run", world.full()).await;
        next.success();
        same_as_undisturbed(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_notices_that_it_hangs_and_goes_on_with_a_new_connection() {
    let mut world = slow_world().await;
    hurried(&mut world);
    world.set("GAZELLE_SYNC_DATABASE_SILENCE", "6");
    world.set("GAZELLE_SYNC_WATCHDOG", "2");
    let told = WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &told.url("/alerts"));
    let proxy = FaultProxy::start(&world.server).await;
    world.set("DATABASE_URL", &format!("{}&connect_timeout=2", proxy.url(DATABASE)));
    let serving = Serving::start(&world, &[]).await;
    until("a good run", async || runs(&world, "status = 'success'").await >= 1).await;
    assert_eq!(serving.get("/healthz").await.0, 200);

    proxy.silence();
    until("it says that it hangs", async || serving.get("/healthz").await.0 == 503).await;
    let health = serving.document("/healthz").await;
    assert!(health["reason"].as_str().is_none_or(|why| why.contains("no progress for")), "{health}");
    let kinds = || {
        told.accepted()
            .iter()
            .map(|it| (it.json()["kind"].clone(), it.json()["occasion"].clone()))
            .collect::<Vec<_>>()
    };
    until("somebody is told", async || kinds().contains(&(json!("service_stuck"), json!("started")))).await;

    // By itself: nothing heals the old connections.
    let good = runs(&world, "status = 'success'").await;
    until("another good run", async || runs(&world, "status = 'success'").await > good + 1).await;
    until("it is well again", async || serving.get("/healthz").await.0 == 200).await;
    until("they are told that it is over", async || {
        kinds().contains(&(json!("service_stuck"), json!("over")))
    })
    .await;
    let ended = serving.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_at_a_silent_database_still_ends_quickly() {
    let mut world = World::new().await;
    hurried(&mut world);
    // The limits of everyday, so that none of them comes to its help; and somebody to tell, for whom the database is asked
    // over and over whether there is a message.
    let told = WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &told.url("/alerts"));
    world.set("GAZELLE_SYNC_WATCHDOG", "13");
    let proxy = FaultProxy::start(&world.server).await;
    world.set("DATABASE_URL", &proxy.url(DATABASE));
    let serving = Serving::start(&world, &[]).await;
    until("a good run", async || runs(&world, "status = 'success'").await >= 1).await;
    proxy.fail_after_bytes(1, Direction::ToServer, ProxyFault::Freeze);
    proxy.wait_for_failure().await;
    // By then the questions beside the runs hang too, in new connections.
    until("it says that it hangs", async || serving.get("/healthz").await.0 == 503).await;
    ends_soon(serving).await;
}

/// A service whose first run has met this trouble in its midst.
async fn met_in_the_first_run(trouble: ProxyFault) -> (World, FaultProxy, Serving) {
    // Long enough to be met.
    let options = SimOptions { latency: Duration::from_millis(60), ..SimOptions::default() };
    let mut world = World::with(ShopSpec::small(7), options).await;
    hurried(&mut world);
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.run(&["migrate"]).await.success();
    let proxy = FaultProxy::start(&world.server).await;
    world.set("DATABASE_URL", &proxy.url(DATABASE));
    let serving = Serving::start(&world, &[]).await;
    until("the first run", async || runs(&world, "status = 'running'").await == 1).await;
    proxy.fail_after_bytes(1, Direction::ToServer, trouble);
    proxy.wait_for_failure().await;
    assert_eq!(runs(&world, "status = 'running'").await, 1);
    (world, proxy, serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_run_meets_a_silent_database_ends_quickly() {
    let (_world, _proxy, serving) = met_in_the_first_run(ProxyFault::Freeze).await;
    ends_soon(serving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_connections_fall_silent_gives_the_lease_back_when_it_ends() {
    // New connections work.
    let (world, _proxy, serving) = met_in_the_first_run(ProxyFault::Silence).await;
    let ended = serving.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let free = world.text("SELECT (expires_at < now())::text FROM sync_lease").await;
    assert_eq!(free.as_deref(), Some("true"), "{}", ended.log);
}

/// The service ends well, a few seconds after it was asked to.
async fn ends_soon(serving: Serving) {
    let begun = Instant::now();
    let ended = serving.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(begun.elapsed() < Duration::from_secs(10), "after {:?}: {}", begun.elapsed(), ended.log);
}

/// A person's transaction that holds a lock, and the number of its session.
async fn person(world: &World, url: &str, sql: &str) -> (tokio_postgres::Client, i32) {
    let client = crate::support::connect(url).await;
    client.batch_execute("BEGIN").await.unwrap();
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?} {}", world.url()));
    let pid = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    (client, pid)
}

#[track_caller]
fn names_the_holder(run: &CommandOutput, pid: i32, words: &[&str]) {
    let said = run.reasons();
    assert_eq!(run.code, 1, "{run}");
    for word in
        [&format!("session {pid}"), "waited 2 s for a lock"].iter().copied().chain(words.iter().copied())
    {
        assert!(said.contains(word), "{word} not in: {run}");
    }
    assert!(run.stderr.contains("waiting") && run.stderr.contains(&format!("session {pid}")), "{run}");
    assert!(
        !run.stderr.contains("geheim") && !run.stdout.contains("geheim"),
        "of a statement one word: {run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_a_person_holds_is_named_and_ends_the_run_with_nothing_lost() {
    let world = slow_world().await;
    world.full_sync_ok().await;
    let before = world.content().await;
    let client = world.control.ids(gazelle_sim::RecordKind::Client)[2].clone();
    world
        .control
        .edit(gazelle_sim::RecordKind::Client, &client, json!({ "companyName": "Salle Neuve (exemple)" }))
        .unwrap();
    for sql in [
        "LOCK TABLE gazelle_clients IN ACCESS EXCLUSIVE MODE /* geheim */",
        "UPDATE gazelle_clients SET personal_notes = 'geheim'",
        "LOCK TABLE sync_runs IN ACCESS EXCLUSIVE MODE",
    ] {
        let (person, pid) = person(&world, &world.url(), sql).await;
        let run = within(60, sql, world.incremental()).await;
        names_the_holder(&run, pid, &["SELECT", "nothing is lost"]);
        person.batch_execute("ROLLBACK").await.unwrap();
        let lease = world.text("SELECT (expires_at < now())::text FROM sync_lease").await;
        assert_eq!(lease.as_deref(), Some("true"), "{sql}: the lease is given back");
        crate::support::assert_same(&before, &world.content().await, sql);
    }
    world.incremental().await.success();
    let name =
        world.text("SELECT company_name FROM gazelle_clients WHERE company_name LIKE 'Salle Neuve%'").await;
    assert!(name.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_lock_is_shown_by_status_and_doctor() {
    let mut world = slow_world().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_LOCK_WAIT", "300");
    let (person, pid) = person(&world, &world.url(), "LOCK TABLE sync_bookmarks IN EXCLUSIVE MODE").await;
    person.batch_execute("-- Geheim, as it is no part\n  -- of the statement.\n\nSELECT 1").await.unwrap();
    let mut waiting = world.start(&["sync", "--mode", "full", "--json"]);
    until("it waits", async || {
        let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND waitstart < now() - interval '2.5 s'";
        world.one::<i64>(sql, &[]).await > 0
    })
    .await;
    let status = world.run(&["status"]).await.success();
    let wait = &status["lock_waits"][0];
    assert_eq!(wait["held_by"][0]["pid"], json!(pid), "{status}");
    assert_eq!(wait["held_by"][0]["first_word"], json!("SELECT"), "{status}");
    assert!(wait["since"].is_string() && wait["held_by"][0]["open_since"].is_string(), "{status}");
    let text = crate::support::run_to_end(world.command(&["status"])).await;
    assert!(text.stdout.contains(&format!("held by session {pid}")), "{text}");
    let doctor = world.run(&["doctor"]).await;
    let checks = doctor.json()["checks"].as_array().unwrap().clone();
    let locks = checks.iter().find(|line| line["check"] == "locks").unwrap();
    assert_eq!(locks["level"], json!("problem"), "{locks}");
    assert!(locks["said"].as_str().unwrap().contains(&format!("session {pid}")), "{locks}");
    person.batch_execute("COMMIT").await.unwrap();
    let ended = within(60, "the run goes on", waiting.wait()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_another_role_no_more_is_said_than_the_server_shows_also_behind_a_pooler() {
    let mut world = slow_world().await;
    world.full_sync_ok().await;
    world
        .execute(
            "CREATE ROLE plain LOGIN BYPASSRLS; GRANT USAGE ON SCHEMA public TO plain;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain",
        )
        .await;
    let (person, pid) = person(&world, &world.url(), "LOCK TABLE sync_bookmarks IN EXCLUSIVE MODE").await;
    world.set("DATABASE_URL", &url_of(&world, "plain"));
    let run = within(60, "its end", world.full()).await;
    names_the_holder(&run, pid, &["shows this role no more"]);

    let pooler = crate::support::pooler::Pooler::start(&world, 6).await;
    world.set("DATABASE_URL", &pooler.url(&world));
    let run = within(60, "its end behind a pooler", world.full()).await;
    names_the_holder(&run, pid, &["its last statement a SELECT"]);
    person.batch_execute("COMMIT").await.unwrap();
    world.full().await.success();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_for_a_while_is_told_and_the_service_recovers() {
    let mut world = World::new().await;
    hurried(&mut world);
    world.set("GAZELLE_SYNC_ALERT_DATABASE", "1");
    let told = WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &told.url("/alerts"));
    let serving = Serving::start(&world, &[]).await;
    until("a good run", async || runs(&world, "status = 'success'").await >= 1).await;
    world.execute(&format!("ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")).await;
    // As after a failover: what connects from now on has the setting.
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE application_name = 'gazelle-sync'";
    world.db.query(end, &[]).await.unwrap();
    let kinds = || {
        let messages: Vec<Value> = told.accepted().iter().map(crate::support::sink::Received::json).collect();
        let of = |occasion: &str| {
            messages.iter().filter(|it| it["kind"] == "database" && it["occasion"] == occasion).count()
        };
        (of("started"), of("over"))
    };
    until("somebody is told", async || kinds().0 == 1).await;
    // What its sessions were at when they were ended is another trouble, with waits of its own.
    let refused = |log: &str| -> Vec<String> {
        let lines = log.lines().filter(|line| line.contains("trying again") && line.contains("25006"));
        lines.map(str::to_owned).collect()
    };
    until("a third attempt", async || refused(&serving.log()).len() >= 3).await;
    let (_, ready) = serving.get("/readyz").await;
    assert!(ready.contains("read-only"), "{ready}");
    world.execute(&format!("ALTER DATABASE {DATABASE} RESET default_transaction_read_only")).await;
    let good = runs(&world, "status = 'success'").await;
    until("another good run", async || runs(&world, "status = 'success'").await > good).await;
    until("they are told that it is over", async || kinds() == (1, 1)).await;
    let ended = serving.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    // 1, 2, 4 seconds, spread by a fifth: not once a second. Each attempt says which it is.
    let attempts = refused(&ended.log);
    assert!(attempts.len() <= 8, "{}", ended.log);
    assert!(
        ["3", "4"].iter().any(|wait| attempts[2].contains(&format!("\"wait_seconds\":{wait}"))),
        "{}",
        attempts[2]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_record_cannot_be_written_gives_the_lease_back_and_notes_its_requests() {
    let world = slow_world().await;
    world.run(&["migrate"]).await.success();
    let free = "SELECT (expires_at < now())::text FROM sync_lease";
    world
        .execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '58000'; END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON sync_runs FOR EACH ROW
                WHEN (NEW.status <> 'running') EXECUTE FUNCTION refuse()",
        )
        .await;
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(world.text(free).await.as_deref(), Some("true"), "its end could not be noted: {run}");
    world
        .execute(
            "DROP TRIGGER refuse ON sync_runs;
             CREATE TRIGGER refuse BEFORE INSERT ON sync_runs FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(world.text(free).await.as_deref(), Some("true"), "its start could not be noted: {run}");

    // One that fails in its midst.
    world
        .execute(
            "DROP TRIGGER refuse ON sync_runs;
             CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON sync_bookmarks FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    world.execute("TRUNCATE sync_run_requests").await;
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    assert!(world.count("sync_run_requests").await > 0, "what it asked is noted: {run}");
    assert_eq!(world.text(free).await.as_deref(), Some("true"), "{run}");
    world.execute("DROP TRIGGER refuse ON sync_bookmarks").await;
    world.full().await.success();
}

/// What shows who holds a lock does not wait for it as long as a run may.
#[tokio::test(flavor = "multi_thread")]
async fn status_says_who_keeps_it_from_reading_and_ends() {
    let world = slow_world().await;
    world.full().await.success();
    let lock = "LOCK TABLE gazelle_clients IN ACCESS EXCLUSIVE MODE";
    let (holder, pid) = person(&world, &world.url(), lock).await;
    let mut command = world.command(&["status"]);
    command.env("GAZELLE_SYNC_LOCK_NOTICE", "1").env("GAZELLE_SYNC_LOCK_WAIT", "3000");
    let run = within(120, "status", crate::support::run_to_end(command)).await;
    assert!(run.code == 1 && run.stderr.contains(&format!("session {pid}")), "{run}");
    drop(holder);
    world.run(&["status"]).await.success();
}
