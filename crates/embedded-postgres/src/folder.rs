//! The server's folder: what lies where, who owns it, and the locks that programs agree by.
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

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::{Error, Result};

/// The socket's file name follows from the port; with PostgreSQL's usual one, `psql -h <folder>` finds it.
pub(crate) const PORT: u16 = 5432;

/// What fits into a socket's address on every system (macOS: 104 bytes with the final zero).
const SOCKET_PATH_LIMIT: usize = 103;

/// Longer than any start or stop should hold a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(120);
const LOCK_POLL: Duration = Duration::from_millis(5);

#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub root: PathBuf,
    pub account: Account,
}

impl Folder {
    /// The folder under `data_dir`, created when absent and checked to be the server account's own.
    pub fn prepare(data_dir: &Path) -> Result<Folder> {
        let data_dir = std::path::absolute(data_dir).map_err(Error::io("use", data_dir))?;
        let account = Account::choose(&data_dir.join("postgres"))?;
        if !data_dir.join("postgres").is_dir() {
            account.ensure_reachable(&data_dir.join("postgres"))?;
            create_parents(&data_dir, &account)?;
        }
        // One true name, so that all programs agree on it and on the names derived from it.
        let data_dir = fs::canonicalize(&data_dir).map_err(Error::io("open", &data_dir))?;
        let root = data_dir.join("postgres");
        make_private(&root, &account)?;
        Ok(Folder { root, account })
    }

    /// The cluster.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    pub fn downloads(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// Where the socket is: inside the folder when its path can be a socket's address, which is short, and has no
    /// characters that separate several hosts.
    pub fn socket_dir(&self) -> PathBuf {
        let inside = self.root.join("run");
        let file = format!("/.s.PGSQL.{PORT}");
        let plain = inside
            .to_str()
            .is_some_and(|path| !path.contains([',', '"', '\'', '\\']) && !path.contains(char::is_control));
        if plain && inside.as_os_str().len() + file.len() <= SOCKET_PATH_LIMIT {
            return inside;
        }
        // Not TMPDIR: two programs with different environments must agree.
        let name = format!("embedded-postgres-{:016x}", fnv1a(self.root.as_os_str().as_bytes()));
        Path::new("/tmp").join(name)
    }

    /// Creates the socket's folder, and refuses one under /tmp that someone else prepared.
    pub fn prepare_socket_dir(&self) -> Result<PathBuf> {
        let path = self.socket_dir();
        make_private(&path, &self.account)
            .map_err(|error| Error::SocketDir { path: path.clone(), reason: error.to_string() })?;
        Ok(path)
    }

    /// Opens a file of this folder, never through a link: the folder is another account's when root is here.
    pub fn open(&self, name: &str, append: bool) -> Result<File> {
        let path = self.root.join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(!append)
            .append(append)
            .create(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        if self.account.switch {
            std::os::unix::fs::fchown(&file, Some(self.account.uid), Some(self.account.gid))
                .map_err(Error::io("give to the server's account", &path))?;
        }
        Ok(file)
    }

    /// Held by whoever starts the server.
    pub async fn lock_start(&self) -> Result<Lock> {
        self.lock("start.lock", File::try_lock).await
    }

    /// Held, shared, by every user of the server. Waits for one who is stopping it.
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

    /// Whether the last to leave shall let the server run.
    pub fn keeps_running(&self) -> bool {
        self.root.join("keep-running").exists()
    }

    pub fn set_keep_running(&self, keep: bool) -> Result<()> {
        if keep {
            return self.open("keep-running", false).map(drop);
        }
        let path = self.root.join("keep-running");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

/// A lock on a file, which the system releases when this program ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Turns one's shared lock into the only one; false, and no lock at all, when others hold it too.
    pub fn become_exclusive(&self) -> bool {
        self.file.try_lock().is_ok()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Said explicitly: a child between fork and exec shares the open file, so closing ours alone may not release.
        let _ = self.file.unlock();
    }
}

/// Creates the missing folders down to `path`, open for passage alone when the server runs as another account.
fn create_parents(path: &Path, account: &Account) -> Result<()> {
    let mut missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    missing.reverse();
    let mode = if account.switch { 0o711 } else { 0o700 };
    for folder in missing {
        match fs::create_dir(folder) {
            // The mode is set apart from creation, which the umask would narrow.
            Ok(()) => fs::set_permissions(folder, Permissions::from_mode(mode))
                .map_err(Error::io("set the permissions of", folder))?,
            // Two programs at once: the other's will do.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("create the folder", folder)(error)),
        }
    }
    Ok(())
}

/// A folder that only the account can enter: its privacy is what stands for a password on the socket.
pub(crate) fn make_private(path: &Path, account: &Account) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => account.own(path)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::io("create the folder", path)(error)),
    }
    let found = fs::symlink_metadata(path).map_err(Error::io("open", path))?;
    if !found.is_dir() {
        let error = io::Error::new(io::ErrorKind::NotADirectory, "it is a file or a link, not a folder");
        return Err(Error::io("use", path)(error));
    }
    if found.uid() != account.uid {
        // Root may have died between creating a folder and giving it away.
        if account.switch && found.uid() == 0 {
            account.own(path)?;
        } else {
            return Err(Error::NotOurs {
                path: path.to_owned(),
                owner: found.uid(),
                account: account.name.clone(),
            });
        }
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700))
            .map_err(Error::io("set the permissions of", path))?;
    }
    Ok(())
}

/// A hash that is the same in every program and every version of this one (FNV-1a, 64 bits).
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
