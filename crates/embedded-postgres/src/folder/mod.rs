//! The server's folder: its layout, its owner, and the locks by which programs coordinate.
//!
//! ```text
//! <data_dir>/postgres/      0700, the server account's
//!   data/                   the cluster
//!   run/                    the socket (or a short folder under /tmp when the path is too long for one)
//!   bin/<version>/          downloaded binaries
//!   postgres.log
//!   start.lock              held while one program starts the server
//!   users.lock              held shared by every program that uses it, exclusively by the one that stops it
//!   keep-running            present: the last program to leave does not stop it
//! ```

pub(crate) mod account;
pub(crate) mod group;
pub(crate) mod handle;
#[cfg(test)]
mod planted_tests;
pub(crate) mod trust;

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::binaries::pinned;
use crate::folder::account::Account;
use crate::folder::handle::FolderHandle;
use crate::{Error, Result};

/// The name of the server's folder in the data folder.
const NAME: &str = "postgres";
/// The name of the cluster in the server's folder.
const CLUSTER: &str = "data";
pub(crate) const LOG: &str = "postgres.log";
const KEEP_RUNNING: &str = "keep-running";

/// The socket's file name contains the port; with PostgreSQL's default one, `psql -h <folder>` finds it.
pub(crate) const PORT: u16 = 5432;

/// The longest socket path that every system allows (macOS: 104 bytes with the terminating zero).
const SOCKET_PATH_LIMIT: usize = 103;

/// Longer than any start or stop should hold a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(120);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// The cluster of a data folder, whether it exists or not.
pub(crate) fn cluster_of(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME).join(CLUSTER)
}

#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub root: PathBuf,
    pub account: Account,
}

impl Folder {
    /// The server's folder under `data_dir`, created if absent and checked to belong to the server's account.
    pub fn prepare(data_dir: &Path) -> Result<Folder> {
        let data_dir = std::path::absolute(data_dir).map_err(Error::io("use", data_dir))?;
        let account = Account::choose(&data_dir.join(NAME))?;
        if !data_dir.join(NAME).is_dir() {
            account.ensure_reachable(&data_dir.join(NAME))?;
        }
        // The resolved path, so that all programs agree on it and on the names derived from it.
        let (around, data_dir) = trust::reach(&data_dir, &account)?;
        let root = data_dir.join(NAME);
        make_private(&around, &root, &account)?;
        Ok(Folder { root, account })
    }

    /// Opens the folder itself. If the account owns a parent, the path may lead elsewhere by now, so only the owner
    /// of the opened folder counts.
    pub fn held(&self) -> Result<FolderHandle> {
        let held = FolderHandle::open(&self.root).map_err(Error::io("open", &self.root))?;
        self.owned(&self.root, held)
    }

    /// Opens the cluster's folder, if there is one. It may be a link, to a larger disk for example: whoever created
    /// the link, the account must own the folder.
    pub fn held_data(&self) -> Result<Option<FolderHandle>> {
        let data = self.data();
        match self.held()?.folder_through(OsStr::new(CLUSTER)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => self.owned(&data, found.map_err(Error::io("open", &data))?).map(Some),
        }
    }

    fn owned(&self, path: &Path, held: FolderHandle) -> Result<FolderHandle> {
        let owner = held.owner().map_err(Error::io("open", path))?;
        match owner == self.account.uid {
            true => Ok(held),
            false => Err(not_ours(path, owner, &self.account)),
        }
    }

    /// The cluster's path.
    pub fn data(&self) -> PathBuf {
        self.root.join(CLUSTER)
    }

    pub fn log(&self) -> PathBuf {
        self.root.join(LOG)
    }

    pub fn downloads(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// Where downloaded programs are.
    pub fn downloaded(&self) -> PathBuf {
        self.downloads().join(pinned::VERSION).join("bin")
    }

    /// The socket's folder: inside the server's folder if the path is short enough for a socket and contains no
    /// characters that separate several hosts; otherwise under /tmp.
    pub fn socket_dir(&self) -> PathBuf {
        let inside = self.root.join("run");
        let file = format!("/.s.PGSQL.{PORT}");
        let plain = inside
            .to_str()
            .is_some_and(|path| !path.contains([',', '"', '\'', '\\']) && !path.contains(char::is_control));
        if plain && inside.as_os_str().len() + file.len() <= SOCKET_PATH_LIMIT {
            return inside;
        }
        // Not TMPDIR, since two programs with different environments must agree.
        let name = format!("embedded-postgres-{:016x}", fnv1a(self.root.as_os_str().as_bytes()));
        Path::new("/tmp").join(name)
    }

    /// Creates the socket's folder, and refuses one under /tmp that another account prepared.
    pub fn prepare_socket_dir(&self) -> Result<PathBuf> {
        let path = self.socket_dir();
        let around = match path.starts_with(&self.root) {
            true => self.held()?,
            false => {
                let around = path.parent().unwrap_or(&path);
                FolderHandle::open_through(around).map_err(Error::io("open", around))?
            }
        };
        make_private(&around, &path, &self.account)
            .map_err(|error| Error::SocketDir { path: path.clone(), reason: error.to_string() })?;
        Ok(path)
    }

    /// Opens a file of this folder, never through a link. If we are root, the folder belongs to another account,
    /// which may have hard-linked a file of root's there.
    pub fn open(&self, name: &str, append: bool) -> Result<File> {
        let path = self.root.join(name);
        let (file, found, made) = match self.held()?.open_or_make(OsStr::new(name), append) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(Error::Planted { path, what: error.to_string() });
            }
            opened => opened.map_err(Error::io("open", &path))?,
        };
        // Root may have been killed between creating a file and changing its owner.
        let left_by_root = found.uid() == 0 && found.len() == 0 && found.nlink() == 1;
        if self.account.switch && found.uid() != self.account.uid {
            if !made && !left_by_root {
                return Err(self.account.is_not_owner(path, found.uid()));
            }
            self.account.give(&file).map_err(Error::io("give to the server's account", &path))?;
        }
        Ok(file)
    }

    /// The lock held by the program that starts the server.
    pub async fn lock_start(&self) -> Result<Lock> {
        self.lock("start.lock", File::try_lock).await
    }

    /// The lock that every user of the server holds shared. Waits for a program that is stopping it.
    pub async fn lock_users(&self) -> Result<Lock> {
        self.lock("users.lock", File::try_lock_shared).await
    }

    async fn lock(&self, name: &str, take: fn(&File) -> Result<(), TryLockError>) -> Result<Lock> {
        let file = self.open(name, false)?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match take(&file) {
                Ok(()) => return Ok(Lock { file }),
                Err(TryLockError::Error(error)) => {
                    return Err(Error::io("lock", self.root.join(name))(error));
                }
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                    return Err(Error::Locked {
                        path: self.root.join(name),
                        seconds: LOCK_TIMEOUT.as_secs(),
                    });
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
            }
        }
    }

    /// Whether the last program to leave lets the server run.
    pub fn keeps_running(&self) -> bool {
        self.held().is_ok_and(|held| held.has(OsStr::new(KEEP_RUNNING)))
    }

    pub fn set_keep_running(&self, keep: bool) -> Result<()> {
        if keep {
            return self.open(KEEP_RUNNING, false).map(drop);
        }
        let path = self.root.join(KEEP_RUNNING);
        match self.held()?.remove(OsStr::new(KEEP_RUNNING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

/// A file lock, which the system releases however this program ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Upgrades our shared lock to an exclusive one. Returns false, and our lock is released, if others hold it
    /// too.
    pub fn become_exclusive(&self) -> bool {
        self.file.try_lock().is_ok()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Explicitly, since a child between fork and exec shares the open file, so closing ours may not release the
        // lock.
        let _ = self.file.unlock();
    }
}

/// Creates or checks a folder that only the account can enter, which replaces a password on the socket. Everything
/// is done on the opened folder, wherever its name leads by then.
pub(crate) fn make_private(around: &FolderHandle, path: &Path, account: &Account) -> Result<()> {
    let use_it = || Error::io("use", path);
    let name = path.file_name().unwrap_or_default();
    match around.make_folder(name, 0o700) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io("create the folder", path)(error));
        }
        _ => {}
    }
    let found = match around.folder(name) {
        Err(error) if FolderHandle::is_no_folder(&error) => {
            let error = io::Error::new(io::ErrorKind::NotADirectory, "it is a file or a link, not a folder");
            return Err(use_it()(error));
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let owner = around.owner_of(name).map_err(use_it())?;
            return Err(match owner == account.uid {
                true => Error::io("open", path)(error),
                false => not_ours(path, owner, account),
            });
        }
        found => found.map_err(use_it())?,
    };
    let owner = found.owner().map_err(use_it())?;
    if owner != account.uid {
        // Root created it just now, or was killed before changing its owner; a folder with content is neither.
        let is_new = account.switch && owner == 0 && found.names().map_err(use_it())?.is_empty();
        if !is_new {
            return Err(not_ours(path, owner, account));
        }
        found.give(account.uid, account.gid).map_err(Error::io("give to the server's account", path))?;
    }
    if found.metadata().map_err(use_it())?.mode() & 0o077 != 0 {
        found.set_mode(0o700).map_err(Error::io("set the permissions of", path))?;
    }
    Ok(())
}

fn not_ours(path: &Path, owner: u32, account: &Account) -> Error {
    Error::NotOurs { path: path.to_owned(), owner, account: account.name.clone() }
}

/// A hash that is stable across programs and versions (FNV-1a, 64 bits).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(root: &str) -> Folder {
        Folder {
            root: PathBuf::from(root),
            account: Account { name: String::new(), uid: 0, gid: 0, switch: false },
        }
    }

    #[test]
    fn a_path_that_is_no_address_moves_the_socket() {
        assert_eq!(folder("/var/lib/x/postgres").socket_dir(), Path::new("/var/lib/x/postgres/run"));
        let long = folder(&format!("/{}", "x".repeat(90))).socket_dir();
        assert!(long.starts_with("/tmp") && long.as_os_str().len() < 60);
        assert_eq!(folder(&format!("/{}", "x".repeat(90))).socket_dir(), long);
        assert!(folder("/a,b").socket_dir().starts_with("/tmp"));
        assert_ne!(folder("/a,b").socket_dir(), folder("/a,c").socket_dir());
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
