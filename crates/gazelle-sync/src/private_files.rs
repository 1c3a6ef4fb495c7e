//! Files and folders that hold secrets or decide what is told: ours alone, as `ssh` wants its keys. Whoever else may write
//! there could have us write over a file of ours through a link, or use tokens of theirs.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Why a file or folder is not used, and what mends it. Comes inside an [`io::Error`] of kind `PermissionDenied`.
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
    /// The one inside an error, if there is one.
    pub fn in_error(error: &io::Error) -> Option<&NotOurs> {
        error.get_ref()?.downcast_ref()
    }
}

/// Makes the folder where it is absent, for our eyes alone, and refuses one in which others may write.
///
/// # Errors
/// Those of the file system; [`NotOurs`].
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    check_folder(folder)
}

/// Refuses a folder in which others may write. One that is absent is none.
///
/// # Errors
/// Those of the file system; [`NotOurs`].
pub fn check_folder(folder: &Path) -> io::Result<()> {
    match fs::metadata(folder) {
        Ok(found) => judge(folder, &found, 0o022),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads a file of ours that nobody else can read; none where it is absent.
///
/// # Errors
/// Those of the file system; [`NotOurs`], also of its folder.
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

/// Opens a file to be locked, and makes it and its folder where they are absent.
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

/// Puts a file of ours in the place of another, whole or not at all, and makes its folder where it is absent. Only one
/// process at a time may do so: the name of the new file is fixed.
///
/// # Errors
/// Those of the file system; [`NotOurs`].
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    make_folder(folder_of(path))?;
    // What a crash left behind is removed first, so that the new file is ours and has our mode.
    let temporary = beside(path, ".new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // The rename itself survives a power cut only once the folder is written.
    File::open(folder_of(path))?.sync_all()
}

/// A file's folder.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path with an ending behind its name.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens what stands at a path itself, not what a link there points to.
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

/// Refuses what belongs to another account or is open to others, in the sense of these bits of its mode.
fn judge(path: &Path, found: &Metadata, open: u32) -> io::Result<()> {
    let me = rustix::process::geteuid().as_raw();
    refusal(path, found.uid(), found.mode(), open, me).map_or(Ok(()), |why| Err(refused(why)))
}

fn refusal(path: &Path, owner: u32, mode: u32, open: u32, me: u32) -> Option<NotOurs> {
    let path = path.display();
    // What root made, root can read anyway.
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
    Some(match open {
        0o022 => NotOurs {
            what: format!("{path} can be written by other accounts (mode {mode:o})"),
            advice: format!("run `chmod go-w {path}`, or name another folder (GAZELLE_SYNC_DATA_DIR)"),
        },
        _ => NotOurs {
            what: format!("{path} can be read by other accounts (mode {mode:o})"),
            advice: format!(
                "run `chmod 600 {path}`; if others use this machine, log in anew (gazelle-sync auth login)"
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
    fn what_others_own_or_may_change_is_refused_with_the_cure() {
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
}
