//! Turns a client's record into the client, its contacts and their locations.

use serde_json_borrow::Value as Json;

use super::{GAZELLE_CLIENTS, GAZELLE_CONTACTS, GAZELLE_LOCATIONS};
use crate::entities::read::{self, Reconciled, RecordError};
use crate::entities::table::{Row, Value};

const CLIENT: usize = 0;
const CONTACT: usize = 1;
const LOCATION: usize = 2;

/// The client first, then contacts, then locations: parents before children.
pub fn reconcile(record: &Json<'_>) -> Result<Reconciled, RecordError> {
    let mut reconciled = Reconciled::default();
    let mut client = read::row(&GAZELLE_CLIENTS, record, "", &mut reconciled.warnings)?;
    let client_id = GAZELLE_CLIENTS.get(&client, "external_id").clone();

    let mut contacts: Vec<Row> = Vec::new();
    let mut locations: Vec<Row> = Vec::new();
    for (place, json) in listed(record, "allContacts", "", CONTACT, &mut reconciled) {
        let Some(mut contact) = read::nested_row(&GAZELLE_CONTACTS, json, &place, &mut reconciled.warnings)
        else {
            reconciled.note_incomplete(CONTACT);
            reconciled.note_incomplete(LOCATION);
            continue;
        };
        GAZELLE_CONTACTS.set(&mut contact, "client_external_id", client_id.clone());
        let contact_id = GAZELLE_CONTACTS.get(&contact, "external_id").clone();
        if contacts.iter().any(|other| GAZELLE_CONTACTS.get(other, "external_id") == &contact_id) {
            reconciled.warn("duplicate_contact", format!("{place}id"));
            // The list may contain this unreadable item in the place of a contact that exists.
            reconciled.note_incomplete(CONTACT);
            reconciled.note_incomplete(LOCATION);
            continue;
        }
        contacts.push(contact);
        for location in locations_of(json, &contact_id, &client_id, &place, &mut reconciled) {
            let id = GAZELLE_LOCATIONS.get(&location, "external_id");
            let of = |row: &Row| GAZELLE_LOCATIONS.get(row, "contact_external_id").clone();
            match locations.iter().find(|other| GAZELLE_LOCATIONS.get(other, "external_id") == id) {
                None => locations.push(location),
                Some(other) => {
                    reconciled.warn("duplicate_location", format!("{place}allLocations"));
                    if of(other) == of(&location) {
                        reconciled.note_incomplete(LOCATION);
                    }
                }
            }
        }
    }
    set_defaults(record, &mut client, &contacts, &locations, &mut reconciled);

    reconciled.rows.push((CLIENT, client));
    reconciled.rows.extend(contacts.into_iter().map(|row| (CONTACT, row)));
    reconciled.rows.extend(locations.into_iter().map(|row| (LOCATION, row)));
    Ok(reconciled)
}

/// The items of a list of contacts or locations. If some are unreadable, nested lists in them are too.
fn listed<'j, 'a>(
    json: &'j Json<'a>,
    path: &str,
    place: &str,
    table: usize,
    reconciled: &mut Reconciled,
) -> Vec<(String, &'j Json<'a>)> {
    let mut nodes = read::nodes(json, path, place);
    if !nodes.are_all() {
        (table..=LOCATION).for_each(|table| reconciled.note_incomplete(table));
        reconciled.warnings.append(&mut nodes.unreadable);
    }
    nodes.items
}

/// The locations of one contact. One without an id, which the API's type allows, gets an id from its contact's id
/// and its position.
fn locations_of(
    contact: &Json<'_>,
    contact_id: &Value,
    client_id: &Value,
    place: &str,
    reconciled: &mut Reconciled,
) -> Vec<Row> {
    let column = (&GAZELLE_LOCATIONS, "is_default");
    let default = read::id_at(column, contact, "defaultLocation.id", place, &mut reconciled.warnings);
    let mut rows = Vec::new();
    let items = listed(contact, "allLocations", place, LOCATION, reconciled);
    for (position, (place, json)) in items.into_iter().enumerate() {
        let Some(mut row) = read::nested_row(&GAZELLE_LOCATIONS, json, &place, &mut reconciled.warnings)
        else {
            reconciled.note_incomplete(LOCATION);
            continue;
        };
        if GAZELLE_LOCATIONS.get(&row, "external_id") == &Value::Null {
            reconciled.warn("location_without_id", format!("{place}id"));
            let made_up = GAZELLE_LOCATIONS.made_up_id(contact_id.as_text().unwrap_or_default(), position);
            GAZELLE_LOCATIONS.set(&mut row, "external_id", made_up.map_or(Value::Null, Value::Text));
        }
        let own = GAZELLE_LOCATIONS.get(&row, "external_id").as_text();
        let is_default = match &default {
            Ok(default) => Value::Boolean(default.is_some() && own == default.as_deref()),
            Err(read::Unreadable) => Value::Null,
        };
        GAZELLE_LOCATIONS.set(&mut row, "contact_external_id", contact_id.clone());
        GAZELLE_LOCATIONS.set(&mut row, "client_external_id", client_id.clone());
        GAZELLE_LOCATIONS.set(&mut row, "is_default", is_default);
        rows.push(row);
    }
    rows
}

/// Sets the default contact and location, if the record has them.
fn set_defaults(
    record: &Json<'_>,
    client: &mut Row,
    contacts: &[Row],
    locations: &[Row],
    reconciled: &mut Reconciled,
) {
    let column = "default_contact_external_id";
    let Ok(named) =
        read::id_at((&GAZELLE_CLIENTS, column), record, "defaultContact.id", "", &mut reconciled.warnings)
    else {
        return;
    };
    let Some(contact) = default_contact(named.as_deref(), contacts) else {
        if named.is_some() {
            reconciled.warn("default_contact_not_listed", "defaultContact.id");
        }
        return;
    };
    GAZELLE_CLIENTS.set(client, column, contact.clone());
    let (column, path) = ("default_location_external_id", "defaultContact.defaultLocation.id");
    let named = read::id_at((&GAZELLE_CLIENTS, column), record, path, "", &mut reconciled.warnings);
    if let Ok(named) = named
        && let Some(location) = visit_address(named.as_deref(), &contact, locations)
    {
        GAZELLE_CLIENTS.set(client, column, location);
    }
}

/// The default contact: the API's `defaultContact` if it is listed; without a `defaultContact` the one flagged as
/// default.
fn default_contact(named: Option<&str>, contacts: &[Row]) -> Option<Value> {
    let id = |row: &Row| GAZELLE_CONTACTS.get(row, "external_id").clone();
    if named.is_some() {
        return contacts.iter().map(id).find(|listed| listed.as_text() == named);
    }
    contacts.iter().find(|row| GAZELLE_CONTACTS.get(row, "is_default") == &Value::Boolean(true)).map(id)
}

/// The location to visit: the default location of the default contact.
fn visit_address(named: Option<&str>, contact: &Value, locations: &[Row]) -> Option<Value> {
    let of_contact =
        || locations.iter().filter(|row| GAZELLE_LOCATIONS.get(row, "contact_external_id") == contact);
    let id = |row: &Row| GAZELLE_LOCATIONS.get(row, "external_id").clone();
    if named.is_some() {
        return of_contact().map(id).find(|listed| listed.as_text() == named);
    }
    of_contact().find(|row| GAZELLE_LOCATIONS.get(row, "is_default") == &Value::Boolean(true)).map(id)
}
