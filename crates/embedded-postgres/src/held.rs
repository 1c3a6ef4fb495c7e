//! A folder that is held open, and what is done in it. Names lead elsewhere as soon as somebody puts a link in their place,
//! and root works in folders of the server's account: so nothing here goes by a path, and no link is ever followed.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// An open folder.
#[derive(Debug)]
pub(crate) struct Held(OwnedFd);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Of folders, and of programs.
pub(crate) const ALL_MAY_ENTER: u32 = 0o755;
/// Of other files.
pub(crate) const ALL_MAY_READ: u32 = 0o644;

impl Held {
    /// Opens the folder at a path, which is no link itself.
    pub fn open(path: &Path) -> io::Result<Held> {
        Ok(Held(rustix::fs::open(path, FOLDER, Mode::empty())?))
    }

    /// Opens a folder in it.
    pub fn folder(&self, name: &OsStr) -> io::Result<Held> {
        Ok(Held(rustix::fs::openat(&self.0, name, FOLDER, Mode::empty())?))
    }

    /// Makes a folder in it, whatever the umask.
    pub fn make_folder(&self, name: &OsStr, mode: u32) -> io::Result<Held> {
        rustix::fs::mkdirat(&self.0, name, Mode::RWXU)?;
        let made = self.folder(name)?;
        made.set_mode(mode)?;
        Ok(made)
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.0, mode_of(mode))?)
    }

    /// Who owns it.
    pub fn owner(&self) -> io::Result<u32> {
        Ok(rustix::fs::fstat(&self.0)?.st_uid)
    }

    /// Makes a file in it, where nothing has that name.
    pub fn make_file(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&self.0, name, new, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::fchmod(&made, mode_of(mode))?;
        Ok(File::from(made))
    }

    /// Makes a link in it.
    pub fn make_link(&self, name: &OsStr, to: &Path) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(to, &self.0, name)?)
    }

    /// Gives a plain file another name in it.
    pub fn make_second_name(&self, name: &OsStr, of: &Held, file: &OsStr) -> io::Result<()> {
        if of.kind(file)? != FileType::RegularFile {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(rustix::fs::linkat(&of.0, file, &self.0, name, AtFlags::empty())?)
    }

    /// Moves something from it into another folder.
    pub fn rename(&self, name: &OsStr, into: &Held, as_name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, name, &into.0, as_name)?)
    }

    /// Removes something in it, with all that is in that; a link goes, and not what it leads to.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        if self.kind(name)? != FileType::Directory {
            return Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?);
        }
        let folder = self.folder(name)?;
        for inner in folder.names()? {
            folder.remove(&inner)?;
        }
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// The names of all that is in it.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let name: CString = entry?.file_name().to_owned();
            let name = OsString::from_vec(name.into_bytes());
            if name.as_bytes() != b"." && name.as_bytes() != b".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Whether what was to be opened as a folder is a link or something else.
    pub fn is_no_folder(error: &io::Error) -> bool {
        let no_folder = [Errno::NOTDIR, Errno::LOOP].map(Errno::raw_os_error);
        error.raw_os_error().is_some_and(|error| no_folder.contains(&error))
    }

    fn kind(&self, name: &OsStr) -> io::Result<FileType> {
        let found = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(found.st_mode))
    }
}

/// The same bits, whatever the system's type of them.
fn mode_of(bits: u32) -> Mode {
    Mode::from_bits_truncate(bits as rustix::fs::RawMode)
}
