//! Reads files of secrets that were found at a default place: only if no other account can read or change them.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::trusted::{self, FileOrigin};
use super::{NotOurs, refused};

/// Reads a file of secrets; `None` if it does not exist.
///
/// # Errors
/// Those of the file system; [`NotOurs`] for a file that other accounts can change, replace or read.
pub fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(trusted) = trusted::read(file, FileOrigin::Secrets)? else { return Ok(None) };
    // Nobody else could have replaced it since it was read.
    let found = match fs::metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    refusal(file, found.uid(), found.mode()).map_or(Ok(Some(trusted.bytes)), |why| Err(refused(why)))
}

/// Root gives a file to the account of a service through its group.
fn refusal(file: &Path, owner: u32, mode: u32) -> Option<NotOurs> {
    let open = if owner == 0 { 0o037 } else { 0o077 };
    let (shown, mode) = (file.display(), mode & 0o777);
    (mode & open != 0).then(|| NotOurs {
        what: format!("{shown} can be read by other accounts (mode {mode:o})"),
        advice: format!("run `chmod 600 {shown}`; if others use this machine, take new secrets"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_their_owners_alone_or_of_a_group_that_root_chose() {
        for (owner, mode, is_refused) in [
            (1000, 0o100600, false),
            (1000, 0o100400, false),
            (1000, 0o100640, true),
            (1000, 0o100604, true),
            (1000, 0o100644, true),
            (0, 0o100600, false),
            (0, 0o100640, false),
            (0, 0o100660, true),
            (0, 0o100644, true),
        ] {
            let why = refusal(Path::new("/etc/gazelle-sync/secrets"), owner, mode);
            assert_eq!(why.is_some(), is_refused, "{owner} {mode:o}: {why:?}");
            assert!(why.is_none_or(|why| why.advice.contains("chmod 600 /etc/gazelle-sync/secrets")));
        }
    }
}
