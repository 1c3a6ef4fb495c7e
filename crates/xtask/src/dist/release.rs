//! What the parts of a release share.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// What all files are named by, and dated by.
pub(super) struct Release {
    pub(super) version: &'static str,
    /// The time of the commit, in seconds since 1970: each file in an archive has it.
    pub(super) epoch: String,
}

/// What a command prints; an error with its own words if it fails.
pub(super) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let what = command.get_program().to_string_lossy().into_owned();
    let ended = command.output().with_context(|| format!("starting {what}"))?;
    ensure!(ended.status.success(), "{what} failed: {}", String::from_utf8_lossy(&ended.stderr).trim());
    Ok(ended.stdout)
}
