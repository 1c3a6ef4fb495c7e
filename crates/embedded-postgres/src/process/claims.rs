//! Removes what a dead server left that would stop a new one. These files are in folders of the server's account,
//! which may change anything there while root works. So every access goes through open folder handles that belong
//! to that account, and a single name within them.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;

use crate::folder::handle::FolderHandle;
use crate::folder::{Folder, PORT};
use crate::process::{self, PID_FILE, PidFile};
use crate::{Error, Result};

/// Makes a dead server's files harmless: a pid that now belongs to another program, or to an unreaped zombie, looks
/// alive to PostgreSQL.
pub(crate) fn remove_stale_claims(folder: &Folder) -> Result<()> {
    let data = folder.data();
    let path = data.join(PID_FILE);
    let Some(held) = folder.held_data()? else { return Ok(()) };
    let (text, found) = match held.read_short(OsStr::new(PID_FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(Error::Planted { path, what: error.to_string() });
        }
        read => read.map_err(Error::io("read", &path))?,
    };
    // It may be a hard link to a file of root's, whose content would be copied for the account.
    if found.uid() != folder.account.uid {
        return Err(folder.account.is_not_owner(path, found.uid()));
    }
    match PidFile::from_text(&text) {
        Some(stale) if !process::is_postmaster(stale.pid, &data) => {}
        _ => return Ok(()),
    }
    // Keep the rest of the file: from the shared memory it names, PostgreSQL sees whether backends of the old
    // server still run. Replace only the pid by our own; PostgreSQL ignores the pid of its own parent.
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    replace_pid_file(folder, &held, &format!("{}\n{rest}", std::process::id()))
        .map_err(Error::io("replace", &path))?;
    remove_socket_lock(folder)
}

fn replace_pid_file(folder: &Folder, held: &FolderHandle, text: &str) -> io::Result<()> {
    let renamed = OsStr::new("postmaster.pid.new");
    match held.remove(renamed) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Create it exclusively, so that nothing that has this name by now is written to.
    let mut file = held.make_file(renamed, 0o600)?;
    file.write_all(text.as_bytes())?;
    folder.account.give(&file)?;
    held.rename(renamed, held, OsStr::new(PID_FILE))
}

/// The socket's lock file contains the same pid and nothing else that is needed.
fn remove_socket_lock(folder: &Folder) -> Result<()> {
    let socket_dir = folder.socket_dir();
    let name = format!(".s.PGSQL.{PORT}.lock");
    let remove = || {
        let held = FolderHandle::open(&socket_dir)?;
        if held.owner()? != folder.account.uid {
            // Starting the server refuses it with a message.
            return Ok(());
        }
        held.remove(OsStr::new(&name))
    };
    match remove() {
        Err(error) if error.kind() != io::ErrorKind::NotFound && !FolderHandle::is_no_folder(&error) => {
            Err(Error::io("remove", socket_dir.join(&name))(error))
        }
        _ => Ok(()),
    }
}
