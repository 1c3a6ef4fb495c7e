//! Either side is killed; the next start recovers.

use crate::common::{Helper, Place, is_alive, is_root, read_something, signal, until, write_something};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

#[tokio::test]
async fn a_killed_postmaster_is_replaced_and_commits_are_kept() {
    let place = Place::new();
    let server = place.server().await;
    write_something(&server.connection_string()).await;
    let pid = server.pid();
    signal(pid, Signal::KILL);
    // At once, while its backends still end and its first holder does not know.
    let next = place.server().await;
    assert!(next.started_here());
    assert_ne!(next.pid(), pid);
    assert_eq!(read_something(&next.connection_string()).await, "word");
    // The first one's leaving must not stop the second's.
    server.leave().await.expect("left");
    assert_eq!(read_something(&next.connection_string()).await, "word");
    next.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_server_bound_to_a_killed_program_ends() {
    if !cfg!(target_os = "linux") {
        eprintln!("whether all threads of a process have stopped is read from /proc, which only Linux has");
        return;
    }
    let place = Place::new();
    let helper = Helper::start(&place, &["--die-with-parent"]);
    let pid = helper.pid;
    helper.kill9();
    until("the server is gone", || !is_alive(pid));
}

#[tokio::test]
async fn a_start_right_after_a_bound_server_s_program_was_killed_works() {
    let place = Place::new();
    let helper = Helper::start(&place, &["--die-with-parent"]);
    write_something(&helper.address).await;
    let pid = helper.pid;
    helper.kill9();
    // It meets a server that is shutting down.
    let server = place.server().await;
    if cfg!(target_os = "linux") {
        until("the first server is gone", || !is_alive(pid) || server.pid() == pid);
    }
    let again = place.server().await;
    assert_eq!(read_something(&again.connection_string()).await, "word");
    again.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_free_server_outlives_its_killed_program() {
    let place = Place::new();
    let helper = Helper::start(&place, &[]);
    write_something(&helper.address).await;
    let pid = helper.pid;
    helper.kill9();
    let server = place.server().await;
    assert!(!server.started_here());
    assert_eq!(server.pid(), pid);
    assert_eq!(read_something(&server.connection_string()).await, "word");
    server.leave().await.expect("left");
    until("it is gone", || !is_alive(pid));
}

#[tokio::test]
async fn a_zombie_is_not_a_server() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let place = Place::new();
    let helper = Helper::start(&place, &[]);
    write_something(&helper.address).await;
    // Its parent does not reap it any more.
    helper.signal(Signal::STOP);
    until("all of it has stopped", || {
        let threads = fs::read_dir(format!("/proc/{}/task", helper.child.id())).expect("its threads");
        threads.flatten().all(|thread| {
            fs::read_to_string(thread.path().join("stat")).is_ok_and(|stat| stat.contains(") T "))
        })
    });
    signal(helper.pid, Signal::KILL);
    let server = place.server().await;
    assert!(server.started_here());
    assert_eq!(read_something(&server.connection_string()).await, "word");
    assert!(fs::exists(format!("/proc/{}", helper.pid)).expect("a look"), "the zombie is still there");
    server.leave().await.expect("left");
    helper.kill9();
    place.server().await.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_reused_pid_is_not_a_server() {
    let place = Place::new();
    let server = place.server().await;
    write_something(&server.connection_string()).await;
    signal(server.pid(), Signal::KILL);
    drop(server);

    // Another program of the same account now has the number in the file.
    let mut other = Command::new("sleep");
    other.arg("1000").current_dir("/");
    if is_root() {
        let owner = fs::metadata(place.data()).expect("a folder");
        other.uid(owner.uid()).gid(owner.gid());
    }
    let mut other = other.spawn().expect("runs");
    let file = place.data().join("postmaster.pid");
    let text = fs::read_to_string(&file).expect("left by the killed server");
    let (_, rest) = text.split_once('\n').expect("several lines");
    fs::write(&file, format!("{}\n{rest}", other.id())).expect("written");
    let socket_lock = place.path().join("postgres/run/.s.PGSQL.5432.lock");
    let text = fs::read_to_string(&socket_lock).expect("left by the killed server");
    let (_, rest) = text.split_once('\n').expect("several lines");
    fs::write(&socket_lock, format!("{}\n{rest}", other.id())).expect("written");

    let server = place.server().await;
    assert!(server.started_here());
    assert_eq!(read_something(&server.connection_string()).await, "word");
    server.stop().await.expect("stopped");
    assert!(is_alive(other.id() as i32), "the bystander was left alone");
    other.kill().expect("killed");
    other.wait().expect("ended");
}

#[tokio::test]
async fn a_program_killed_in_the_middle_of_initdb_leaves_no_trap() {
    let place = Place::new();
    let mut helper = Command::new(crate::common::HELPER).arg(place.path()).spawn().expect("runs");
    let root = place.path().join("postgres");
    let begun = || {
        fs::read_dir(&root).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("data.new-"))
            })
        })
    };
    until("initdb has begun", begun);
    helper.kill().expect("killed");
    helper.wait().expect("ended");
    assert!(!place.data().exists());
    let server = place.server().await;
    assert!(!begun(), "its leftovers are removed");
    server.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_cancelled_start_leaves_no_server_behind_for_good() {
    let place = Place::new();
    place.server().await.leave().await.expect("left");
    // Given up at some instant of the start; whatever was under way, the next one works and can be stopped.
    for micros in [100, 20_000, 40_000, 60_000] {
        let limit = std::time::Duration::from_micros(micros);
        let _ =
            tokio::time::timeout(limit, embedded_postgres::Server::start_or_attach(place.options())).await;
        let server = place.server().await;
        let pid = server.pid();
        server.leave().await.expect("left");
        assert!(!is_alive(pid));
    }
}
