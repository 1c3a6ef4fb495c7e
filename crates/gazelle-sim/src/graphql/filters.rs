//! Converts the arguments of a root list to a `ListQuery`. An argument of the schema that is not simulated is an
//! error that names it, because a silently ignored filter would mislead clients.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, civil::Time};
use serde_json::Value as Json;

use super::plan::PlanField;
use crate::options::SimOptions;
use crate::shop::kind::RecordKind;
use crate::shop::list::{ListQuery, Order};
use crate::shop::row::key_of;

/// Arguments that never filter.
const PAGE_ARGUMENTS: [&str; 4] = ["first", "after", "last", "before"];

/// The list that a root field requests.
pub(crate) fn list_query(
    kind: RecordKind,
    field: &PlanField,
    options: &SimOptions,
    zone: &TimeZone,
) -> Result<ListQuery, String> {
    let zone = if options.dates_in_utc { &TimeZone::UTC } else { zone };
    let mut query = ListQuery::all(kind);
    let given = field.arguments.iter().filter(|(_, value)| !value.is_null());
    for (name, value) in given {
        match name.as_str() {
            name if PAGE_ARGUMENTS.contains(&name) => {}
            "filters" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    filter(&mut query, kind, name, value, zone)?;
                }
            }
            "sortBy" => query.order = order(kind, value)?,
            name => filter(&mut query, kind, name, value, zone)?,
        }
    }
    if query.statuses.is_none() {
        query.without_status = match kind {
            RecordKind::Event if options.hide_canceled => Some("CANCELED"),
            RecordKind::Client if options.hide_inactive_clients => Some("INACTIVE"),
            _ => None,
        };
    }
    Ok(query)
}

fn filter(
    query: &mut ListQuery,
    kind: RecordKind,
    name: &str,
    value: &Json,
    zone: &TimeZone,
) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    match (kind, name) {
        (RecordKind::Event, "dateGet") => query.start.from = Some(midnight(value, 0, zone)?),
        (RecordKind::Event, "dateLet") => query.start.until = Some(midnight(value, 1, zone)?),
        (RecordKind::Event, "userId") => query.users = Some(keys(value)),
        (
            RecordKind::Event
            | RecordKind::Piano
            | RecordKind::Invoice
            | RecordKind::Timeline
            | RecordKind::Estimate,
            "clientId",
        ) => {
            query.clients = Some(keys(value));
        }
        (RecordKind::Event, "pianoId") => query.pianos = Some(keys(value)),
        (RecordKind::Event | RecordKind::Piano, "type")
        | (RecordKind::Timeline, "types")
        | (RecordKind::Client, "clientType") => {
            query.types = Some(keys(value));
        }
        (RecordKind::Event | RecordKind::Client | RecordKind::Piano | RecordKind::Invoice, "status") => {
            query.statuses = Some(keys(value))
        }
        // An invoice's date is the day it was created.
        (RecordKind::Invoice, "invoiceDateGet") => query.created.from = Some(midnight(value, 0, zone)?),
        (RecordKind::Invoice, "invoiceDateLet") => query.created.until = Some(midnight(value, 1, zone)?),
        (RecordKind::Client | RecordKind::Piano, "createdGet") => {
            query.created.from = Some(midnight(value, 0, zone)?)
        }
        (RecordKind::Client | RecordKind::Piano, "createdLet") => {
            query.created.until = Some(midnight(value, 1, zone)?)
        }
        // Timelines are not simulated: every client and piano counts as active.
        (RecordKind::Client | RecordKind::Piano, "hasTimelineActivityGet") => {}
        (RecordKind::Timeline, "occurredAtGet") => query.start.from = Some(instant(value)?),
        (RecordKind::Invoice, "archived") => query.archived = value.as_bool(),
        _ => {
            return Err(format!("The simulator does not simulate the argument {name} of {}", kind.name()));
        }
    }
    Ok(())
}

/// One value or a list of them, as keys.
fn keys(value: &Json) -> Vec<u64> {
    let one = std::slice::from_ref(value);
    let mut keys: Vec<u64> =
        value.as_array().map_or(one, Vec::as_slice).iter().filter_map(Json::as_str).map(key_of).collect();
    keys.sort_unstable();
    keys
}

/// The midnight at which a date begins in the time zone, plus some days, in seconds since 1970.
fn midnight(value: &Json, days_later: i64, zone: &TimeZone) -> Result<i64, String> {
    let text = value.as_str().unwrap_or_default();
    let date: Date = text.parse().map_err(|error| format!("{text:?} is no date: {error}"))?;
    date.checked_add(days_later.days())
        .and_then(|date| date.to_datetime(Time::midnight()).to_zoned(zone.clone()))
        .map(|zoned| zoned.timestamp().as_second())
        .map_err(|error| format!("{text:?}: {error}"))
}

fn instant(value: &Json) -> Result<i64, String> {
    let text = value.as_str().unwrap_or_default();
    let time: jiff::Timestamp = text.parse().map_err(|error| format!("{text:?} is no time: {error}"))?;
    Ok(time.as_second())
}

fn order(kind: RecordKind, value: &Json) -> Result<Order, String> {
    let one = std::slice::from_ref(value);
    let sorts = value.as_array().map_or(one, Vec::as_slice);
    match (kind, sorts.first().and_then(Json::as_str)) {
        (_, None) => Ok(Order::Natural),
        (_, Some(_)) if sorts.len() > 1 => Err("The simulator sorts by one key only".to_owned()),
        (RecordKind::Event, Some("START_ASC")) => Ok(Order::StartAscending),
        (RecordKind::Event, Some("START_DESC")) => Ok(Order::StartDescending),
        (RecordKind::Client | RecordKind::Piano | RecordKind::Invoice, Some("CREATED_AT_ASC")) => {
            Ok(Order::CreatedAscending)
        }
        (RecordKind::Client | RecordKind::Piano | RecordKind::Invoice, Some("CREATED_AT_DESC")) => {
            Ok(Order::CreatedDescending)
        }
        (_, Some(sort)) => Err(format!("The simulator does not simulate the sort {sort} of {}", kind.name())),
    }
}
