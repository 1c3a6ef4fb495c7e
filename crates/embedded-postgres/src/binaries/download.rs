//! Downloads server programs if none are installed: an archive of
//! <https://github.com/theseus-rs/postgresql-binaries> with a known hash, and no other.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::binaries::find::{self, Binaries};
use crate::binaries::pinned::{self, Archive};
use crate::binaries::unpack::unpack;
use crate::error::chain;
use crate::folder::Folder;
use crate::folder::handle::{ALL_MAY_ENTER, FolderHandle};

/// The longest wait for a connection, for example without a network.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time for the download of some 20 MiB.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(600);
/// More bytes than any archive has.
const LARGEST: usize = 64 * 1024 * 1024;
/// Prefix of the folders of unfinished downloads.
const UNFINISHED: &str = "new-";

/// Downloads, verifies and unpacks a server of this major version, or of the default one. The caller holds the
/// start lock. The error is only the reason, for the caller's message.
pub(crate) async fn download(folder: &Folder, major: Option<u32>) -> Result<Binaries, String> {
    let archive = pinned::archive(major)?;
    tracing::info!(version = archive.version, from = archive.url, "downloading PostgreSQL");
    let bytes = get(&client()?, &archive).await?;
    let place = folder.downloads().join(archive.version);
    let into = folder.clone();
    tokio::task::spawn_blocking(move || install(&into, archive.version, &bytes))
        .await
        .map_err(|error| error.to_string())??;
    find::given(&place.join("bin"), &folder.account, &folder.root).map_err(|error| error.to_string())
}

/// Sends nothing from the environment, but uses the proxy that it names.
fn client() -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder()
        .connect_timeout(REACH_TIMEOUT)
        .timeout(ARCHIVE_TIMEOUT)
        .https_only(true)
        .referer(false)
        .user_agent(concat!("embedded-postgres/", env!("CARGO_PKG_VERSION")));
    client.build().map_err(|error| chain(&error))
}

/// Downloads an archive and checks its hash.
async fn get(client: &reqwest::Client, archive: &Archive) -> Result<Vec<u8>, String> {
    let url = &archive.url;
    let fail = |error: reqwest::Error| format!("{url}: {}", chain(&error.without_url()));
    let mut answer =
        client.get(url).send().await.and_then(reqwest::Response::error_for_status).map_err(fail)?;
    let mut bytes = Vec::new();
    while let Some(more) = answer.chunk().await.map_err(fail)? {
        if bytes.len() + more.len() > LARGEST {
            return Err(format!("{url} is larger than {} MiB", LARGEST >> 20));
        }
        bytes.extend_from_slice(&more);
    }
    let hash = sha_256(&bytes);
    if hash != archive.sha_256 {
        return Err(format!(
            "{url} is not the file that this program knows: its SHA-256 is {hash} and not {}",
            archive.sha_256
        ));
    }
    Ok(bytes)
}

pub(crate) fn sha_256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Unpacks into a temporary folder, then renames it, so that a folder with a version's name is complete. The
/// server's account owns the parent and could replace `bin`: the existing one is used only if this process's
/// account owns it.
fn install(folder: &Folder, version: &str, bytes: &[u8]) -> Result<(), String> {
    let place = folder.downloads().join(version);
    let fail = |error: io::Error| format!("cannot unpack to {}: {error}", place.display());
    let downloads = downloads(folder)?;
    // Remove what killed programs left, and a broken folder of this version.
    for name in downloads.names().map_err(fail)? {
        if name.to_string_lossy().starts_with(UNFINISHED) || name == version {
            downloads.remove(&name).map_err(fail)?;
        }
    }
    let unfinished = format!("{UNFINISHED}{}", std::process::id());
    let unfinished = OsStr::new(&unfinished);
    let around = downloads.make_folder(unfinished, 0o700).map_err(fail)?;
    let inner = OsStr::new("postgresql");
    let into = around.make_folder(inner, ALL_MAY_ENTER).map_err(fail)?;
    unpack(bytes, &into)?;
    around.rename(inner, &downloads, OsStr::new(version)).map_err(fail)?;
    downloads.remove(unfinished).map_err(fail)
}

/// The folder of downloaded programs, created if absent. Only this process's account may change it; the server's
/// account may enter it.
fn downloads(folder: &Folder) -> Result<FolderHandle, String> {
    let path = folder.downloads();
    let fail = |error: io::Error| format!("cannot use {}: {error}", path.display());
    let around = folder.held().map_err(|error| error.to_string())?;
    let name = OsStr::new("bin");
    let downloads = match around.folder(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => around.make_folder(name, ALL_MAY_ENTER),
        found => found,
    };
    let downloads = downloads.map_err(|error| match FolderHandle::is_no_folder(&error) {
        true => format!(
            "{} is a link or a file, and not a folder: see who made it, and remove it",
            path.display()
        ),
        false => fail(error),
    })?;
    let owner = downloads.owner().map_err(fail)?;
    is_ours(&path, owner, rustix::process::geteuid().as_raw())?;
    downloads.set_mode(ALL_MAY_ENTER).map_err(fail)?;
    Ok(downloads)
}

/// Refuses a folder of another owner, who could change the programs in it.
fn is_ours(path: &Path, owner: u32, me: u32) -> Result<(), String> {
    if owner == me {
        return Ok(());
    }
    Err(format!(
        "{} belongs to user id {owner}, who could change the programs, and not to {me}: see who made it, and remove it",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A folder that the server's account can enter, containing a server's folder.
    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir_in("/tmp").expect("a folder");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).expect("opened");
        let folder = Folder::prepare(&dir.path().join("data")).expect("a folder");
        (dir, folder)
    }

    /// Like the real archives: one folder named after version and system, with the usual folders in it.
    fn archive(dir: &Path) -> Vec<u8> {
        let name = "postgresql-17.2.0-x86_64-unknown-linux-gnu";
        let bin = dir.join(name).join("bin");
        fs::create_dir_all(&bin).expect("a folder");
        for program in ["postgres", "initdb"] {
            let path = bin.join(program);
            fs::write(&path, "#!/bin/sh\necho 'postgres (PostgreSQL) 17.2'\n").expect("a script");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
        }
        let packed = std::process::Command::new("tar").args(["-cz", "-C"]).arg(dir).arg(name).output();
        packed.expect("tar runs").stdout
    }

    #[tokio::test]
    async fn no_network_is_found_out_at_once() {
        // A host name that never exists.
        let archive = Archive { version: "17", url: "https://host.invalid/a.tar.gz".to_owned(), sha_256: "" };
        let reason = get(&client().expect("a client"), &archive).await.expect_err("unreachable");
        assert!(reason.starts_with("https://host.invalid/a.tar.gz: "), "{reason}");
    }

    #[tokio::test]
    async fn only_the_bytes_that_are_known_are_taken_and_nothing_is_told_to_who_serves_them() {
        let served = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/a.tar.gz", served.local_addr().expect("an address"));
        let serving = tokio::spawn(async move {
            let mut asked = String::new();
            for _ in 0..2 {
                let (mut stream, _) = served.accept().await.expect("a connection");
                let mut read = vec![0; 4096];
                let length = stream.read(&mut read).await.expect("a request");
                asked.push_str(&String::from_utf8_lossy(&read[..length]));
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
                stream.write_all(answer).await.expect("answered");
            }
            asked.to_lowercase()
        });
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        // The published hash of "abc", and one that differs in its last digit.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut archive = Archive { version: "17", url, sha_256: known };
        assert_eq!(get(&client, &archive).await, Ok(b"abc".to_vec()));
        archive.sha_256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae";
        let reason = get(&client, &archive).await.expect_err("another file");
        assert!(
            reason.contains("is not the file that this program knows") && reason.contains(known),
            "{reason}"
        );
        let asked = serving.await.expect("served");
        for header in ["authorization", "cookie", "token"] {
            assert!(!asked.contains(header), "{asked}");
        }
        // The real client refuses addresses without TLS.
        let reason = get(&self::client().expect("a client"), &archive).await.expect_err("in clear");
        assert!(reason.contains("scheme"), "{reason}");
    }

    #[test]
    fn an_archive_becomes_binaries_that_the_account_can_run() {
        let (dir, folder) = folder();
        let bytes = archive(dir.path());
        // A left-over of a killed program.
        fs::create_dir_all(folder.downloads().join("new-1/x")).expect("a folder");
        for _twice in 0..2 {
            install(&folder, "17.2.0", &bytes).expect("unpacked");
        }
        let search = || find::Places::nowhere().search(&folder.downloaded(), &folder.account, &folder.root);
        assert_eq!(search(), [], "an earlier program's, which no hash is known of");
        install(&folder, pinned::VERSION, &bytes).expect("unpacked");
        let found = search();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].version.to_string(), "17.2");
        let entries = fs::read_dir(folder.downloads()).expect("a folder");
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, [pinned::VERSION, "17.2.0"]);
    }

    #[test]
    fn a_link_that_the_servers_account_planted_leads_nothing_elsewhere() {
        let (dir, folder) = folder();
        let bytes = archive(dir.path());
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir_all(elsewhere.join("new-of somebody else")).expect("a folder");
        fs::create_dir_all(elsewhere.join("17.2.0/precious")).expect("a folder");
        fs::set_permissions(&elsewhere, Permissions::from_mode(0o700)).expect("closed");
        let untouched = |why: &str| {
            let mode = fs::metadata(&elsewhere).expect("there").permissions().mode() & 0o777;
            let all = [elsewhere.join("new-of somebody else"), elsewhere.join("17.2.0/precious")];
            assert!(mode == 0o700 && all.iter().all(|it| it.exists()), "{why}: mode {mode:o}");
            assert_eq!(fs::read_dir(&elsewhere).expect("there").count(), 2, "{why}");
        };
        // Planted in place of the folder.
        symlink(&elsewhere, folder.downloads()).expect("a link");
        let why = install(&folder, "17.2.0", &bytes).expect_err("refused");
        assert!(why.contains("is a link") && why.contains("remove it"), "{why}");
        untouched(&why);
        // Planted in it, under the names that are removed first.
        fs::remove_file(folder.downloads()).expect("removed");
        fs::create_dir(folder.downloads()).expect("a folder");
        symlink(&elsewhere, folder.downloads().join("new-1")).expect("a link");
        symlink(&elsewhere, folder.downloads().join("17.2.0")).expect("a link");
        install(&folder, "17.2.0", &bytes).expect("unpacked");
        untouched("links inside");
        assert!(folder.downloads().join("17.2.0/bin/postgres").is_file());
    }

    #[test]
    fn a_folder_of_another_account_is_not_filled() {
        let path = Path::new("/var/lib/sync/postgres/bin");
        assert_eq!(is_ours(path, 0, 0), Ok(()));
        for (owner, me) in [(101, 0), (0, 1000)] {
            let why = is_ours(path, owner, me).expect_err("refused");
            assert!(
                why.contains(&format!("belongs to user id {owner}")) && why.contains("remove it"),
                "{why}"
            );
        }
        // Only root can change a folder's owner to test this.
        if rustix::process::geteuid().is_root() {
            let (dir, folder) = folder();
            fs::create_dir(folder.downloads()).expect("a folder");
            std::os::unix::fs::chown(folder.downloads(), Some(folder.account.uid), None).expect("given away");
            let why = install(&folder, "17.2.0", &archive(dir.path())).expect_err("refused");
            assert!(why.contains("belongs to user id"), "{why}");
        }
    }
}
