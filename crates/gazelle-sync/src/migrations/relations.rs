//! Names of all tables and views that we create in an account's schema.

use std::collections::BTreeSet;

use super::{REGISTER, TABLES, VIEWS, declared, production_view_names, staging_tables};
use crate::entities::ENTITIES;

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

/// Whether a table of ours holds the raw versions of an entity.
pub fn is_staging(table: &str) -> bool {
    ENTITIES.iter().any(|entity| entity.staging_table == table)
}

/// The names of the production tables, in the order of the entities.
pub fn production_tables() -> Vec<&'static str> {
    ENTITIES.iter().flat_map(|entity| entity.tables).map(|table| table.name).collect()
}

/// Whether a table or view of ours shows records to readers, who may be let in by policies of the company.
pub fn is_production(relation: &str) -> bool {
    production_tables().contains(&relation) || production_view_names().any(|view| view == relation)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What readers and the public roles may see follows from this, so a new relation must be of one kind.
    #[test]
    fn each_relation_is_staging_production_or_bookkeeping() {
        for name in relation_names() {
            let is_bookkeeping = name.starts_with("sync_") || name.starts_with("v_sync_") || name == REGISTER;
            let kinds = [is_staging(name), is_production(name), is_bookkeeping];
            assert_eq!(kinds.iter().filter(|is| **is).count(), 1, "{name}: {kinds:?}");
        }
        for table in production_tables() {
            assert!(tables().contains(&table), "{table} is created by no migration");
        }
    }
}
