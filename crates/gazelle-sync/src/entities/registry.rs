//! The list of entities: the order of both stages, and the references between tables.

use std::sync::{LazyLock, Mutex, PoisonError};

use super::OWN;
use super::check::check;
use super::entity::Entity;
use super::table::Table;

/// The entities added by a program that uses this crate as a library.
static ADDED: Mutex<Vec<&'static Entity>> = Mutex::new(Vec::new());

/// Every entity, parents before children: the order of stage 1 and stage 2.
///
/// # Panics
/// On first use if the declarations are inconsistent: see `entities/check.rs`.
pub static ENTITIES: LazyLock<Vec<&'static Entity>> = LazyLock::new(|| {
    let added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
    let all: Vec<&Entity> = OWN.iter().chain(added.iter()).copied().collect();
    if let Err(why) = check(&all) {
        panic!("invariant: {why}");
    }
    all
});

/// Every foreign key of production: table, column, and the table whose `external_id` it references.
pub static FOREIGN_KEYS: LazyLock<Vec<(&str, &str, &str)>> = LazyLock::new(|| {
    let tables = ENTITIES.iter().flat_map(|entity| entity.tables);
    tables.flat_map(|table| table.references().map(|(column, of)| (table.name, column, of))).collect()
});

/// A column by which records of an entity refer to records of another one.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// The entity of the referring records.
    pub entity: &'static Entity,
    /// The table of the column: the entity's first one, or one of rows inside its records.
    pub table: &'static Table,
    /// The column with the other record's id.
    pub column: &'static str,
}

impl Reference {
    /// The column of the table with the id of the referring record.
    pub fn record_column(&self) -> &'static str {
        self.table.owner.unwrap_or(self.table.key[0])
    }
}

impl Entity {
    /// The columns by which records of other entities refer to its records, in the order of [`ENTITIES`].
    pub fn referred_by(&self) -> impl Iterator<Item = Reference> {
        let own = self.tables[0].name;
        let others = ENTITIES.iter().copied().filter(move |other| other.tables[0].name != own);
        others.flat_map(move |entity| {
            entity.tables.iter().flat_map(move |table| {
                let columns = table.columns.iter().filter(move |column| column.parent == Some(own));
                columns.map(move |column| Reference { entity, table, column: column.name })
            })
        })
    }

    /// Whether records of other entities reference its records.
    pub fn is_named_by_others(&self) -> bool {
        let own = Some(self.tables[0].name);
        ENTITIES
            .iter()
            .flat_map(|entity| entity.tables)
            .any(|table| table.columns.iter().any(|column| column.parent == own))
    }
}

/// The entity with this name; `None` if there is none.
pub fn entity(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().copied().find(|entity| entity.name == name)
}

/// The entity whose records have one row each in this table (`gazelle_clients` → clients).
pub fn entity_of_table(table: &str) -> Option<&'static Entity> {
    ENTITIES.iter().copied().find(|entity| entity.tables[0].name == table)
}

/// The names of all entities, in order.
pub fn names() -> Vec<&'static str> {
    ENTITIES.iter().map(|entity| entity.name).collect()
}

/// Adds an entity in a program that uses this crate as a library, after the existing ones. Must be called before
/// anything else of the crate. `examples/with_invoices` is such a program.
///
/// # Panics
/// If [`ENTITIES`] was already used.
pub fn add(entity: &'static Entity) {
    let is_late = LazyLock::get(&ENTITIES).is_some();
    assert!(!is_late, "invariant: entity {} is added after the entities were read", entity.name);
    ADDED.lock().unwrap_or_else(PoisonError::into_inner).push(entity);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{appointments, clients, pianos, users};

    #[test]
    fn parents_come_before_children_and_names_are_used_once() {
        assert_eq!(check(OWN), Ok(()));
        let cases: [(&[&Entity], &str); 4] = [
            (
                &[&users::ENTITY, &pianos::ENTITY, &clients::ENTITY],
                "entity pianos: gazelle_pianos.client_external_id names a row of gazelle_clients, which must be declared before it",
            ),
            (
                &[&clients::ENTITY, &pianos::ENTITY, &appointments::ENTITY],
                "entity appointments: gazelle_appointments.technician_external_id names a row of gazelle_users, which must be \
                 declared before it",
            ),
            (&[&users::ENTITY, &users::ENTITY], "entity users: the name users is taken"),
            (&[&appointments::ENTITY], "entity appointments: "),
        ];
        for (entities, why) in cases {
            let said = check(entities).unwrap_err();
            assert!(said.starts_with(why), "{said}");
        }
    }

    #[test]
    fn every_folder_with_queries_is_an_entity() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/entities");
        let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let with_queries = folders.filter(|path| path.join("page.graphql").exists());
        let mut found: Vec<String> =
            with_queries.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        let mut listed: Vec<&str> = OWN.iter().map(|entity| entity.name).collect();
        found.sort();
        listed.sort_unstable();
        assert_eq!(found, listed, "a folder is not in entities::OWN, or has another name than its entity");
    }

    #[test]
    fn every_foreign_key_follows_from_a_column() {
        let keys = &*FOREIGN_KEYS;
        assert!(keys.contains(&("gazelle_contacts", "client_external_id", "gazelle_clients")));
        assert!(keys.contains(&("gazelle_appointments", "location_external_id", "gazelle_locations")));
        let tables: Vec<&str> =
            ENTITIES.iter().flat_map(|entity| entity.tables).map(|table| table.name).collect();
        for (table, column, of) in keys {
            assert!(tables.contains(table) && tables.contains(of), "{table}.{column} names {of}");
        }
    }
}
