//! Resolves a path element by element.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

/// As many symbolic links as Linux follows.
const MOST_LINKS: usize = 40;

/// Resolves a path, and calls `passes` for each folder and link before following it. Returns the resolved path,
/// which is no link; `None` if it does not exist.
pub(super) fn walk(
    path: &Path,
    passes: &mut dyn FnMut(&Path, &Metadata) -> io::Result<()>,
) -> io::Result<Option<(PathBuf, Metadata)>> {
    let mut at = PathBuf::from("/");
    let mut found = fs::symlink_metadata(&at)?;
    let mut left = steps(&std::path::absolute(path)?);
    let mut links = 0;
    while let Some(name) = left.pop() {
        passes(&at, &found)?;
        // The path so far contains no link, so its parent is what `..` means.
        let next = if name == ".." { at.parent().unwrap_or(&at).to_owned() } else { at.join(name) };
        found = match fs::symlink_metadata(&next) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        if !found.is_symlink() {
            at = next;
            continue;
        }
        passes(&next, &found)?;
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::other(format!("{} leads over too many links", path.display())));
        }
        let target = fs::read_link(&next)?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        found = fs::symlink_metadata(&at)?;
        left.extend(steps(&target));
    }
    Ok(Some((at, found)))
}

/// The names of a path, last first.
fn steps(path: &Path) -> Vec<OsString> {
    let names =
        path.components().rev().filter(|one| matches!(one, Component::Normal(_) | Component::ParentDir));
    names.map(|one| one.as_os_str().to_owned()).collect()
}
