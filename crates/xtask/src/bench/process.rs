//! Running a program and measuring it: wall clock, CPU, the most memory it held.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// How often memory is looked at; the kernel keeps the peak, so only the last moments can be missed.
const MEMORY_SAMPLE: Duration = Duration::from_millis(10);
/// `USER_HZ`, in which Linux reports CPU time on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a program took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// From start to end.
    pub seconds: f64,
    /// User and system.
    pub cpu: f64,
    /// `VmHWM`.
    pub peak_mib: f64,
}

/// Runs a program to its end; returns what it took and its stdout. An exit status other than 0 is an error.
pub fn measure(command: &mut Command) -> Result<(Measured, String)> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} does not start"))?;
    let pid = child.id();
    let memory = thread::spawn(move || peak_of(pid));
    let mut stdout = child.stdout.take().context("no stdout")?;
    let mut stderr = child.stderr.take().context("no stderr")?;
    let said = thread::spawn(move || std::io::read_to_string(&mut stderr));
    let answer = std::io::read_to_string(&mut stdout)?;
    // Ended but not yet reaped: its CPU times can still be read.
    let id = Pid::from_raw(i32::try_from(pid)?).context("no process id")?;
    waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = times(pid).map_or(0.0, |times| times.own);
    let status = child.wait()?;
    let peak_mib = memory.join().unwrap_or_default();
    if !status.success() {
        let said = said.join().ok().and_then(Result::ok).unwrap_or_default();
        bail!("{name} failed ({status}): {answer}{said}");
    }
    Ok((Measured { seconds, cpu, peak_mib }, answer))
}

/// Follows a process to its end; returns its peak in MiB.
fn peak_of(pid: u32) -> f64 {
    let mut peak = 0.0_f64;
    while let Some(now) = peak_now(pid) {
        peak = peak.max(now);
        thread::sleep(MEMORY_SAMPLE);
    }
    peak
}

/// The peak so far; none once the process has ended.
fn peak_now(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// CPU seconds of a process and of its ended children.
struct Times {
    parent: u32,
    own: f64,
    ended_children: f64,
}

fn times(pid: u32) -> Option<Times> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold spaces: the rest begins with the state, field 3.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let seconds = |index: usize| Some(fields.get(index)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    Some(Times {
        parent: fields.get(1)?.parse().ok()?,
        own: seconds(11)? + seconds(12)?,
        ended_children: seconds(13)? + seconds(14)?,
    })
}

/// CPU seconds so far of a process and all its children, ended ones included.
pub fn cpu_of_tree(pid: u32) -> f64 {
    let mut sum = times(pid).map_or(0.0, |times| times.own + times.ended_children);
    let Ok(processes) = fs::read_dir("/proc") else { return sum };
    for entry in processes.flatten() {
        if let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok())
            && let Some(times) = times(child).filter(|times| times.parent == pid)
        {
            sum += times.own + times.ended_children;
        }
    }
    sum
}
