//! Finds records whose parent is absent: the row of another record that a foreign key of theirs requires.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::types::Type;

use super::batch::ReadCandidate;
use super::target::{TableSet, Target};
use crate::db::{DbError, Template, Tx};
use crate::entities::read::RecordError;
use crate::entities::table::Table;
use crate::entities::{self, Entity};
use crate::staging::pending;

/// Most parents that are remembered; others are looked up each time, so that memory stays bounded.
const MOST_REMEMBERED: usize = 100_000;

/// Parents that production was seen to hold, or that this run has written, so that each is looked up once a run.
/// Kept as hashes: after a hash collision, or when a user removes a parent meanwhile, a record gets as far as the
/// foreign key, which refuses it.
#[derive(Debug, Default)]
pub struct KnownParents {
    hasher: RandomState,
    known: Mutex<HashSet<u64>>,
}

impl KnownParents {
    fn hash(&self, table: &str, id: &str) -> u64 {
        self.hasher.hash_one((table, id))
    }

    /// Of these ids, those that are not known yet.
    fn unknown<'i>(&self, table: &str, mut ids: Vec<&'i str>) -> Vec<&'i str> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        ids.retain(|id| !known.contains(&self.hash(table, id)));
        ids
    }

    /// Notes rows that production holds.
    pub(super) fn remember<'i>(&self, table: &str, ids: impl Iterator<Item = &'i str>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if known.len() < MOST_REMEMBERED {
                known.insert(self.hash(table, id));
            }
        }
    }
}

/// The parents named by these records that the target does not hold: table and id.
pub(super) async fn absent_parents(
    target: Target<'_>,
    entity: &Entity,
    good: &[ReadCandidate<'_>],
    known: Option<&KnownParents>,
) -> Result<HashSet<(&'static str, String)>, DbError> {
    let mut named: HashMap<&'static str, HashSet<&str>> = HashMap::new();
    for good in good {
        for (_, table, id, _) in parents_of(entity, good) {
            named.entry(table).or_default().insert(id);
        }
    }
    let mut absent = HashSet::new();
    for (table, ids) in named {
        let mut ids: Vec<&str> = ids.into_iter().collect();
        if let Some(known) = known {
            ids = known.unknown(table, ids);
        }
        if ids.is_empty() {
            continue;
        }
        let tables = target.tables();
        let sql = absent_sql(tables, table);
        let rows = target.tx().query(&sql, &[(&ids, Type::TEXT_ARRAY)]).await?;
        let gone: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
        if let Some(known) = known {
            known.remember(table, ids.into_iter().filter(|id| !gone.contains(*id)));
        }
        absent.extend(gone.into_iter().map(|id| (table, id)));
    }
    Ok(absent)
}

/// A rebuild verifies what the writer did, and so uses a statement of its own.
fn absent_sql(tables: TableSet, parent: &str) -> String {
    let text = match tables {
        TableSet::Production => include_str!("absent.sql"),
        TableSet::Scratch => include_str!("rebuild_absent.sql"),
    };
    Template::new(text).with("parent", parent).with("prefix", tables.prefix()).fill()
}

/// The error of a record that names an absent parent.
pub(super) fn waits_for(
    entity: &Entity,
    good: &ReadCandidate<'_>,
    absent: &HashSet<(&'static str, String)>,
) -> Option<RecordError> {
    if absent.is_empty() {
        return None;
    }
    parents_of(entity, good).find(|(_, table, id, _)| absent.contains(&(*table, (*id).to_owned()))).map(
        |(index, table, id, path)| RecordError::missing_parent(place(entity.tables[index], path), table, id),
    )
}

/// Of these absent parents (table and id), those that are staged and pending: a run that reconciles their entity may write
/// them.
///
/// # Errors
/// The database's.
pub(super) async fn pending_parents<'p>(
    tx: &Tx<'_>,
    absent: impl Iterator<Item = &'p (&'static str, String)>,
) -> Result<HashSet<(&'static str, String)>, DbError> {
    let mut by_table: HashMap<&'static str, Vec<String>> = HashMap::new();
    for (table, id) in absent {
        by_table.entry(table).or_default().push(id.clone());
    }
    let mut found = HashSet::new();
    for (table, ids) in by_table {
        // Rows inside other records have ids of their own.
        let Some(entity) = entities::entity_of_table(table) else { continue };
        let of_table = pending::records_with_pending(tx, entity, &ids).await?;
        found.extend(of_table.into_iter().map(|id| (table, id)));
    }
    Ok(found)
}

/// Every parent a record names: the position of the naming row's table, the parent's table and id, and
/// the path that names it.
fn parents_of<'g>(
    entity: &'g Entity,
    good: &'g ReadCandidate<'_>,
) -> impl Iterator<Item = (usize, &'static str, &'g str, &'static str)> + 'g {
    good.reconciled.rows.iter().flat_map(move |(index, row)| {
        entity.tables[*index].columns.iter().zip(&row.values).filter_map(move |(column, value)| {
            Some((
                *index,
                column.parent?,
                value.as_text()?,
                column.from.first().copied().unwrap_or(column.name),
            ))
        })
    })
}

/// Where a path of a table's rows is in their record: `allContacts.nodes.allLocations.nodes.id`.
fn place(table: &Table, path: &str) -> String {
    let lists = table.inside().iter().map(|connection| format!("{connection}.nodes."));
    lists.chain([path.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::appointments::{GAZELLE_APPOINTMENT_PIANOS, GAZELLE_APPOINTMENTS};
    use crate::entities::clients::GAZELLE_LOCATIONS;

    #[test]
    fn a_rebuild_finds_absent_parents_by_a_statement_of_its_own() {
        let [of_writer, of_rebuild] =
            [TableSet::Production, TableSet::Scratch].map(|tables| absent_sql(tables, "gazelle_clients"));
        insta::assert_snapshot!(format!("{of_writer}\n{of_rebuild}"));
    }

    #[test]
    fn a_parent_is_named_by_the_list_that_its_row_is_in() {
        assert_eq!(place(&GAZELLE_APPOINTMENTS, "client.id"), "client.id");
        assert_eq!(place(&GAZELLE_APPOINTMENT_PIANOS, "piano.id"), "allEventPianos.nodes.piano.id");
        assert_eq!(place(&GAZELLE_LOCATIONS, "x.id"), "allContacts.nodes.allLocations.nodes.x.id");
    }
}
