//! Folders that another account made, or could exchange, before root or we came: whoever owns the server's folder holds the data.

use crate::common::{Place, is_root, owner_of};
use embedded_postgres::{Error, Options, Server};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

/// An account of every Linux that no server is ever run as by itself.
const MALLORY: u32 = 1;

fn options(folder: &Path) -> Options {
    Options { durable: false, allow_download: false, ..Options::new(folder) }
}

fn make(folder: &Path, mode: u32, owner: Option<u32>) {
    fs::create_dir(folder).expect("a folder");
    fs::set_permissions(folder, Permissions::from_mode(mode)).expect("permissions");
    chown(folder, owner, owner).expect("given");
}

async fn refused(folder: &Path, names: &Path, advice: &str) {
    let error = Server::start_or_attach(options(folder)).await.expect_err("refused");
    let told = error.to_string();
    println!("{told}");
    assert!(matches!(error, Error::Untrusted { .. }), "{told}");
    assert!(told.contains(&*names.to_string_lossy()) && told.contains(advice), "{told}");
    assert!(!told.contains('\n') && told.contains("choose another data folder"), "{told}");
    // What was there before is as it was, and nothing was added.
    let server = folder.join("postgres");
    assert!(!server.exists() || fs::read_dir(&server).expect("a folder").count() == 0, "{told}");
}

async fn serves(folder: &Path) -> u32 {
    let mut owner = 0;
    // The second start finds what the first one made.
    for _ in 0..2 {
        let server = Server::start_or_attach(options(folder)).await.expect("a server");
        owner = owner_of(server.pid());
        server.stop().await.expect("stopped");
    }
    owner
}

#[tokio::test]
async fn root_hands_the_data_to_nobody_who_made_the_folder_beforehand() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    // Where all may write: he makes the server's folder, or the data folder with it.
    let open = place.path().join("open");
    make(&open, 0o777, None);
    make(&open.join("sync"), 0o755, None);
    make(&open.join("sync/postgres"), 0o700, Some(MALLORY));
    refused(&open.join("sync"), &open, "chmod go-w").await;
    // With the sticky bit he cannot exchange what is root's, but make what is not there yet.
    let sticky = place.path().join("sticky");
    make(&sticky, 0o1777, None);
    make(&sticky.join("sync"), 0o755, Some(MALLORY));
    make(&sticky.join("sync/postgres"), 0o700, Some(MALLORY));
    refused(&sticky.join("sync"), &sticky.join("sync"), "may have made it by itself").await;
    make(&sticky.join("postgres"), 0o700, Some(MALLORY));
    refused(&sticky, &sticky, "any account may make folders there").await;
    // A folder of his with nothing in it: he could exchange what is made there.
    let his = place.path().join("his");
    make(&his, 0o755, Some(MALLORY));
    refused(&his, &his, "could exchange the server's folder; if that is meant: chown 0").await;
    // One above the data folder is his home, say, which nobody is to take from him.
    refused(&his.join("below"), &his, "choose another data folder, below folders of your own or of root")
        .await;
    // A link of his leads root wherever he likes.
    let elsewhere = place.path().join("elsewhere");
    make(&elsewhere, 0o755, None);
    make(&his.join("sync"), 0o755, Some(MALLORY));
    symlink(&elsewhere, sticky.join("link")).expect("a link");
    std::os::unix::fs::lchown(sticky.join("link"), Some(MALLORY), None).expect("given");
    refused(&sticky.join("link"), &sticky.join("link"), "is a link of user id").await;
    assert!(!elsewhere.join("postgres").exists());
}

#[tokio::test]
async fn a_folder_that_others_could_exchange_is_refused_whoever_starts_it() {
    let place = Place::new();
    let open = place.path().join("open");
    fs::create_dir(&open).expect("a folder");
    fs::create_dir(open.join("sync")).expect("a folder");
    for mode in [0o777, 0o757] {
        fs::set_permissions(&open, Permissions::from_mode(mode)).expect("permissions");
        refused(&open.join("sync"), &open, "chmod go-w").await;
        refused(&open.join("absent/below"), &open, "chmod go-w").await;
        refused(&open, &open, "chmod go-w").await;
    }
    assert!(!open.join("absent").exists());
}

#[tokio::test]
async fn usual_places_go_on_being_used() {
    let place = Place::new();
    let path = place.path();
    let me = fs::metadata(&path).expect("a folder").uid();
    // Root's or one's own, two of them missing, in one like /tmp.
    let sticky = path.join("sticky");
    fs::create_dir(&sticky).expect("a folder");
    fs::set_permissions(&sticky, Permissions::from_mode(0o1777)).expect("permissions");
    let account = serves(&sticky.join("a/b")).await;
    assert_eq!(account != me, is_root());
    // By links that we made: one at a folder, as systemd makes, and one at the cluster, on a larger disk.
    fs::create_dir(path.join("private")).expect("a folder");
    fs::set_permissions(path.join("private"), Permissions::from_mode(0o711)).expect("permissions");
    symlink("private", path.join("link")).expect("a link");
    assert_eq!(serves(&path.join("link")).await, account);
    let cluster = path.join("private/postgres/data");
    let disk = path.join("disk");
    fs::rename(&cluster, &disk).expect("moved");
    symlink(&disk, &cluster).expect("a link");
    assert_eq!(serves(&path.join("link/../link")).await, account);
    if !is_root() {
        return;
    }
    // The server account's home, as /var/lib/postgresql is, and a person's folder that root put there.
    for owner in [account, MALLORY] {
        let home = path.join(format!("home-{owner}"));
        make(&home, 0o755, Some(owner));
        if owner != account {
            make(&home.join("sync"), 0o755, Some(owner));
            make(&home.join("sync/postgres"), 0o700, Some(owner));
        }
        assert_eq!(serves(&home.join("sync")).await, owner);
    }
}
