//! The errors of this crate: each message says what failed, where, and what to do, on one line.

use std::io;
use std::path::{Path, PathBuf};

use crate::binaries::version::{MINIMUM_MAJOR, Version};

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// No usable server binaries are installed, and none were downloaded.
    #[error(
        "PostgreSQL {MINIMUM_MAJOR} or newer is needed, but {}{}; install it with: {install}",
        found(versions),
        and(download)
    )]
    NoBinaries {
        /// The versions that were found, all too old.
        versions: Vec<Version>,
        /// Why downloading them failed; empty if it was not attempted.
        download: String,
        /// The command that installs it on this system.
        install: String,
    },
    /// The folder given as `bin_dir` cannot be used.
    #[error("no usable PostgreSQL server in the folder {}: {reason}", path.display())]
    BinDir {
        /// The folder as given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data was made by a major version that is not installed here.
    #[error("the data in {} was made by PostgreSQL {major}, but {}{}; install that version with: {install}", data.display(), found(versions), and(download))]
    MajorMissing {
        /// The cluster.
        data: PathBuf,
        /// Its major version.
        major: u32,
        /// The versions that were found.
        versions: Vec<Version>,
        /// Why downloading it failed; empty if it was not attempted.
        download: String,
        /// The command that installs it on this system.
        install: String,
    },
    /// The data was made by a version this crate does not work with.
    #[error("the data in {} was made by PostgreSQL {major}, older than {MINIMUM_MAJOR}: move it to a newer version with pg_upgrade, or choose another data folder", data.display())]
    DataTooOld {
        /// The cluster.
        data: PathBuf,
        /// Its major version.
        major: u32,
    },
    /// The folder for the data holds something else.
    #[error("{} holds files but is no PostgreSQL data folder ({reason}): move it away, or choose another data folder", path.display())]
    NotACluster {
        /// The folder.
        path: PathBuf,
        /// What shows that it is no cluster.
        reason: String,
    },
    /// The server's account cannot enter the data folder.
    #[error("the account {account}, which the server runs as because PostgreSQL refuses to run as root, cannot enter {}, so the data cannot live in {}: choose a folder outside it such as {}, or allow entry with: chmod o+x {}", blocked.display(), path.display(), suggestion.display(), blocked.display())]
    Unreachable {
        /// The data folder asked for.
        path: PathBuf,
        /// The topmost folder that stops the account.
        blocked: PathBuf,
        /// The account's name.
        account: String,
        /// A folder that would work.
        suggestion: PathBuf,
    },
    /// Another account owns the folder.
    #[error("{} belongs to user id {owner}, not to {account}: run this program as its owner, or choose another data folder", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// The account that the server would run as.
        account: String,
    },
    /// Another account could replace the data folder, or created it beforehand.
    #[error("the data cannot live in {}: {what}; {advice}", path.display())]
    Untrusted {
        /// The data folder asked for.
        path: PathBuf,
        /// What is wrong, with the folder or link that causes it.
        what: String,
        /// What to do.
        advice: String,
    },
    /// A file in the server's folder is not one that the server creates.
    #[error("cannot use {}: {what}; see who put it there, and remove it", path.display())]
    Planted {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// Root found no account to run the server as.
    #[error(
        "PostgreSQL refuses to run as root and there is no account gazelle-sync, postgres, _postgres or nobody to run it as: create one with: useradd --system gazelle-sync"
    )]
    NoAccount,
    /// Root may not switch to the server's account, as in a container without that capability.
    #[error(
        "cannot change to the account {account} to run the server ({source}): run this program as an ordinary user"
    )]
    CannotSwitch {
        /// The account's name.
        account: String,
        /// The system's error.
        source: io::Error,
    },
    /// The folder for the socket cannot be trusted.
    #[error("cannot put the server's socket into {}: {reason}", path.display())]
    SocketDir {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `initdb` failed.
    #[error("initdb could not create the data folder {}: {output}", path.display())]
    Initdb {
        /// Where the cluster was to be created.
        path: PathBuf,
        /// The last lines it printed.
        output: String,
    },
    /// The server ended instead of starting.
    #[error("the PostgreSQL server of {} did not start ({reason}); the end of its log {}: {tail}", data.display(), log.display())]
    Start {
        /// The cluster.
        data: PathBuf,
        /// How it ended.
        reason: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A server runs but does not answer.
    #[error("the PostgreSQL server of {} (process {pid}) runs but gave no answer within {seconds} s; its log is {}", data.display(), log.display())]
    Unresponsive {
        /// The cluster.
        data: PathBuf,
        /// The postmaster.
        pid: i32,
        /// How long we waited, in seconds.
        seconds: u64,
        /// Its log.
        log: PathBuf,
    },
    /// A server started by other means, with another socket, uses the data.
    #[error("the data in {} is in use by a PostgreSQL server that was started by other means (process {pid}, socket in {socket_dir}): stop it first", data.display())]
    Foreign {
        /// The cluster.
        data: PathBuf,
        /// The postmaster.
        pid: i32,
        /// Where it listens.
        socket_dir: String,
    },
    /// Another program holds a lock for longer than any start takes.
    #[error("another program has been starting or stopping the server of {} for over {seconds} s: end it and try again", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// How long we waited, in seconds.
        seconds: u64,
    },
    /// The server answered with an error.
    #[error("the PostgreSQL server of {} refused: {reason}", data.display())]
    Refused {
        /// The cluster.
        data: PathBuf,
        /// Its message.
        reason: String,
        /// The error itself.
        source: Box<tokio_postgres::Error>,
    },
    /// The server did not stop in time.
    #[error("the PostgreSQL server of {} (process {pid}) did not stop within {seconds} s", data.display())]
    Stop {
        /// The cluster.
        data: PathBuf,
        /// The postmaster.
        pid: i32,
        /// How long we waited, in seconds.
        seconds: u64,
    },
    /// A server bound to its parent cannot be left running.
    #[error("a server started with die_with_parent ends with this program and cannot be left running")]
    BoundToParent,
}

impl Error {
    pub(crate) fn io(what: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Io { what, path, source }
    }

    pub(crate) fn refused(data: &Path, source: tokio_postgres::Error) -> Error {
        Error::Refused { data: data.to_owned(), reason: chain(&source), source: Box::new(source) }
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Many libraries already include the cause in their message.
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = cause.source();
    }
    one_line(&line, usize::MAX)
}

/// The last `count` lines of what a program printed, on one line.
pub(crate) fn one_line(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join(" | ")
}

fn and(download: &str) -> String {
    if download.is_empty() { String::new() } else { format!(", and downloading it failed ({download})") }
}

fn found(versions: &[Version]) -> String {
    if versions.is_empty() {
        return "no PostgreSQL server was found on this machine".to_owned();
    }
    let list: Vec<String> = versions.iter().map(Version::to_string).collect();
    format!("only {} was found on this machine", list.join(", "))
}
