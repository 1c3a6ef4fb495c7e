//! A client's record becomes the client, its contacts and their locations.

use serde_json_borrow::Value as Json;

use super::{GAZELLE_CLIENTS, GAZELLE_CONTACTS, GAZELLE_LOCATIONS};
use crate::entities::read::{self, Reconciled, RecordError};
use crate::entities::table::{Row, Value};

const CLIENT: usize = 0;
const CONTACT: usize = 1;
const LOCATION: usize = 2;

/// Client first, then contacts, then locations: parents before children.
pub fn reconcile(record: &Json<'_>) -> Result<Reconciled, RecordError> {
    let mut reconciled = Reconciled::default();
    let mut client = read::row(&GAZELLE_CLIENTS, record, "")?;
    let client_id = GAZELLE_CLIENTS.get(&client, "external_id").clone();

    let mut contacts: Vec<Row> = Vec::new();
    let mut locations: Vec<Row> = Vec::new();
    for (place, json) in read::nodes(record, "allContacts", "")? {
        let mut contact = read::row(&GAZELLE_CONTACTS, json, &place)?;
        GAZELLE_CONTACTS.set(&mut contact, "client_external_id", client_id.clone());
        let contact_id = GAZELLE_CONTACTS.get(&contact, "external_id").clone();
        if contacts.iter().any(|other| GAZELLE_CONTACTS.get(other, "external_id") == &contact_id) {
            reconciled.warn("duplicate_contact", format!("{place}id"));
            continue;
        }
        contacts.push(contact);
        for location in locations_of(json, &contact_id, &client_id, &place, &mut reconciled)? {
            let id = GAZELLE_LOCATIONS.get(&location, "external_id");
            if locations.iter().any(|other| GAZELLE_LOCATIONS.get(other, "external_id") == id) {
                reconciled.warn("duplicate_location", format!("{place}allLocations"));
            } else {
                locations.push(location);
            }
        }
    }

    if let Some(contact) = default_contact(record, &contacts) {
        GAZELLE_CLIENTS.set(&mut client, "default_contact_external_id", contact.clone());
        if let Some(location) = visit_address(record, &contact, &locations) {
            GAZELLE_CLIENTS.set(&mut client, "default_location_external_id", location);
        }
    } else if read::at(record, "defaultContact.id").is_some() {
        reconciled.warn("default_contact_not_listed", "defaultContact.id");
    }

    reconciled.rows.push((CLIENT, client));
    reconciled.rows.extend(contacts.into_iter().map(|row| (CONTACT, row)));
    reconciled.rows.extend(locations.into_iter().map(|row| (LOCATION, row)));
    Ok(reconciled)
}

/// The locations of one contact. One without an id, which the API's type allows, is kept under its
/// contact's id and its place in the list.
fn locations_of(
    contact: &Json<'_>,
    contact_id: &Value,
    client_id: &Value,
    place: &str,
    reconciled: &mut Reconciled,
) -> Result<Vec<Row>, RecordError> {
    let default = read::at(contact, "defaultLocation.id").and_then(|id| id.as_str());
    let mut rows = Vec::new();
    for (position, (place, json)) in read::nodes(contact, "allLocations", place)?.into_iter().enumerate() {
        let mut row = read::row(&GAZELLE_LOCATIONS, json, &place)?;
        if GAZELLE_LOCATIONS.get(&row, "external_id") == &Value::Null {
            reconciled.warn("location_without_id", format!("{place}id"));
            let made_up = GAZELLE_LOCATIONS.made_up_id(contact_id.as_text().unwrap_or_default(), position);
            GAZELLE_LOCATIONS.set(&mut row, "external_id", made_up.map_or(Value::Null, Value::Text));
        }
        let is_default = GAZELLE_LOCATIONS.get(&row, "external_id").as_text() == default && default.is_some();
        GAZELLE_LOCATIONS.set(&mut row, "contact_external_id", contact_id.clone());
        GAZELLE_LOCATIONS.set(&mut row, "client_external_id", client_id.clone());
        GAZELLE_LOCATIONS.set(&mut row, "is_default", Value::Boolean(is_default));
        rows.push(row);
    }
    Ok(rows)
}

/// The contact that is met: the API's own `defaultContact` where it is listed, else the one flagged
/// as default.
fn default_contact(record: &Json<'_>, contacts: &[Row]) -> Option<Value> {
    let id = |row: &Row| GAZELLE_CONTACTS.get(row, "external_id").clone();
    if let Some(said) = read::at(record, "defaultContact.id").and_then(|id| id.as_str()) {
        return contacts.iter().map(id).find(|listed| listed.as_text() == Some(said));
    }
    contacts.iter().find(|row| GAZELLE_CONTACTS.get(row, "is_default") == &Value::Boolean(true)).map(id)
}

/// Where the client is visited: the default contact's default location.
fn visit_address(record: &Json<'_>, contact: &Value, locations: &[Row]) -> Option<Value> {
    let of_contact =
        || locations.iter().filter(|row| GAZELLE_LOCATIONS.get(row, "contact_external_id") == contact);
    let id = |row: &Row| GAZELLE_LOCATIONS.get(row, "external_id").clone();
    if let Some(said) = read::at(record, "defaultContact.defaultLocation.id").and_then(|id| id.as_str()) {
        return of_contact().map(id).find(|listed| listed.as_text() == Some(said));
    }
    of_contact().find(|row| GAZELLE_LOCATIONS.get(row, "is_default") == &Value::Boolean(true)).map(id)
}
