//! A machine on which nothing is configured: the program uses its embedded server, in a data folder that is not there yet.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tokio::process::Command;

use super::{CommandOutput, run_to_end};

/// A data folder whose server does not outlive the test.
pub struct OwnServer {
    pub folder: tempfile::TempDir,
}

impl OwnServer {
    pub fn new() -> OwnServer {
        let folder = tempfile::tempdir().unwrap();
        // As root the server's own account must get through.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711)).unwrap();
        OwnServer { folder }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub async fn run(&self, args: &[&str]) -> CommandOutput {
        run_to_end(self.command(args)).await
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gazelle-sync"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("GAZELLE_SYNC_DATA_DIR", self.data())
            .current_dir(self.folder.path())
            .kill_on_drop(true);
        command
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let Ok(text) = std::fs::read_to_string(self.data().join("postgres/data/postmaster.pid")) else {
            return;
        };
        if let Some(pid) =
            text.lines().next().and_then(|pid| rustix::process::Pid::from_raw(pid.parse().ok()?))
        {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
    }
}
