//! Reads files whose content decides what the program does: which programs it starts, where it sends a key. Another
//! account that can change one runs commands as us, so it is trusted only if no other account can, as with `ssh`.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, StatVfsMountFlags};

use super::{NotOurs, descriptor, group, path};

/// Where the path of a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOrigin {
    /// It was found at a default place; nobody named it.
    DefaultPlace,
    /// The user named it, and thereby trusts its owner.
    Named,
    /// As [`DefaultPlace`](Self::DefaultPlace), for secrets, which no flag names.
    Secrets,
}

/// A file that no untrusted account could have written.
#[derive(Debug)]
pub struct TrustedFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Set if other accounts may read it, with the remedy. Harmless if it holds no secret.
    pub seen: Option<NotOurs>,
}

/// Reads a file, and refuses one that other accounts may change or replace; `None` if it does not exist. A name of
/// an open descriptor (`/dev/stdin`, `/dev/fd/63`) was opened by whoever started us, and is read unchecked.
///
/// # Errors
/// Those of the file system; [`NotOurs`].
pub fn read(file: &Path, origin: FileOrigin) -> io::Result<Option<TrustedFile>> {
    if origin == FileOrigin::Named && descriptor::is_one(file) {
        return Ok(Some(TrustedFile { bytes: fs::read(file)?, seen: None }));
    }
    let mut way = Vec::new();
    let end = path::walk(file, &mut |at, found| {
        way.push(PathElement::new(at, found));
        Ok(())
    })?;
    let Some((at, found)) = end else { return Ok(None) };
    let end = PathElement::new(&at, &found);
    let who = ReadingAccount::of_process()?;
    let is_of =
        |account, step: &PathElement| group::is_of(account, &step.path, step.group, Path::new("/etc"));
    let judge = TrustCheck { way: &way, end: &end, origin, who: &who, is_of: &is_of };
    if let Some(why) = judge.refusal() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    let mut bytes = Vec::new();
    // Nobody else could have replaced it since the check.
    File::open(&at)?.read_to_end(&mut bytes)?;
    Ok(Some(TrustedFile { bytes, seen: judge.seen() }))
}

/// An element of the path to a file, or the file.
#[derive(Debug, Clone)]
struct PathElement {
    path: PathBuf,
    owner: u32,
    group: u32,
    kind: FileType,
    mode: u32,
    /// The number of hard links.
    links: u64,
    /// Whether it is on a read-only mount, whatever its mode: Kubernetes mounts a ConfigMap so, with mode 777.
    is_fixed: bool,
}

impl PathElement {
    fn new(at: &Path, found: &Metadata) -> PathElement {
        let mount = found.is_dir().then(|| rustix::fs::statvfs(at).ok()).flatten();
        PathElement {
            path: at.to_owned(),
            owner: found.uid(),
            group: found.gid(),
            kind: FileType::from_raw_mode(found.mode() as _),
            mode: found.mode() & 0o7777,
            links: found.nlink(),
            is_fixed: mount.is_some_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY)),
        }
    }
}

/// The account that reads.
struct ReadingAccount {
    me: u32,
    groups: Vec<u32>,
    /// The owner of `/`, who counts as root: in a user namespace that does not map root, it has another number.
    top: u32,
}

impl ReadingAccount {
    fn of_process() -> io::Result<ReadingAccount> {
        let mut groups = rustix::process::getgroups()?;
        groups.push(rustix::process::getegid());
        Ok(ReadingAccount {
            me: rustix::process::geteuid().as_raw(),
            groups: groups.into_iter().map(|group| group.as_raw()).collect(),
            top: fs::symlink_metadata("/")?.uid(),
        })
    }
}

struct TrustCheck<'a> {
    way: &'a [PathElement],
    end: &'a PathElement,
    origin: FileOrigin,
    who: &'a ReadingAccount,
    /// Whether an account is the only member of a step's group.
    is_of: &'a dyn Fn(u32, &PathElement) -> bool,
}

impl TrustCheck<'_> {
    const STICKY: u32 = 0o1000;

    /// Why the file is refused, or `None`.
    fn refusal(&self) -> Option<NotOurs> {
        self.way.iter().chain([self.end]).find_map(|step| self.refusal_of(step))
    }

    fn refusal_of(&self, step: &PathElement) -> Option<NotOurs> {
        let (shown, end, me) = (step.path.display(), self.end.path.display(), self.who.me);
        let exchanged = match std::ptr::eq(step, self.end) {
            true => String::new(),
            false => format!(", and whoever may change that decides what {end} is"),
        };
        if !self.is_trusted(step.owner) {
            // Naming the file helps only if the name cannot refer to another account's file.
            let name_it = match (self.origin, step.owner == self.end.owner && !self.anybody_may_make_it()) {
                (FileOrigin::DefaultPlace, true) => format!("or name it: --config {end}; "),
                _ => String::new(),
            };
            let kind = if step.kind == FileType::Symlink { "the link " } else { "" };
            return Some(NotOurs {
                what: format!(
                    "{kind}{shown} belongs to another account (uid {}, and this is uid {me}){exchanged}",
                    step.owner
                ),
                advice: format!("if you trust it: chown -h {me} {shown}, {name_it}{}", self.otherwise()),
            });
        }
        if self.is_perhaps_linked_by_others(step) {
            return Some(NotOurs {
                what: format!("{shown} has {} names, and in its folder anybody may give it one", step.links),
                advice: format!("whoever did could have meant another file for this; {}", self.otherwise()),
            });
        }
        let open = self.open(step);
        if open == 0 {
            return None;
        }
        let by = if step.owner == me { "run" } else { "have its owner run" };
        let whose = if open & 0o002 != 0 { "other accounts" } else { "the accounts of its group" };
        Some(NotOurs {
            what: format!("{shown} can be written by {whose} (mode {:o}){exchanged}", step.mode),
            advice: format!("look at what stands in it, and {by} `chmod go-w {shown}`; {}", self.otherwise()),
        })
    }

    fn otherwise(&self) -> &'static str {
        match self.origin {
            FileOrigin::DefaultPlace => {
                "otherwise work in another folder, or name a file that you or root alone may change (--config; \
                 --config /dev/null for none)"
            }
            FileOrigin::Secrets => "otherwise put what it holds into the environment",
            FileOrigin::Named => {
                "otherwise name a file that you or root alone may change, in a folder where that is so (--config)"
            }
        }
    }

    fn is_trusted(&self, owner: u32) -> bool {
        let is_named = self.origin == FileOrigin::Named && owner == self.end.owner;
        [0, self.who.me, self.who.top].contains(&owner) || (is_named && !self.anybody_may_make_it())
    }

    /// Whether it is below a folder like `/tmp`, where any account can create a name.
    fn anybody_may_make_it(&self) -> bool {
        self.way.iter().any(|step| {
            step.kind == FileType::Directory
                && step.mode & Self::STICKY != 0
                && step.mode & 0o022 != 0
                && !step.is_fixed
        })
    }

    /// Whether another account may have hard-linked a trusted account's file to the default place (where the system
    /// allows it: fs.protected_hardlinks).
    fn is_perhaps_linked_by_others(&self, step: &PathElement) -> bool {
        self.origin != FileOrigin::Named
            && step.kind == FileType::RegularFile
            && step.links > 1
            && self.anybody_may_make_it()
    }

    /// The bits of the mode that let other accounts write.
    fn open(&self, step: &PathElement) -> u32 {
        let bits = step.mode & 0o022;
        match step.kind {
            // The mode of a link has no meaning, and what is written to a device is not read back from it.
            FileType::Symlink | FileType::CharacterDevice => 0,
            // There each account can replace only its own entries.
            FileType::Directory if step.is_fixed || step.mode & Self::STICKY != 0 => 0,
            _ if bits & 0o020 != 0 && self.is_group_of_trusted(step) => bits & 0o002,
            _ => bits,
        }
    }

    fn is_group_of_trusted(&self, step: &PathElement) -> bool {
        [0, self.who.me, self.end.owner]
            .iter()
            .any(|account| self.is_trusted(*account) && (self.is_of)(*account, step))
    }

    /// Whether other accounts may read it. A group of this process does not count: that was intended.
    fn seen(&self) -> Option<NotOurs> {
        let end = self.end;
        let is_ours =
            |step: &PathElement| self.who.groups.contains(&step.group) || self.is_group_of_trusted(step);
        let is_read = end.mode & 0o004 != 0 || (end.mode & 0o040 != 0 && end.owner != 0 && !is_ours(end));
        let is_shut =
            |step: &PathElement| step.mode & 0o001 == 0 && (step.mode & 0o010 == 0 || is_ours(step));
        let mut folders = self.way.iter().filter(|step| step.kind == FileType::Directory);
        if end.kind != FileType::RegularFile || !is_read || folders.any(is_shut) {
            return None;
        }
        let shown = end.path.display();
        let advice = match end.owner == self.who.me {
            true => format!("run `chmod go-r {shown}` (or chmod 640, where a service reads it by its group)"),
            false => format!(
                "have its owner run `chmod 640 {shown}`, with a group of the account that runs this; or put them into the \
                 environment, or where systemd hands them over (LoadCredential=)"
            ),
        };
        Some(NotOurs { what: format!("{shown} can be read by other accounts (mode {:o})", end.mode), advice })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: u32 = 1000;
    const MALLORY: u32 = 1001;
    /// A group whose only member is Ada.
    const ADAS: u32 = 1000;
    const TEAM: u32 = 2000;

    /// An element of a path by its owner, group, kind and mode; `r` for a folder on a read-only mount.
    fn step(path: &str, owner: u32, group: u32, kind: char, mode: u32) -> PathElement {
        let kinds =
            [('f', FileType::RegularFile), ('l', FileType::Symlink), ('c', FileType::CharacterDevice)];
        let kind_of = kinds.into_iter().find(|(name, _)| *name == kind).map(|(_, kind)| kind);
        let (path, kind_of) = (PathBuf::from(path), kind_of.unwrap_or(FileType::Directory));
        let links = if path.ends_with("linked.toml") { 2 } else { 1 };
        PathElement { path, owner, group, kind: kind_of, mode, links, is_fixed: kind == 'r' }
    }

    /// Why the account (Ada or another) does not trust the file, and what it is warned of.
    fn judged(
        way: &[PathElement],
        origin: FileOrigin,
        me: u32,
        groups: &[u32],
    ) -> (Option<String>, Option<String>) {
        let top = step("/", 0, 0, 'd', 0o755);
        let (end, folders) = way.split_last().unwrap();
        let way = [&[top], folders].concat();
        let is_of = |account: u32, step: &PathElement| {
            (account, step.group) == (ADA, ADAS) || (account, step.group) == (0, 0)
        };
        let who = ReadingAccount { me, groups: groups.to_vec(), top: 0 };
        let judge = TrustCheck { way: &way, end, origin, who: &who, is_of: &is_of };
        (judge.refusal().map(|why| why.to_string()), judge.seen().map(|why| why.to_string()))
    }

    #[test]
    fn what_others_own_may_change_or_exchange_is_not_believed() {
        use FileOrigin::{DefaultPlace as Found, Named};
        let srv = || step("/srv", 0, 0, 'd', 0o755);
        let tmp = || step("/tmp", 0, 0, 'd', 0o1777);
        let file = |owner, mode| step("/…/gazelle-sync.toml", owner, owner, 'f', mode);
        for (origin, way, says) in [
            (Found, vec![tmp(), file(MALLORY, 0o644)], "uid 1001"),
            (Named, vec![tmp(), file(MALLORY, 0o644)], "uid 1001"),
            (
                Named,
                vec![tmp(), step("/tmp/ada", MALLORY, 1, 'd', 0o755), file(MALLORY, 0o644)],
                "/tmp/ada belongs",
            ),
            (Found, vec![srv(), file(MALLORY, 0o644)], "or name it: --config"),
            (Found, vec![tmp(), step("/tmp/l", MALLORY, 1, 'l', 0o777), file(ADA, 0o600)], "the link /tmp/l"),
            (Found, vec![step("/home/m", MALLORY, 1, 'd', 0o755), file(ADA, 0o600)], "/home/m belongs"),
            (Named, vec![step("/home/m", MALLORY, 1, 'd', 0o755), file(ADA, 0o600)], "/home/m belongs"),
            (Found, vec![srv(), file(ADA, 0o666)], "by other accounts (mode 666)"),
            (Named, vec![srv(), file(0, 0o666)], "have its owner run `chmod go-w"),
            (Found, vec![srv(), step("/srv/x", ADA, TEAM, 'f', 0o664)], "accounts of its group (mode 664)"),
            (Named, vec![step("/srv/p", 0, TEAM, 'd', 0o2775), file(ADA, 0o600)], "/srv/p can be written"),
            (Named, vec![step("/srv/p", ADA, ADAS, 'd', 0o777), file(ADA, 0o600)], "/srv/p can be written"),
            (Found, vec![tmp(), step("/tmp/linked.toml", ADA, ADAS, 'f', 0o600)], "has 2 names"),
            (Found, vec![tmp(), step("/tmp/linked.toml", 0, 0, 'f', 0o644)], "has 2 names"),
            // A folder on a read-only mount does not decide whether the owner of a file in it is trusted.
            (Found, vec![step("/etc/c", 0, 0, 'r', 0o777), file(MALLORY, 0o644)], "uid 1001"),
        ] {
            let told = judged(&way, origin, ADA, &[ADAS, TEAM]).0;
            assert!(told.as_ref().is_some_and(|told| told.contains(says)), "{way:?}: {told:?}");
        }
    }

    #[test]
    fn usual_places_are_believed() {
        use FileOrigin::{DefaultPlace as Found, Named};
        let (etc, home) = (step("/etc", 0, 0, 'd', 0o755), step("/home/ada", ADA, ADAS, 'd', 0o750));
        let of = |owner, group, mode| step("/…/gazelle-sync.toml", owner, group, 'f', mode);
        let (service, its) = (998, [998]);
        let tmp = step("/tmp", 0, 0, 'd', 0o1777);
        for (origin, me, groups, way) in [
            (Named, service, &its[..], vec![etc.clone(), of(0, 0, 0o644)]),
            (Named, service, &its, vec![etc.clone(), of(0, 998, 0o640)]),
            (Found, service, &its, vec![etc.clone(), of(0, 998, 0o640)]),
            // With umask 002 each account has a group of its own; and root runs it as the owner.
            (
                Found,
                ADA,
                &[ADAS],
                vec![home.clone(), step("/home/ada/p", ADA, ADAS, 'd', 0o775), of(ADA, ADAS, 0o664)],
            ),
            (
                Named,
                0,
                &[0],
                vec![home.clone(), step("/home/ada/p", ADA, ADAS, 'd', 0o775), of(ADA, ADAS, 0o664)],
            ),
            // A file of another account, in a container or of whoever deploys, that the user named.
            (Named, 0, &[0], vec![step("/app", 0, 0, 'd', 0o755), of(ADA, TEAM, 0o644)]),
            (Named, service, &its, vec![step("/srv/app", ADA, TEAM, 'd', 0o755), of(ADA, TEAM, 0o644)]),
            // An arbitrary account of a container, in root's group.
            (Found, 1_000_650_000, &[0], vec![step("/app", 0, 0, 'd', 0o775), of(0, 0, 0o664)]),
            // A ConfigMap: mode 777, links owned by root, mounted read-only.
            (
                Found,
                ADA,
                &[0],
                vec![
                    etc.clone(),
                    step("/etc/c", 0, 0, 'r', 0o777),
                    step("/etc/c/gazelle-sync.toml", 0, 0, 'l', 0o777),
                    step("/etc/c/..data", 0, 0, 'l', 0o777),
                    of(0, 0, 0o644),
                ],
            ),
            (Found, ADA, &[ADAS], vec![tmp.clone(), of(ADA, ADAS, 0o600)]),
            (Found, ADA, &[ADAS], vec![home.clone(), step("/home/ada/linked.toml", ADA, ADAS, 'f', 0o600)]),
            (Named, ADA, &[ADAS], vec![tmp.clone(), step("/tmp/linked.toml", ADA, ADAS, 'f', 0o600)]),
            (Named, ADA, &[ADAS], vec![step("/dev", 0, 0, 'd', 0o755), step("/dev/null", 0, 0, 'c', 0o666)]),
        ] {
            assert_eq!(judged(&way, origin, me, groups).0, None, "{me}: {way:?}");
        }
    }

    #[test]
    fn what_others_may_read_is_told_and_what_a_group_of_ours_may_is_not() {
        let etc = || step("/etc", 0, 0, 'd', 0o755);
        let of = |owner, group, mode| step("/…/x", owner, group, 'f', mode);
        for (me, way, says) in [
            (998, vec![etc(), of(0, 998, 0o640)], None),
            (0, vec![etc(), of(0, 998, 0o640)], None),
            (ADA, vec![etc(), of(ADA, ADAS, 0o640)], None),
            (ADA, vec![etc(), of(ADA, ADAS, 0o600)], None),
            (ADA, vec![step("/home/ada", ADA, ADAS, 'd', 0o700), of(ADA, ADAS, 0o644)], None),
            (ADA, vec![step("/home/ada", ADA, ADAS, 'd', 0o750), of(ADA, ADAS, 0o644)], None),
            (
                ADA,
                vec![step("/srv/ada", ADA, TEAM, 'd', 0o750), of(ADA, ADAS, 0o644)],
                Some("run `chmod go-r"),
            ),
            (ADA, vec![etc(), of(ADA, TEAM, 0o640)], Some("mode 640")),
            (ADA, vec![etc(), of(ADA, ADAS, 0o644)], Some("run `chmod go-r")),
            (998, vec![etc(), of(0, 0, 0o644)], Some("LoadCredential=")),
        ] {
            let told = judged(&way, FileOrigin::Named, me, &[me]).1;
            match says {
                None => assert_eq!(told, None, "{me}: {way:?}"),
                Some(words) => {
                    assert!(told.clone().is_some_and(|told| told.contains(words)), "{way:?}: {told:?}")
                }
            }
        }
    }
}
