//! Running the program with little memory and little time.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::CommandOutput;

/// What a process may reserve, in KiB: its code, stacks and buffers, and a few times all that it is sent at once. A value for
/// each entry of a hostile answer would take more.
pub const MEMORY: u64 = 320 * 1024;

/// How often memory is looked at; the kernel keeps the peak, so that only the last moments can be missed.
const SAMPLE: Duration = Duration::from_millis(10);

/// What a program with limits did.
#[derive(Debug)]
pub struct LimitedRun {
    pub ran: CommandOutput,
    /// The most memory that it held, in KiB; 0 where the system does not tell.
    pub peak: u64,
    pub took: Duration,
}

/// Runs it to its end with [`MEMORY`], or says that it did not end within this time.
pub async fn run_with_memory_limit(command: &Command, time: Duration) -> Result<LimitedRun, String> {
    let command = command.as_std();
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("ulimit -v {MEMORY} && exec \"$0\" \"$@\""))
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        // What is reserved and not used counts too; that depends on the machine's processors otherwise.
        .env("MALLOC_ARENA_MAX", "2")
        .env("TOKIO_WORKER_THREADS", "2")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    let begun = Instant::now();
    let child = shell.spawn().expect("a shell starts");
    let status = child.id().map(|pid| format!("/proc/{pid}/status")).unwrap_or_default();
    let mut peak = 0;
    let mut ended = Box::pin(tokio::time::timeout(time, child.wait_with_output()));
    let output = loop {
        tokio::select! {
            biased;
            output = &mut ended => break output,
            // Looking again, not a wait for something.
            () = tokio::time::sleep(SAMPLE) => peak = peak.max(peak_memory(&status)),
        }
    };
    let took = begun.elapsed();
    let output = output.map_err(|_| format!("still running after {} s", time.as_secs()))?;
    let output = output.expect("the program was waited for");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    Ok(LimitedRun {
        ran: CommandOutput { code, stdout: text(output.stdout), stderr: text(output.stderr) },
        peak,
        took,
    })
}

/// The most memory that a running process has held, in KiB; 0 where the system does not tell.
pub fn peak_of(pid: u32) -> u64 {
    peak_memory(&format!("/proc/{pid}/status"))
}

/// The peak so far of a process, by the file that tells of it.
fn peak_memory(status: &str) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// The same command in a process that may reserve so many KiB of memory, and no more.
pub fn with_memory(command: &Command, most: usize) -> Command {
    let command = command.as_std();
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -v \"$0\" && exec \"$@\"", &most.to_string()])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}
