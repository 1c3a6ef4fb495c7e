//! Identifies a running postmaster from outside: reads its pid file, and checks that the pid is really its own.

pub(crate) mod attach;
pub(crate) mod claims;
pub(crate) mod initdb;
pub(crate) mod start;
pub(crate) mod stop;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::folder::handle::FolderHandle;

/// The name of the pid file in the cluster's folder.
pub(crate) const PID_FILE: &str = "postmaster.pid";

/// The parsed content of `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub pid: i32,
    /// The folder of its socket; empty while the server has not written it yet.
    pub socket_dir: String,
}

impl PidFile {
    /// `None` if there is no such file or it is empty: the server writes it in two steps.
    pub fn read(data: &Path) -> Option<PidFile> {
        let (text, _) = FolderHandle::open_through(data).ok()?.read_short(OsStr::new(PID_FILE)).ok()?;
        PidFile::from_text(&text)
    }

    pub fn from_text(text: &str) -> Option<PidFile> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        // pid, data folder, start time, port, socket folder, …
        let socket_dir = lines.nth(3).unwrap_or_default().trim().to_owned();
        Some(PidFile { pid, socket_dir })
    }
}

/// The postmaster of this cluster, if one is alive.
pub(crate) fn running(data: &Path) -> Option<PidFile> {
    PidFile::read(data).filter(|file| is_postmaster(file.pid, data))
}

/// Whether this process is alive and is the postmaster of this cluster: neither an unreaped zombie nor another
/// program that got the same pid later.
#[cfg(target_os = "linux")]
pub(crate) fn is_postmaster(pid: i32, data: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;

    let proc = Path::new("/proc").join(pid.to_string());
    let Ok(stat) = fs::read_to_string(proc.join("stat")) else {
        return false;
    };
    // The name in parentheses may contain anything; the fields follow the last parenthesis.
    let Some((_, fields)) = stat.rsplit_once(')') else {
        return false;
    };
    let mut fields = fields.split_whitespace();
    if matches!(fields.next(), None | Some("Z" | "X")) {
        return false;
    }
    let command = fs::read(proc.join("cmdline")).unwrap_or_default();
    if command.is_empty() {
        // It is exiting and has released its memory but still exists, or it is a kernel thread.
        const PF_KTHREAD: u64 = 0x0020_0000;
        let flags: Option<u64> = fields.nth(5).and_then(|flags| flags.parse().ok());
        return flags.is_some_and(|flags| flags & PF_KTHREAD == 0);
    }
    let mut arguments = command.split(|byte| *byte == 0);
    let program = arguments.next().unwrap_or_default();
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if name != b"postgres" && name != b"postmaster" {
        return false;
    }
    if arguments.any(|argument| argument == data.as_os_str().as_bytes()) {
        return true;
    }
    // If it was started by other means, its arguments may not name the cluster, but its working directory is the
    // cluster. If that cannot be read (root without the capability), assume it is: two servers on one cluster would
    // be worse than none.
    fs::read_link(proc.join("cwd")).map_or(true, |folder| folder == data)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_postmaster(pid: i32, data: &Path) -> bool {
    let Ok(output) = std::process::Command::new("ps")
        .args(["-ww", "-o", "state=,command=", "-p", &pid.to_string()])
        .output()
    else {
        return true;
    };
    let line = String::from_utf8_lossy(&output.stdout);
    let line = line.trim();
    !line.is_empty()
        && !line.starts_with('Z')
        && line.contains("postgres")
        && line.contains(&*data.to_string_lossy())
}

/// Sends a signal. A process that is already gone is no error: the caller checks for that.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_with_the_same_pid_is_not_the_server() {
        let me = std::process::id() as i32;
        let here = std::env::current_dir().expect("a folder");
        assert!(!is_postmaster(me, &here));
        assert!(!is_postmaster(i32::MAX, &here));
    }

    #[test]
    fn reads_a_pid_file_however_far_it_was_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("postmaster.pid");
        assert_eq!(PidFile::read(dir.path()), None);
        for (text, expected) in [
            ("", None),
            ("12\n", Some((12, ""))),
            ("12\n/d\n17\n5432\n/run/x\n\n 1 2\nready   \n", Some((12, "/run/x"))),
            ("-12\n/d\n", None),
        ] {
            fs::write(&file, text).expect("written");
            let found = PidFile::read(dir.path());
            assert_eq!(found.as_ref().map(|file| (file.pid, file.socket_dir.as_str())), expected);
        }
    }
}
