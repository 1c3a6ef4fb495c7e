//! Reads and writes files and folders that hold secrets or decide what is sent, and makes sure that only our
//! account can change them, as `ssh` does with keys. Another account with write access could make us overwrite one
//! of our files through a symbolic link, or use its tokens.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

mod descriptor;
mod group;
mod path;
pub mod secrets;
pub mod trusted;

/// Why a file or folder is refused, and the remedy. Comes inside an [`io::Error`] of kind `PermissionDenied`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOurs {
    /// What is wrong, with the path.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.advice)
    }
}

impl std::error::Error for NotOurs {}

impl NotOurs {
    /// The [`NotOurs`] inside an error, if there is one.
    pub fn in_error(error: &io::Error) -> Option<&NotOurs> {
        error.get_ref()?.downcast_ref()
    }
}

/// Creates the folder if it does not exist, with mode 700. Refuses one in which other accounts may write or that
/// they could replace.
///
/// # Errors
/// Those of the file system; [`NotOurs`].
pub fn make_folder(folder: &Path) -> io::Result<()> {
    // Check the parents first: nothing is created in others' folders either.
    check_folder(folder)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    check_folder(folder)
}

/// Refuses a folder in which other accounts may write, or that they could replace because they may write in a
/// parent folder or own a symbolic link on the path. A link that we or root own, in a folder that nobody else may
/// change, is followed: systemd creates one for a service's folder. A group without other members may write in
/// parent folders, since with umask 002 every folder of a home directory is like that. For an absent folder only
/// its parents are checked.
///
/// # Errors
/// Those of the file system; [`NotOurs`].
pub fn check_folder(folder: &Path) -> io::Result<()> {
    check_folder_by(folder, Path::new("/etc"))
}

/// As [`check_folder`], with the `passwd` and `group` files of another folder.
fn check_folder_by(folder: &Path, accounts: &Path) -> io::Result<()> {
    let top = fs::symlink_metadata("/")?.uid();
    let end = path::walk(folder, &mut |at, found| match found.is_symlink() {
        // The mode of a link has no meaning.
        true => judge_owner(at, found, top, 0, folder),
        false => judge_above(at, found, top, folder, accounts),
    })?;
    end.map_or(Ok(()), |(at, found)| judge(&at, &found, 0o022))
}

/// Refuses a parent folder in which other accounts could replace an entry. With the sticky bit each account can
/// replace only its own.
fn judge_above(above: &Path, found: &Metadata, top: u32, folder: &Path, accounts: &Path) -> io::Result<()> {
    const STICKY: u32 = 0o1000;
    let open = match found.mode() {
        mode if mode & STICKY != 0 => 0,
        mode if mode & 0o020 != 0 && group::is_of_nobody_else(above, found.gid(), accounts) => 0o002,
        _ => 0o022,
    };
    judge_owner(above, found, top, open, folder)
}

/// As [`judge`], for an element of the path to a folder. The owner of `/` (`top`) counts as root: in a user
/// namespace that does not map root, it has another number.
fn judge_owner(path: &Path, found: &Metadata, top: u32, open: u32, folder: &Path) -> io::Result<()> {
    let me = rustix::process::geteuid().as_raw();
    let owner = if found.uid() == top { 0 } else { found.uid() };
    let Some(why) = refusal(path, owner, found.mode(), open, me) else { return Ok(()) };
    Err(refused(NotOurs {
        what: format!("{}, and whoever may change that may exchange {}", why.what, folder.display()),
        advice: why.advice,
    }))
}

/// Reads a file of ours that no other account can read; `None` if it does not exist.
///
/// # Errors
/// Those of the file system; [`NotOurs`], also for its folder.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    check_folder(folder_of(path))?;
    let mut file = match open_as_is(OpenOptions::new().read(true), path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    judge(path, &file.metadata()?, 0o077)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Opens a file for locking; creates it and its folder if they do not exist.
///
/// # Errors
/// Those of the file system; [`NotOurs`].
pub fn open_lock(path: &Path) -> io::Result<File> {
    make_folder(folder_of(path))?;
    let mut options = OpenOptions::new();
    let file = open_as_is(options.read(true).write(true).create(true).truncate(false).mode(0o600), path)?;
    judge(path, &file.metadata()?, 0o022)?;
    Ok(file)
}

/// Writes a file atomically by renaming a new one over it; creates its folder if it does not exist. Only one
/// process at a time may do so, since the name of the new file is fixed.
///
/// # Errors
/// Those of the file system; [`NotOurs`].
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    make_folder(folder_of(path))?;
    // Remove a left-over of a crash, so that the new file has our owner and mode.
    let temporary = beside(path, ".new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // The rename survives a power failure only once the folder is synced.
    File::open(folder_of(path))?.sync_all()
}

/// A file's folder.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path with a suffix appended to its name.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens the file at a path itself, without following a link.
fn open_as_is(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let opened = options.custom_flags(OFlags::NOFOLLOW.bits() as i32).open(path);
    opened.map_err(|error| match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => refused(NotOurs {
            what: format!("{} is a link", path.display()),
            advice: "look where it leads and who made it, and remove it".to_owned(),
        }),
        _ => error,
    })
}

/// Refuses what belongs to another account, or whose mode has any of the bits `open`.
fn judge(path: &Path, found: &Metadata, open: u32) -> io::Result<()> {
    let me = rustix::process::geteuid().as_raw();
    refusal(path, found.uid(), found.mode(), open, me).map_or(Ok(()), |why| Err(refused(why)))
}

fn refusal(path: &Path, owner: u32, mode: u32, open: u32, me: u32) -> Option<NotOurs> {
    let path = path.display();
    // Root can read everything anyway.
    if owner != me && owner != 0 {
        return Some(NotOurs {
            what: format!("{path} belongs to another account (uid {owner}, and this is uid {me})"),
            advice: format!(
                "if it is yours: chown {me} {path}; otherwise name another folder (GAZELLE_SYNC_DATA_DIR)"
            ),
        });
    }
    if mode & open == 0 {
        return None;
    }
    let mode = mode & 0o7777;
    let by = if owner == me { "run" } else { "have root run" };
    Some(match open {
        0o077 => NotOurs {
            what: format!("{path} can be read by other accounts (mode {mode:o})"),
            advice: format!(
                "run `chmod 600 {path}`; if others use this machine, log in anew (gazelle-sync auth login)"
            ),
        },
        _ => NotOurs {
            what: format!("{path} can be written by other accounts (mode {mode:o})"),
            advice: format!(
                "{by} `chmod go-w {path}`, or name another folder (GAZELLE_SYNC_DATA_DIR; in Kubernetes see the runbook)"
            ),
        },
    })
}

fn refused(why: NotOurs) -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_own_or_may_change_is_refused_with_the_fix() {
        let path = Path::new("/var/lib/sync");
        for (owner, mode, open, me, says) in [
            (1000, 0o40700, 0o022, 1000, None),
            (0, 0o40755, 0o022, 1000, None),
            (0, 0o40711, 0o022, 0, None),
            (1000, 0o40777, 0o022, 1000, Some("chmod go-w")),
            (1000, 0o40775, 0o022, 1000, Some("chmod go-w")),
            (0, 0o41777, 0o022, 1000, Some("mode 1777")),
            (65534, 0o40700, 0o022, 1000, Some("chown 1000")),
            (65534, 0o40700, 0o022, 0, Some("uid 65534")),
            (1000, 0o100600, 0o077, 1000, None),
            (1000, 0o100640, 0o077, 1000, Some("chmod 600")),
            (1001, 0o100600, 0o077, 1000, Some("another account")),
        ] {
            let told = refusal(path, owner, mode, open, me).map(|why| why.to_string());
            match says {
                None => assert_eq!(told, None, "{owner} {mode:o}"),
                Some(words) => assert!(told.clone().unwrap().contains(words), "{owner} {mode:o}: {told:?}"),
            }
        }
    }

    #[test]
    fn no_link_is_followed_to_read_to_lock_or_to_make() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("of somebody else");
        let link = folder.path().join("tokens.json.lock");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let error = open_lock(&link).unwrap_err();
        assert!(NotOurs::in_error(&error).unwrap().what.contains("is a link"), "{error}");
        assert!(!target.exists(), "nothing was made through it");
        fs::write(&target, "theirs").unwrap();
        assert!(NotOurs::in_error(&read(&link).unwrap_err()).is_some());
        assert!(NotOurs::in_error(&open_lock(&link).unwrap_err()).is_some());
    }

    #[test]
    fn a_folder_that_others_could_swap_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let top = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let (app, other) = (top.path().join("app"), top.path().join("other"));
        let data = app.join("data");
        make_folder(&data).unwrap();
        make_folder(&other).unwrap();
        // Another account that may write in the parent folder replaces it by another folder of ours.
        for open in [0o777, 0o757] {
            mode(&app, open);
            for refused in [
                check_folder(&data),
                make_folder(&data.join("deeper")),
                read(&data.join("tokens.json")).map(|_| ()),
                replace(&data.join("tokens.json"), b"x"),
                open_lock(&data.join("tokens.json.lock")).map(|_| ()),
            ] {
                let why = NotOurs::in_error(&refused.unwrap_err()).unwrap().clone();
                assert!(why.what.contains(&*app.to_string_lossy()), "{why}");
                assert!(why.advice.contains("chmod go-w"), "{why}");
            }
            assert!(fs::read_dir(&data).unwrap().next().is_none(), "nothing was made there");
        }
        // In a folder like /tmp each account may rename only its own entries.
        mode(&app, 0o1777);
        check_folder(&data).unwrap();
        // A link of ours in a folder that only we may change is treated like its target.
        mode(&app, 0o755);
        let link = app.join("link");
        symlink(&other, &link).unwrap();
        replace(&link.join("tokens.json"), b"x").unwrap();
        assert_eq!(read(&other.join("tokens.json")).unwrap().unwrap(), b"x");
        symlink("../app/data", app.join("here")).unwrap();
        check_folder(&app.join("here/../../other")).unwrap();
        mode(&other, 0o777);
        assert!(NotOurs::in_error(&check_folder(&link).unwrap_err()).unwrap().what.contains("other"));
        mode(&app, 0o777);
        mode(&other, 0o700);
        assert!(NotOurs::in_error(&check_folder(&link).unwrap_err()).is_some(), "the link could be swapped");
        // Links that form a cycle end with an error.
        mode(&app, 0o755);
        symlink(app.join("two"), app.join("one")).unwrap();
        symlink(app.join("one"), app.join("two")).unwrap();
        assert!(check_folder(&app.join("one")).is_err());
    }

    #[test]
    fn a_group_that_nobody_else_is_in_may_write_above() {
        use std::os::unix::fs::PermissionsExt as _;
        let top = tempfile::tempdir().unwrap();
        let (etc, app) = (top.path().join("etc"), top.path().join("app"));
        make_folder(&etc).unwrap();
        make_folder(&app.join("data")).unwrap();
        let (me, group) = (rustix::process::geteuid().as_raw(), fs::metadata(&app).unwrap().gid());
        let passwd = format!("root:x:0:0::/root:/bin/sh\nada:x:{me}:{group}::/home/ada:/bin/sh\n");
        let check = |mode, passwd: &str, groups: &str| {
            fs::set_permissions(&app, fs::Permissions::from_mode(mode)).unwrap();
            fs::write(etc.join("passwd"), passwd).unwrap();
            fs::write(etc.join("group"), groups).unwrap();
            check_folder_by(&app.join("data"), &etc)
        };
        check(0o775, &passwd, &format!("ada:x:{group}:\n")).unwrap();
        check(0o775, &passwd, &format!("ada:x:{group}:ada\n")).unwrap();
        for (mode, passwd, groups) in [
            (0o777, passwd.clone(), format!("ada:x:{group}:\n")),
            (0o775, passwd.clone(), format!("ada:x:{group}:ada,bob\n")),
            (0o775, passwd.clone(), format!("ada:x:{group}:\nsame:x:{group}:bob\n")),
            (0o775, passwd.clone(), format!("ada:pa55:{group}:\n")),
            (0o775, passwd.clone(), "other:x:4242:\n".to_owned()),
            (0o775, passwd.clone(), format!("ada:x:{group}:\n+:::\n")),
            (0o775, format!("{passwd}bob:x:4242:{group}::/home/bob:/bin/sh\n"), format!("ada:x:{group}:\n")),
            (0o775, format!("{passwd}+::::::\n"), format!("ada:x:{group}:\n")),
            (0o775, "bob:x:4242:4242::/home/bob:/bin/sh\n".to_owned(), format!("ada:x:{group}:\n")),
        ] {
            let refused = check(mode, &passwd, &groups).unwrap_err();
            let why = NotOurs::in_error(&refused).unwrap();
            assert!(why.advice.contains("chmod go-w"), "{passwd} {groups}: {why}");
        }
        fs::remove_file(etc.join("group")).unwrap();
        assert!(check_folder_by(&app.join("data"), &etc).is_err(), "nobody says who is in it");
    }
}
