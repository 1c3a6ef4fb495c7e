//! Names the holder of a lease, and decides whether a holder's process is known to have ended.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// The kernel's process file system.
const PROC: &str = "/proc";

/// The leases that this process holds, so that it can replace one that it lost with its database connection before
/// that one expires.
static HELD_HERE: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A lease holder, named by machine, process id, start of the process (ids are reused), and number of the lease
/// within the process. Held until dropped.
pub(super) struct Holder(u64);

impl Holder {
    pub(super) fn new() -> Holder {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        held_here().insert(number);
        Holder(number)
    }

    pub(super) fn name(&self) -> String {
        let pid = std::process::id();
        let started = match process(pid) {
            Process::Alive { started } => started.unwrap_or_default(),
            Process::Gone | Process::Unknown => String::new(),
        };
        format!("{} pid {pid} started {started} lease {}", machine(), self.0)
    }

    /// Whether the named holder is of this machine and its process is known to have ended. A process that cannot be
    /// seen may still be running: its lease is left to expire.
    pub(super) fn is_dead_here(name: &str) -> bool {
        Holder::is_dead_by(name, Path::new(PROC))
    }

    /// The same, with `proc` in place of `/proc`.
    fn is_dead_by(name: &str, proc: &Path) -> bool {
        let Some((here, rest)) = name.split_once(" pid ") else { return false };
        let Some((pid, start)) = rest.split_once(" started ") else { return false };
        let (start, lease) = start.split_once(" lease ").unwrap_or((start, ""));
        let Ok(pid) = pid.parse::<u32>() else { return false };
        if here != machine() || start.is_empty() {
            return false;
        }
        match process_by(pid, proc) {
            Process::Gone => true,
            // Another process has this id now.
            Process::Alive { started: Some(started) } if started != start => true,
            Process::Alive { started: Some(_) } if pid == std::process::id() => {
                lease.parse().is_ok_and(|lease: u64| !held_here().contains(&lease))
            }
            Process::Alive { .. } | Process::Unknown => false,
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        held_here().remove(&self.0);
    }
}

fn held_here() -> MutexGuard<'static, BTreeSet<u64>> {
    HELD_HERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Host name, boot and process namespace of this machine: after a reboot all earlier processes are gone, and in
/// another container the same id is another process.
fn machine() -> String {
    let mut machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    if let Some(boot) = boot.trim().split('-').next().filter(|boot| !boot.is_empty()) {
        machine.push_str(&format!(" boot {boot}"));
    }
    // `pid:[4026531836]`
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let number: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    if !number.is_empty() {
        machine.push_str(&format!(" ns {number}"));
    }
    machine
}

/// What is known of a process.
#[derive(Debug, PartialEq, Eq)]
enum Process {
    /// There is no process with this id, or it has ended.
    Gone,
    /// It runs. `started`: in the kernel's clock ticks since boot; none if we may not see it.
    Alive { started: Option<String> },
    /// The system does not say.
    Unknown,
}

fn process(pid: u32) -> Process {
    process_by(pid, Path::new(PROC))
}

/// The state of a process, from the kernel and `proc`.
fn process_by(pid: u32, proc: &Path) -> Process {
    let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Process::Unknown };
    // Asked by signal 0: `/proc` hides other users' processes under ProtectProc=invisible and hidepid=2.
    match test_kill_process(number) {
        Err(Errno::SRCH) => return Process::Gone,
        Ok(()) | Err(Errno::PERM) => {}
        Err(_) => return Process::Unknown,
    }
    match std::fs::read_to_string(proc.join(pid.to_string()).join("stat")) {
        Ok(stat) => of_stat(&stat),
        Err(_) => Process::Alive { started: None },
    }
}

/// Parses `/proc/PID/stat`.
fn of_stat(stat: &str) -> Process {
    // The command's name, in parentheses, may hold anything: count the fields after it.
    let Some((_, fields)) = stat.rsplit_once(')') else { return Process::Alive { started: None } };
    let mut fields = fields.split_whitespace();
    match fields.next() {
        // A zombie has ended; only its parent has not noticed it yet.
        Some("Z" | "X") => Process::Gone,
        _ => Process::Alive { started: fields.nth(18).map(str::to_owned) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_ours_that_ended_is_gone_and_one_that_runs_is_not() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        let Process::Alive { started: Some(started) } = process(pid) else { panic!("{:?}", process(pid)) };
        let name = format!("{} pid {pid} started {started} lease 1", machine());
        assert!(!Holder::is_dead_here(&name));
        let reused = format!("{} pid {pid} started 1 lease 1", machine());
        assert!(Holder::is_dead_here(&reused), "another process has got the number");
        child.kill().unwrap();
        // Until it is waited for it is a zombie.
        while process(pid) != Process::Gone {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(process(pid), Process::Gone);
        assert!(Holder::is_dead_here(&name));
    }

    #[test]
    fn what_cannot_be_seen_is_not_dead() {
        assert_eq!(of_stat("1 (unreadable"), Process::Alive { started: None });
        let own = std::process::id();
        for elsewhere in [
            format!("another boot 12345678 ns 1 pid {own} started 1 lease 1"),
            // Of another process namespace, and of a release that did not name it.
            machine().replace(" ns ", " ns 9") + " pid 4000000 started 1 lease 1",
            machine().split(" ns ").next().unwrap().to_owned() + " pid 4000000 started 1 lease 1",
        ] {
            assert!(!Holder::is_dead_here(&elsewhere), "{elsewhere}");
        }
    }

    /// As under `ProtectProc=invisible` and `hidepid=2`: the process is there, its folder is not.
    #[test]
    fn a_process_that_proc_hides_is_alive_and_keeps_its_lease() {
        let hidden = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        let name = format!("{} pid {pid} started 1 lease 1", machine());
        assert_eq!(process_by(pid, hidden.path()), Process::Alive { started: None });
        assert!(!Holder::is_dead_by(&name, hidden.path()), "its lease would be taken while it works");
        // Where it can be seen, the same name is that of another process.
        assert!(Holder::is_dead_here(&name));
        // Its end needs no folder to be seen.
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Holder::is_dead_by(&name, hidden.path()));
    }

    #[test]
    fn of_the_own_process_a_lease_counts_only_while_it_is_held() {
        let holder = Holder::new();
        let name = holder.name();
        assert!(!Holder::is_dead_here(&name));
        drop(holder);
        assert!(Holder::is_dead_here(&name));
    }
}
