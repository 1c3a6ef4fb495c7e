//! Tells whether a group has other members: with umask 002, as Fedora and Ubuntu set it, each account has a group
//! of its own that may write in its folders.

use std::fs;
use std::path::Path;

use rustix::io::Errno;

/// Whether a folder's group is our own and has no other member. False if in doubt: accounts of a directory service,
/// for example, are in no file.
pub(super) fn is_of_nobody_else(folder: &Path, group: u32, accounts: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    group == rustix::process::getegid().as_raw() && is_of(me, folder, group, accounts)
}

/// Whether the group of a file or folder is an account's own and has no other member. False if in doubt.
pub(super) fn is_of(account: u32, path: &Path, group: u32, accounts: &Path) -> bool {
    // A user namespace shows groups that it does not map as this one.
    const UNKNOWN: u32 = 65534;
    if group == UNKNOWN {
        return false;
    }
    // With a POSIX access list, the group bits are only the mask of the list's entries.
    let listed = rustix::fs::getxattr(path, "system.posix_acl_access", &mut [0_u8; 1]);
    if !matches!(listed, Err(Errno::NODATA | Errno::NOTSUP)) {
        return false;
    }
    let read = |name| fs::read_to_string(accounts.join(name)).ok();
    let (Some(passwd), Some(groups)) = (read("passwd"), read("group")) else { return false };
    is_alone_in(group, account, &passwd, &groups).unwrap_or(false)
}

/// Whether an account is the only member of its own group, by the text of the two files; `None` if a line cannot be
/// parsed.
fn is_alone_in(group: u32, me: u32, passwd: &str, groups: &str) -> Option<bool> {
    let mut mine = Vec::new();
    let mut is_my_group = false;
    for line in passwd.lines().filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split(':').collect();
        let (name, user, primary) =
            (*fields.first()?, fields.get(2)?.parse::<u32>().ok()?, fields.get(3)?.parse::<u32>().ok()?);
        match user {
            // Root may write anyway.
            0 if me != 0 => mine.push(name),
            _ if user == me => {
                mine.push(name);
                is_my_group |= primary == group;
            }
            _ if primary == group => return Some(false),
            _ => {}
        }
    }
    let mut is_listed = false;
    for line in groups.lines().filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split(':').collect();
        let (password, number, members) =
            (*fields.get(1)?, fields.get(2)?.parse::<u32>().ok()?, *fields.get(3)?);
        if number != group {
            continue;
        }
        is_listed = true;
        let others = members.split(',').any(|name| !name.is_empty() && !mine.contains(&name));
        // Anybody who knows a group's password can join it.
        if others || !["", "x", "*", "!"].contains(&password) {
            return Some(false);
        }
    }
    Some(is_my_group && is_listed)
}
