//! Finds installed server binaries, and runs each to verify it.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::binaries::version::{MINIMUM_MAJOR, Version};
use crate::error::one_line;
use crate::folder::account::Account;
use crate::{Error, Result};

/// Binaries that were run and printed their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub bin_dir: PathBuf,
    pub version: Version,
}

/// The places to search. A value, so that a test can search nowhere.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// Folders; each component may contain one `*` as a wildcard.
    patterns: Vec<PathBuf>,
    path: OsString,
}

impl Places {
    /// The places where common systems' packages install the server, then `PATH`.
    pub fn standard() -> Places {
        Places {
            patterns: [
                "/usr/lib/postgresql/*/bin", // Debian, Ubuntu
                "/usr/pgsql-*/bin",          // PostgreSQL's own packages for Fedora and RHEL
                "/usr/lib/postgresql*/bin",  // openSUSE
                "/usr/libexec/postgresql*",  // Alpine
                "/opt/homebrew/opt/postgresql@*/bin",
                "/opt/homebrew/opt/postgresql/bin",
                "/usr/local/opt/postgresql@*/bin",
                "/usr/local/opt/postgresql/bin",
                "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
                "/Applications/Postgres.app/Contents/Versions/*/bin",
                "/opt/local/lib/postgresql*/bin", // MacPorts
                "/usr/local/pgsql/bin",           // built from source
                "/usr/bin",                       // Fedora, Arch: also when PATH is bare
            ]
            .iter()
            .map(PathBuf::from)
            .collect(),
            path: env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// No places, as on a machine without PostgreSQL.
    #[cfg(test)]
    pub fn nowhere() -> Places {
        Places { patterns: Vec::new(), path: OsString::new() }
    }

    /// Every server found, newest first; equal versions in the order of the places. The one in the folder
    /// `downloaded` comes last, so that an installed one, which the system updates, is preferred. No other download
    /// is used: those of earlier versions of this program were not verified by hash.
    pub fn search(&self, downloaded: &Path, account: &Account, cwd: &Path) -> Vec<Binaries> {
        let mut seen = HashSet::new();
        let mut found: Vec<Binaries> = self
            .patterns
            .iter()
            .flat_map(|pattern| expand(pattern))
            .chain(env::split_paths(&self.path))
            .chain([downloaded.to_owned()])
            .filter(|folder| folder.is_absolute())
            .filter_map(|folder| {
                // Several links may lead to one installation.
                let real = fs::canonicalize(folder.join("postgres")).ok()?;
                seen.insert(real.clone()).then(|| prove(real.parent()?, account, cwd).ok())?
            })
            .collect();
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.version));
        found
    }
}

/// The newest server of this major version, or of any supported one.
pub(crate) fn pick(found: &[Binaries], major: Option<u32>) -> Option<Binaries> {
    found
        .iter()
        .find(|binaries| match major {
            Some(major) => binaries.version.major == major,
            None => binaries.version.major >= MINIMUM_MAJOR,
        })
        .cloned()
}

/// The server in a folder that the caller names. If it is unusable nothing else is tried, since the caller asked
/// for this one.
pub(crate) fn given(bin_dir: &Path, account: &Account, cwd: &Path) -> Result<Binaries> {
    let fail = |reason: String| Error::BinDir { path: bin_dir.to_owned(), reason };
    let real = fs::canonicalize(bin_dir).map_err(|error| fail(error.to_string()))?;
    let binaries = prove(&real, account, cwd).map_err(fail)?;
    if binaries.version.major < MINIMUM_MAJOR {
        return Err(fail(format!(
            "it is version {}, and {MINIMUM_MAJOR} or newer is needed",
            binaries.version
        )));
    }
    Ok(binaries)
}

/// Runs `postgres --version` as the server's account: a file that exists may still not run.
fn prove(bin_dir: &Path, account: &Account, cwd: &Path) -> Result<Binaries, String> {
    // Client-only packages contain neither, some wrappers only one.
    for program in ["postgres", "initdb"] {
        if !bin_dir.join(program).is_file() {
            return Err(format!("there is no program {program} in it"));
        }
    }
    let output = account
        .command(bin_dir.join("postgres"), cwd)
        .arg("--version")
        .output()
        .map_err(|error| format!("postgres does not run as {}: {error}", account.name))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    match Version::from_program_output(&printed) {
        Some(version) if output.status.success() => Ok(Binaries { bin_dir: bin_dir.to_owned(), version }),
        _ => Err(format!(
            "postgres --version does not say a version ({}): {}",
            output.status,
            one_line(&(printed + String::from_utf8_lossy(&output.stderr)), 3)
        )),
    }
}

/// The existing folders that match a path whose components may each contain one `*`.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::new()];
    for component in pattern.components() {
        let part = component.as_os_str();
        let Some((before, after)) = part.to_str().and_then(|part| part.split_once('*')) else {
            folders.iter_mut().for_each(|folder| folder.push(part));
            continue;
        };
        folders = folders
            .iter()
            .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
            .filter(|entry| {
                entry.file_name().to_str().is_some_and(|name| {
                    name.len() >= before.len() + after.len()
                        && name.starts_with(before)
                        && name.ends_with(after)
                })
            })
            .map(|entry| entry.path())
            .collect();
    }
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(major: u32, minor: u32) -> Binaries {
        Binaries { bin_dir: PathBuf::from(format!("/{major}.{minor}")), version: Version { major, minor } }
    }

    #[test]
    fn picks_the_data_s_major_version_else_the_newest() {
        let found = [binaries(17, 2), binaries(15, 18), binaries(13, 1)];
        assert_eq!(pick(&found, None), Some(binaries(17, 2)));
        assert_eq!(pick(&found, Some(15)), Some(binaries(15, 18)));
        assert_eq!(pick(&found, Some(16)), None);
        assert_eq!(pick(&found[2..], None), None);
    }

    #[test]
    fn expands_stars_to_folders() {
        let dir = tempfile::tempdir().expect("a folder");
        for folder in ["pg/9.6/bin", "pg/15/bin", "pg/15/lib", "pg-extra"] {
            fs::create_dir_all(dir.path().join(folder)).expect("a folder");
        }
        let names: Vec<PathBuf> = expand(&dir.path().join("pg/*/bin"));
        assert_eq!(names, [dir.path().join("pg/15/bin"), dir.path().join("pg/9.6/bin")]);
        assert_eq!(expand(&dir.path().join("p*tra")), [dir.path().join("pg-extra")]);
        assert!(expand(&dir.path().join("none/*/bin")).is_empty());
    }
}
