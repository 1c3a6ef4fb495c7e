//! Checks that only root, this process's account and the server's account could replace the data folder, and that
//! no other account created it beforehand: whoever could would have a server of his own receive the data.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use crate::folder::account::Account;
use crate::folder::held::Held;
use crate::{Error, Result};

/// As many symbolic links as Linux follows.
const MOST_LINKS: usize = 40;
const STICKY: u32 = 0o1000;

/// Walks down to the data folder through open folder handles, creating what is absent, with passage for others if
/// the server runs as another account. Returns the folder and its resolved path.
pub(crate) fn reach(data_dir: &Path, account: &Account) -> Result<(Held, PathBuf)> {
    let top = || Held::top().map_err(Error::io("open", "/"));
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
            Err(error) if Held::is_no_folder(&error) => {
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
        if mode & 0o022 == 0 || mode & 0o002 == 0 && is_of_nobody_else(at, found.gid(), &self.trusted()) {
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

/// Whether a folder's group has no members but these accounts: with umask 002, as Fedora and Ubuntu set it, each
/// account has a group of its own that may write in its folders. False if in doubt: accounts of a directory
/// service, for example, are in no file.
fn is_of_nobody_else(at: &Path, group: u32, trusted: &[u32]) -> bool {
    // A user namespace shows groups that it does not map as this one.
    const UNKNOWN: u32 = 65534;
    // With a POSIX access list, the group bits are only the mask of the list's entries.
    let listed = rustix::fs::getxattr(at, "system.posix_acl_access", &mut [0_u8; 1]);
    if group == UNKNOWN || !matches!(listed, Err(Errno::NODATA | Errno::NOTSUP)) {
        return false;
    }
    let read = |path| fs::read_to_string(path).ok();
    let (Some(passwd), Some(groups)) = (read("/etc/passwd"), read("/etc/group")) else { return false };
    are_alone_in(group, trusted, &passwd, &groups).unwrap_or(false)
}

/// Whether, by the text of the two files, the group is that of one of the accounts and has no other member; `None`
/// if a line cannot be parsed.
fn are_alone_in(group: u32, trusted: &[u32], passwd: &str, groups: &str) -> Option<bool> {
    let lines = |text: &'_ str| -> Vec<Vec<String>> {
        let filled = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        filled.map(|line| line.split(':').map(str::to_owned).collect()).collect()
    };
    let mut names = Vec::new();
    let mut is_own = false;
    for account in lines(passwd) {
        let (name, user, primary) = (account.first()?, number(&account, 2)?, number(&account, 3)?);
        if trusted.iter().any(|one| i64::from(*one) == user) {
            names.push(name.clone());
            is_own |= primary == i64::from(group);
        } else if primary == i64::from(group) {
            return Some(false);
        }
    }
    let mut is_listed = false;
    for line in lines(groups) {
        if number(&line, 2)? != i64::from(group) {
            continue;
        }
        is_listed = true;
        let others =
            line.get(3)?.split(',').any(|name| !name.is_empty() && !names.iter().any(|own| own == name));
        // Anybody who knows a group's password can join it.
        if others || !["", "x", "*", "!"].contains(&line.get(1)?.as_str()) {
            return Some(false);
        }
    }
    Some(is_own && is_listed)
}

/// Signed, since macOS writes some ids as negative numbers.
fn number(fields: &[String], index: usize) -> Option<i64> {
    fields.get(index)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_write_where_only_trusted_accounts_are_in_it() {
        let passwd = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\nnobody:*:-2:-2:::\n";
        let bob = format!("{passwd}bob:x:1001:1000::/home/bob:/bin/sh\n");
        for (passwd, groups, alone) in [
            (passwd, "ada:x:1000:\n", Some(true)),
            (passwd, "# a comment\nada:x:1000:ada,root\n", Some(true)),
            (passwd, "ada:x:1000:bob\n", Some(false)),
            (passwd, "ada:x:1000:\nsame:x:1000:bob\n", Some(false)),
            (passwd, "ada:pa55:1000:\n", Some(false)),
            (passwd, "other:x:4242:\n", Some(false)),
            (&bob, "ada:x:1000:\n", Some(false)),
            ("bob:x:1001:1001:::\n", "ada:x:1000:\n", Some(false)),
            (passwd, "ada:x:1000:\n+:::\n", None),
            ("+::::::\n", "ada:x:1000:\n", None),
        ] {
            assert_eq!(are_alone_in(1000, &[0, 1000], passwd, groups), alone, "{passwd} {groups}");
        }
    }
}
