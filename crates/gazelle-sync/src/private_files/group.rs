//! Tells whether the group of a file or folder is an account's own and has no other member but root.

use std::path::Path;

/// Whether a folder's group is our own and has no other member. False if in doubt.
pub(super) fn is_of_nobody_else(folder: &Path, group: u32, accounts: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    group == rustix::process::getegid().as_raw() && is_of(me, folder, group, accounts)
}

/// Whether the group of a file or folder is an account's own and has no other member. Root may write anyway. False
/// if in doubt.
pub(super) fn is_of(account: u32, path: &Path, group: u32, accounts: &Path) -> bool {
    embedded_postgres::has_no_other_member(path, group, &[account], &[0], accounts)
}
