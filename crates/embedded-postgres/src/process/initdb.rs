//! Creates a new cluster under a temporary name and renames it, so that an incomplete one is never used.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use crate::binaries::find::Binaries;
use crate::binaries::version::MINIMUM_MAJOR;
use crate::error::one_line;
use crate::folder::Folder;
use crate::folder::handle::FolderHandle;
use crate::process::attach::USER;
use crate::process::start::{self, ParentDeath};
use crate::{Error, Result};

const VERSION_FILE: &str = "PG_VERSION";
/// Prefix of the names of unfinished clusters.
const UNFINISHED: &str = "data.new-";

/// Whether there is a cluster in a data folder. Nothing is created. Where this account may not look, there may be one:
/// [`Server::start_or_attach`](crate::Server::start_or_attach) says what is wrong.
pub fn has_cluster(data_dir: &Path) -> bool {
    let version = crate::folder::cluster_of(data_dir).join(VERSION_FILE);
    !std::fs::metadata(version).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The major version of an existing cluster; `None` if there is none yet.
pub(crate) fn existing_major(folder: &Folder) -> Result<Option<u32>> {
    let data = folder.data();
    let not_a_cluster = |reason: String| Error::NotACluster { path: data.clone(), reason };
    let Some(held) = folder.held_data()? else { return Ok(None) };
    match held.read_short(OsStr::new(VERSION_FILE)) {
        Ok((text, _)) => {
            // Before version 10 the major version had two numbers.
            let major = text.trim().split('.').next().and_then(|number| number.parse().ok());
            let major = major.ok_or_else(|| not_a_cluster("its PG_VERSION says no version".to_owned()))?;
            if major < MINIMUM_MAJOR {
                return Err(Error::DataTooOld { data, major });
            }
            Ok(Some(major))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match held.names().map_err(Error::io("read", &data))?.is_empty() {
                true => Ok(None),
                false => Err(not_a_cluster("there is no PG_VERSION in it".to_owned())),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(Error::Planted { path: data.join(VERSION_FILE), what: error.to_string() })
        }
        Err(error) => Err(Error::io("read", data.join(VERSION_FILE))(error)),
    }
}

/// The arguments of `initdb` for every cluster.
pub(crate) const ARGUMENTS: &[&str] =
    &["-U", USER, "-E", "UTF8", "--auth-local=trust", "--auth-host=reject", "--no-instructions"];

/// The arguments for a cluster that is created quickly and need not be durable.
pub(crate) const NOT_DURABLE: &[&str] = &["--no-sync"];

/// Creates the cluster of `folder`, with `extra` arguments. The caller holds the start lock.
pub(crate) async fn create(folder: &Folder, binaries: &Binaries, extra: &[&str]) -> Result<()> {
    let held = folder.held()?;
    remove_leftovers(&held).map_err(Error::io("remove what a killed program left in", &folder.root))?;
    let name = format!("{UNFINISHED}{}", std::process::id());
    run(folder, binaries, &folder.root.join(&name), extra).await?;
    let data = folder.data();
    held.rename(OsStr::new(&name), &held, OsStr::new("data"))
        .map_err(Error::io("move the new cluster to", &data))?;
    // Makes the rename durable, too; initdb has synced the files.
    held.sync().map_err(Error::io("write", &folder.root))
}

/// Runs `initdb` on `target`.
async fn run(folder: &Folder, binaries: &Binaries, target: &Path, extra: &[&str]) -> Result<()> {
    // Byte order for sorting, which is fast and does not change with the system's libraries, but character classes
    // of all languages.
    let locale: &[&str] = if binaries.version.major >= 17 {
        &["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    } else {
        &["--locale=C", "--lc-ctype=C.UTF-8"]
    };
    match run_with(folder, binaries, target, locale, extra).await {
        // The system lacks that locale.
        Err(Error::Initdb { output, .. }) if output.contains("locale") => {
            run_with(folder, binaries, target, &["--locale=C"], extra).await
        }
        other => other,
    }
}

async fn run_with(
    folder: &Folder,
    binaries: &Binaries,
    target: &Path,
    locale: &[&str],
    extra: &[&str],
) -> Result<()> {
    let program = binaries.bin_dir.join("initdb");
    let mut command = folder.account.command(&program, &folder.root);
    command.arg("-D").arg(target).args(ARGUMENTS).args(locale).args(extra);
    start::set_parent_death(&mut command, ParentDeath::Kill);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .map_err(std::io::Error::other)
        .and_then(|output| output)
        .map_err(Error::io("run", &program))?;
    if output.status.success() {
        return Ok(());
    }
    // initdb has removed what it created.
    Err(Error::Initdb {
        path: folder.data(),
        output: format!("{}: {}", output.status, one_line(&String::from_utf8_lossy(&output.stderr), 5)),
    })
}

/// Removes unfinished clusters of killed programs.
fn remove_leftovers(held: &FolderHandle) -> io::Result<()> {
    for name in held.names()? {
        if name.to_string_lossy().starts_with(UNFINISHED) {
            held.remove(&name)?;
        }
    }
    Ok(())
}
