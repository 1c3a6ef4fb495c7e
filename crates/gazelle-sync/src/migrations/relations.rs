//! Names of all tables and views that we create in an account's schema.

use std::collections::BTreeSet;

use super::{REGISTER, TABLES, VIEWS, declared, staging_tables};

/// The names of all our tables.
pub(crate) fn tables() -> Vec<&'static str> {
    // A set, since several migrations name the same staging table.
    let staging: BTreeSet<&str> = staging_tables().collect();
    TABLES.iter().copied().chain(staging).chain(declared::tables()).chain([REGISTER]).collect()
}

/// The names of all our tables and views.
pub fn relation_names() -> Vec<&'static str> {
    tables().into_iter().chain(VIEWS).collect()
}
