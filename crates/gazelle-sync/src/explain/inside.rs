//! Finds the JSON in a record from which a production row was made. Pure.

use serde_json_borrow::Value as Json;

use crate::entities::read;
use crate::entities::table::{Table, Value};

/// The JSON object of a row, and the objects that contain it.
#[derive(Debug)]
pub struct Item<'j, 'a> {
    /// The row's own object.
    pub json: &'j Json<'a>,
    /// Its position in the record, as the prefix of a path: empty, or `allContacts.nodes[2].`.
    pub place: String,
    /// The objects that contain it, with their positions, outermost first.
    holders: Vec<(&'j Json<'a>, String)>,
    position: usize,
}

/// The value at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueAtPath<'j, 'a> {
    /// The path from the record's root.
    pub path: String,
    /// The value, if there is one; null counts as none.
    pub value: Option<&'j Json<'a>>,
}

impl<'j, 'a> Item<'j, 'a> {
    /// Follows a column's path: dotted, where each leading `^` goes up to the containing object.
    pub fn follow(&self, path: &str) -> ValueAtPath<'j, 'a> {
        let up = path.chars().take_while(|c| *c == '^').count();
        let (json, place) = match up.checked_sub(1) {
            None => (Some(self.json), self.place.as_str()),
            Some(above) => match self.holders.iter().rev().nth(above) {
                Some((json, place)) => (Some(*json), place.as_str()),
                None => (None, ""),
            },
        };
        let rest = &path[up..];
        ValueAtPath { path: format!("{place}{rest}"), value: json.and_then(|json| read::at(json, rest)) }
    }

    /// The ids of the containing objects, and its own.
    pub fn ids(&self) -> Vec<&'j str> {
        let holders = self.holders.iter().map(|(json, _)| *json);
        holders.chain([self.json]).filter_map(|json| read::at(json, "id")?.as_str()).collect()
    }

    /// Whether the row of this table with this key is made from this item.
    fn gives(&self, table: &Table, key: &[&str]) -> bool {
        let Some(row) = read::nested_row(table, self.json, "", &mut Vec::new()) else { return false };
        let made_up = || {
            let holder = self.holders.last().and_then(|(json, _)| read::at(json, "id")?.as_str());
            Some(table.unnamed.as_ref()?.id(holder.unwrap_or_default(), self.position))
        };
        table.key.iter().zip(key).all(|(name, wanted)| match table.get(&row, name) {
            // The reconciler takes this key column from the containing object.
            _ if table.columns[table.index(name)].from.is_empty() => true,
            Value::Null => made_up().is_some_and(|id| id == *wanted),
            value => value.as_text() == Some(wanted),
        })
    }
}

/// The JSON from which the row of `table` with this key is made: the record itself, or the first such item in it.
pub fn find<'j, 'a>(table: &Table, record: &'j Json<'a>, key: &[&str]) -> Option<Item<'j, 'a>> {
    let whole = Item { json: record, place: String::new(), holders: Vec::new(), position: 0 };
    if table.inside().is_empty() {
        return Some(whole);
    }
    let mut level = vec![whole];
    for connection in table.inside() {
        level = level.iter().flat_map(|holder| items(holder, connection)).collect();
    }
    level.into_iter().find(|item| item.gives(table, key))
}

fn items<'j, 'a>(holder: &Item<'j, 'a>, connection: &str) -> Vec<Item<'j, 'a>> {
    let mut holders = holder.holders.clone();
    holders.push((holder.json, holder.place.clone()));
    read::nodes(holder.json, connection, &holder.place)
        .items
        .into_iter()
        .enumerate()
        .map(|(position, (place, json))| Item { json, place, holders: holders.clone(), position })
        .collect()
}

/// The value at a position as errors name it: `allContacts.nodes[3].id`.
pub fn at_place<'j, 'a>(record: &'j Json<'a>, place: &str) -> Option<&'j Json<'a>> {
    let mut here = record;
    for step in place.split('.').filter(|step| !step.is_empty()) {
        let (name, position) = step.split_once('[').map_or((step, None), |(name, rest)| (name, Some(rest)));
        here = read::at(here, name)?;
        if let Some(position) = position {
            let Json::Array(items) = here else { return None };
            here = items.get(position.trim_end_matches(']').parse::<usize>().ok()?)?;
        }
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{ENTITIES, appointments, clients};

    const CLIENT: &str = r#"{"id": "c1", "updatedAt": "2026-01-09T12:00:00Z", "allContacts": {"nodes": [
        {"id": "k1"}, null, {"id": "k2", "defaultLocation": {"id": "l1"}, "allLocations": {"edges": [
            {"node": {"street1": "A"}}, {"node": {"id": "l1", "street1": "B"}}]}}]}}"#;

    #[test]
    fn rows_inside_a_record_are_found_by_their_key() {
        let record: Json<'_> = serde_json::from_str(CLIENT).unwrap();
        let contact = find(&clients::GAZELLE_CONTACTS, &record, &["k2"]).unwrap();
        assert_eq!(contact.place, "allContacts.nodes[2].");
        assert_eq!(contact.follow("^id").path, "id");
        assert_eq!(contact.follow("^id").value.and_then(|id| id.as_str()), Some("c1"));
        assert_eq!(contact.ids(), ["c1", "k2"]);

        let location = find(&clients::GAZELLE_LOCATIONS, &record, &["l1"]).unwrap();
        let at_path = location.follow("street1");
        assert_eq!(at_path.path, "allContacts.nodes[2].allLocations.edges[1].node.street1");
        assert_eq!(at_path.value.and_then(|text| text.as_str()), Some("B"));
        assert_eq!(location.follow("^defaultLocation.id").path, "allContacts.nodes[2].defaultLocation.id");
        assert_eq!(location.follow("^^id").value.and_then(|id| id.as_str()), Some("c1"));
        assert_eq!(location.follow("^^^id").value, None);

        let street = at_place(&record, "allContacts.nodes[2].allLocations.edges[1].node.street1");
        assert_eq!(street.and_then(|text| text.as_str()), Some("B"));
        assert!(at_place(&record, "allContacts.nodes[2]").is_some());
        assert!(
            at_place(&record, "allContacts.nodes[7].id").is_none() && at_place(&record, "x.nodes[").is_none()
        );

        let unnamed = find(&clients::GAZELLE_LOCATIONS, &record, &["k2/location/0"]).unwrap();
        assert_eq!(unnamed.follow("street1").value.and_then(|text| text.as_str()), Some("A"));
        assert!(find(&clients::GAZELLE_LOCATIONS, &record, &["l9"]).is_none());
        assert_eq!(find(&clients::GAZELLE_CLIENTS, &record, &["c1"]).unwrap().place, "");
    }

    #[test]
    fn a_row_with_two_keys_is_found_by_the_one_in_the_item() {
        let text = r#"{"id": "e1", "allEventPianos": {"nodes": [{"piano": {"id": "p1"}}, {"piano": {"id": "p2"}}]}}"#;
        let record: Json<'_> = serde_json::from_str(text).unwrap();
        let piano = find(&appointments::GAZELLE_APPOINTMENT_PIANOS, &record, &["e1", "p2"]).unwrap();
        assert_eq!(piano.place, "allEventPianos.nodes[1].");
    }

    #[test]
    fn every_column_says_where_its_value_is_or_how_it_is_made() {
        for table in ENTITIES.iter().flat_map(|entity| entity.tables) {
            for column in table.columns {
                let says = column.from.is_empty() == column.made.is_some();
                assert!(says, "{}.{}", table.name, column.name);
            }
            assert_eq!(table.inside().is_empty(), table.owner.is_none(), "{}", table.name);
        }
    }
}
