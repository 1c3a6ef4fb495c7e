//! The names of everything that we make in an account's schema.

use std::collections::BTreeSet;

use super::{REGISTER, TABLES, VIEWS, declared, staging_tables};

/// Every table of ours.
pub(crate) fn tables() -> Vec<&'static str> {
    // A later migration may change what an earlier one made.
    let staging: BTreeSet<&str> = staging_tables().collect();
    TABLES.iter().copied().chain(staging).chain(declared::tables()).chain([REGISTER]).collect()
}

/// The name of everything we make in an account's schema.
pub fn relation_names() -> Vec<&'static str> {
    tables().into_iter().chain(VIEWS).collect()
}
