//! Stops a server and waits until its process is gone.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::start::Process;
use crate::process::{is_postmaster, signal};
use crate::{Error, Result};

/// The longest wait for a fast shutdown, which writes a checkpoint first.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest wait for an immediate shutdown, which leaves recovery to the next start.
const LAST_PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(2);

/// A server to stop, started here or elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub pid: i32,
    pub data: PathBuf,
    /// Set if it is our child: its end is then known without checking a pid that may be reused.
    pub process: Option<Process>,
}

impl Target {
    pub fn is_gone(&self) -> bool {
        match &self.process {
            Some(process) => process.ended().is_some(),
            None => !is_postmaster(self.pid, &self.data),
        }
    }

    /// Requests a fast shutdown (clients are disconnected, everything is written), then an immediate one.
    pub fn stop(&self) -> Result<()> {
        if self.end(Signal::INT, PATIENCE) || self.end(Signal::QUIT, LAST_PATIENCE) {
            return Ok(());
        }
        Err(Error::Stop {
            data: self.data.clone(),
            pid: self.pid,
            seconds: (PATIENCE + LAST_PATIENCE).as_secs(),
        })
    }

    /// Sends the signal and waits; returns whether the server is gone.
    pub fn end(&self, with: Signal, patience: Duration) -> bool {
        if self.is_gone() {
            return true;
        }
        signal(self.pid, with);
        let deadline = Instant::now() + patience;
        while !self.is_gone() {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }
}
