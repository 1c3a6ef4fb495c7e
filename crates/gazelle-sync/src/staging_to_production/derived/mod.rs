//! The SQL for derived columns, which repeat columns of another record's row: they are filled when their row is
//! written, and refreshed when the other row is.

use crate::db::Template;
use crate::entities::table::{Derived, Table};
use crate::entities::{ENTITIES, Entity};

/// The join that gives the other row while a row is written, as a piece of a statement.
pub(super) fn join(table: &Table) -> &'static str {
    match table.derived {
        Some(_) => include_str!("join.sql").trim_end(),
        None => "",
    }
}

/// The statements that refresh a table. Both take the ids of the records on which its derived columns rest as
/// `$1::text[]`, and return keys.
#[derive(Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The table.
    pub table: &'static str,
    /// Selects the rows that are to be written.
    pub to_write: String,
    /// Writes them.
    pub write: String,
}

/// What is to be refreshed after records of this entity were written: every table with columns that derive from
/// theirs.
pub fn refreshes(entity: &Entity) -> Vec<Refresh> {
    let tables = ENTITIES.iter().flat_map(|entity| entity.tables).copied();
    refreshes_among(tables, entity.tables[0].name)
}

fn refreshes_among(tables: impl Iterator<Item = &'static Table>, from: &str) -> Vec<Refresh> {
    let derived = tables.filter_map(|table| Some((table, table.derived.as_ref()?)));
    derived
        .filter(|(_, derived)| derived.table == from)
        .map(|(table, derived)| refresh(table, derived))
        .collect()
}

fn refresh(table: &'static Table, derived: &Derived) -> Refresh {
    let listed = |each: &dyn Fn(&str, &str) -> String| {
        let columns = derived.columns.iter().map(|column| each(column.name, column.from));
        columns.collect::<Vec<_>>().join(", ")
    };
    let key: Vec<String> = table.key.iter().map(|column| format!("a.{column}::text")).collect();
    let fill = |template| {
        Template::new(template)
            .with("table", table.name)
            .with("from", derived.table)
            .with("by", derived.by)
            .with("key_text", key.join(", "))
            .with("assignments", listed(&|name, from| format!("{name} = c.{from}")))
            .with("ours", listed(&|name, _| format!("a.{name}")))
            .with("theirs", listed(&|_, from| format!("c.{from}")))
            .fill()
    };
    let [to_write, write] = [include_str!("to_refresh.sql"), include_str!("refresh.sql")].map(fill);
    Refresh { table: table.name, to_write, write }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::table::{DerivedColumn, Rule, column};
    use crate::entities::{appointments, clients, pianos};

    #[test]
    fn the_tables_that_derive_from_an_entity_are_refreshed_after_it() {
        let of_clients = refreshes(&clients::ENTITY);
        assert_eq!(
            of_clients.iter().map(|refresh| refresh.table).collect::<Vec<_>>(),
            ["gazelle_appointments"]
        );
        assert_eq!((refreshes(&pianos::ENTITY), refreshes(&appointments::ENTITY)), (vec![], vec![]));
        let text = [of_clients[0].to_write.trim(), of_clients[0].write.trim()].join("\n\n");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn every_table_that_derives_from_an_entity_is_refreshed_by_its_own_key() {
        const BY: &str = "client_external_id";
        static LANGUAGES: &[DerivedColumn] =
            &[DerivedColumn { name: "language", from: "locale", references: "gazelle_clients" }];
        static VISITS: Table = Table {
            name: "visits",
            key: &["day", "client_external_id"],
            columns: &[column("day", Rule::Id, &["day"]), column(BY, Rule::Id, &["client.id"])],
            derived: Some(Derived { table: "gazelle_clients", by: BY, columns: LANGUAGES }),
            ..Table::OF_RECORDS
        };
        let tables = [&appointments::GAZELLE_APPOINTMENTS, &VISITS, &pianos::GAZELLE_PIANOS];
        let refreshed = refreshes_among(tables.into_iter(), "gazelle_clients");
        assert_eq!(refreshed.len(), 2);
        let Refresh { table, to_write, write } = &refreshed[1];
        assert_eq!(*table, "visits");
        assert!(to_write.contains("SELECT a.day::text, a.client_external_id::text\n"), "{to_write}");
        assert!(write.contains("SET language = c.locale\n"), "{write}");
        assert!(write.contains("(a.language) IS DISTINCT FROM (c.locale)"), "{write}");
        assert_eq!(refreshes_among(tables.into_iter(), "gazelle_users"), []);
    }
}
