//! Starting, attaching, leaving, stopping.

use crate::common::{Helper, Place, is_alive, is_root, query, read_something, write_something};
use embedded_postgres::{Options, Server};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

#[tokio::test]
async fn first_start_makes_a_private_utc_utf8_cluster() {
    let place = Place::new();
    // Durable, as real ones are.
    let mut options = Options::new(place.path());
    options.database = "Gazelle \"1\"".to_owned();
    let server = Server::start_or_attach(options).await.expect("a server");
    assert!(server.started_here());
    let address = server.connection_string();
    for (sql, expected) in [
        ("SHOW timezone", "UTC"),
        ("SHOW fsync", "on"),
        ("SHOW full_page_writes", "on"),
        ("SHOW listen_addresses", ""),
        ("SHOW server_encoding", "UTF8"),
        ("SHOW unix_socket_permissions", "0700"),
        ("SELECT current_database()", "Gazelle \"1\""),
        ("SELECT lower('ÉÖ') COLLATE \"default\"", "éö"),
        ("SELECT 'Z' < 'a'", "t"),
        // Nobody is let in by TCP, also where somebody makes it listen.
        ("SELECT DISTINCT auth_method FROM pg_hba_file_rules WHERE type <> 'local'", "reject"),
    ] {
        assert_eq!(query(&address, sql).await, expected, "{sql}");
    }
    assert_eq!(query(&address, "SHOW server_version_num").await[..2], server.version().major.to_string());
    for folder in [place.path().join("postgres"), server.socket_dir()] {
        let found = folder.metadata().expect("a folder");
        assert_eq!(found.permissions().mode() & 0o777, 0o700);
        assert_ne!(found.uid(), 0, "root must have handed it over");
    }
    assert_eq!(place.pid_in_file(), Some(server.pid()));
    server.leave().await.expect("left");
}

#[tokio::test]
async fn the_last_to_leave_stops_it_and_a_warm_start_finds_the_data() {
    let place = Place::new();
    let first = place.server().await;
    write_something(&first.connection_string()).await;
    let second = place.server().await;
    assert!(!second.started_here());
    assert_eq!(second.pid(), first.pid());
    let pid = first.pid();
    first.leave().await.expect("left");
    assert_eq!(read_something(&second.connection_string()).await, "word");
    drop(second);
    assert!(!is_alive(pid));

    let again = place.server().await;
    assert!(again.started_here());
    assert_eq!(read_something(&again.connection_string()).await, "word");
    again.stop().await.expect("stopped");
}

#[tokio::test]
async fn programs_share_a_server() {
    let place = Place::new();
    let helper = Helper::start(&place, &[]);
    assert_eq!(helper.how, "started");
    let server = place.server().await;
    assert!(!server.started_here());
    assert_eq!(server.pid(), helper.pid);
    assert_eq!(server.connection_string(), helper.address);
    // Its starter leaves, we stay.
    helper.finish();
    assert_eq!(query(&server.connection_string(), "SELECT 1").await, "1");
    let pid = server.pid();
    server.leave().await.expect("left");
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn many_at_once_end_with_one_server() {
    let place = Place::new();
    let start = || Server::start_or_attach(place.options());
    let mut command = Command::new(crate::common::HELPER);
    command.arg(place.path());
    let child = Helper::spawn(command);
    let (a, b, c) = tokio::join!(start(), start(), start());
    let servers = [a, b, c].map(|server| server.expect("a server"));
    let helper = Helper::wait_for(child);
    let starters = servers.iter().filter(|server| server.started_here()).count();
    assert_eq!(starters + usize::from(helper.how == "started"), 1);
    assert!(servers.iter().all(|server| server.pid() == helper.pid));
    drop(servers);
    assert!(is_alive(helper.pid));
    let pid = helper.pid;
    helper.finish();
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_kept_server_stays_for_later_programs_and_psql_until_stopped() {
    let place = Place::new();
    let helper = Helper::start(&place, &["--leave-running"]);
    let (pid, address) = (helper.pid, helper.address.clone());
    helper.finish();
    assert!(is_alive(pid));

    let later = place.server().await;
    assert!(!later.started_here());
    let bin_dir = query(&address, "SELECT setting FROM pg_config WHERE name = 'BINDIR'").await;
    let psql = Command::new(format!("{bin_dir}/psql"))
        .args(["-AtX", "-c", "SELECT 41 + 1", &address])
        .output()
        .expect("psql runs");
    assert_eq!(String::from_utf8_lossy(&psql.stdout), "42\n", "{psql:?}");
    later.leave().await.expect("left");
    assert!(is_alive(pid));

    let last = place.server().await;
    last.stop().await.expect("stopped");
    assert!(!is_alive(pid));
    // The wish ended with that server.
    let next = place.server().await;
    let pid = next.pid();
    next.leave().await.expect("left");
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_works() {
    let place = Place::below(&"long-folder-name/".repeat(12));
    let server = place.server().await;
    let socket_dir = server.socket_dir();
    assert!(socket_dir.starts_with("/tmp/"), "{socket_dir:?}");
    assert_eq!(query(&server.connection_string(), "SELECT 1").await, "1");
    let second = place.server().await;
    assert!(!second.started_here());
    second.leave().await.expect("left");
    server.stop().await.expect("stopped");
    std::fs::remove_dir_all(socket_dir).expect("removed");
}

#[tokio::test]
async fn a_path_with_odd_characters_works() {
    for below in ["with space/ünï", "with,comma and 'quote'"] {
        let place = Place::below(below);
        let server = place.server().await;
        assert_eq!(query(&server.connection_string(), "SELECT 1").await, "1");
        let socket_dir = server.socket_dir();
        server.stop().await.expect("stopped");
        let _ = std::fs::remove_dir_all(socket_dir);
    }
}

#[tokio::test]
async fn an_ordinary_user_runs_it_as_itself() {
    if !is_root() {
        return; // Then every other test shows it.
    }
    use std::os::unix::process::CommandExt;
    let place = Place::new();
    let home = place.path().join("home");
    std::fs::create_dir(&home).expect("a folder");
    let nobody = 65534;
    std::os::unix::fs::chown(&home, Some(nobody), Some(nobody)).expect("given");
    // The build folder may be closed to others.
    let program = place.path().join("helper");
    std::fs::copy(crate::common::HELPER, &program).expect("copied");

    let mut command = Command::new(program);
    command.arg(home.join("data")).uid(nobody).gid(nobody).current_dir("/");
    let helper = Helper::run(command);
    assert_eq!(helper.how, "started");
    assert_eq!(crate::common::owner_of(helper.pid), nobody);

    // Root joins in, and later runs it as its owner.
    let options = || Options { allow_download: false, ..Options::new(home.join("data")) };
    let root = Server::start_or_attach(options()).await.expect("attached");
    assert_eq!(root.pid(), helper.pid);
    helper.finish();
    root.leave().await.expect("left");
    let root = Server::start_or_attach(options()).await.expect("started");
    assert_eq!(crate::common::owner_of(root.pid()), nobody);
    root.leave().await.expect("left");
}

/// The accounts of the machine, but with one made for the server, for a program and its children alone.
#[cfg(target_os = "linux")]
const WITH_OWN_ACCOUNT: &str = r#"mount --bind "$1" /etc/passwd && shift && exec "$@""#;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn roots_server_runs_as_the_account_made_for_it_and_not_as_one_that_others_share() {
    if !is_root() {
        return; // An ordinary user's server runs as that user.
    }
    let is_other = |line: &&str| !line.starts_with("gazelle-sync:");
    let accounts = std::fs::read_to_string("/etc/passwd").expect("the accounts");
    let others: String = accounts.lines().filter(is_other).map(|line| format!("{line}\n")).collect();
    let own = 61_990;
    // Last in the file: their order there decides nothing.
    let file = tempfile::NamedTempFile::new_in("/tmp").expect("a file");
    let text = format!("{others}gazelle-sync:x:{own}:{own}::/nonexistent:/usr/sbin/nologin\n");
    std::fs::write(file.path(), text).expect("written");
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).expect("readable");
    let place = Place::new();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", WITH_OWN_ACCOUNT, "sh"]).arg(file.path());
    command.arg(crate::common::HELPER).arg(place.path());
    let helper = Helper::run(command);
    assert_eq!(helper.how, "started");
    assert_eq!(crate::common::owner_of(helper.pid), own);
    assert_eq!(query(&helper.address, "SELECT 1").await, "1");
    for file in [place.path().join("postgres"), place.data(), place.data().join("PG_VERSION")] {
        assert_eq!(file.symlink_metadata().expect("a file").uid(), own, "{}", file.display());
    }
    helper.finish();
}
