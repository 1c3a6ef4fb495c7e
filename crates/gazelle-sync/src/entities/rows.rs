//! Reads the rows of a record: its own, and those of the lists inside it.
//!
//! A list proves that rows are gone only if it is whole (decision 0105). Reconcilers therefore read lists through
//! [`listed`], which checks that, and not through their JSON.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::slice;

use serde_json_borrow::Value as Json;

use super::read::{self, ReconciledRecord, RecordError};
use super::table::{Row, Table, Value};
use super::warning::WarningCode;

/// A row, with the JSON object that it was read from.
#[derive(Debug)]
pub struct ReadRow<'j, 'a> {
    /// The row.
    pub row: Row,
    /// Its JSON object.
    pub json: &'j Json<'a>,
    /// The prefix of its field names in messages: empty for the record's own row, or `allContacts.nodes[3].`.
    pub place: String,
    /// Among the rows given to [`listed_in_each`], the position of the one whose list contains it.
    pub holder: usize,
    /// The index of its table in the entity's `tables`.
    table: usize,
    /// The ids of the row and of those that contain it, outermost first, each with its table.
    ids: Vec<(&'static str, Value)>,
}

impl ReconciledRecord {
    /// Adds rows that are to be written.
    pub fn add<'j, 'a: 'j>(&mut self, rows: impl IntoIterator<Item = ReadRow<'j, 'a>>) {
        self.rows.extend(rows.into_iter().map(|read| (read.table, read.row)));
    }
}

/// Reads the row of the record itself. `tables` are those of its entity.
///
/// # Errors
/// A required column is missing or unreadable.
pub fn of_record<'j, 'a>(
    tables: &[&Table],
    record: &'j Json<'a>,
    reconciled: &mut ReconciledRecord,
) -> Result<ReadRow<'j, 'a>, RecordError> {
    let table = tables[0];
    let row = read::row(table, record, "", &mut reconciled.warnings)?;
    let ids = vec![(table.name, table.get(&row, table.key[0]).clone())];
    Ok(ReadRow { row, json: record, place: String::new(), holder: 0, table: 0, ids })
}

/// Reads the rows of a table from its list in the record. `tables` are those of the entity.
///
/// # Panics
/// As [`listed_in_each`].
pub fn listed<'j, 'a>(
    tables: &[&Table],
    table: &'static Table,
    record: &ReadRow<'j, 'a>,
    reconciled: &mut ReconciledRecord,
) -> Vec<ReadRow<'j, 'a>> {
    listed_in_each(tables, table, slice::from_ref(record), reconciled)
}

/// Reads the rows of a table from its list in each of these rows, and fills their `held_by` columns. A row that is
/// listed twice is returned once, with a warning. The table, and those of the lists in its rows, are noted as
/// incomplete if a list is absent, null, shorter than its count, contains something unreadable, or contains a row
/// twice, which may stand in the place of another.
///
/// # Panics
/// If the table is not one of these, or has no list: mistakes that the unit tests catch.
pub fn listed_in_each<'j, 'a>(
    tables: &[&Table],
    table: &'static Table,
    holders: &[ReadRow<'j, 'a>],
    reconciled: &mut ReconciledRecord,
) -> Vec<ReadRow<'j, 'a>> {
    let index = tables.iter().position(|of| of.name == table.name);
    let (Some(index), Some(list)) = (index, &table.list) else {
        panic!("invariant: no list of the record has the rows of {}", table.name)
    };
    let (mut rows, mut holder_of, mut is_whole) = (Vec::new(), HashMap::new(), true);
    for (holder, within) in holders.iter().enumerate() {
        let mut nodes = read::nodes(within.json, list.connection(), &within.place);
        is_whole &= nodes.are_all();
        reconciled.warnings.append(&mut nodes.unreadable);
        for (position, (place, json)) in nodes.items.into_iter().enumerate() {
            let Some(mut row) = read::nested_row(table, json, &place, &mut reconciled.warnings) else {
                is_whole = false;
                continue;
            };
            set_holders(table, &mut row, within);
            if let Some(warning) = name_unnamed(table, &mut row, within, position) {
                reconciled.warn(warning, format!("{place}{}", key_path(table)));
            }
            match holder_of.entry(key(table, &row)) {
                Entry::Vacant(free) => {
                    free.insert(holder);
                }
                Entry::Occupied(first) => {
                    reconciled.warn(list.doubled, format!("{place}{}", key_path(table)));
                    // In one list it may stand in the place of a row that exists.
                    is_whole &= *first.get() != holder;
                    continue;
                }
            }
            let own = (table.name, table.get(&row, table.key[0]).clone());
            let ids = within.ids.iter().cloned().chain([own]).collect();
            rows.push(ReadRow { row, json, place, holder, table: index, ids });
        }
    }
    if !is_whole {
        note_incomplete(tables, list.path, reconciled);
    }
    rows
}

/// Notes the table of a list as incomplete, and those of the lists in its rows.
fn note_incomplete(tables: &[&Table], path: &[&str], reconciled: &mut ReconciledRecord) {
    for (index, table) in tables.iter().enumerate() {
        if table.inside().starts_with(path) {
            reconciled.note_incomplete(index);
        }
    }
}

/// Fills the columns with the ids of the rows that contain this one.
fn set_holders(table: &Table, row: &mut Row, within: &ReadRow<'_, '_>) {
    for (column, value) in table.columns.iter().zip(&mut row.values) {
        if let Some((_, id)) = within.ids.iter().find(|(of, _)| column.holder == Some(of)) {
            *value = id.clone();
        }
    }
}

/// Gives a row without an id one that is made of its holder's id and its position, if its table allows such rows.
/// Returns the warning.
fn name_unnamed(
    table: &Table,
    row: &mut Row,
    within: &ReadRow<'_, '_>,
    position: usize,
) -> Option<WarningCode> {
    let unnamed = table.unnamed.as_ref().filter(|_| table.get(row, table.key[0]) == &Value::Null)?;
    let holder = within.ids.last().and_then(|(_, id)| id.as_text()).unwrap_or_default();
    table.set(row, table.key[0], Value::Text(unnamed.id(holder, position)));
    Some(unnamed.warning)
}

fn key(table: &Table, row: &Row) -> Vec<Option<String>> {
    table.key.iter().map(|column| table.get(row, column).as_key()).collect()
}

/// The path of the part of a key that the row's own object contains.
fn key_path(table: &Table) -> &'static str {
    let of_key = table.columns.iter().filter(|column| table.key.contains(&column.name));
    of_key.flat_map(|column| column.from.first()).next().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{Entity, appointments, clients};

    /// What is read of a record: its ids by table, the incomplete tables, and the warnings with their fields.
    fn read(entity: &Entity, record: &str) -> (Vec<(usize, String)>, Vec<usize>, Vec<String>) {
        let json: Json<'_> = serde_json::from_str(record).unwrap();
        let reconciled = (entity.reconcile)(&json).unwrap();
        let id = |table: &Table, row: &Row| {
            let key = key(table, row).into_iter().map(Option::unwrap_or_default);
            key.collect::<Vec<_>>().join("+")
        };
        let ids = reconciled.rows.iter().map(|(index, row)| (*index, id(entity.tables[*index], row)));
        let mut incomplete = reconciled.incomplete.clone();
        incomplete.sort_unstable();
        let warned = reconciled.warnings.iter().map(|warning| format!("{} {}", warning.code, warning.field));
        (ids.collect(), incomplete, warned.collect())
    }

    #[test]
    fn a_list_says_what_is_gone_only_if_it_is_whole() {
        let cases: [(&str, usize, bool); 8] = [
            (r#", "allEventPianos": {"nodes": [{"piano": {"id": "p1"}}, {"piano": {"id": "p2"}}]}"#, 2, true),
            (r#", "allEventPianos": {"totalCount": 0, "nodes": []}"#, 0, true),
            (r#", "allEventPianos": null"#, 0, false),
            ("", 0, false),
            (r#", "allEventPianos": {"nodes": [{"piano": {"id": "p1"}}, null]}"#, 1, false),
            (r#", "allEventPianos": {"nodes": [{"piano": {"id": "p1"}}, {"piano": 7}]}"#, 1, false),
            (r#", "allEventPianos": {"totalCount": 2, "nodes": [{"piano": {"id": "p1"}}]}"#, 1, false),
            (r#", "allEventPianos": [{"piano": {"id": "p1"}}, {"piano_id": "p1"}]"#, 1, false),
        ];
        for (list, pianos, is_whole) in cases {
            let record = format!(r#"{{"id": "e", "client_id": "c", "start": "2026-01-09T12:00:00Z"{list}}}"#);
            let (ids, incomplete, warned) = read(&appointments::ENTITY, &record);
            assert_eq!(ids.len(), 1 + pianos, "{record}: {warned:?}");
            assert!(ids[1..].iter().all(|(index, id)| *index == 1 && id.starts_with("e+p")), "{ids:?}");
            assert_eq!(incomplete.is_empty(), is_whole, "{record}: {warned:?}");
            let is_doubled = warned.contains(&"duplicate_piano allEventPianos[1].piano.id".to_owned());
            assert_eq!(is_doubled, list.contains("piano_id"), "{warned:?}");
        }
    }

    #[test]
    fn what_a_list_does_not_hold_is_unknown_of_the_lists_inside_it_too() {
        let of = |contacts: &str| format!(r#"{{"id": "c", "allContacts": {{"nodes": [{contacts}]}}}}"#);
        let contact = |id: &str, locations: &str| {
            format!(r#"{{"id": "{id}", "allLocations": {{"nodes": [{locations}]}}}}"#)
        };
        let l1 = r#"{"id": "l1"}"#;
        let k1 = contact("k1", l1);
        let both = vec![(0, "c".to_owned()), (1, "k1".to_owned()), (2, "l1".to_owned())];
        assert_eq!(read(&clients::ENTITY, &of(&k1)), (both.clone(), vec![], vec![]));

        let (ids, incomplete, warned) = read(&clients::ENTITY, &of(&[k1.clone(), k1.clone()].join(",")));
        assert_eq!((ids, incomplete), (both.clone(), vec![1, 2]));
        assert_eq!(warned, ["duplicate_contact allContacts.nodes[1].id"]);

        let (ids, incomplete, _) = read(&clients::ENTITY, &of(r#"{"id": "k1"}"#));
        assert_eq!((&ids[..], incomplete), (&both[..2], vec![2]), "its list of locations is absent");

        let twice = contact("k1", &[l1, l1].join(","));
        let (ids, incomplete, warned) = read(&clients::ENTITY, &of(&twice));
        assert_eq!((ids, incomplete), (both, vec![2]));
        assert_eq!(warned, ["duplicate_location allContacts.nodes[0].allLocations.nodes[1].id"]);

        // In two lists: each may be whole, and the first contact has it.
        let (ids, incomplete, warned) = read(&clients::ENTITY, &of(&[k1, contact("k2", l1)].join(",")));
        assert_eq!((ids.len(), incomplete), (4, vec![]));
        assert_eq!(warned, ["duplicate_location allContacts.nodes[1].allLocations.nodes[0].id"]);
    }
}
