//! The public [`Server`]: start or attach, leave, stop.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::binaries::download;
use crate::binaries::find::{self, Binaries, Places};
use crate::binaries::install_hint::install_command;
use crate::binaries::version::Version;
use crate::folder::{Folder, Lock};
use crate::options::Options;
use crate::process::attach::{self, Probe, probe};
use crate::process::initdb::{self, has_cluster};
use crate::process::start::{self, Process};
use crate::process::stop::Target;
use crate::process::{self, PidFile};
use crate::{Error, Result};

/// How long a server may take to start or stop, including crash recovery.
const SETTLE: Duration = Duration::from_secs(10 * 60);
/// How long a running server may not answer.
const SILENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// A handle to a running server.
///
/// All handles, in all programs, are counted. When the last one leaves, by [`leave`](Server::leave) or by dropping
/// its `Server`, the server is stopped, unless one of them asked to keep it with
/// [`leave_running`](Server::leave_running). Programs that connect to the socket directly, such as `psql`, are not
/// counted. A killed program stops nothing (except with [`Options::die_with_parent`]): the server keeps running,
/// and the next program attaches to it.
#[derive(Debug)]
pub struct Server {
    folder: Folder,
    database: String,
    version: Version,
    pid: i32,
    process: Option<Process>,
    bound: bool,
    /// `None` once this program has left.
    share: Option<Lock>,
}

impl Server {
    /// Attaches to the server of the data folder, or starts one if none is running, after creating the cluster if
    /// it is absent. However many programs do this at once, one starts it and the others attach.
    ///
    /// # Errors
    /// See [`Error`]; it says what is missing, and where.
    pub async fn start_or_attach(options: Options) -> Result<Server> {
        Server::start_or_attach_from(options, &Places::standard()).await
    }

    pub(crate) async fn start_or_attach_from(options: Options, places: &Places) -> Result<Server> {
        let folder = Folder::prepare(&options.data_dir)?;
        // Take this first: from here on no program stops the server as the last to leave.
        let share = folder.lock_users().await?;
        if let Probe::Ready(version) = probe(&folder, &options.database).await? {
            return Server::attached(folder, options, share, version);
        }
        let start_lock = folder.lock_start().await?;
        if let Some(version) = settle(&folder, &options.database).await? {
            return Server::attached(folder, options, share, version);
        }

        let data = folder.data();
        let major = initdb::existing_major(&folder)?;
        let binaries = binaries(&folder, &options, places, major).await?;
        if major.is_none() {
            tracing::debug!(data = %data.display(), version = %binaries.version, "making a new cluster");
            let extra = if options.durable { &[] } else { initdb::NOT_DURABLE };
            initdb::create(&folder, &binaries, extra).await?;
        }
        let (process, version) = start::start(&folder, &binaries, &options).await?;
        // That was set for an earlier server.
        folder.set_keep_running(false)?;
        drop(start_lock);
        tracing::debug!(data = %data.display(), pid = process.pid, %version, "server started");
        Ok(Server {
            folder,
            database: options.database,
            version,
            pid: process.pid,
            process: Some(process),
            bound: options.die_with_parent && cfg!(target_os = "linux"),
            share: Some(share),
        })
    }

    /// Attaches to the server of the data folder if one runs; starts none. Waits for one that is starting or stopping.
    ///
    /// # Errors
    /// See [`Error`]: the folder belongs to another account, or the server does not answer.
    pub async fn attach(options: Options) -> Result<Option<Server>> {
        if !has_cluster(&options.data_dir) {
            return Ok(None);
        }
        let folder = Folder::prepare(&options.data_dir)?;
        let share = folder.lock_users().await?;
        match settle(&folder, &options.database).await? {
            Some(version) => Server::attached(folder, options, share, version).map(Some),
            None => Ok(None),
        }
    }

    fn attached(folder: Folder, options: Options, share: Lock, version: Version) -> Result<Server> {
        // It just answered, so the file exists, unless the server is being stopped right now.
        let pid = PidFile::read(&folder.data()).map_or(0, |file| file.pid);
        tracing::debug!(data = %folder.data().display(), pid, %version, "attached to the running server");
        Ok(Server {
            folder,
            database: options.database,
            version,
            pid,
            process: None,
            bound: false,
            share: Some(share),
        })
    }

    /// The connection string of the database, for tokio-postgres, `psql` and most other clients:
    /// `postgresql://postgres@%2Fvar%2Flib%2F…%2Frun:5432/name`. It needs no quotes in a shell. Only the owner of
    /// the data folder, the server's account and root can connect.
    pub fn connection_string(&self) -> String {
        attach::connection_string(&self.folder.socket_dir(), &self.database)
    }

    /// As [`connection_string`](Server::connection_string), for another database of this server, which must exist.
    pub fn connection_string_to(&self, database: &str) -> String {
        attach::connection_string(&self.folder.socket_dir(), database)
    }

    /// The folder of the server's socket, as for `psql -h`.
    pub fn socket_dir(&self) -> PathBuf {
        self.folder.socket_dir()
    }

    /// The server's log.
    pub fn log_file(&self) -> PathBuf {
        self.folder.log()
    }

    /// Whether this `Server` started it; otherwise it attached.
    pub fn started_here(&self) -> bool {
        self.process.is_some()
    }

    /// The account that the server runs as and that owns its folder, if other services may run as it too: they can
    /// read the data and connect. `None` if it is a dedicated or a user's account.
    pub fn shared_account(&self) -> Option<&str> {
        self.folder.account.is_shared().then_some(&*self.folder.account.name)
    }

    /// Whether it keeps running when the last program leaves it.
    pub fn keeps_running(&self) -> bool {
        self.folder.keeps_running()
    }

    /// The postmaster's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The server's version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Leaves the server, and stops it if no other program uses it and none asked to keep it. Dropping does the
    /// same, but blocks its thread and only logs an error.
    ///
    /// # Errors
    /// The server does not stop.
    pub async fn leave(mut self) -> Result<()> {
        let Some(share) = self.share.take() else {
            return Ok(());
        };
        let departure = Departure { share, folder: self.folder.clone(), target: self.target() };
        blocking(move || departure.complete(), &self.folder).await
    }

    /// Takes back [`leave_running`](Server::leave_running) and leaves: the server stops now, or with the last program that
    /// uses it. Returns whether it has stopped.
    ///
    /// # Errors
    /// The server does not stop, or the marker file cannot be removed.
    pub async fn leave_and_stop(self) -> Result<bool> {
        self.folder.set_keep_running(false)?;
        let target = self.target();
        self.leave().await?;
        Ok(target.is_gone())
    }

    /// Stops the server even if others use it: clients are disconnected, everything is written to disk.
    ///
    /// # Errors
    /// The server does not stop.
    pub async fn stop(mut self) -> Result<()> {
        // Not while another program starts the next server.
        let start_lock = self.folder.lock_start().await?;
        self.folder.set_keep_running(false)?;
        let target = self.target();
        let outcome = blocking(move || target.stop(), &self.folder).await;
        drop(start_lock);
        self.share = None;
        outcome
    }

    /// Leaves the server running for later programs and for `psql`: it is no longer stopped when the last program
    /// leaves, but only by [`stop`](Server::stop) or a restart of the machine.
    ///
    /// # Errors
    /// The server ends with this program ([`Options::die_with_parent`]), or the marker file cannot be written.
    pub async fn leave_running(mut self) -> Result<()> {
        if self.bound {
            return Err(Error::BoundToParent);
        }
        self.folder.set_keep_running(true)?;
        self.share = None;
        Ok(())
    }

    pub(crate) fn target(&self) -> Target {
        Target { pid: self.pid, data: self.folder.data(), process: self.process.clone() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(share) = self.share.take() {
            let departure = Departure { share, folder: self.folder.clone(), target: self.target() };
            if let Err(error) = departure.complete() {
                tracing::warn!(%error, "left a server that did not stop");
            }
        }
    }
}

struct Departure {
    share: Lock,
    folder: Folder,
    target: Target,
}

impl Departure {
    /// While we hold the exclusive lock no program can join, so none attaches to a server that is stopping.
    fn complete(self) -> Result<()> {
        if self.share.become_exclusive() && !self.folder.keeps_running() {
            self.target.stop()?;
        }
        Ok(())
    }
}

async fn blocking(step: impl FnOnce() -> Result<()> + Send + 'static, folder: &Folder) -> Result<()> {
    match tokio::task::spawn_blocking(step).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::io("stop the server of", &folder.root)(std::io::Error::other(error))),
    }
}

/// Waits until a server that is starting or stopping has done so. Returns its version once it answers, `None` if
/// there is none.
async fn settle(folder: &Folder, database: &str) -> Result<Option<Version>> {
    let data = folder.data();
    let begun = Instant::now();
    let mut limit = SILENCE;
    loop {
        let answer = probe(folder, database).await?;
        let running = process::running(&data);
        match (answer, running) {
            (Probe::Ready(version), _) => return Ok(Some(version)),
            // The server that answered is gone by now, or there is none.
            (Probe::NotYet | Probe::Absent, None) => return Ok(None),
            (answer, Some(file)) => {
                if !file.socket_dir.is_empty() && !same_folder(&file.socket_dir, &folder.socket_dir()) {
                    return Err(Error::Foreign { data, pid: file.pid, socket_dir: file.socket_dir });
                }
                if matches!(answer, Probe::NotYet) {
                    limit = SETTLE;
                }
                if begun.elapsed() > limit {
                    return Err(Error::Unresponsive {
                        data,
                        pid: file.pid,
                        seconds: limit.as_secs(),
                        log: folder.log(),
                    });
                }
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

fn same_folder(one: &str, other: &Path) -> bool {
    Path::new(one) == other
        || std::fs::canonicalize(one)
            .is_ok_and(|one| std::fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// The binaries to use: the given ones, installed ones that match the data's major version, or downloaded ones.
async fn binaries(
    folder: &Folder,
    options: &Options,
    places: &Places,
    major: Option<u32>,
) -> Result<Binaries> {
    folder.account.ensure_reachable(&folder.root)?;
    if let Some(bin_dir) = &options.bin_dir {
        let binaries = find::given(bin_dir, &folder.account, &folder.root)?;
        return match major {
            Some(major) if binaries.version.major != major => Err(Error::BinDir {
                path: bin_dir.clone(),
                reason: format!(
                    "it is version {}, but the data in {} was made by PostgreSQL {major}",
                    binaries.version,
                    folder.data().display()
                ),
            }),
            _ => Ok(binaries),
        };
    }
    let found = places.search(&folder.downloaded(), &folder.account, &folder.root);
    if let Some(binaries) = find::pick(&found, major) {
        return Ok(binaries);
    }
    let mut reason = String::new();
    if options.allow_download {
        match download::download(folder, major).await {
            Ok(binaries) => return Ok(binaries),
            Err(failure) => reason = failure,
        }
    }
    let versions = found.iter().map(|binaries| binaries.version).collect();
    let install = install_command(major);
    Err(match major {
        Some(major) => {
            Error::MajorMissing { data: folder.data(), major, versions, download: reason, install }
        }
        None => Error::NoBinaries { versions, download: reason, install },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_machine_without_binaries_is_told_the_command() {
        let dir = tempfile::tempdir().expect("a folder");
        // As root, the server's account must be able to enter it.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(dir.path(), open).expect("opened");
        let mut options = Options::new(dir.path());
        options.allow_download = false;
        let error = Server::start_or_attach_from(options, &Places::nowhere()).await.expect_err("no server");
        let message = error.to_string();
        assert!(message.contains("no PostgreSQL server was found"), "{message}");
        assert!(message.ends_with(&install_command(None)), "{message}");
        assert!(!message.contains("download"), "{message}");
    }
}
