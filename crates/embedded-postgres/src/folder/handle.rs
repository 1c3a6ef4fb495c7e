//! An open folder handle, and file operations relative to it. A path leads elsewhere once somebody replaces a part
//! of it by a link, and root works in folders of the server's account: so nothing here uses a path beyond one name,
//! and links are not followed unless a method says so.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// An open folder.
#[derive(Debug)]
pub(crate) struct FolderHandle(OwnedFd);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// For traversal only, which does not need the right to list the folder.
#[cfg(target_os = "linux")]
const PASSAGE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const PASSAGE: OFlags = FOLDER;
/// NONBLOCK, so that opening a pipe in place of a file does not block.
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// The most bytes read of a file that should be short.
const MOST_OF_A_SHORT_FILE: u64 = 64 * 1024;
/// How often opening a file is retried while it is created and removed by others.
const TRIES: u32 = 16;
/// How long removing a folder waits for a terminating program that still creates files in it.
const MOST_WAIT_FOR_AN_END: Duration = Duration::from_secs(10);
/// The mode of folders and programs.
pub(crate) const ALL_MAY_ENTER: u32 = 0o755;
/// The mode of other files.
pub(crate) const ALL_MAY_READ: u32 = 0o644;

impl FolderHandle {
    /// Opens the folder at a path, which must not be a link.
    pub fn open(path: &Path) -> io::Result<FolderHandle> {
        Ok(FolderHandle(rustix::fs::open(path, FOLDER, Mode::empty())?))
    }

    /// As [`FolderHandle::open`], but follows a link: the caller checks the owner afterwards.
    pub fn open_through(path: &Path) -> io::Result<FolderHandle> {
        Ok(FolderHandle(rustix::fs::open(path, FOLDER - OFlags::NOFOLLOW, Mode::empty())?))
    }

    /// Opens `/` for traversal.
    pub fn top() -> io::Result<FolderHandle> {
        Ok(FolderHandle(rustix::fs::open("/", PASSAGE, Mode::empty())?))
    }

    /// Opens a folder in it for traversal.
    pub fn enter(&self, name: &OsStr) -> io::Result<FolderHandle> {
        Ok(FolderHandle(rustix::fs::openat(&self.0, name, PASSAGE, Mode::empty())?))
    }

    /// Opens a folder in it, also through a link: the caller checks the owner afterwards.
    pub fn folder_through(&self, name: &OsStr) -> io::Result<FolderHandle> {
        Ok(FolderHandle(rustix::fs::openat(&self.0, name, FOLDER - OFlags::NOFOLLOW, Mode::empty())?))
    }

    /// Opens a folder in it.
    pub fn folder(&self, name: &OsStr) -> io::Result<FolderHandle> {
        Ok(FolderHandle(rustix::fs::openat(&self.0, name, FOLDER, Mode::empty())?))
    }

    /// Creates a folder in it with this mode, regardless of the umask.
    pub fn make_folder(&self, name: &OsStr, mode: u32) -> io::Result<FolderHandle> {
        rustix::fs::mkdirat(&self.0, name, Mode::RWXU)?;
        let made = self.folder(name)?;
        made.set_mode(mode)?;
        Ok(made)
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.0, mode_of(mode))?)
    }

    /// Its owner's user id.
    pub fn owner(&self) -> io::Result<u32> {
        Ok(rustix::fs::fstat(&self.0)?.st_uid)
    }

    /// The owner of an entry; of a link itself, not of its target.
    pub fn owner_of(&self, name: &OsStr) -> io::Result<u32> {
        Ok(rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?.st_uid)
    }

    pub fn metadata(&self) -> io::Result<Metadata> {
        File::from(self.0.try_clone()?).metadata()
    }

    /// Changes its owner and group.
    pub fn give(&self, user: u32, group: u32) -> io::Result<()> {
        std::os::unix::fs::fchown(&self.0, Some(user), Some(group))
    }

    /// Syncs it, so that its entries survive a power failure.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// The target of a link in it.
    pub fn link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let to = rustix::fs::readlinkat(&self.0, name, Vec::new())?;
        Ok(OsString::from_vec(to.into_bytes()).into())
    }

    /// Whether it has an entry with this name.
    pub fn has(&self, name: &OsStr) -> bool {
        self.kind(name).is_ok()
    }

    /// The first 64 KiB of a regular file in it, invalid UTF-8 replaced, and its metadata.
    pub fn read_short(&self, name: &OsStr) -> io::Result<(String, Metadata)> {
        let opened = rustix::fs::openat(&self.0, name, OFlags::RDONLY | FILE, Mode::empty());
        let (file, found) = plain(opened)?;
        let mut bytes = Vec::new();
        file.take(MOST_OF_A_SHORT_FILE).read_to_end(&mut bytes)?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), found))
    }

    /// Opens a regular file in it for reading and writing, creating it if absent; also returns whether it was
    /// created.
    pub fn open_or_make(&self, name: &OsStr, append: bool) -> io::Result<(File, Metadata, bool)> {
        let flags = OFlags::RDWR | FILE | if append { OFlags::APPEND } else { OFlags::empty() };
        let mode = Mode::RUSR | Mode::WUSR;
        for _ in 0..TRIES {
            match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
                Err(Errno::NOENT) => {}
                opened => return plain(opened).map(|(file, found)| (file, found, false)),
            }
            match rustix::fs::openat(&self.0, name, flags | OFlags::CREATE | OFlags::EXCL, mode) {
                // Another program created it meanwhile.
                Err(Errno::EXIST) => {}
                made => return plain(made).map(|(file, found)| (file, found, true)),
            }
        }
        Err(io::Error::other("it comes and goes"))
    }

    /// Creates a file in it; fails if the name exists.
    pub fn make_file(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&self.0, name, new, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::fchmod(&made, mode_of(mode))?;
        Ok(File::from(made))
    }

    /// Creates a symbolic link in it.
    pub fn make_link(&self, name: &OsStr, to: &Path) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(to, &self.0, name)?)
    }

    /// Creates a hard link to a regular file in it.
    pub fn make_second_name(&self, name: &OsStr, of: &FolderHandle, file: &OsStr) -> io::Result<()> {
        if of.kind(file)? != FileType::RegularFile {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(rustix::fs::linkat(&of.0, file, &self.0, name, AtFlags::empty())?)
    }

    /// Moves an entry into another folder.
    pub fn rename(&self, name: &OsStr, into: &FolderHandle, as_name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, name, &into.0, as_name)?)
    }

    /// Removes an entry recursively; of a link only the link. Retries while a terminating program still creates and
    /// removes files there, as a child of a killed initdb does.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        if self.kind(name)? != FileType::Directory {
            return Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?);
        }
        let folder = self.folder(name)?;
        let begun = Instant::now();
        loop {
            for inner in folder.names()? {
                is_gone(folder.remove(&inner))?;
            }
            match rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR) {
                // A file was created meanwhile. POSIX allows both errors.
                Err(Errno::NOTEMPTY | Errno::EXIST) if begun.elapsed() < MOST_WAIT_FOR_AN_END => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                removed => return is_gone(removed.map_err(io::Error::from)),
            }
        }
    }

    /// The names of its entries.
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

    /// Whether opening a folder failed because it is a link or no folder.
    pub fn is_no_folder(error: &io::Error) -> bool {
        let no_folder = [Errno::NOTDIR, Errno::LOOP].map(Errno::raw_os_error);
        error.raw_os_error().is_some_and(|error| no_folder.contains(&error))
    }

    fn kind(&self, name: &OsStr) -> io::Result<FileType> {
        let found = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(found.st_mode))
    }
}

/// The opened file, if it is a regular one.
fn plain(opened: rustix::io::Result<OwnedFd>) -> io::Result<(File, Metadata)> {
    let no_file =
        |what| io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, and no plain file"));
    let file = File::from(opened.map_err(|error| match error {
        Errno::LOOP => no_file("a link"),
        error => error.into(),
    })?);
    let found = file.metadata()?;
    match found.is_file() {
        true => Ok((file, found)),
        false => Err(no_file("a folder, a pipe or a device")),
    }
}

/// Succeeds if the entry was removed by us or by others.
fn is_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The mode in the system's type.
fn mode_of(bits: u32) -> Mode {
    Mode::from_bits_truncate(bits as rustix::fs::RawMode)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// A folder with many files, in which `others` create and remove files meanwhile.
    fn remove_beside(others: impl Fn(&Path) + Sync) {
        let place = tempfile::tempdir().expect("a folder");
        let full = place.path().join("full");
        let files = full.join("files");
        fs::create_dir_all(&files).expect("made");
        for number in 0..5_000 {
            fs::write(files.join(number.to_string()), "").expect("written");
        }
        let held = FolderHandle::open(place.path()).expect("open");
        let has_begun = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                has_begun.store(true, Ordering::SeqCst);
                others(&files);
            });
            while !has_begun.load(Ordering::SeqCst) {
                std::hint::spin_loop();
            }
            held.remove(OsStr::new("full")).expect("removed");
        });
        assert!(!full.exists());
    }

    #[test]
    fn a_folder_is_removed_while_another_program_removes_what_is_in_it() {
        remove_beside(|files| {
            for number in (0..5_000).rev() {
                let _ = fs::remove_file(files.join(number.to_string()));
            }
        });
    }

    #[test]
    fn a_folder_is_removed_while_another_program_still_makes_files_in_it() {
        remove_beside(|files| {
            for number in 5_000..10_000 {
                let _ = fs::write(files.join(number.to_string()), "");
            }
        });
    }
}
