//! Programs from outside that tests need, found or asked for: a test never passes because one is missing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

/// A command that runs this program, one of those that `./dev test` installs.
///
/// # Panics
/// Where it is not installed, with the one line that says how to install it.
#[track_caller]
pub fn tool(name: &str) -> Command {
    match find(name) {
        Some(path) => Command::new(path),
        None => panic!("{}", missing(name)),
    }
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian has PgBouncer where only root's PATH leads.
    let folders = std::env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from));
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    folders.map(|folder| folder.join(name)).find(is_program)
}

/// What a test says that cannot do without this program.
pub fn missing(name: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev");
    let how = Command::new("sh").arg(script).args(["how", name]).output();
    // The command, or why there is none.
    let how = how.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    let how = String::from_utf8_lossy(&how);
    format!(
        "{name} is not installed and this test needs it: {} (./dev test installs all that tests need)",
        how.trim()
    )
}

/// Sends a signal, named as `kill` names it, to a process that runs. A bare system has no program `kill`.
///
/// # Panics
/// Where there is no such process.
#[track_caller]
pub fn signal(pid: u32, name: &str) {
    let signal = match name {
        "-TERM" => Signal::TERM,
        "-INT" => Signal::INT,
        "-QUIT" => Signal::QUIT,
        "-KILL" => Signal::KILL,
        "-STOP" => Signal::STOP,
        "-CONT" => Signal::CONT,
        other => panic!("no signal {other}"),
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("the process runs");
}

/// An example of the library, built anew where it is older than its sources.
pub fn example(name: &str) -> PathBuf {
    // As `cargo test --workspace` builds it, so that nothing is built twice.
    let built = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--workspace", "--example", name])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .status()
        .expect("cargo starts");
    assert!(built.success(), "the example {name} builds");
    Path::new(env!("CARGO_BIN_EXE_gazelle-sync")).with_file_name("examples").join(name)
}
