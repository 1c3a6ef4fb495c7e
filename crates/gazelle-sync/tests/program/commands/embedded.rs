//! The embedded database: who creates it, what is said of it, and how it is queried.

use gazelle_sim::{ShopSpec, SimOptions, Simulator};
use tokio::process::Command;

use crate::support::own_server::OwnServer;
use crate::support::{CommandOutput, run_to_end};

/// Commands that only work on what is stored.
const WITHOUT_USE: [&[&str]; 20] = [
    &["status"],
    &["status", "--check"],
    &["errors"],
    &["errors", "show", "evt_1"],
    &["errors", "retry"],
    &["errors", "dismiss", "evt_1", "--reason", "made up"],
    &["warnings"],
    &["runs"],
    &["runs", "show", "0190"],
    &["history", "evt_1"],
    &["explain", "evt_1", "title"],
    &["deletions"],
    &["deletions", "approve", "0190"],
    &["alerts"],
    &["people"],
    &["verify", "--offline"],
    &["replay"],
    &["replay", "--into", "other"],
    &["undo", "0190"],
    &["migrate", "--dry-run"],
];

#[tokio::test]
async fn a_command_that_needs_data_creates_no_database_and_says_so_in_one_line() {
    let folder = OwnServer::new();
    let data = folder.data().display().to_string();
    for args in WITHOUT_USE {
        let ran = folder.run(args).await;
        let said = ran.stderr.trim_end();
        assert!(ran.code == 1 && ran.stdout.is_empty(), "{args:?}: {ran}");
        assert!(
            said.starts_with("error: there is no database yet") && !said.contains('\n'),
            "{args:?}: {ran}"
        );
        for word in [data.as_str(), "gazelle-sync sync", "gazelle-sync demo", "DATABASE_URL"] {
            assert!(said.contains(word), "{args:?}: no {word} in {ran}");
        }
        assert!(!folder.data().exists(), "{args:?} made {data}");
    }
    let document = folder.run(&["status", "--json"]).await;
    assert!(document.code == 1 && document.reasons().contains("there is no database yet"), "{document}");
    let doctor = folder.run(&["doctor", "--json"]).await;
    let report = doctor.json();
    let line = report["checks"].as_array().unwrap().iter().find(|line| line["check"] == "database").unwrap();
    assert!(line["said"].as_str().unwrap().contains("there is no database yet"), "{doctor}");
    assert!(doctor.code == 1 && !folder.data().join("postgres").exists(), "{doctor}");
}

async fn shop() -> Simulator {
    let spec = ShopSpec { oddities: false, ..ShopSpec::small(7) };
    Simulator::start(spec, SimOptions::default(), ([127, 0, 0, 1], 0).into()).await.expect("a simulator")
}

async fn with_shop(folder: &OwnServer, sim: &Simulator, args: &[&str]) -> CommandOutput {
    let mut command = folder.command(args);
    command.env("GAZELLE_API_URL", sim.graphql_url()).env("GAZELLE_API_KEY", sim.api_key());
    run_to_end(command).await
}

#[tokio::test]
async fn a_first_sync_says_what_it_creates_and_ends_with_where_the_data_is() {
    let (folder, sim) = (OwnServer::new(), shop().await);
    let data = folder.data().display().to_string();
    let first = with_shop(&folder, &sim, &["sync", "--mode", "full"]).await;
    let created = format!("creating an embedded PostgreSQL database in the data folder {data}");
    assert!(first.code == 0 && first.stderr.contains(&created), "{first}");
    let line = format!("database: embedded in {data}, schema public (DATABASE_URL is not set)");
    assert_eq!(first.stdout.lines().next(), Some(line.as_str()), "{first}");
    for words in ["Where the data is", "gazelle-sync psql", "v_appointments_montreal", "gazelle-sync verify"]
    {
        assert!(first.stdout.contains(words), "no {words} in {first}");
    }
    let second = with_shop(&folder, &sim, &["sync"]).await;
    assert!(second.code == 0 && second.stderr.is_empty(), "{second}");
    assert_eq!(second.stdout.lines().next(), Some(line.as_str()), "{second}");
    assert!(!second.stdout.contains("Where the data is"), "{second}");
    for args in [&["errors"][..], &["runs"], &["verify", "--offline"], &["migrate"]] {
        let told = with_shop(&folder, &sim, args).await;
        assert_eq!(told.stdout.lines().next(), Some(line.as_str()), "{args:?}: {told}");
        let quiet: Vec<&str> = args.iter().copied().chain(["-q"]).collect();
        let quiet = with_shop(&folder, &sim, &quiet).await;
        assert!(quiet.code == 0 && !quiet.stdout.contains("database: "), "{args:?}: {quiet}");
    }
}

#[tokio::test]
async fn the_embedded_server_is_started_and_stopped_by_hand() {
    let folder = OwnServer::new();
    let running = async || {
        let status = folder.run(&["db", "status", "--json"]).await;
        let report = status.json();
        assert_eq!(status.code == 0, report["is_running"], "{status}");
        (report["is_running"] == true, report["keeps_running"] == true)
    };
    assert_eq!(running().await, (false, false));
    assert!(!folder.data().exists(), "to look creates nothing");
    let started = folder.run(&["db", "start"]).await;
    assert!(started.code == 0 && started.stdout.contains("until `gazelle-sync db stop`"), "{started}");
    assert!(started.stderr.contains("creating an embedded PostgreSQL database"), "{started}");
    assert_eq!(running().await, (true, true));
    let psql = folder.run(&["psql", "-Atc", "SELECT 6 * 7"]).await;
    assert_eq!((psql.code, psql.stdout.as_str(), psql.stderr.as_str()), (0, "42\n", ""), "{psql}");
    assert_eq!(running().await, (true, true));
    let stopped = folder.run(&["db", "stop"]).await;
    assert!(stopped.code == 0 && stopped.stdout.contains("not running"), "{stopped}");
    assert_eq!(running().await, (false, false));

    // It runs for as long as psql does, whose exit status is passed on.
    let script = folder.folder.path().join("script.sql");
    std::fs::write(&script, "SELECT 1 / 0;").unwrap();
    let ran = folder.run(&["psql", "-Xf", script.to_str().unwrap(), "--set", "ON_ERROR_STOP=1"]).await;
    assert!(ran.code == 3 && ran.stderr.contains("division by zero"), "{ran}");
    let help = folder.run(&["psql", "--", "--version"]).await;
    assert!(help.code == 0 && help.stdout.starts_with("psql (PostgreSQL)"), "{help}");
    assert_eq!(running().await, (false, false));

    let mut command = folder.command(&["db", "start"]);
    let refused = ran_with(command.env("DATABASE_URL", "postgres://sync@db.example.org/shop")).await;
    assert!(refused.code == 2 && refused.stderr.contains("DATABASE_URL is set"), "{refused}");
}

async fn ran_with(command: &mut Command) -> CommandOutput {
    let output = command.output().await.expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    CommandOutput {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A psql that prints its arguments, and of its environment what libpq reads.
const SHOWS_WHAT_IT_GOT: &str = "#!/bin/sh\nprintf 'argument %s\\n' \"$@\"\nenv | grep '^PG' | sort\n";

#[tokio::test]
async fn psql_gets_the_password_by_its_environment_alone() {
    let folder = OwnServer::new();
    let bin = folder.folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let psql = async |env: &[(&str, &str)]| {
        let mut command = folder.command(&["psql", "-c", "SELECT 1"]);
        command.env("DATABASE_URL", "postgres://sync:so%40geheim@db.example.org:6543/shop");
        ran_with(
            command.env("PGSERVICE", "elsewhere").env("PGHOSTADDR", "192.0.2.1").envs(env.iter().copied()),
        )
        .await
    };
    let path = bin.display().to_string();
    let missing = psql(&[("PATH", &path)]).await;
    assert!(missing.code == 1 && missing.stderr.contains("psql is not installed"), "{missing}");

    let program = bin.join("psql");
    std::fs::write(&program, SHOWS_WHAT_IT_GOT).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let told = psql(&[("GAZELLE_SYNC_POSTGRES_BIN", &path)]).await;
    assert!(told.code == 0 && told.stdout.starts_with("argument -c\nargument SELECT 1\nPG"), "{told}");
    for line in [
        "PGDATABASE=shop",
        "PGHOST=db.example.org",
        "PGPASSWORD=so@geheim",
        "PGPORT=6543",
        "PGSSLMODE=verify-full",
        "PGUSER=sync",
    ] {
        assert!(told.stdout.lines().any(|found| found == line), "no {line} in {told}");
    }
    assert!(!told.stdout.contains("PGSERVICE") && !told.stdout.contains("PGHOSTADDR"), "{told}");
    let refused =
        ran_with(folder.command(&["psql", "--json"]).env("DATABASE_URL", "postgres://sync@db/shop")).await;
    assert_eq!(refused.code, 2, "{refused}");
}
