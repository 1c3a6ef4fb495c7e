//! The version and date of a release, and how external tools are run.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The version in the names of all files, and the time of their contents.
pub(super) struct Release {
    pub(super) version: &'static str,
    /// The time of the commit, in seconds since 1970: each file in an archive has it.
    pub(super) epoch: String,
}

/// Runs a command. Returns its standard output, or an error with its standard error.
pub(super) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let what = command.get_program().to_string_lossy().into_owned();
    let ended = command.output().with_context(|| format!("starting {what}"))?;
    ensure!(ended.status.success(), "{what} failed: {}", String::from_utf8_lossy(&ended.stderr).trim());
    Ok(ended.stdout)
}
