//! Common mistakes and their error messages.

use crate::common::{Place, is_root, open_for_passage};
use embedded_postgres::{Error, Options, Server};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

async fn failure(options: Options) -> Error {
    let error = Server::start_or_attach(options).await.expect_err("an error");
    let message = error.to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    println!("{message}");
    error
}

#[tokio::test]
async fn a_folder_that_the_account_cannot_enter() {
    if !is_root() {
        return;
    }
    let place = Place::below("closed/below");
    let closed = place.path().parent().expect("a parent").to_owned();
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("closed");
    let error = failure(place.options()).await;
    assert!(matches!(&error, Error::Unreachable { blocked, .. } if *blocked == closed), "{error:?}");
    assert!(error.to_string().contains("choose a folder outside"));
    assert!(!place.path().exists(), "nothing was made");

    // Closed only after the first start.
    open_for_passage(&closed);
    place.server().await.stop().await.expect("stopped");
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("closed");
    assert!(matches!(failure(place.options()).await, Error::Unreachable { .. }));
}

#[tokio::test]
async fn a_bin_dir_without_a_server() {
    let place = Place::new();
    for (bin_dir, reason) in [("/nonexistent", "No such file"), ("/etc", "no program postgres")] {
        let mut options = place.options();
        options.bin_dir = Some(bin_dir.into());
        let error = failure(options).await;
        assert!(matches!(error, Error::BinDir { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_bin_dir_with_the_wrong_server() {
    let place = Place::new();
    let bin_dir = place.path().join("bin");
    fs::create_dir(&bin_dir).expect("a folder");
    open_for_passage(&bin_dir);
    script(&bin_dir.join("initdb"), "exit 1");
    let mut options = place.options();
    options.bin_dir = Some(bin_dir.clone());
    for (body, reason) in [
        ("echo 'postgres (PostgreSQL) 14.9'", "15 or newer is needed"),
        ("echo broken library >&2; exit 127", "broken library"),
    ] {
        script(&bin_dir.join("postgres"), body);
        let error = failure(options.clone()).await;
        assert!(error.to_string().contains(reason), "{error}");
    }
    // New enough, but not for this data.
    script(&bin_dir.join("postgres"), "echo 'postgres (PostgreSQL) 17.2'");
    place.pretend_cluster("16");
    chown_like_server(&place);
    let error = failure(options.clone()).await;
    assert!(error.to_string().contains("was made by PostgreSQL 16"), "{error}");
}

#[tokio::test]
async fn an_initdb_that_fails() {
    let place = Place::new();
    let bin_dir = place.path().join("bin");
    fs::create_dir(&bin_dir).expect("a folder");
    open_for_passage(&bin_dir);
    script(&bin_dir.join("postgres"), "echo 'postgres (PostgreSQL) 17.2'");
    script(&bin_dir.join("initdb"), "echo 'initdb: error: no space' >&2; exit 1");
    let mut options = place.options();
    options.bin_dir = Some(bin_dir);
    let error = failure(options).await;
    assert!(matches!(error, Error::Initdb { .. }), "{error:?}");
    assert!(error.to_string().contains("no space"), "{error}");
}

#[tokio::test]
async fn data_of_another_major_version() {
    for (version, told) in
        [("9.6", "pg_upgrade"), ("14", "pg_upgrade"), ("99", "made by PostgreSQL 99, but only")]
    {
        let place = Place::new();
        place.pretend_cluster(version);
        chown_like_server(&place);
        let error = failure(place.options()).await;
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_folder_with_something_else_in_it() {
    let place = Place::new();
    fs::create_dir_all(place.data()).expect("a folder");
    fs::write(place.data().join("letter.txt"), "dear").expect("a file");
    chown_like_server(&place);
    let error = failure(place.options()).await;
    assert!(matches!(error, Error::NotACluster { .. }), "{error:?}");
    assert!(place.data().join("letter.txt").exists());
}

#[tokio::test]
async fn a_data_dir_that_is_a_file() {
    let place = Place::below("file");
    fs::write(place.path(), "").expect("a file");
    assert!(matches!(failure(place.options()).await, Error::Io { .. }));
}

#[tokio::test]
async fn a_setting_the_server_refuses_shows_its_log() {
    let place = Place::new();
    let mut options = place.options();
    options.extra_settings = vec![("shared_buffers".to_owned(), "much".to_owned())];
    let error = failure(options).await;
    assert!(matches!(error, Error::Start { .. }), "{error:?}");
    assert!(error.to_string().contains("invalid value for parameter \"shared_buffers\""), "{error}");
    // And the folder is fit for use.
    place.server().await.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_bound_server_cannot_be_left_running() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let place = Place::new();
    let mut options = place.options();
    options.die_with_parent = true;
    let server = Server::start_or_attach(options).await.expect("a server");
    let error = server.leave_running().await.expect_err("an error");
    assert!(matches!(error, Error::BoundToParent));
}

fn script(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("a script");
    open_for_passage(path);
}

/// Gives the pretended folder to whom root would run the server as.
fn chown_like_server(place: &Place) {
    if !is_root() {
        return;
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("accounts");
    let line = ["postgres:", "_postgres:", "nobody:"]
        .iter()
        .find_map(|name| passwd.lines().find(|line| line.starts_with(name)))
        .expect("an account");
    let mut numbers = line.split(':').skip(2).map(|number| number.parse().ok());
    let (uid, gid) = (numbers.next().flatten(), numbers.next().flatten());
    for folder in [place.path().join("postgres"), place.data()] {
        std::os::unix::fs::chown(folder, uid, gid).expect("given");
    }
}
