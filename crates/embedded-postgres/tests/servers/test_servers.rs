//! The throw-away servers that other crates' tests use.

use crate::common::{is_alive, query, read_something, until, write_something};
use embedded_postgres::testing::TestServer;

#[tokio::test]
async fn each_is_alone_and_leaves_nothing() {
    let (one, two) = tokio::join!(TestServer::start(), TestServer::start());
    let (one, two) = (one.expect("a server"), two.expect("a server"));
    assert_ne!(one.pid(), two.pid());
    write_something(&one.connection_string("postgres")).await;
    assert_eq!(query(&two.connection_string("postgres"), "SELECT to_regclass('kept') IS NULL").await, "t");
    let (pid, folder) = (one.pid(), one.socket_dir());
    assert!(folder.exists());
    drop(one);
    assert!(!is_alive(pid));
    assert!(!folder.exists());
    assert_eq!(query(&two.connection_string("postgres"), "SHOW fsync").await, "off");
}

#[tokio::test]
async fn a_killed_one_starts_again_with_its_commits() {
    let mut server = TestServer::start().await.expect("a server");
    server.create_database("other").await.expect("created");
    server.create_database("other").await.expect("there already");
    let address = server.connection_string("other");
    write_something(&address).await;
    let pid = server.pid();
    server.kill9();
    assert!(!is_alive(pid));
    assert_eq!(server.pid(), 0);
    server.start_again().await.expect("started");
    assert_ne!(server.pid(), pid);
    assert_eq!(server.connection_string("other"), address);
    assert_eq!(read_something(&address).await, "word");
}

#[tokio::test]
async fn settings_reach_it() {
    let server = TestServer::start_with(&[("max_connections", "13")]).await.expect("a server");
    let address = server.connection_string("postgres");
    assert_eq!(query(&address, "SHOW max_connections").await, "13");
    server.set("work_mem", "5MB").await.expect("set");
    assert_eq!(query(&address, "SHOW work_mem").await, "5MB");
    assert!(server.set("no_such_setting", "1").await.is_err());
}

#[tokio::test]
async fn a_crashed_test_s_server_ends_and_its_folder_is_removed_later() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let child =
        std::process::Command::new(env!("CARGO_BIN_EXE_crashing-test-server")).output().expect("runs");
    let printed = String::from_utf8_lossy(&child.stdout);
    let line = printed.lines().find(|line| line.starts_with("server ")).expect("its line");
    let mut words = line.split(' ').skip(1);
    let pid: i32 = words.next().and_then(|pid| pid.parse().ok()).expect("a pid");
    let folder = std::path::PathBuf::from(words.next().expect("a folder"));
    until("the server is gone", || !is_alive(pid));
    assert!(folder.exists());
    let _later = TestServer::start().await.expect("a server");
    // Renamed away at once, removed by and by.
    assert!(!folder.exists());
}
