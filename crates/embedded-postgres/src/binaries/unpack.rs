//! Unpacks an archive of server programs safely, whatever it contains: nothing is written outside the given folder,
//! and no link leads out of it.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use crate::folder::handle::{ALL_MAY_ENTER, ALL_MAY_READ, FolderHandle};

/// More bytes and files than any archive of server programs has.
const MOST_BYTES: u64 = 512 * 1024 * 1024;
const MOST_FILES: usize = 50_000;

/// Unpacks a compressed archive into an empty folder, without its top folder. The error is only the reason.
pub(crate) fn unpack(compressed: &[u8], into: &FolderHandle) -> Result<(), String> {
    let bytes = GzDecoder::new(compressed).take(MOST_BYTES);
    let mut archive = Archive::new(bytes);
    let mut second_names = Vec::new();
    for (number, entry) in archive.entries().map_err(damaged)?.enumerate() {
        if number >= MOST_FILES {
            return Err(format!("the archive holds more than {MOST_FILES} files"));
        }
        place(entry.map_err(damaged)?, into, &mut second_names)?;
    }
    // Hard links are created last, since their targets may come later in the archive.
    for SecondName { name, of } in second_names {
        let fail = |error| {
            format!("the archive's {} cannot be another name of {}: {error}", shown(&name), shown(&of))
        };
        let (folder, file) = down(into, &of, Missing::IsAnError).map_err(fail)?;
        let (to, as_name) = down(into, &name, Missing::IsMade).map_err(fail)?;
        to.make_second_name(as_name, &folder, file).map_err(fail)?;
    }
    Ok(())
}

/// A hard link to another file of the archive.
struct SecondName {
    name: Vec<OsString>,
    of: Vec<OsString>,
}

fn damaged(error: io::Error) -> String {
    format!("the archive cannot be read, or unpacks to more than {} MiB: {error}", MOST_BYTES >> 20)
}

fn place<R: Read>(
    mut entry: Entry<'_, R>,
    into: &FolderHandle,
    second_names: &mut Vec<SecondName>,
) -> Result<(), String> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(());
    }
    let path = entry.path().map_err(damaged)?.into_owned();
    let name = inside(&path)?;
    // The archive's top folder.
    if name.is_empty() && kind.is_dir() {
        return Ok(());
    }
    let fail = |error: io::Error| match error.kind() {
        _ if FolderHandle::is_no_folder(&error) => {
            format!("the archive's {} goes through a link or a file", shown(&name))
        }
        io::ErrorKind::AlreadyExists => format!("the archive holds {} twice", shown(&name)),
        _ => format!("{} cannot be written: {error}", shown(&name)),
    };
    match kind {
        EntryType::Directory => {
            let mut folder = name.clone();
            // `down` creates all but the last name, so that it creates this folder.
            folder.push(OsString::from("."));
            down(into, &folder, Missing::IsMade).map_err(fail)?;
        }
        EntryType::Regular | EntryType::Continuous => {
            let runs = entry.header().mode().map_err(damaged)? & 0o100 != 0;
            let (folder, file) = down(into, &name, Missing::IsMade).map_err(fail)?;
            let mode = if runs { ALL_MAY_ENTER } else { ALL_MAY_READ };
            let mut file = folder.make_file(file, mode).map_err(fail)?;
            io::copy(&mut entry, &mut file).map_err(fail)?;
        }
        EntryType::Symlink => {
            let to = entry.link_name().map_err(damaged)?.unwrap_or_default().into_owned();
            if !stays_inside(name.len().saturating_sub(1), &to) {
                return Err(format!("the archive's {} is a link to {to:?}, out of it", shown(&name)));
            }
            let (folder, link) = down(into, &name, Missing::IsMade).map_err(fail)?;
            folder.make_link(link, &to).map_err(fail)?;
        }
        EntryType::Link => {
            let of = inside(&entry.link_name().map_err(damaged)?.unwrap_or_default())?;
            second_names.push(SecondName { name, of });
        }
        other => {
            return Err(format!(
                "the archive's {} is neither file, folder nor link ({other:?})",
                shown(&name)
            ));
        }
    }
    Ok(())
}

/// The components of a name without the first; refuses a name that leads out of the archive.
fn inside(path: &Path) -> Result<Vec<OsString>, String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_owned()),
            Component::CurDir => {}
            _ => return Err(format!("the archive holds {path:?}, which leads out of it")),
        }
    }
    Ok(parts.split_off(parts.len().min(1)))
}

/// Whether a link at this depth stays inside the archive. It may contain `..` only at its beginning: after another
/// link nobody knows where `..` leads.
fn stays_inside(depth: usize, to: &Path) -> bool {
    let mut up = 0;
    let mut goes_down = false;
    !to.as_os_str().is_empty()
        && to.components().all(|component| match component {
            Component::ParentDir => {
                up += 1;
                !goes_down && up <= depth
            }
            Component::Normal(_) => {
                goes_down = true;
                true
            }
            Component::CurDir => true,
            Component::RootDir | Component::Prefix(_) => false,
        })
}

/// What to do if a parent folder does not exist.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    IsMade,
    IsAnError,
}

/// The parent folder of a name, and its last component. No link on the path is followed.
fn down<'a>(
    into: &FolderHandle,
    name: &'a [OsString],
    missing: Missing,
) -> io::Result<(FolderHandle, &'a OsStr)> {
    let (last, folders) = name.split_last().ok_or(io::ErrorKind::InvalidInput)?;
    let mut folder = into.folder(OsStr::new("."))?;
    for part in folders {
        folder = match folder.folder(part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing == Missing::IsMade => {
                folder.make_folder(part, ALL_MAY_ENTER)?
            }
            found => found?,
        };
    }
    Ok((folder, last))
}

/// A name for messages.
fn shown(name: &[OsString]) -> String {
    let path: std::path::PathBuf = name.iter().collect();
    format!("{path:?}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    /// The kinds of entries of an archive.
    #[derive(Clone, Copy)]
    enum Part {
        File(&'static str),
        Folder(&'static str),
        Link(&'static str, &'static str),
        Second(&'static str, &'static str),
        Of(EntryType, &'static str),
    }
    use Part::{File, Folder, Link, Of, Second};

    /// Writes names unchecked, as only a malicious program would.
    fn archive(parts: &[Part]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for part in parts {
            let (kind, name, to, text) = match *part {
                File(name) => (EntryType::Regular, name, "", "hostile"),
                Folder(name) => (EntryType::Directory, name, "", ""),
                Link(name, to) => (EntryType::Symlink, name, to, ""),
                Second(name, to) => (EntryType::Link, name, to, ""),
                Of(kind, name) => (kind, name, "", ""),
            };
            let mut header = Header::new_old();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_old_mut().linkname[..to.len()].copy_from_slice(to.as_bytes());
            header.set_entry_type(kind);
            header.set_mode(0o6777);
            header.set_size(text.len() as u64);
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(parts: &[Part]) -> (Result<(), String>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("into")).unwrap();
        fs::write(folder.path().join("outside"), "mine").unwrap();
        let into = FolderHandle::open(&folder.path().join("into")).unwrap();
        (unpack(&archive(parts), &into), folder)
    }

    #[test]
    fn an_archive_writes_nothing_beside_its_folder_and_leads_nowhere_else() {
        for parts in [
            &[File("pg/../../outside")][..],
            &[File("../outside")],
            &[File("pg/bin/../../../outside")],
            &[File("/outside")],
            &[Folder("pg/../../new")],
            &[Link("pg/lib", "/etc")],
            &[Link("pg/lib", "..")],
            &[Link("pg/lib/x", "../../outside")],
            &[Link("pg/lib/x", "y/../..")],
            &[Link("pg/lib", "")],
            // `..` after a link that leads to the top.
            &[Link("pg/a/b/c", "../.."), Link("pg/x", "a/b/c/..")],
            // Through links, whether they lead outside or not.
            &[Folder("pg/a"), Link("pg/b", "a"), File("pg/b/x")],
            &[Link("pg/b", "nowhere"), File("pg/b")],
            &[Link("pg/b", "nowhere"), Folder("pg/b")],
            &[File("pg/x"), File("pg/x/y")],
            &[File("pg/x"), File("pg/x")],
            &[File("pg")],
            &[Second("pg/x", "pg/../../outside")],
            &[Second("pg/x", "/outside")],
            &[Link("pg/b", "a"), Second("pg/x", "pg/b")],
            &[Second("pg/x", "pg/nothing")],
            &[Of(EntryType::Fifo, "pg/x")],
            &[Of(EntryType::Char, "pg/x")],
            &[Of(EntryType::Block, "pg/x")],
            &[Of(EntryType::GNUSparse, "pg/x")],
        ] {
            let (outcome, folder) = unpacked(parts);
            let why = outcome.expect_err("refused");
            assert!(why.contains("archive") || why.contains("cannot be"), "{why}");
            let mut beside: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
            beside.sort();
            assert_eq!(beside, ["into", "outside"], "{why}");
            assert_eq!(fs::read_to_string(folder.path().join("outside")).unwrap(), "mine", "{why}");
        }
    }

    #[test]
    fn what_server_programs_are_made_of_is_unpacked() {
        let (outcome, folder) = unpacked(&[
            Folder("pg/"),
            Folder("pg/bin"),
            File("pg/bin/postgres"),
            Second("pg/bin/postmaster", "pg/bin/initdb"),
            File("pg/bin/initdb"),
            Link("pg/lib/libpq.so", "libpq.so.5"),
            Link("pg/lib/again", "./../lib/libpq.so"),
            File("pg/lib/libpq.so.5"),
            Folder("pg/bin"),
        ]);
        outcome.unwrap();
        let into = folder.path().join("into");
        for name in ["bin/postgres", "bin/postmaster", "bin/initdb", "lib/libpq.so", "lib/again"] {
            assert_eq!(fs::read_to_string(into.join(name)).unwrap(), "hostile", "{name}");
        }
        // Neither setuid nor writable for others.
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| fs::metadata(into.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("bin"), mode("bin/postgres")), (0o755, 0o755));
    }

    #[test]
    fn what_is_no_archive_or_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let into = FolderHandle::open(folder.path()).unwrap();
        let whole = archive(&[File("pg/bin/postgres")]);
        for bytes in [&b"<html>"[..], &whole[..whole.len() / 2]] {
            assert!(unpack(bytes, &into).unwrap_err().contains("cannot be"), "{}", bytes.len());
        }
        // A file whose header announces more than any archive has.
        let mut header = Header::new_old();
        header.set_path("pg/large").unwrap();
        header.set_size(MOST_BYTES * 2);
        header.set_mode(0o644);
        header.set_cksum();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        io::copy(&mut header.as_bytes().as_slice().chain(io::repeat(0).take(8 << 20)), &mut packed).unwrap();
        assert!(unpack(&packed.finish().unwrap(), &into).is_err());
    }
}
