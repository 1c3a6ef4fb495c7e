//! A place for one test's server, and ways to look at it from outside.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use embedded_postgres::{Options, Server};
use rustix::process::{Pid, Signal, kill_process};

/// Where every macOS has it.
const PS: &str = "/bin/ps";

pub const HELPER: &str = env!("CARGO_BIN_EXE_embedded-postgres");

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The account of a process, by the folder that Linux has of each, elsewhere by `ps`, which every macOS has.
pub fn owner_of(pid: i32) -> u32 {
    if cfg!(target_os = "linux") {
        return fs::metadata(format!("/proc/{pid}")).expect("a process").uid();
    }
    let shown = Command::new(PS).args(["-o", "uid=", "-p", &pid.to_string()]).output().expect("ps runs");
    String::from_utf8_lossy(&shown.stdout).trim().parse().expect("a process")
}

/// A temporary data folder that the server's account can enter; a server left in it is ended with it.
pub struct Place {
    dir: tempfile::TempDir,
    below: PathBuf,
}

impl Place {
    pub fn new() -> Place {
        Place::below("")
    }

    /// With a data folder further down.
    pub fn below(below: &str) -> Place {
        // Not TMPDIR, which may be too deep or closed.
        let dir = tempfile::tempdir_in("/tmp").expect("a folder");
        open_for_passage(dir.path());
        Place { dir, below: below.into() }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join(&self.below)
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("postgres/data")
    }

    pub fn options(&self) -> Options {
        Options { durable: false, allow_download: false, ..Options::new(self.path()) }
    }

    pub async fn server(&self) -> Server {
        Server::start_or_attach(self.options()).await.expect("a server")
    }

    /// Makes what looks like a cluster of this major version.
    pub fn pretend_cluster(&self, version: &str) {
        fs::create_dir_all(self.data()).expect("a folder");
        fs::write(self.data().join("PG_VERSION"), format!("{version}\n")).expect("a file");
    }

    pub fn pid_in_file(&self) -> Option<i32> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        text.lines().next()?.parse().ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pid) = self.pid_in_file().filter(|pid| is_alive(*pid)) {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains(&*self.data().to_string_lossy()) {
                signal(pid, Signal::QUIT);
                until("the server is gone", || !is_alive(pid));
            }
        }
    }
}

pub fn open_for_passage(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("permissions");
}

/// Another program that uses the server of a folder.
pub struct Helper {
    pub child: Child,
    input: Option<ChildStdin>,
    pub how: String,
    pub pid: i32,
    pub address: String,
}

impl Helper {
    pub fn start(place: &Place, arguments: &[&str]) -> Helper {
        let mut command = Command::new(HELPER);
        command.arg(place.path()).args(arguments);
        Helper::run(command)
    }

    pub fn run(command: Command) -> Helper {
        Helper::wait_for(Helper::spawn(command))
    }

    pub fn spawn(mut command: Command) -> Child {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        loop {
            match command.spawn() {
                // A copy of the helper was open for writing when another test forked, and is until that child has executed
                // its own program.
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                    std::thread::yield_now()
                }
                child => return child.expect("the helper runs"),
            }
        }
    }

    pub fn wait_for(mut child: Child) -> Helper {
        let input = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its line");
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut word = || words.next().expect("how, pid and address");
        Helper { child, input, how: word(), pid: word().parse().expect("a pid"), address: word() }
    }

    pub fn signal(&self, with: Signal) {
        signal(self.child.id() as i32, with);
    }

    /// Kills it, and waits for its end.
    pub fn kill9(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Lets it end by itself.
    pub fn finish(mut self) {
        drop(self.input.take());
        assert!(self.child.wait().expect("ended").success());
    }
}

pub fn signal(pid: i32, with: Signal) {
    kill_process(Pid::from_raw(pid).expect("a pid"), with).expect("a signal");
}

/// Whether a process exists and is not a zombie.
pub fn is_alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or("Z").starts_with('Z'))
}

/// Polls until something outside this process has happened.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs a query through the address that users are given.
pub async fn query(address: &str, sql: &str) -> String {
    let (client, connection) =
        tokio_postgres::connect(address, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let messages = client.simple_query(sql).await.expect("an answer");
    messages
        .iter()
        .find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .unwrap_or_default()
}

/// A server with one committed row, to be found again.
pub async fn write_something(address: &str) {
    query(address, "CREATE TABLE kept (word text)").await;
    query(address, "INSERT INTO kept VALUES ('word')").await;
}

pub async fn read_something(address: &str) -> String {
    query(address, "SELECT word FROM kept").await
}
