//! Temporary servers for tests (feature `testing`).
//!
//! Every [`TestServer`] is a separate server, so tests need no running one and do not disturb each other. The
//! cluster is copied from a template that the first test on a machine creates; the server ends with its test.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::binaries::find::{self, Binaries, Places};
use crate::binaries::install_hint::install_command;
use crate::folder::account::Account;
use crate::folder::handle::FolderHandle;
use crate::folder::{Folder, make_private};
use crate::options::Options;
use crate::process::attach;
use crate::process::{self, initdb};
use crate::server::Server;
use crate::{Error, Result};

/// Small WAL segments: most of a new cluster's size would be one empty file of 16 MB.
const TEMPLATE_ARGUMENTS: &[&str] = &["--no-sync", "--wal-segsize=1"];

/// How long a killed server may take to exit.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server for one test, removed with its data when dropped. Not durable against a power failure; commits survive
/// [`kill9`](TestServer::kill9). However the test's process ends, the server ends too, and a later test removes its
/// folder.
#[derive(Debug)]
pub struct TestServer {
    server: Option<Server>,
    options: Options,
    /// The folder of this server; the lock on it marks it as in use.
    dir: PathBuf,
    _in_use: File,
}

impl TestServer {
    /// Starts a new server.
    ///
    /// # Errors
    /// No server binaries are installed; otherwise as [`Server::start_or_attach`].
    pub async fn start() -> Result<TestServer> {
        TestServer::start_with(&[]).await
    }

    /// Starts a new server with these settings.
    ///
    /// # Errors
    /// As [`TestServer::start`].
    pub async fn start_with(settings: &[(&str, &str)]) -> Result<TestServer> {
        let account = Account::choose(Path::new(""))?;
        let base = base(&account)?;
        let binaries = binaries(&account, &base)?;
        let template = template(&base, &account, &binaries).await?;
        let (dir, in_use) = claim(&base)?;

        let mut options = Options::new(&dir);
        options.bin_dir = Some(binaries.bin_dir);
        options.durable = false;
        options.die_with_parent = true;
        options.allow_download = false;
        // In its folder, so that even a killed server leaves no shared memory behind.
        let base_settings = [("dynamic_shared_memory_type", "mmap")];
        options.extra_settings = base_settings
            .iter()
            .chain(settings)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut server = TestServer { server: None, options, dir, _in_use: in_use };
        let folder = Folder::prepare(&server.dir)?;
        copy(&template, &folder)?;
        server.start_again().await?;
        Ok(server)
    }

    /// The connection string of one of its databases; `postgres` always exists.
    pub fn connection_string(&self, database: &str) -> String {
        attach::connection_string(&self.socket_dir(), database)
    }

    /// The folder of its socket.
    pub fn socket_dir(&self) -> PathBuf {
        Folder::prepare(&self.dir).map_or_else(|_| self.dir.clone(), |folder| folder.socket_dir())
    }

    /// The postmaster's process id; 0 if it is not running.
    pub fn pid(&self) -> i32 {
        self.server.as_ref().map_or(0, Server::pid)
    }

    /// The running server, unless it was killed.
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Creates a database if it does not exist.
    ///
    /// # Errors
    /// What the server said.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        attach::create_database(&self.socket_dir(), name)
            .await
            .map_err(|error| Error::refused(&self.dir, error))
    }

    /// Changes a setting for all new connections (`ALTER SYSTEM`, then a reload); one that needs a restart takes
    /// effect with [`start_again`](TestServer::start_again).
    ///
    /// # Errors
    /// What the server said.
    pub async fn set(&self, name: &str, value: &str) -> Result<()> {
        self.change(name, value).await.map_err(|error| Error::refused(&self.dir, error))
    }

    async fn change(&self, name: &str, value: &str) -> Result<(), tokio_postgres::Error> {
        let load_time = "SELECT pg_conf_load_time()::text";
        let client = attach::connect(&self.socket_dir(), "postgres").await?;
        let before: String = client.query_one(load_time, &[]).await?.get(0);
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let value = format!("'{}'", value.replace('\'', "''"));
        client.batch_execute(&format!("ALTER SYSTEM SET {quoted} = {value}")).await?;
        client.batch_execute("SELECT pg_reload_conf()").await?;
        // A new connection inherits the postmaster's settings, so one that sees the new load time proves the
        // reload.
        loop {
            let client = attach::connect(&self.socket_dir(), "postgres").await?;
            let now: String = client.query_one(load_time, &[]).await?.get(0);
            if now != before {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Kills the postmaster with SIGKILL, as the system does when memory runs out, and waits until it is gone. Its
    /// data stays, for [`start_again`](TestServer::start_again).
    pub fn kill9(&mut self) {
        self.end(Signal::KILL);
    }

    /// Starts the server on the same data and the same socket, after [`kill9`](TestServer::kill9); a running one is
    /// stopped first.
    ///
    /// # Errors
    /// As [`Server::start_or_attach`].
    pub async fn start_again(&mut self) -> Result<()> {
        if let Some(server) = self.server.take() {
            server.stop().await?;
        }
        self.server = Some(Server::start_or_attach(self.options.clone()).await?);
        Ok(())
    }

    fn end(&mut self, signal: Signal) {
        if let Some(server) = self.server.take() {
            server.target().end(signal, PATIENCE);
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
        let socket_dir = self.socket_dir();
        if !socket_dir.starts_with(&self.dir) {
            let _ = fs::remove_dir_all(socket_dir);
        }
        // A later test removes what cannot be removed now.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The folder of all test servers of this user: `EMBEDDED_POSTGRES_TEST_DIR` if it is set; otherwise in memory if
/// there is plenty, since copying a thousand files to a busy disk takes longer than all the rest; otherwise under
/// the temporary folder; otherwise /tmp, which the server's account can always enter.
fn base(account: &Account) -> Result<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let parent = match env::var_os("EMBEDDED_POSTGRES_TEST_DIR") {
        Some(asked) => PathBuf::from(asked),
        None => [roomy_memory(), Some(env::temp_dir())]
            .into_iter()
            .flatten()
            .find(|folder| folder.is_dir() && account.ensure_reachable(folder).is_ok())
            .unwrap_or_else(|| PathBuf::from("/tmp")),
    };
    let parent = fs::canonicalize(&parent).map_err(Error::io("open", &parent))?;
    account.ensure_reachable(&parent)?;
    let base = parent.join(format!("embedded-postgres-tests-{uid}"));
    match DirBuilder::new().mode(0o700).create(&base) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io("create the folder", &base)(error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(&base).map_err(Error::io("open", &base))?;
    if !found.is_dir() || found.uid() != uid {
        return Err(Error::NotOurs { path: base, owner: found.uid(), account: format!("user id {uid}") });
    }
    if found.mode() & 0o777 != 0o711 {
        // Let the server's account pass. Set after creation, since the umask would restrict it.
        fs::set_permissions(&base, Permissions::from_mode(0o711))
            .map_err(Error::io("set the permissions of", &base))?;
    }
    Ok(base)
}

/// Linux's in-memory file system, unless it is small, as in many containers.
fn roomy_memory() -> Option<PathBuf> {
    const ROOM: u64 = 4 << 30;
    let folder = Path::new("/dev/shm");
    let found = rustix::fs::statvfs(folder).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let writable = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok();
    (free >= ROOM && writable).then(|| folder.to_owned())
}

fn binaries(account: &Account, base: &Path) -> Result<Binaries> {
    let found = Places::standard().search(Path::new("/nonexistent"), account, base);
    find::pick(&found, None).ok_or_else(|| Error::NoBinaries {
        versions: found.iter().map(|binaries| binaries.version).collect(),
        download: String::new(),
        install: install_command(None),
    })
}

/// The cluster to copy, created if absent: one for each server version and account.
async fn template(base: &Path, account: &Account, binaries: &Binaries) -> Result<PathBuf> {
    // Another version of this program may create it with other arguments.
    let mut made_with = DefaultHasher::new();
    (initdb::ARGUMENTS, TEMPLATE_ARGUMENTS).hash(&mut made_with);
    let root = base.join(format!("template-{}-{}-{:x}", binaries.version, account.uid, made_with.finish()));
    let around = FolderHandle::open_through(base).map_err(Error::io("open", base))?;
    make_private(&around, &root, account)?;
    let folder = Folder { root, account: account.clone() };
    let data = folder.data();
    let _lock = folder.lock_start().await?;
    // A cleaner of temporary folders may have removed a part of it; these are the first and the last files that are
    // read.
    let whole = data.join("PG_VERSION").is_file() && data.join("global/pg_control").is_file();
    if !whole {
        let _ = fs::remove_dir_all(&data);
        initdb::create(&folder, binaries, TEMPLATE_ARGUMENTS).await?;
    }
    Ok(data)
}

/// Copies the template as the server's account, sharing blocks if the file system can.
fn copy(template: &Path, folder: &Folder) -> Result<()> {
    let flags: &[&[&str]] = if cfg!(target_os = "macos") {
        &[&["-c", "-R", "-p"], &["-R", "-p"]]
    } else {
        &[&["-R", "-p", "--reflink=auto"], &["-R", "-p"]]
    };
    let data = folder.data();
    let mut output = Err(io::Error::other("not tried"));
    for flags in flags {
        output = folder.account.command("cp", &folder.root).args(*flags).arg(template).arg(&data).output();
        if output.as_ref().is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
        let _ = fs::remove_dir_all(&data);
    }
    let failure = match output {
        Ok(output) => io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => error,
    };
    Err(Error::io("copy the template to", &data)(failure))
}

/// A new folder for a server, locked as long as it is used. Also removes folders of tests that died.
fn claim(base: &Path) -> Result<(PathBuf, File)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let path = base.join("claim.lock");
    let claiming = lock_file(&path).map_err(Error::io("open", &path))?;
    // No other test may look between a folder's creation and its lock: it would seem unused.
    claiming.lock().map_err(Error::io("lock", &path))?;
    let garbage = set_aside(base);

    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = base.join(format!("server-{}-{number}", std::process::id()));
    fs::create_dir(&dir)
        .and_then(|()| fs::set_permissions(&dir, Permissions::from_mode(0o711)))
        .map_err(Error::io("create the folder", &dir))?;
    let in_use = lock_file(&dir.join("in-use"))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(Error::io("lock", &dir))?;
    let _ = claiming.unlock();
    if !garbage.is_empty() {
        // If this process ends before the thread does, a later test removes the rest.
        thread::spawn(move || {
            for folder in garbage {
                let _ = fs::remove_dir_all(folder);
            }
        });
    }
    Ok((dir, in_use))
}

fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

/// Renames the folders that no running test uses, so that they can be removed later.
fn set_aside(base: &Path) -> Vec<PathBuf> {
    let mut garbage = Vec::new();
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if name.starts_with("garbage-") {
            garbage.push(path);
            continue;
        }
        if !name.starts_with("server-") {
            continue;
        }
        let Ok(in_use) = lock_file(&path.join("in-use")) else {
            continue;
        };
        if in_use.try_lock().is_err() {
            continue;
        }
        // Where the kernel does not stop the server with its test; its folder is removed by the next test.
        if let Some(server) = process::running(&path.join("postgres/data")) {
            process::signal(server.pid, Signal::QUIT);
            continue;
        }
        let aside = base.join(format!("garbage-{name}-{}", std::process::id()));
        if fs::rename(&path, &aside).is_ok() {
            garbage.push(aside);
        }
    }
    garbage
}
