//! Which columns of production a place in a record feeds. Pure.

use crate::entities::Entity;
use crate::entities::table::{Column, Table};

/// The columns that a place feeds.
#[derive(Debug, Clone, Default)]
pub(in crate::dashboard::screens) struct FilledColumns(Vec<(&'static str, &'static str)>);

impl FilledColumns {
    /// Those of an entity that read the place, and those that the database computes from them. A place is as errors name
    /// it: `allContacts.nodes[2].email`.
    pub(in crate::dashboard::screens) fn from_path(entity: &Entity, place: &str) -> FilledColumns {
        let place = plain(place);
        let mut fed = Vec::new();
        for table in entity.tables {
            for column in table.columns.iter().filter(|column| reads(table, column, &place)) {
                fed.push((table.name, column.name));
            }
            for generated in table.generated {
                let words = generated.expression.split(|c: char| !c.is_alphanumeric() && c != '_');
                if words.into_iter().any(|word| fed.contains(&(table.name, word))) {
                    fed.push((table.name, generated.name));
                }
            }
        }
        FilledColumns(fed)
    }

    pub(in crate::dashboard::screens) fn holds(&self, table: &str, column: &str) -> bool {
        self.0.iter().any(|(of, name)| *of == table && *name == column)
    }
}

/// Whether a column is read from a place, or is what the place is called where the database refused the column.
fn reads(table: &Table, column: &Column, place: &[String]) -> bool {
    let paths = column.from.iter().chain(column.made.iter().flat_map(|made| made.from));
    let mut places = paths.map(|path| {
        let up = path.chars().take_while(|letter| *letter == '^').count();
        let inside = table.inside();
        let around = &inside[..inside.len().saturating_sub(up)];
        around.iter().map(|step| (*step).to_owned()).chain(plain(&path[up..])).collect::<Vec<_>>()
    });
    let is_named = place.len() == 1 && place[0] == column.name && table.owner.is_none();
    is_named || places.any(|at| at == place)
}

/// The names on the way to a place, without what every connection has.
fn plain(place: &str) -> Vec<String> {
    let steps = place.split('.').map(|step| step.split('[').next().unwrap_or_default());
    steps
        .filter(|step| !step.is_empty() && !["nodes", "edges", "node"].contains(step))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{appointments, clients};

    #[test]
    fn a_place_feeds_what_is_read_from_it_and_what_follows_from_that() {
        for (entity, place, fed) in [
            (
                &appointments::ENTITY,
                "start",
                vec!["appointment_date", "appointment_time", "start_at", "end_at"],
            ),
            (&appointments::ENTITY, "duration", vec!["duration_minutes", "end_at"]),
            (&appointments::ENTITY, "user.id", vec!["technician_external_id"]),
            (&appointments::ENTITY, "technician_external_id", vec!["technician_external_id"]),
            (&appointments::ENTITY, "allEventPianos.nodes[3].piano.id", vec!["piano_external_id"]),
            (&clients::ENTITY, "allContacts.nodes[2].firstName", vec!["first_name"]),
            (
                &clients::ENTITY,
                "allContacts.nodes[0].allLocations.edges[1].node.street1",
                vec!["address_line1"],
            ),
            (&clients::ENTITY, "firstName", vec![]),
            (&clients::ENTITY, "", vec![]),
        ] {
            let found: Vec<&str> =
                FilledColumns::from_path(entity, place).0.into_iter().map(|(_, column)| column).collect();
            assert_eq!(found, fed, "{place}");
        }
        let fed = FilledColumns::from_path(&clients::ENTITY, "allContacts.nodes[2].title");
        assert!(fed.holds("gazelle_contacts", "title") && !fed.holds("gazelle_clients", "title"));
    }
}
