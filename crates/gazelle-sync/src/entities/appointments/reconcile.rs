//! An event becomes the appointment and the pianos it is for.
//!
//! Nothing is converted: the instant's UTC date and time are stored as they are.

use serde_json_borrow::Value as Json;

use super::{GAZELLE_APPOINTMENT_PIANOS, GAZELLE_APPOINTMENTS};
use crate::entities::read::{self, Reconciled, RecordError};
use crate::entities::table::{Row, Value};

const APPOINTMENT: usize = 0;
const PIANO: usize = 1;

/// The appointment, then its pianos.
pub fn reconcile(record: &Json<'_>) -> Result<Reconciled, RecordError> {
    let mut reconciled = Reconciled::default();
    let appointment = read::row(&GAZELLE_APPOINTMENTS, record, "")?;
    let id = GAZELLE_APPOINTMENTS.get(&appointment, "external_id").clone();
    let updated_at = GAZELLE_APPOINTMENTS.get(&appointment, "source_updated_at").clone();
    warn_of_oddities(&appointment, &mut reconciled);
    reconciled.rows.push((APPOINTMENT, appointment));

    let mut pianos: Vec<Row> = Vec::new();
    for (place, json) in read::nodes(record, "allEventPianos", "")? {
        let mut row = read::row(&GAZELLE_APPOINTMENT_PIANOS, json, &place)?;
        let piano = GAZELLE_APPOINTMENT_PIANOS.get(&row, "piano_external_id");
        if pianos.iter().any(|other| GAZELLE_APPOINTMENT_PIANOS.get(other, "piano_external_id") == piano) {
            reconciled.warn("duplicate_piano", format!("{place}piano.id"));
            continue;
        }
        GAZELLE_APPOINTMENT_PIANOS.set(&mut row, "appointment_external_id", id.clone());
        GAZELLE_APPOINTMENT_PIANOS.set(&mut row, "source_updated_at", updated_at.clone());
        pianos.push(row);
    }
    reconciled.rows.extend(pianos.into_iter().map(|row| (PIANO, row)));
    Ok(reconciled)
}

/// What lands all the same, but a person may want to look at.
fn warn_of_oddities(appointment: &Row, reconciled: &mut Reconciled) {
    let value = |column| GAZELLE_APPOINTMENTS.get(appointment, column);
    if value("client_external_id") == &Value::Null && value("event_type").as_text() == Some("APPOINTMENT") {
        reconciled.warn("appointment_without_client", "client.id");
    }
}
