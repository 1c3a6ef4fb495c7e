//! `doctor` and what stands around the database: the API, zones, the service, who is told, backups, a pooler.

use std::io::Write as _;

use crate::support::deployed::{assert_check, deployed, doctor, line};
use crate::support::pooler::Pooler;
use crate::support::service::{Serving, until};
use crate::support::{TestInstallation, World};
use gazelle_sim::{Fault, FaultKind, ShopSpec, SimOptions};

#[tokio::test]
async fn what_is_wrong_with_the_api_shows_in_its_line() {
    let mut world = deployed().await;
    let fault =
        world.control.add_fault(Fault::new(FaultKind::ServerError).on_operation("PianosPage").forever());
    let run = doctor(&world).await;
    assert_check(&run, "API: pianos", "problem", &["500"]);
    assert_check(&run, "API: clients", "ok", &[]);
    assert_check(&run, "API", "ok", &["takes our credentials"]);
    world.control.remove_fault(fault);
    let limit = world.control.add_fault(Fault::new(FaultKind::max_complexity(20)).forever());
    assert_check(
        &doctor(&world).await,
        "API: clients",
        "warning",
        &["more than the API gives", "sync` succeeds"],
    );
    world.control.remove_fault(limit);

    for (seconds, level, words) in [(20, "warning", "ahead of"), (7200, "problem", "2 h 0")] {
        world.control.advance_clock(seconds);
        assert_check(&doctor(&world).await, "API clock", level, &[words]);
    }
    world.set("GAZELLE_API_KEY", "another-key");
    let run = doctor(&world).await;
    assert_check(&run, "API", "problem", &["GAZELLE_API_KEY"]);
    assert_check(&run, "API clock", "warning", &["not known"]);
    assert!(!format!("{run}").contains("another-key"), "{run}");
    world.installation.env.remove("GAZELLE_API_KEY");
    assert_check(&doctor(&world).await, "API", "problem", &["no Gazelle credentials"]);
    world.set("GAZELLE_API_KEY", "a-key");
    world.set("GAZELLE_API_URL", "http://127.0.0.1:1/graphql");
    let run = doctor(&world).await;
    assert_check(&run, "API", "problem", &["127.0.0.1:1", "network"]);
    assert_eq!(line(&run, "API: clients").0, "absent", "told once");

    let spec = ShopSpec { pianos: 0, ..ShopSpec::small(3) };
    let bare = World::with(spec, SimOptions::default()).await;
    assert_check(
        &doctor(&bare).await,
        "API: pianos",
        "warning",
        &["holds none that we may see", "right account"],
    );
}

#[tokio::test]
async fn time_zone_data_of_this_machine_that_is_wrong_is_found() {
    let world = deployed().await;
    let zones = world.folder.path().join("zones/America");
    std::fs::create_dir_all(&zones).unwrap();
    std::fs::copy("/usr/share/zoneinfo/Etc/GMT+5", zones.join("Toronto")).expect("a zone of the machine's");
    let mut command = world.command(&["doctor", "--json"]);
    command.env("TZDIR", world.folder.path().join("zones"));
    let run = crate::support::run_to_end(command).await;
    assert_check(
        &run,
        "time zones",
        "problem",
        &["2026-07-15T11:00:00Z is 2026-07-15 07:00 in Montréal, not 2026-07-15 06:00", "tzdata"],
    );
    assert_check(&run, "database time zones", "ok", &[]);
}

/// Answers whoever connects with this, and then with this over and over.
fn endless(first: &'static [u8], then: &'static [u8]) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let _ = stream.write_all(first);
                let more = then.repeat((64 << 10) / then.len());
                // An error is the end of the connection, which is what should come.
                while stream.write_all(&more).is_ok() {}
            });
        }
    });
    address
}

#[tokio::test]
async fn what_answers_in_place_of_the_service_without_end_is_refused_within_little_memory() {
    let mut world = deployed().await;
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000000000\r\n\r\n[";
    world.set("GAZELLE_SYNC_LISTEN", &endless(head, b"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",").to_string());
    let command = crate::support::limited::with_memory(&world.command(&["doctor", "--json"]), 512 * 1024);
    assert_check(
        &crate::support::run_to_end(command).await,
        "service",
        "problem",
        &["something else answers at"],
    );
}

#[tokio::test]
async fn the_service_and_who_watches_it_are_told() {
    let mut world = deployed().await;
    assert_check(
        &doctor(&world).await,
        "service",
        "warning",
        &["nothing syncs by itself", "systemctl start gazelle-sync"],
    );
    let serving = Serving::start(&world, &[]).await;
    world.set("GAZELLE_SYNC_LISTEN", serving.base.trim_start_matches("http://"));
    until("it waits", async || serving.document("/healthz").await["activity"]["state"] == "waiting").await;
    let run = doctor(&world).await;
    assert_check(&run, "service", "ok", &["runs at", "waiting"]);
    assert_check(&run, "monitoring", "warning", &["nobody has read the metrics", "Prometheus"]);
    serving.get("/metrics").await;
    assert_check(&doctor(&world).await, "monitoring", "ok", &["the metrics were read"]);
    serving.stop().await;

    // The simulator is no service of ours.
    let other = world.sim.graphql_url();
    let other = other.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    world.set("GAZELLE_SYNC_LISTEN", &other);
    assert_check(
        &doctor(&world).await,
        "service",
        "problem",
        &["something else answers", "GAZELLE_SYNC_LISTEN"],
    );

    world.set("GAZELLE_SYNC_HTTP_TOKEN", "0123456789abcdef");
    let serving = Serving::start(&world, &[]).await;
    world.set("GAZELLE_SYNC_LISTEN", serving.base.trim_start_matches("http://"));
    assert_check(&doctor(&world).await, "service", "ok", &["runs at"]);
    world.set("GAZELLE_SYNC_HTTP_TOKEN", "fedcba9876543210");
    assert_check(&doctor(&world).await, "service", "warning", &["refuses our token"]);
    serving.stop().await;
}

#[tokio::test]
async fn ways_to_tell_people_are_tried_and_nothing_is_sent() {
    let mut world = deployed().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    world.set("SLACK_WEBHOOK_URL", &format!("http://127.0.0.1:{port}/services/secret-word"));
    world.set("SMTP_URL", "smtp://127.0.0.1:1");
    world.set("ALERT_EMAIL_FROM", "sync@example.org");
    world.set("ALERT_EMAIL_TO", "office@example.org");
    world.set("DEADMAN_URL", &format!("http://127.0.0.1:{port}/ping/secret-word"));
    let run = doctor(&world).await;
    assert_check(&run, "alerts", "ok", &["Slack", "alerts test"]);
    assert_check(&run, "alerts: Slack", "ok", &[&format!("127.0.0.1:{port} takes connections")]);
    assert_check(&run, "alerts: mail server", "warning", &["127.0.0.1:1 takes no connection", "refused"]);
    assert_check(&run, "heartbeat URL", "ok", &["takes connections"]);
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
    assert_check(&doctor(&world).await, "backup", "problem", &["cannot be read", "GAZELLE_SYNC_BACKUP_DIR"]);
    std::fs::create_dir(&folder).unwrap();
    assert_check(&doctor(&world).await, "backup", "problem", &["holds no file", "pg_dump"]);
    let dump = folder.join("gazelle-2026-01-09.dump");
    std::fs::write(&dump, "").unwrap();
    assert_check(&doctor(&world).await, "backup", "problem", &["gazelle-2026-01-09.dump is empty"]);
    std::fs::write(&dump, "a dump").unwrap();
    assert_check(&doctor(&world).await, "backup", "ok", &["gazelle-2026-01-09.dump (6 B)"]);
    for (days, level) in [(3, "warning"), (9, "problem")] {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(days * 86_400 + 60);
        std::fs::File::options().write(true).open(&dump).unwrap().set_modified(then).unwrap();
        assert_check(&doctor(&world).await, "backup", level, &[&format!("{days} d 00 h old"), "pg_dump"]);
    }
}

#[tokio::test]
async fn the_last_backup_is_told_by_the_servers_own_archive() {
    for (command, level, words) in
        [("true", "ok", "archived its log"), ("false", "problem", "the last attempt failed")]
    {
        let settings = [("archive_mode", "on"), ("archive_command", command), ("wal_level", "replica")];
        let place = TestInstallation::with(&settings).await;
        let world = World::in_installation(place, ShopSpec::small(7), SimOptions::default()).await;
        world.full_sync_ok().await;
        world.execute("SELECT pg_switch_wal()").await;
        until("the archiver has tried", async || {
            world.one::<bool>("SELECT archived_count + failed_count > 0 FROM pg_stat_archiver", &[]).await
        })
        .await;
        assert_check(&doctor(&world).await, "backup", level, &[words]);
    }
}

#[tokio::test]
async fn the_embedded_database_is_looked_at_too() {
    let mut world = World::new().await;
    world.installation.env.remove("DATABASE_URL");
    let command = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env_remove("DATABASE_URL");
        command
    };
    std::fs::set_permissions(world.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let migrated = crate::support::run_to_end(command(&["migrate"])).await;
    assert_eq!(migrated.code, 0, "{migrated}");
    let run = crate::support::run_to_end(command(&["doctor", "--json"])).await;
    assert_check(&run, "database", "ok", &["the embedded server"]);
    assert_check(&run, "our own role", "ok", &["this machine's own account"]);
    assert_check(&run, "disk", "ok", &["free for the embedded database"]);
    // Root runs it as another account, and on machines that were made for tests there is none of its own.
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    if rustix::process::geteuid().is_root() && !passwd.contains("\ngazelle-sync:") {
        assert_check(
            &run,
            "server account",
            "warning",
            &["runs as", "useradd --system", "chown -R gazelle-sync:"],
        );
    } else {
        assert_eq!(line(&run, "server account").0, "absent");
    }
    assert_check(&run, "migrations", "ok", &[]);
}

#[tokio::test]
async fn a_transaction_pooler_between_is_seen() {
    let mut world = World::new().await;
    let pooler = Pooler::start(&world, 4).await;
    world.set("DATABASE_URL", &pooler.url(&world));
    let run = doctor(&world).await;
    assert_check(&run, "pooler", "ok", &["a transaction pooler is between"]);
    assert_check(&run, "connections", "ok", &["8 connections are available"]);
    world.full_sync_ok().await;
    let run = doctor(&world).await;
    assert_check(&run, "row security", "ok", &[]);
    assert_check(&run, "migrations", "ok", &[]);
}

#[tokio::test]
async fn a_server_that_is_not_supabase_has_no_public_roles() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let run = doctor(&world).await;
    assert_check(&run, "as anon", "ok", &["there is no role anon"]);
    assert_check(&run, "our own role", "warning", &["is a superuser: more than a sync needs"]);
}
