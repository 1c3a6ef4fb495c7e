//! A settings file that another account left or could change is refused: it names the programs that are started and the
//! address that receives the key.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::process::Command;

use crate::support::hostile_api::{HostileApi, complete_response};
use crate::support::{CommandOutput, TestInstallation, run_to_end};

const FILE: &str = "gazelle-sync.toml";

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A folder of the place that others can reach.
fn folder(place: &TestInstallation, name: &str, bits: u32) -> PathBuf {
    mode(place.folder.path(), 0o755);
    let path = place.folder.path().join(name);
    fs::create_dir_all(&path).unwrap();
    mode(&path, bits);
    path
}

/// How somebody else may come to decide what stands in the file of a folder. An account other than root has no other's files to
/// show, but for folders in which others may write.
fn left_by_others(place: &TestInstallation, text: &str) -> Vec<(&'static str, PathBuf)> {
    let mut ways = Vec::new();
    let open = folder(place, "open", 0o777);
    fs::write(open.join(FILE), text).unwrap();
    ways.push(("in a folder of all", open));
    let group = folder(place, "group", 0o2775);
    fs::write(group.join(FILE), text).unwrap();
    if is_root() {
        chown(&group, None, Some(4242)).unwrap();
        mode(&group, 0o2775);
    } else {
        mode(&group, 0o777);
    }
    ways.push(("in a folder of a group", group));
    let written = folder(place, "written", 0o755);
    fs::write(written.join(FILE), text).unwrap();
    mode(&written.join(FILE), 0o666);
    ways.push(("a file that all write", written));
    let above = folder(place, "above", 0o755);
    fs::create_dir(above.join("project")).unwrap();
    fs::write(above.join("project").join(FILE), text).unwrap();
    mode(&above, 0o777);
    ways.push(("below a folder of all", above.join("project")));
    if is_root() {
        let sticky = folder(place, "sticky", 0o1777);
        fs::write(sticky.join(FILE), text).unwrap();
        chown(sticky.join(FILE), Some(4242), Some(4242)).unwrap();
        ways.push(("another's in a folder like /tmp", sticky));
        let linked = folder(place, "linked", 0o1777);
        fs::write(place.folder.path().join("old.toml"), text).unwrap();
        symlink("../old.toml", linked.join(FILE)).unwrap();
        std::os::unix::fs::lchown(linked.join(FILE), Some(4242), Some(4242)).unwrap();
        ways.push(("another's link at a file of ours", linked));
        let theirs = folder(place, "theirs", 0o755);
        fs::write(theirs.join(FILE), text).unwrap();
        chown(&theirs, Some(4242), Some(4242)).unwrap();
        ways.push(("in a folder of another", theirs));
    }
    ways
}

async fn run_in(folder: &Path, mut command: Command) -> CommandOutput {
    command.current_dir(folder);
    run_to_end(command).await
}

#[track_caller]
fn is_refused(how: &str, ran: &CommandOutput) {
    assert_eq!(ran.code, 2, "{how}: {ran}");
    let told = ran.reasons();
    for words in ["the settings file", FILE, "is not believed", "--config"] {
        assert!(told.contains(words), "{how}: {words} not in {told}");
    }
}

#[tokio::test]
async fn no_program_is_started_that_a_file_of_others_names() {
    let place = TestInstallation::new().await;
    let programs = folder(&place, "programs", 0o777);
    let ran_as = programs.join("ran");
    for name in ["postgres", "initdb"] {
        let program = programs.join(name);
        let script =
            format!("#!/bin/sh\nid -u >> '{}'\necho 'postgres (PostgreSQL) 17.0'\n", ran_as.display());
        fs::write(&program, script).unwrap();
        mode(&program, 0o755);
    }
    let text = format!("postgres_bin_dir = '{}'\n", programs.display());
    for (how, at) in left_by_others(&place, &text) {
        let mut command = place.command(&["migrate", "--json"]);
        command.env_remove("DATABASE_URL");
        let ran = run_in(&at, command).await;
        assert!(!ran_as.exists(), "{how}: a program of another's was run\n{ran}");
        is_refused(how, &ran);
    }
    // That it would have been: by a file of our own it is.
    let own = folder(&place, "own", 0o755);
    fs::write(own.join(FILE), &text).unwrap();
    let mut command = place.command(&["migrate", "--json"]);
    command.env_remove("DATABASE_URL");
    run_in(&own, command).await;
    assert!(ran_as.exists());
}

#[tokio::test]
async fn no_key_is_sent_where_a_file_of_others_says() {
    let place = TestInstallation::new().await;
    let heard = Arc::new(Mutex::new(String::new()));
    let ear = heard.clone();
    let api = HostileApi::start(move |asked, stream| {
        ear.lock().unwrap().push_str(&asked.head);
        let _ = stream
            .write_all(&complete_response("403 Forbidden", b"{}"))
            .and_then(|()| stream.write_all(b"{}"));
    });
    let text = format!("api_url = '{}'\n", api.url());
    for (how, at) in left_by_others(&place, &text) {
        let mut command = place.command(&["sync", "--json"]);
        command.env("GAZELLE_API_KEY", "key-of-the-company");
        let ran = run_in(&at, command).await;
        assert!(!heard.lock().unwrap().contains("key-of-the-company"), "{how}: the key went there\n{ran}");
        is_refused(how, &ran);
    }
    let own = folder(&place, "own", 0o755);
    fs::write(own.join(FILE), &text).unwrap();
    let mut command = place.command(&["sync", "--json"]);
    command.env("GAZELLE_API_KEY", "key-of-the-company");
    run_in(&own, command).await;
    assert!(heard.lock().unwrap().contains("key-of-the-company"));
}

#[tokio::test]
async fn files_that_nobody_else_wrote_are_believed_and_secrets_that_others_may_read_are_told() {
    let place = TestInstallation::new().await;
    let (own, open) = (folder(&place, "own", 0o755), folder(&place, "open", 0o777));
    let file = own.join(FILE);
    fs::write(&file, "schema = 'mine'\napi_key = 's3cr3t'\n").unwrap();
    for (bits, is_told) in [(0o600, false), (0o640, false), (0o644, true)] {
        mode(&file, bits);
        let ran = run_in(&own, place.command(&["settings", "--json"])).await;
        assert_eq!(ran.code, 0, "{bits:o}: {ran}");
        assert!(ran.stdout.contains("mine") && !ran.to_string().contains("s3cr3t"), "{ran}");
        assert_eq!(ran.stderr.contains("holds what is secret (api_key)"), is_told, "{bits:o}: {ran}");
        assert_eq!(ran.stderr.contains("chmod go-r"), is_told, "{bits:o}: {ran}");
    }
    // Without a secret anybody may read it.
    fs::write(&file, "schema = 'mine'\n").unwrap();
    let ran = run_in(&own, place.command(&["settings", "--json"])).await;
    assert!(ran.code == 0 && ran.stderr.is_empty(), "{ran}");
    // In a folder of all, a file elsewhere serves where it is named, and so does none, or one that is already open.
    fs::write(open.join(FILE), "schema = 'theirs'\n").unwrap();
    is_refused("in a folder of all", &run_in(&open, place.command(&["settings", "--json"])).await);
    let named = format!("{}", file.display());
    let ran = run_in(&open, place.command(&["settings", "--config", &named, "--json"])).await;
    assert!(ran.code == 0 && ran.stdout.contains("mine"), "{ran}");
    let ran = run_in(&open, place.command(&["settings", "--config", "/dev/null", "--json"])).await;
    assert!(ran.code == 0 && !ran.stdout.contains("theirs"), "{ran}");
    let mut command = place.command(&["settings", "--config", "/dev/stdin", "--json"]);
    command.stdin(fs::File::open(&file).unwrap());
    let ran = run_in(&open, command).await;
    assert!(ran.code == 0 && ran.stdout.contains("mine"), "{ran}");
    // A name that a variable gives from each folder anew is no word for the file.
    let mut command = place.command(&["settings", "--json"]);
    command.env("GAZELLE_SYNC_CONFIG", FILE);
    is_refused("by a variable", &run_in(&open, command).await);
    // Of another account it is believed where a person names it, as for root who runs it for the one who wrote it.
    if is_root() {
        chown(&file, Some(4242), Some(4242)).unwrap();
        is_refused("another's", &run_in(&own, place.command(&["settings", "--json"])).await);
        let mut by_variable = place.command(&["settings", "--json"]);
        by_variable.env("GAZELLE_SYNC_CONFIG", FILE);
        is_refused("another's, by a variable", &run_in(&own, by_variable).await);
    }
}
