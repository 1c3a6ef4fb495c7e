//! Tests attacks by the server's account: it owns the server's folder, and plants files to make root read, change
//! or give away files of root's. Only root can be attacked like this.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::folder::Folder;
use crate::process::claims::remove_stale_claims;
use crate::process::initdb::existing_major;

const SECRET: &str = "4194303\nof root alone\n\n\n\nfifth line\n";

/// A server's folder, and a folder of root's with a file that nobody else may read. `None` unless run as root.
struct Place {
    dir: tempfile::TempDir,
    folder: Folder,
}

impl Place {
    fn new() -> Option<Place> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let dir = tempfile::tempdir_in("/tmp").expect("a folder");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).expect("opened");
        let folder = Folder::prepare(&dir.path().join("sync")).expect("a folder");
        let place = Place { dir, folder };
        fs::create_dir(place.of_root("")).expect("a folder");
        for name in ["secret", "postmaster.pid"] {
            fs::write(place.of_root(name), SECRET).expect("written");
            fs::set_permissions(place.of_root(name), Permissions::from_mode(0o600)).expect("closed");
        }
        Some(place)
    }

    fn of_root(&self, name: &str) -> PathBuf {
        self.dir.path().join("of-root").join(name)
    }

    /// A folder that belongs to the account.
    fn of_account(&self, name: &str) -> PathBuf {
        let path = self.folder.root.join(name);
        fs::create_dir(&path).expect("a folder");
        self.give(&path);
        path
    }

    fn give(&self, path: &Path) {
        chown(path, Some(self.folder.account.uid), Some(self.folder.account.gid)).expect("given");
    }

    fn nothing_of_root_was_touched(&self, how: &str) {
        for name in ["secret", "postmaster.pid"] {
            let found = fs::symlink_metadata(self.of_root(name)).expect("there");
            assert_eq!((found.uid(), found.mode() & 0o777), (0, 0o600), "{how}: {name}");
            assert_eq!(fs::read_to_string(self.of_root(name)).expect("read"), SECRET, "{how}: {name}");
        }
        let found = fs::metadata(self.of_root("")).expect("there");
        assert_eq!((found.uid(), found.mode() & 0o777), (0, 0o755), "{how}");
        assert_eq!(fs::read_dir(self.of_root("")).expect("there").count(), 2, "{how}");
    }

    /// Checks that no file in the server's folder contains root's secret.
    fn nothing_of_root_was_copied(&self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let found = entry.path().symlink_metadata().expect("there");
            if found.is_dir() {
                self.nothing_of_root_was_copied(&entry.path());
            } else if found.is_file() {
                let text = fs::read_to_string(entry.path()).expect("read");
                assert!(!text.contains("of root alone"), "{:?} holds root's secret", entry.path());
            }
        }
    }
}

/// Atomically replaces a file by a link.
fn plant(link: &Path, to: &Path) {
    let beside = link.with_extension("planting");
    let _ = fs::remove_file(&beside);
    if symlink(to, &beside).is_ok() {
        let _ = fs::rename(&beside, link);
    }
}

/// Repeats an action of root's while another thread changes the folder.
fn against(times: u32, plant: impl Fn() + Sync, attempt: impl Fn()) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                plant();
            }
        });
        for _ in 0..times {
            attempt();
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_flips_while_a_pid_file_is_fixed_has_root_write_no_file_of_roots() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.of_account("one"), place.of_account("two"));
    let stale = |folder: &Path| {
        let beside = folder.join("planting");
        fs::write(&beside, "4194303\nthe words of the account\n").expect("written");
        place.give(&beside);
        fs::rename(&beside, folder.join("postmaster.pid")).expect("planted");
    };
    let data = place.folder.data();
    against(
        2_000,
        || {
            stale(&one);
            stale(&two);
            plant(&two.join("postmaster.pid.new"), &place.of_root("secret"));
            plant(&data, &one);
            plant(&data, &two);
        },
        || drop(remove_stale_claims(&place.folder)),
    );
    place.nothing_of_root_was_touched("data flips");
}

#[test]
fn a_pid_file_or_cluster_that_is_a_link_copies_and_changes_nothing_of_roots() {
    let Some(place) = Place::new() else { return };
    let data = place.of_account("data");
    plant(&data.join("postmaster.pid"), &place.of_root("secret"));
    let _ = remove_stale_claims(&place.folder);
    place.nothing_of_root_was_touched("a link at the pid file");
    place.nothing_of_root_was_copied(&place.folder.root);

    fs::remove_file(data.join("postmaster.pid")).expect("removed");
    fs::hard_link(place.of_root("secret"), data.join("postmaster.pid")).expect("planted");
    let why = remove_stale_claims(&place.folder).expect_err("refused").to_string();
    assert!(why.contains("postmaster.pid") && why.contains("user id 0"), "{why}");
    fs::remove_file(data.join("postmaster.pid")).expect("removed");
    place.nothing_of_root_was_copied(&place.folder.root);

    fs::remove_dir_all(&data).expect("removed");
    plant(&data, &place.of_root(""));
    let why = remove_stale_claims(&place.folder).expect_err("refused").to_string();
    assert!(why.contains("user id 0") && why.contains(&*data.to_string_lossy()), "{why}");
    place.nothing_of_root_was_touched("a link at the cluster");
}

#[test]
fn what_root_may_read_is_not_told_in_a_message() {
    let Some(place) = Place::new() else { return };
    let data = place.of_account("data");
    plant(&data.join("PG_VERSION"), &place.of_root("secret"));
    let why = existing_major(&place.folder).expect_err("refused").to_string();
    assert!(why.contains("PG_VERSION") && !why.contains("of root alone"), "{why}");
    place.nothing_of_root_was_touched("a link at the version");
}

#[test]
fn a_file_of_roots_under_another_name_is_not_given_to_the_account() {
    let Some(place) = Place::new() else { return };
    for name in ["users.lock", "start.lock", "postgres.log", "keep-running"] {
        fs::hard_link(place.of_root("secret"), place.folder.root.join(name)).expect("planted");
        let why = place.folder.open(name, false).map(drop).expect_err("refused").to_string();
        assert!(why.contains(name) && why.contains("user id 0"), "{why}");
        fs::remove_file(place.folder.root.join(name)).expect("removed");
        place.nothing_of_root_was_touched(name);
        // A link and a pipe are refused, too; a pipe does not block.
        plant(&place.folder.root.join(name), &place.of_root("secret"));
        assert!(place.folder.open(name, true).is_err());
        fs::remove_file(place.folder.root.join(name)).expect("removed");
        let made = std::process::Command::new("mkfifo").arg(place.folder.root.join(name)).status();
        assert!(made.expect("mkfifo runs").success());
        place.give(&place.folder.root.join(name));
        assert!(place.folder.open(name, true).is_err());
        fs::remove_file(place.folder.root.join(name)).expect("removed");
        // An empty file left by a killed program of root's is taken over.
        fs::write(place.folder.root.join(name), "").expect("made");
        drop(place.folder.open(name, false).expect("taken over"));
        let found = fs::metadata(place.folder.root.join(name)).expect("there");
        assert_eq!(found.uid(), place.folder.account.uid);
        place.nothing_of_root_was_touched(name);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_mode_of_roots_folders_stays_while_the_sockets_folder_flips() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    let Some(place) = Place::new() else { return };
    let run = place.of_account("run");
    let held = fs::File::open(&run).expect("a folder");
    let spare = place.folder.root.join("spare");
    symlink(place.of_root(""), &spare).expect("a link");
    against(
        60_000,
        || {
            let _ = held.set_permissions(Permissions::from_mode(0o777));
            let _ = renameat_with(CWD, &run, CWD, &spare, RenameFlags::EXCHANGE);
        },
        || drop(place.folder.prepare_socket_dir()),
    );
    place.nothing_of_root_was_touched("run flips");
}
