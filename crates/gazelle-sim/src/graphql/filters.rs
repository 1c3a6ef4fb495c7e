//! Converts the arguments of a root list to a `ListQuery`. An argument of the schema that is not simulated is an
//! error that names it, because a silently ignored filter would mislead clients.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, civil::Time};
use serde_json::Value as Json;

use super::plan::PlanField;
use crate::options::SimOptions;
use crate::shop::kind::Kind;
use crate::shop::list::{ListQuery, Order};
use crate::shop::row::key_of;

/// Arguments that never filter.
const PAGE_ARGUMENTS: [&str; 4] = ["first", "after", "last", "before"];

/// The list that a root field requests.
pub(crate) fn list_query(
    kind: Kind,
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
            Kind::Event if options.hide_canceled => Some("CANCELED"),
            Kind::Client if options.hide_inactive_clients => Some("INACTIVE"),
            _ => None,
        };
    }
    Ok(query)
}

fn filter(
    query: &mut ListQuery,
    kind: Kind,
    name: &str,
    value: &Json,
    zone: &TimeZone,
) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    match (kind, name) {
        (Kind::Event, "dateGet") => query.start.from = Some(midnight(value, 0, zone)?),
        (Kind::Event, "dateLet") => query.start.until = Some(midnight(value, 1, zone)?),
        (Kind::Event, "userId") => query.users = Some(keys(value)),
        (Kind::Event | Kind::Piano | Kind::Invoice | Kind::Timeline | Kind::Estimate, "clientId") => {
            query.clients = Some(keys(value));
        }
        (Kind::Event, "pianoId") => query.pianos = Some(keys(value)),
        (Kind::Event | Kind::Piano, "type") | (Kind::Timeline, "types") | (Kind::Client, "clientType") => {
            query.types = Some(keys(value));
        }
        (Kind::Event | Kind::Client | Kind::Piano | Kind::Invoice, "status") => {
            query.statuses = Some(keys(value))
        }
        // An invoice's date is the day it was created.
        (Kind::Invoice, "invoiceDateGet") => query.created.from = Some(midnight(value, 0, zone)?),
        (Kind::Invoice, "invoiceDateLet") => query.created.until = Some(midnight(value, 1, zone)?),
        (Kind::Client | Kind::Piano, "createdGet") => query.created.from = Some(midnight(value, 0, zone)?),
        (Kind::Client | Kind::Piano, "createdLet") => query.created.until = Some(midnight(value, 1, zone)?),
        // Timelines are not simulated: every client and piano counts as active.
        (Kind::Client | Kind::Piano, "hasTimelineActivityGet") => {}
        (Kind::Timeline, "occurredAtGet") => query.start.from = Some(instant(value)?),
        (Kind::Invoice, "archived") => query.archived = value.as_bool(),
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

fn order(kind: Kind, value: &Json) -> Result<Order, String> {
    let one = std::slice::from_ref(value);
    let sorts = value.as_array().map_or(one, Vec::as_slice);
    match (kind, sorts.first().and_then(Json::as_str)) {
        (_, None) => Ok(Order::Natural),
        (_, Some(_)) if sorts.len() > 1 => Err("The simulator sorts by one key only".to_owned()),
        (Kind::Event, Some("START_ASC")) => Ok(Order::StartAscending),
        (Kind::Event, Some("START_DESC")) => Ok(Order::StartDescending),
        (Kind::Client | Kind::Piano | Kind::Invoice, Some("CREATED_AT_ASC")) => Ok(Order::CreatedAscending),
        (Kind::Client | Kind::Piano | Kind::Invoice, Some("CREATED_AT_DESC")) => Ok(Order::CreatedDescending),
        (_, Some(sort)) => Err(format!("The simulator does not simulate the sort {sort} of {}", kind.name())),
    }
}
