//! Chooses the operating system account that the server runs as: PostgreSQL refuses root, so root runs it under an
//! unprivileged account.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::options::default_data_dir;
use crate::{Error, Result};

/// The dedicated account, if it was created.
pub(crate) const OWN: &str = "gazelle-sync";
/// The accounts to try, in order. Other programs that run under one of the shared ones can read the data and
/// connect.
const NAMES: [&str; 4] = [OWN, "postgres", "_postgres", "nobody"];

/// The environment variables that a child gets. All others are removed: `PG*` would change its behaviour, and API
/// keys and passwords must not be readable in a process of another account.
const KEPT_VARIABLES: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"];

/// The account that owns the data and runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// Whether this process is root and must switch to it.
    pub switch: bool,
}

impl Account {
    /// This process's own account. For root: the owner of `existing`, so that root can use a user's folder without
    /// changing its owner; otherwise the first of [`NAMES`] that exists.
    pub fn choose(existing: &Path) -> Result<Account> {
        let euid = rustix::process::geteuid();
        if !euid.is_root() {
            return Ok(Account {
                name: format!("user id {}", euid.as_raw()),
                uid: euid.as_raw(),
                gid: rustix::process::getegid().as_raw(),
                switch: false,
            });
        }
        // macOS keeps users elsewhere, but its system accounts are in this file, too.
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        // `trust` checks whether root allowed that owner to be there.
        match fs::symlink_metadata(existing) {
            Ok(folder) if folder.uid() != 0 => Ok(Account {
                name: name_of(&passwd, folder.uid()).unwrap_or_else(|| format!("user id {}", folder.uid())),
                uid: folder.uid(),
                gid: folder.gid(),
                switch: true,
            }),
            _ => first_of(&passwd).ok_or(Error::NoAccount),
        }
    }

    /// Whether other services may run as this account too.
    pub fn is_shared(&self) -> bool {
        self.switch && self.name != OWN && NAMES.contains(&self.name.as_str())
    }

    /// A command that runs as this account, in `folder`, with the C locale and a clean environment.
    pub fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().stdin(Stdio::null());
        for variable in KEPT_VARIABLES {
            if let Some(value) = std::env::var_os(variable) {
                command.env(variable, value);
            }
        }
        // Messages in English, since this crate parses a few; and macOS needs a valid locale here.
        command.env("LC_ALL", "C");
        if self.switch {
            // This also drops root's supplementary groups.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Changes the owner of an open file that root created to this account.
    pub fn give(&self, file: &File) -> io::Result<()> {
        match self.switch {
            true => std::os::unix::fs::fchown(file, Some(self.uid), Some(self.gid)),
            false => Ok(()),
        }
    }

    /// The error that a file belongs to another account.
    pub fn is_not_owner(&self, path: PathBuf, owner: u32) -> Error {
        Error::Planted { path, what: format!("it belongs to user id {owner}, and not to {}", self.name) }
    }

    /// Fails, naming the folder that stops it, if this account cannot enter `path` or the nearest existing parent.
    pub fn ensure_reachable(&self, path: &Path) -> Result<()> {
        if !self.switch {
            return Ok(());
        }
        let mut folders: Vec<&Path> = path.ancestors().filter(|folder| folder.is_dir()).collect();
        if folders.first().is_none_or(|nearest| self.can_enter(nearest).is_ok()) {
            return Ok(());
        }
        folders.reverse();
        for folder in folders {
            if let Err(source) = self.can_enter(folder) {
                if folder.parent().is_none() {
                    let account = self.name.clone();
                    return Err(Error::CannotSwitch { account, source });
                }
                return Err(Error::Unreachable {
                    path: path.to_owned(),
                    blocked: folder.to_owned(),
                    account: self.name.clone(),
                    suggestion: suggestion(folder),
                });
            }
        }
        Ok(())
    }

    /// Tried rather than computed from mode bits, since access lists and mounts matter too.
    fn can_enter(&self, folder: &Path) -> io::Result<()> {
        let outcome = self.command("true", folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        }
    }
}

fn suggestion(blocked: &Path) -> PathBuf {
    let usual = default_data_dir();
    if usual.starts_with(blocked) { PathBuf::from("/srv/gazelle-sync") } else { usual }
}

fn first_of(passwd: &str) -> Option<Account> {
    NAMES.iter().find_map(|name| lookup(passwd, name))
}

fn lookup(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { name: name.to_owned(), uid, gid, switch: true })
    })
}

fn name_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n# a comment\nnobody:*:-2:-2:::\n\
                          postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn reads_accounts() {
        let postgres = lookup(PASSWD, "postgres").expect("is listed");
        assert_eq!((postgres.uid, postgres.gid), (101, 104));
        assert_eq!(name_of(PASSWD, 101).as_deref(), Some("postgres"));
        // macOS writes the id of `nobody` as a negative number, which cannot be used as an owner here.
        assert_eq!(lookup(PASSWD, "nobody"), None);
        assert_eq!(lookup(PASSWD, "_postgres"), None);
    }

    #[test]
    fn an_account_of_its_own_is_taken_first_and_the_others_are_known_as_shared() {
        let own = "gazelle-sync:x:990:990::/nonexistent:/usr/sbin/nologin\n";
        let nobody = "nobody:x:65534:65534:::\n";
        for (passwd, name, shared) in [
            (format!("{PASSWD}{nobody}{own}"), "gazelle-sync", false),
            (format!("{nobody}{PASSWD}"), "postgres", true),
            (nobody.to_owned(), "nobody", true),
        ] {
            let chosen = first_of(&passwd).expect("one of them");
            assert_eq!((chosen.name.as_str(), chosen.is_shared()), (name, shared));
        }
        assert_eq!(first_of("root:x:0:0:root:/root:/bin/sh\n"), None);
        // The user chose the account that runs this program or owns the folder.
        let ours = Account { name: "postgres".to_owned(), uid: 1, gid: 1, switch: false };
        assert!(!ours.is_shared());
        assert!(!Account { name: "anne".to_owned(), switch: true, ..ours }.is_shared());
    }
}
