//! Makes a new cluster: beside its place, then renamed, so that a half-made one is never taken for whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::attach::USER;
use crate::error::one_line;
use crate::find::Binaries;
use crate::folder::Folder;
use crate::start::{self, Bond};
use crate::version::MINIMUM_MAJOR;
use crate::{Error, Result};

/// The major version of an existing cluster; None when there is none yet.
pub(crate) fn existing_major(data: &Path) -> Result<Option<u32>> {
    let not_a_cluster = |reason: String| Error::NotACluster { path: data.to_owned(), reason };
    match fs::read_to_string(data.join("PG_VERSION")) {
        Ok(text) => {
            // Before 10 a major version had two numbers.
            let major = text.trim().split('.').next().and_then(|number| number.parse().ok());
            let major = major.ok_or_else(|| not_a_cluster(format!("PG_VERSION says {:?}", text.trim())))?;
            if major < MINIMUM_MAJOR {
                let data = data.to_owned();
                return Err(Error::DataTooOld { data, major });
            }
            Ok(Some(major))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut entries = match fs::read_dir(data) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                other => other.map_err(Error::io("read", data))?,
            };
            if entries.next().is_some() {
                return Err(not_a_cluster("there is no PG_VERSION in it".to_owned()));
            }
            Ok(None)
        }
        Err(error) => Err(Error::io("read", data.join("PG_VERSION"))(error)),
    }
}

/// What every cluster is made with.
pub(crate) const ARGUMENTS: &[&str] =
    &["-U", USER, "-E", "UTF8", "--auth-local=trust", "--auth-host=reject", "--no-instructions"];

/// What makes a cluster quickly and not for keeps.
pub(crate) const NOT_DURABLE: &[&str] = &["--no-sync"];

/// Makes the cluster of `folder`, with `extra` arguments. The caller holds the start lock.
pub(crate) async fn create(folder: &Folder, binaries: &Binaries, extra: &[&str]) -> Result<()> {
    remove_leftovers(&folder.root)?;
    let unfinished = folder.root.join(format!("data.new-{}", std::process::id()));
    run(folder, binaries, &unfinished, extra).await?;
    let data = folder.data();
    fs::rename(&unfinished, &data).map_err(Error::io("move the new cluster to", &data))?;
    // The rename survives a power cut too; initdb has seen to the files.
    File::open(&folder.root).and_then(|root| root.sync_all()).map_err(Error::io("write", &folder.root))
}

/// Runs `initdb` on `target`.
async fn run(folder: &Folder, binaries: &Binaries, target: &Path, extra: &[&str]) -> Result<()> {
    // Sorted by bytes, which is fast and never changes with the system's libraries; but knowing the letters of all
    // languages.
    let locale: &[&str] = if binaries.version.major >= 17 {
        &["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    } else {
        &["--locale=C", "--lc-ctype=C.UTF-8"]
    };
    match run_with(folder, binaries, target, locale, extra).await {
        // A system without that locale.
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
    start::bind(&mut command, Bond::Killed);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .map_err(std::io::Error::other)
        .and_then(|output| output)
        .map_err(Error::io("run", &program))?;
    if output.status.success() {
        return Ok(());
    }
    // initdb removes what it made.
    Err(Error::Initdb {
        path: folder.data(),
        output: format!("{}: {}", output.status, one_line(&String::from_utf8_lossy(&output.stderr), 5)),
    })
}

/// Removes what a killed program had begun.
fn remove_leftovers(root: &Path) -> Result<()> {
    let entries = fs::read_dir(root).map_err(Error::io("read", root))?;
    let leftovers: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("data.new-"))
        .map(|entry| entry.path())
        .collect();
    for leftover in leftovers {
        fs::remove_dir_all(&leftover).map_err(Error::io("remove", &leftover))?;
    }
    Ok(())
}
