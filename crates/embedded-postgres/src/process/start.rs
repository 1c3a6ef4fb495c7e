//! Starts the server and waits until it answers queries.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::binaries::find::Binaries;
use crate::binaries::version::Version;
use crate::error::one_line;
use crate::folder::{Folder, LOG, PORT};
use crate::options::Options;
use crate::process;
use crate::process::attach::{Probe, probe};
use crate::process::claims::remove_stale_claims;
use crate::{Error, Result};

/// How long a server may not answer, and how long it may answer that it is recovering.
const SILENCE: Duration = Duration::from_secs(60);
const RECOVERY: Duration = Duration::from_secs(30 * 60);
const POLL: Duration = Duration::from_millis(3);

/// How long backends of a killed postmaster may take to notice and exit.
const ORPHANS: Duration = Duration::from_secs(20);

/// The size in bytes from which the log is renamed before a start.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// What the kernel does to a child process when the thread that started it ends. Linux only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParentDeath {
    /// It keeps running, in its own session, so that a terminal's Ctrl-C does not reach it.
    KeepRunning,
    /// It gets this signal; also in its own session.
    Signal(Signal),
    /// It is killed (SIGKILL).
    Kill,
}

/// Sets it for the process that the command starts.
#[expect(unsafe_code, reason = "there is no safe way to do something between fork and exec")]
pub(crate) fn set_parent_death(command: &mut Command, on_parent_death: ParentDeath) {
    let parent = rustix::process::getpid();
    let prepare = move || {
        if on_parent_death != ParentDeath::Kill {
            rustix::process::setsid()?;
        }
        set_death_signal(parent, on_parent_death)
    };
    // SAFETY: the closure runs between fork and exec, where only async-signal-safe calls are allowed. It makes three
    // bare system calls, allocates nothing and takes no lock. The standard library runs it after the change of user,
    // which would clear the death signal.
    unsafe {
        command.pre_exec(prepare);
    }
}

#[cfg(target_os = "linux")]
fn set_death_signal(parent: Pid, on_parent_death: ParentDeath) -> io::Result<()> {
    let signal = match on_parent_death {
        ParentDeath::KeepRunning => return Ok(()),
        ParentDeath::Signal(signal) => signal,
        ParentDeath::Kill => Signal::KILL,
    };
    rustix::process::set_parent_process_death_signal(Some(signal))?;
    // The parent may have died just before.
    if rustix::process::getppid() != Some(parent) {
        return Err(io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error()));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn set_death_signal(_: Pid, _: ParentDeath) -> io::Result<()> {
    Ok(())
}

/// A server that this program started. A dedicated thread starts it and waits for its end: the kernel ties the
/// death signal to the thread, not to the process, and a child that is waited for does not become a zombie.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub pid: i32,
    ended: Arc<OnceLock<String>>,
}

impl Process {
    fn spawn(mut command: Command) -> io::Result<Process> {
        let (sender, receiver) = mpsc::channel();
        let ended = Arc::new(OnceLock::new());
        let outcome = ended.clone();
        thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(sender.send(Err(error))),
            };
            let _ = sender.send(Ok(child.id()));
            let status = match child.wait() {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            let _ = outcome.set(status);
        })?;
        let pid = receiver.recv().map_err(io::Error::other)??;
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        Ok(Process { pid, ended })
    }

    /// Its exit status, once it has ended.
    pub fn ended(&self) -> Option<&str> {
        self.ended.get().map(String::as_str)
    }
}

/// Stops the server if its start fails or the caller drops the future.
struct Starting(Option<Process>);

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(process) = self.0.as_ref().filter(|process| process.ended().is_none()) {
            process::signal(process.pid, Signal::INT);
        }
    }
}

/// Starts the server of an existing cluster. The caller holds the start lock and has checked that none is running.
pub(crate) async fn start(
    folder: &Folder,
    binaries: &Binaries,
    options: &Options,
) -> Result<(Process, Version)> {
    folder.account.ensure_reachable(&folder.root)?;
    let deadline = Instant::now() + ORPHANS;
    loop {
        remove_stale_claims(folder)?;
        match attempt(folder, binaries, options).await {
            // The backends of a killed postmaster are still exiting.
            Err(Error::Start { tail, .. })
                if Instant::now() < deadline
                    && (tail.contains("shared memory block") || tail.contains("lock file")) =>
            {
                tokio::time::sleep(POLL * 10).await;
            }
            other => return other,
        }
    }
}

async fn attempt(folder: &Folder, binaries: &Binaries, options: &Options) -> Result<(Process, Version)> {
    let data = folder.data();
    let log = open_log(folder)?;
    let log_start = log.metadata().map_or(0, |metadata| metadata.len());
    let program = binaries.bin_dir.join("postgres");
    let written = log.try_clone().map_err(Error::io("open", folder.log()))?;
    let command = command(folder, binaries, options, log)?;
    let process = Process::spawn(command).map_err(Error::io("run", &program))?;
    let mut starting = Starting(Some(process.clone()));

    let begun = Instant::now();
    let mut limit = SILENCE;
    loop {
        if let Some(status) = process.ended() {
            return Err(Error::Start {
                data,
                reason: status.to_owned(),
                log: folder.log(),
                tail: log_tail(&written, log_start),
            });
        }
        match probe(folder, &options.database).await? {
            Probe::Ready(version) => {
                starting.0 = None;
                return Ok((process, version));
            }
            Probe::NotYet => limit = RECOVERY,
            Probe::Absent => {}
        }
        if begun.elapsed() > limit {
            return Err(Error::Unresponsive {
                data,
                pid: process.pid,
                seconds: limit.as_secs(),
                log: folder.log(),
            });
        }
        tokio::time::sleep(POLL).await;
    }
}

fn command(folder: &Folder, binaries: &Binaries, options: &Options, log: File) -> Result<Command> {
    let socket_dir = folder.prepare_socket_dir()?;
    let mut settings: Vec<(&str, &str)> = vec![
        ("listen_addresses", ""),
        // Folder::socket_dir makes sure that it contains no comma or quote.
        ("unix_socket_directories", socket_dir.to_str().unwrap_or_default()),
        ("unix_socket_permissions", "0700"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        // Log to stderr, which is our log file, whatever postgresql.conf says.
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
    ];
    if !options.durable {
        // Not synchronous_commit: commits survive a killed server without these.
        settings.extend([("fsync", "off"), ("full_page_writes", "off")]);
    }
    settings.extend(options.extra_settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));

    let mut command = folder.account.command(binaries.bin_dir.join("postgres"), &folder.root);
    // The cluster's full path in the arguments also identifies a running server: see process.rs.
    command.arg("-D").arg(folder.data()).arg("-p").arg(PORT.to_string());
    for (name, value) in settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    let second = log.try_clone().map_err(Error::io("open", folder.log()))?;
    command.stdout(log).stderr(second);
    let on_parent_death = match (options.die_with_parent, options.durable) {
        (false, _) => ParentDeath::KeepRunning,
        (true, true) => ParentDeath::Signal(Signal::INT),
        // No data worth a checkpoint.
        (true, false) => ParentDeath::Signal(Signal::QUIT),
    };
    set_parent_death(&mut command, on_parent_death);
    Ok(command)
}

fn open_log(folder: &Folder) -> Result<File> {
    let log = folder.open(LOG, true)?;
    if log.metadata().is_ok_and(|log| log.len() <= LOG_LIMIT) {
        return Ok(log);
    }
    let held = folder.held()?;
    held.rename(OsStr::new(LOG), &held, OsStr::new("postgres.log.old"))
        .map_err(Error::io("rename", folder.log()))?;
    folder.open(LOG, true)
}

/// The last lines of this start in the log. Reads the file that was opened, since its name may lead elsewhere by
/// now.
fn log_tail(mut log: &File, from: u64) -> String {
    let mut read = || -> io::Result<Vec<u8>> {
        log.seek(SeekFrom::Start(from))?;
        let mut text = Vec::new();
        log.take(LOG_LIMIT).read_to_end(&mut text)?;
        Ok(text)
    };
    match read() {
        Ok(text) => one_line(&String::from_utf8_lossy(&text), 6),
        Err(error) => error.to_string(),
    }
}
