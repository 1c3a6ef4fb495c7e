//! Checks that only root, this process's account and the server's account could replace the data folder, and that no other
//! account created it beforehand: such an account could make a server of its own receive the data.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use crate::folder::account::Account;
use crate::folder::group;
use crate::folder::handle::FolderHandle;
use crate::{Error, Result};

/// As many symbolic links as Linux follows.
const MOST_LINKS: usize = 40;
const STICKY: u32 = 0o1000;

/// Walks down to the data folder through open folder handles, creating what is absent, with passage for others if
/// the server runs as another account. Returns the folder and its resolved path.
pub(crate) fn reach(data_dir: &Path, account: &Account) -> Result<(FolderHandle, PathBuf)> {
    let top = || FolderHandle::top().map_err(Error::io("open", "/"));
    let (mut at, mut held) = (PathBuf::from("/"), top()?);
    let owner_of_all = held.owner().map_err(Error::io("open", "/"))?;
    let walk = Walk { data_dir, account, owner_of_all };
    let mut left = steps(data_dir);
    let mut links = 0;
    loop {
        let found = held.metadata().map_err(Error::io("open", &at))?;
        let is_open = walk.judge(&at, &found, left.is_empty())?;
        let Some(name) = left.pop() else {
            walk.judge_place_of_server(&at, &found, is_open)?;
            return Ok((held, at));
        };
        if name == ".." {
            at.pop();
            held = held.enter(&name).map_err(Error::io("open", &at))?;
            continue;
        }
        let next = at.join(&name);
        match held.enter(&name) {
            Ok(folder) => {
                let owner = folder.owner().map_err(Error::io("open", &next))?;
                walk.judge_maker(&next, owner, &at, is_open)?;
                (at, held) = (next, folder);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mode = if account.switch { 0o711 } else { 0o700 };
                match held.make_folder(&name, mode) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(Error::io("create the folder", &next)(error));
                    }
                    // If another program creates it at the same time, that one is used if it passes the checks.
                    _ => left.push(name),
                }
            }
            Err(error) if FolderHandle::is_no_folder(&error) => {
                let Ok(to) = held.link(&name) else {
                    let error = io::Error::new(io::ErrorKind::NotADirectory, "it is a file, not a folder");
                    return Err(Error::io("use", &next)(error));
                };
                links += 1;
                if links > MOST_LINKS {
                    return Err(Error::io("use", data_dir)(io::Error::other("it leads over too many links")));
                }
                walk.judge_link(&next, held.owner_of(&name).map_err(Error::io("open", &next))?)?;
                if to.is_absolute() {
                    (at, held) = (PathBuf::from("/"), top()?);
                }
                left.extend(steps(&to));
            }
            Err(error) => return Err(Error::io("open", &next)(error)),
        }
    }
}

/// The names of a path, last first.
fn steps(path: &Path) -> Vec<OsString> {
    let names =
        path.components().rev().filter(|one| matches!(one, Component::Normal(_) | Component::ParentDir));
    names.map(|one| one.as_os_str().to_owned()).collect()
}

struct Walk<'a> {
    data_dir: &'a Path,
    account: &'a Account,
    /// The owner of `/`, who counts as root: in a user namespace that does not map root, it has another number.
    owner_of_all: u32,
}

impl Walk<'_> {
    /// Refuses a folder in which other accounts could replace an entry. Returns whether they may create entries of
    /// their own there, as in `/tmp`: with the sticky bit each account can replace only its own.
    fn judge(&self, at: &Path, found: &Metadata, is_last: bool) -> Result<bool> {
        if !self.is_trusted(found.uid()) && !is_last {
            // Do not suggest chown for a parent folder: it would affect everything its owner has there.
            return Err(Error::Untrusted {
                path: self.data_dir.to_owned(),
                what: format!(
                    "{} belongs to user id {}, who could exchange the server's folder",
                    at.display(),
                    found.uid()
                ),
                advice: "choose another data folder, below folders of your own or of root, such as /var/lib/gazelle-sync; \
                         or run this as that user"
                    .to_owned(),
            });
        }
        if !self.is_trusted(found.uid()) {
            return Err(self.refused(
                format!(
                    "{} belongs to user id {}, who could exchange the server's folder",
                    at.display(),
                    found.uid()
                ),
                format!("if that is meant: chown {} {}", self.who(), at.display()),
            ));
        }
        let mode = found.mode();
        if mode & 0o022 == 0
            || mode & 0o002 == 0
                && group::has_no_other_member(at, found.gid(), &self.trusted(), &[], Path::new("/etc"))
        {
            return Ok(false);
        }
        match mode & STICKY {
            0 => Err(self.refused(
                format!("{} can be written by other accounts (mode {:o})", at.display(), mode & 0o7777),
                format!("run: chmod go-w {}", at.display()),
            )),
            _ => Ok(true),
        }
    }

    /// Root uses another account's folder only if root put it there: where any account may create folders, the
    /// account could have created it to receive the data.
    fn judge_maker(&self, path: &Path, owner: u32, around: &Path, is_open: bool) -> Result<()> {
        if is_open && self.account.switch && owner == self.account.uid && owner != self.owner_of_all {
            return Err(self.refused(
                format!(
                    "{} belongs to {}, and stands in {}, where that account may have made it by itself",
                    path.display(),
                    self.account.name,
                    around.display()
                ),
                "see who made it".to_owned(),
            ));
        }
        Ok(())
    }

    /// Refuses a parent of the server's folder in which any account may create folders.
    fn judge_place_of_server(&self, at: &Path, found: &Metadata, is_open: bool) -> Result<()> {
        if is_open && self.account.switch {
            return Err(self.refused(
                format!(
                    "any account may make folders there (mode {:o}), and so the server's",
                    found.mode() & 0o7777
                ),
                format!("name a folder of its own, such as {}", at.join("gazelle-sync").display()),
            ));
        }
        Ok(())
    }

    /// Allows a link that we or root own. A link of another account could lead root anywhere.
    fn judge_link(&self, path: &Path, owner: u32) -> Result<()> {
        if [self.who(), 0, self.owner_of_all].contains(&owner) {
            return Ok(());
        }
        Err(self.refused(
            format!("{} is a link of user id {owner}", path.display()),
            "name the folder that it leads to".to_owned(),
        ))
    }

    fn is_trusted(&self, owner: u32) -> bool {
        owner == self.owner_of_all || self.trusted().contains(&owner)
    }

    fn trusted(&self) -> [u32; 3] {
        [0, self.who(), self.account.uid]
    }

    fn who(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn refused(&self, what: String, advice: String) -> Error {
        let advice = format!("{advice}, or choose another data folder");
        Error::Untrusted { path: self.data_dir.to_owned(), what, advice }
    }
}
