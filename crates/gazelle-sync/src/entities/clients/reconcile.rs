//! Turns a client's record into the client, its contacts and their locations.

use serde_json_borrow::Value as Json;

use super::warnings::DEFAULT_CONTACT_NOT_LISTED;
use super::{GAZELLE_CLIENTS, GAZELLE_CONTACTS, GAZELLE_LOCATIONS, TABLES};
use crate::entities::read::{self, ReconciledRecord, RecordError};
use crate::entities::rows::{self, ReadRow};
use crate::entities::table::{Row, Value};

/// The client first, then contacts, then locations: parents before children.
///
/// # Errors
/// A required field of the client is missing or unreadable.
pub fn reconcile(record: &Json<'_>) -> Result<ReconciledRecord, RecordError> {
    let mut reconciled = ReconciledRecord::default();
    let mut client = rows::of_record(TABLES, record, &mut reconciled)?;
    let contacts = rows::listed(TABLES, &GAZELLE_CONTACTS, &client, &mut reconciled);
    let mut locations = rows::listed_in_each(TABLES, &GAZELLE_LOCATIONS, &contacts, &mut reconciled);
    set_is_default(&contacts, &mut locations, &mut reconciled);
    set_defaults(record, &mut client.row, &contacts, &locations, &mut reconciled);
    reconciled.add([client]);
    reconciled.add(contacts);
    reconciled.add(locations);
    Ok(reconciled)
}

/// Sets whether each location is its contact's default location.
fn set_is_default(
    contacts: &[ReadRow<'_, '_>],
    locations: &mut [ReadRow<'_, '_>],
    reconciled: &mut ReconciledRecord,
) {
    let column = (&GAZELLE_LOCATIONS, "is_default");
    let path = "defaultLocation.id";
    let default_of = |contact: &ReadRow<'_, '_>| {
        read::id_at(column, contact.json, path, &contact.place, &mut reconciled.warnings)
    };
    let defaults: Vec<_> = contacts.iter().map(default_of).collect();
    for location in locations {
        let own = GAZELLE_LOCATIONS.get(&location.row, "external_id").as_text();
        let is_default = match &defaults[location.holder] {
            Ok(default) => Value::Boolean(default.is_some() && own == default.as_deref()),
            Err(read::UnreadableValue) => Value::Null,
        };
        GAZELLE_LOCATIONS.set(&mut location.row, "is_default", is_default);
    }
}

/// Sets the default contact and location, if the record has them.
fn set_defaults(
    record: &Json<'_>,
    client: &mut Row,
    contacts: &[ReadRow<'_, '_>],
    locations: &[ReadRow<'_, '_>],
    reconciled: &mut ReconciledRecord,
) {
    let column = "default_contact_external_id";
    let Ok(named) =
        read::id_at((&GAZELLE_CLIENTS, column), record, "defaultContact.id", "", &mut reconciled.warnings)
    else {
        return;
    };
    let Some(contact) = default_contact(named.as_deref(), contacts) else {
        if named.is_some() {
            reconciled.warn(DEFAULT_CONTACT_NOT_LISTED, "defaultContact.id");
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
fn default_contact(named: Option<&str>, contacts: &[ReadRow<'_, '_>]) -> Option<Value> {
    let id = |contact: &ReadRow<'_, '_>| GAZELLE_CONTACTS.get(&contact.row, "external_id").clone();
    if named.is_some() {
        return contacts.iter().map(id).find(|listed| listed.as_text() == named);
    }
    let is_default = |contact: &&ReadRow<'_, '_>| {
        GAZELLE_CONTACTS.get(&contact.row, "is_default") == &Value::Boolean(true)
    };
    contacts.iter().find(is_default).map(id)
}

/// The location to visit: the default location of the default contact.
fn visit_address(named: Option<&str>, contact: &Value, locations: &[ReadRow<'_, '_>]) -> Option<Value> {
    let rows = || locations.iter().map(|location| &location.row);
    let of_contact = || rows().filter(|row| GAZELLE_LOCATIONS.get(row, "contact_external_id") == contact);
    let id = |row: &Row| GAZELLE_LOCATIONS.get(row, "external_id").clone();
    if named.is_some() {
        return of_contact().map(id).find(|listed| listed.as_text() == named);
    }
    of_contact().find(|row| GAZELLE_LOCATIONS.get(row, "is_default") == &Value::Boolean(true)).map(id)
}
