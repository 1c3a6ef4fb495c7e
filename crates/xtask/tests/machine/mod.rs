//! A machine that exists only as a folder: its programs are stubs that note how they were called.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Programs of any Unix that the script may use; everything else has to be stubbed.
const BASIC: [&str; 5] = ["cat", "cp", "dirname", "env", "sed"];

/// What `./dev` is run on.
pub struct Machine {
    folder: tempfile::TempDir,
}

/// How `./dev` ended.
pub struct ScriptResult {
    pub code: i32,
    pub stdout: String,
    /// On a terminal: all that it showed.
    pub stderr: String,
    /// The calls of stubs that change or run something, a line each.
    pub calls: Vec<String>,
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Machine {
    /// A machine with Rust and nothing else, of the system that `uname` names, used by this user.
    pub fn new(system: &str, user: u32) -> Machine {
        let machine = Machine { folder: tempfile::tempdir().expect("a folder") };
        for folder in ["bin", "root", "after/bin", "after/root"] {
            fs::create_dir_all(machine.path(folder)).expect("a folder");
        }
        for name in BASIC {
            symlink(real(name), machine.path("bin").join(name)).expect("a link");
        }
        machine.program("uname", &format!("echo {system}"));
        machine.program("id", &format!("echo {user}"));
        machine.program("cargo", &noting("cargo"));
        machine.program("rustc", "echo 'rustc 1.999.0 (0123456 2030-01-01)'");
        machine
    }

    /// As [`Machine::new`], with everything that the tests need.
    pub fn ready(system: &str, user: u32) -> Machine {
        let machine = Machine::new(system, user);
        for tool in
            ["cc", "pgbouncer", "promtool", "bash", "tar", "chromedriver", "systemd-analyze", "xcode-select"]
        {
            machine.program(tool, "exit 0");
        }
        machine.postgres("root", "usr/lib/postgresql/17/bin", "17.2 (Debian 17.2-1)");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a program in `PATH`.
    pub fn program(&self, name: &str, body: &str) {
        write_program(&self.path("bin").join(name), body);
    }

    /// Takes a program away.
    pub fn without(&self, name: &str) {
        fs::remove_file(self.path("bin").join(name)).expect("it was there");
    }

    /// A server of this version in a folder under `root`, or under `after/root`.
    pub fn postgres(&self, root: &str, folder: &str, version: &str) {
        let folder = self.path(root).join(folder);
        fs::create_dir_all(&folder).expect("a folder");
        for name in ["postgres", "initdb", "pg_dump"] {
            write_program(&folder.join(name), &format!("echo '{name} (PostgreSQL) {version}'"));
        }
    }

    /// Takes all servers away.
    pub fn without_postgres(&self) {
        fs::remove_dir_all(self.path("root/usr/lib/postgresql")).expect("it was there");
    }

    /// The distribution, as its `/etc/os-release` has it.
    pub fn distribution(&self, os_release: &str) {
        fs::create_dir_all(self.path("root/etc")).expect("a folder");
        fs::write(self.path("root/etc/os-release"), os_release).expect("written");
    }

    /// A package manager that installs these programs, and PostgreSQL 17, when it is asked to install anything.
    pub fn manager(&self, name: &str, installs: &[&str]) {
        for tool in installs {
            write_program(&self.path("after/bin").join(tool), "exit 0");
        }
        self.postgres("after/root", "usr/lib/postgresql/17/bin", "17.2");
        let copy = "case \"$*\" in *update*) ;; *) cp -R \"$HERE/after/bin\" \"$HERE/after/root\" \"$HERE/\" ;; esac";
        self.program(name, &format!("{}\n{copy}", noting(name)));
    }

    /// `sudo` or `doas`: does as it is told.
    pub fn may_become_root(&self, how: &str) {
        self.program(how, &format!("{}\nexec \"$@\"", noting(how)));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(real("sh"));
        command
            .arg(repository().join("dev"))
            .args(args)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.folder.path())
            .env("HERE", self.folder.path())
            .env("DEV_ROOT", self.path("root"));
        command
    }

    /// Runs `./dev` without a terminal.
    pub fn dev(&self, args: &[&str]) -> ScriptResult {
        let output = self.command(args).stdin(Stdio::null()).output().expect("sh runs");
        self.ended(&output, None)
    }

    /// Runs `./dev` on a terminal at which a person types this.
    pub fn dev_on_a_terminal(&self, args: &[&str], typed: &str) -> ScriptResult {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("granted");
        unlockpt(&ours).expect("unlocked");
        let name = ptsname(&ours, Vec::new()).expect("its name");
        let theirs = || {
            let opened = fs::File::options().read(true).write(true).open(name.to_str().expect("text"));
            Stdio::from(opened.expect("the terminal's other end"))
        };
        let mut command = self.command(args);
        command.stdin(theirs()).stderr(theirs()).stdout(Stdio::piped());
        let child = command.spawn().expect("sh runs");
        // The terminal keeps what was typed ahead. It can be read from until nobody has its other end open.
        rustix::io::write(&ours, typed.as_bytes()).expect("typed");
        let reader = std::thread::spawn(move || {
            let (mut shown, mut piece) = (Vec::new(), [0; 1024]);
            while let Ok(read @ 1..) = rustix::io::read(&ours, &mut piece) {
                shown.extend_from_slice(&piece[..read]);
            }
            shown
        });
        let output = child.wait_with_output().expect("it ends");
        drop(command);
        let shown = reader.join().expect("read");
        self.ended(&output, Some(String::from_utf8_lossy(&shown).replace("\r\n", "\n")))
    }

    fn ended(&self, output: &Output, shown: Option<String>) -> ScriptResult {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let _ = fs::remove_file(self.path("calls"));
        ScriptResult {
            code: output.status.code().expect("a code"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: shown.unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned()),
            calls: calls.lines().map(str::to_owned).collect(),
        }
    }
}

/// A body that notes its call.
fn noting(name: &str) -> String {
    format!("echo \"{name} $*\" >>\"$HERE/calls\"")
}

fn write_program(path: &Path, body: &str) {
    fs::write(path, format!("#!{}\n{body}\n", real("sh").display())).expect("written");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("executable");
}

/// Where this program of the real machine is.
fn real(name: &str) -> PathBuf {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("there is no {name} in PATH"))
}

/// Every Rust file below this folder.
pub fn rust_files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}
