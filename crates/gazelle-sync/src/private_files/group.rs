//! Whether anybody else is in a group: with umask 002, as Fedora and Ubuntu set it, each account has a group of its own that
//! may write in its folders.

use std::fs;
use std::path::Path;

use rustix::io::Errno;

/// Whether the group of a folder is our own and nobody else's. Not, where that is in doubt: accounts of a directory service,
/// say, stand in no file.
pub(super) fn is_of_nobody_else(folder: &Path, group: u32, accounts: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    group == rustix::process::getegid().as_raw() && is_of(me, folder, group, accounts)
}

/// Whether the group of a file or folder is an account's own and nobody else's. Not, where that is in doubt.
pub(super) fn is_of(account: u32, path: &Path, group: u32, accounts: &Path) -> bool {
    // What a user namespace does not know is shown as this group.
    const UNKNOWN: u32 = 65534;
    if group == UNKNOWN {
        return false;
    }
    // With an access list, the bits of the group say what the list allows at most, to whomever.
    let listed = rustix::fs::getxattr(path, "system.posix_acl_access", &mut [0_u8; 1]);
    if !matches!(listed, Err(Errno::NODATA | Errno::NOTSUP)) {
        return false;
    }
    let read = |name| fs::read_to_string(accounts.join(name)).ok();
    let (Some(passwd), Some(groups)) = (read("passwd"), read("group")) else { return false };
    is_alone_in(group, account, &passwd, &groups).unwrap_or(false)
}

/// Whether an account is the only member of its own group, by the text of the two files. None where a line is of no known form.
fn is_alone_in(group: u32, me: u32, passwd: &str, groups: &str) -> Option<bool> {
    let mut mine = Vec::new();
    let mut is_my_group = false;
    for line in passwd.lines().filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split(':').collect();
        let (name, user, primary) =
            (*fields.first()?, fields.get(2)?.parse::<u32>().ok()?, fields.get(3)?.parse::<u32>().ok()?);
        match user {
            // Root needs no group.
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
        // Whoever knows the password of a group becomes a member.
        if others || !["", "x", "*", "!"].contains(&password) {
            return Some(false);
        }
    }
    Some(is_my_group && is_listed)
}
