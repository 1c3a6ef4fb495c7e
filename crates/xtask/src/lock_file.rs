//! The packages of `Cargo.lock`.

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// A package of the lock file.
#[derive(Deserialize)]
pub(crate) struct LockedPackage {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SHA-256 of its archive; none for packages of this workspace.
    pub(crate) checksum: Option<String>,
}

#[derive(Deserialize)]
struct LockFile {
    package: Vec<LockedPackage>,
}

/// Every package, those that are not built on this machine too.
///
/// # Errors
/// The text is no lock file.
pub(crate) fn packages(text: &str) -> Result<Vec<LockedPackage>> {
    let lock: LockFile = toml::from_str(text).context("Cargo.lock cannot be read")?;
    Ok(lock.package)
}
