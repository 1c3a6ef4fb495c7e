//! Turns an event into the appointment row and its piano rows. No time zone conversion: the UTC date and time are
//! stored.

use jiff::civil::Date;
use serde_json_borrow::Value as Json;

use super::warnings::APPOINTMENT_WITHOUT_CLIENT;
use super::{GAZELLE_APPOINTMENT_PIANOS, GAZELLE_APPOINTMENTS, TABLES};
use crate::entities::read::{self, ReconciledRecord, RecordError};
use crate::entities::rows;
use crate::entities::table::{Row, Value};
use crate::time;

/// The appointment, then its pianos.
///
/// # Errors
/// A required field of the event is missing or unreadable, or it has a day without a time and is not all day.
pub fn reconcile(record: &Json<'_>) -> Result<ReconciledRecord, RecordError> {
    let mut reconciled = ReconciledRecord::default();
    let mut appointment = rows::of_record(TABLES, record, &mut reconciled)?;
    refuse_a_day_without_an_hour(record, &appointment.row)?;
    drop_an_impossible_end(record, &mut appointment.row, &mut reconciled);
    warn_of_oddities(&appointment.row, &mut reconciled);
    let updated_at = GAZELLE_APPOINTMENTS.get(&appointment.row, "source_updated_at").clone();
    let mut pianos = rows::listed(TABLES, &GAZELLE_APPOINTMENT_PIANOS, &appointment, &mut reconciled);
    for piano in &mut pianos {
        GAZELLE_APPOINTMENT_PIANOS.set(&mut piano.row, "source_updated_at", updated_at.clone());
    }
    reconciled.add([appointment]);
    reconciled.add(pianos);
    Ok(reconciled)
}

/// For an all-day event the start is a date. For any other the hour would be unknown, and midnight UTC would be
/// shown on the previous evening.
fn refuse_a_day_without_an_hour(record: &Json<'_>, appointment: &Row) -> Result<(), RecordError> {
    if GAZELLE_APPOINTMENTS.get(appointment, "is_all_day") == &Value::Boolean(true) {
        return Ok(());
    }
    let column = &GAZELLE_APPOINTMENTS.columns[GAZELLE_APPOINTMENTS.index("appointment_time")];
    let found = column.from.iter().find_map(|path| Some((*path, read::at(record, path)?)));
    match found {
        Some((path, Json::Str(text))) if time::date_alone(text).is_some() => {
            Err(RecordError::invalid(path, "is a date without a time of day, and the event is not all-day"))
        }
        _ => Ok(()),
    }
}

/// The database computes the end. A duration that moves it before Postgres's first day would make the whole row
/// fail.
fn drop_an_impossible_end(record: &Json<'_>, appointment: &mut Row, reconciled: &mut ReconciledRecord) {
    let start = GAZELLE_APPOINTMENTS.get(appointment, "appointment_date");
    let (Value::Date(start), Value::Integer(minutes)) =
        (start, GAZELLE_APPOINTMENTS.get(appointment, "duration_minutes"))
    else {
        return;
    };
    let days = i64::from(*minutes).div_euclid(24 * 60);
    let span = jiff::Span::new().try_days(days);
    if *minutes >= 0 || span.and_then(|span| start.checked_add(span)).is_ok_and(|end| end >= FIRST_END) {
        return;
    }
    let column = &GAZELLE_APPOINTMENTS.columns[GAZELLE_APPOINTMENTS.index("duration_minutes")];
    if let Some((path, json)) = column.from.iter().find_map(|path| Some((*path, read::at(record, path)?))) {
        let noun = "a duration that ends after 4714 BC";
        read::warn_of_unreadable(&GAZELLE_APPOINTMENTS, column, path, json, noun, &mut reconciled.warnings);
    }
    GAZELLE_APPOINTMENTS.set(appointment, "duration_minutes", Value::Null);
}

/// One day after Postgres's first day, so that local times are in range too.
const FIRST_END: Date = Date::constant(-4713, 11, 26);

/// Warns of plausible but unusual appointments.
fn warn_of_oddities(appointment: &Row, reconciled: &mut ReconciledRecord) {
    let value = |column| GAZELLE_APPOINTMENTS.get(appointment, column);
    if value("client_external_id") == &Value::Null && value("event_type").as_text() == Some("APPOINTMENT") {
        reconciled.warn(APPOINTMENT_WITHOUT_CLIENT, "client.id");
    }
}
