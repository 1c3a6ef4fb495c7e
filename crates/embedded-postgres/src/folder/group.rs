//! Tells whether a group has other members: with umask 002, as Fedora and Ubuntu set it, each account has a group of
//! its own that may write in its folders.

use std::fs;
use std::path::Path;

use rustix::io::Errno;

/// Whether the group of a file or folder is the primary group of one of these accounts, and has no members but them
/// and those of `tolerated`. `accounts` is the folder of the files `passwd` and `group`. False if in doubt: accounts
/// of a directory service, for example, are in no file.
pub fn has_no_other_member(
    path: &Path,
    group: u32,
    owners: &[u32],
    tolerated: &[u32],
    accounts: &Path,
) -> bool {
    // A user namespace shows groups that it does not map as this one.
    const UNKNOWN: u32 = 65534;
    // With a POSIX access list, the group bits are only the mask of the list's entries.
    let listed = rustix::fs::getxattr(path, "system.posix_acl_access", &mut [0_u8; 1]);
    if group == UNKNOWN || !matches!(listed, Err(Errno::NODATA | Errno::NOTSUP)) {
        return false;
    }
    let read = |name| fs::read_to_string(accounts.join(name)).ok();
    let (Some(passwd), Some(groups)) = (read("passwd"), read("group")) else { return false };
    are_alone_in(group, owners, tolerated, &passwd, &groups).unwrap_or(false)
}

/// The same by the text of the two files; `None` if a line cannot be parsed.
fn are_alone_in(group: u32, owners: &[u32], tolerated: &[u32], passwd: &str, groups: &str) -> Option<bool> {
    let lines = |text: &'_ str| -> Vec<Vec<String>> {
        let filled = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        filled.map(|line| line.split(':').map(str::to_owned).collect()).collect()
    };
    let is_one_of = |accounts: &[u32], user: i64| accounts.iter().any(|one| i64::from(*one) == user);
    let mut names = Vec::new();
    let mut is_own = false;
    for account in lines(passwd) {
        let (name, user, primary) = (account.first()?, number(&account, 2)?, number(&account, 3)?);
        let is_primary = primary == i64::from(group);
        if is_one_of(owners, user) {
            names.push(name.clone());
            is_own |= is_primary;
        } else if is_one_of(tolerated, user) {
            names.push(name.clone());
        } else if is_primary {
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
            assert_eq!(are_alone_in(1000, &[0, 1000], &[], passwd, groups), alone, "{passwd} {groups}");
        }
    }

    #[test]
    fn a_tolerated_account_may_be_a_member_but_its_own_group_is_not_ours() {
        let passwd = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n";
        for (group, groups, alone) in [
            (1000, "ada:x:1000:root\n", Some(true)),
            (0, "root:x:0:\n", Some(false)),
            (1000, "ada:x:1000:bob\n", Some(false)),
        ] {
            assert_eq!(are_alone_in(group, &[1000], &[0], passwd, groups), alone, "{group} {groups}");
        }
    }
}
