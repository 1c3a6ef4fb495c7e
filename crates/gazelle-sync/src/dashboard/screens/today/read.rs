//! Reads the facts of Today: one local day, of one technician or of all.

use std::collections::BTreeMap;

use jiff::civil::{Date, time};
use jiff::{Span, Timestamp};
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::dashboard::changed::{self, ChangeSelection, ChangedAppointment};
use crate::dashboard::site::Snapshot;
use crate::db::{DbError, Tx};
use crate::entities::appointments;
use crate::run_log::runs;
use crate::staging::history::recent;
use crate::time as zones;

/// The longest appointment that is found, in days: it is shown on each day up to this many after its start. A leave of a year
/// is an appointment too.
const LONGEST_DAYS: i64 = 366;
/// Versions that are looked at for changes.
const MOST_CHANGES: i64 = 300;
/// Pianos of all visits of a day.
const MOST_PIANOS: i64 = 1_000;

/// What Today shows.
#[derive(Serialize)]
pub(super) struct Today {
    pub(super) day: Date,
    pub(super) technician: Option<String>,
    /// When the last complete read of appointments was.
    pub(super) good_at: Option<Timestamp>,
    pub(super) is_stale: bool,
    pub(super) technicians: Vec<Technician>,
    pub(super) visits: Vec<Visit>,
    /// None where they could not be read.
    pub(super) changes: Option<Vec<ChangedAppointment>>,
}

/// A technician to choose.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Technician {
    pub(crate) external_id: String,
    pub(crate) name: String,
}

/// An appointment.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Visit {
    pub(super) external_id: String,
    pub(super) first_day: Option<Date>,
    pub(super) last_day: Option<Date>,
    pub(super) start_at: Option<Timestamp>,
    pub(super) end_at: Option<Timestamp>,
    pub(super) is_all_day: bool,
    pub(super) title: Option<String>,
    pub(super) status: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) client: Option<String>,
    pub(super) contact: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) address: Vec<String>,
    pub(super) technician_id: Option<String>,
    pub(super) technician: Option<String>,
    pub(super) piano_count: i64,
    pub(super) pianos: Vec<Piano>,
    pub(super) notes: Option<String>,
    pub(super) confirmed: bool,
    /// It lasts into the next one of the same technician.
    pub(super) overlaps: bool,
}

/// A piano of an appointment.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Piano {
    pub(crate) make: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) room: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) dampp_chaser: bool,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct DayQuery {
    pub(super) day: Date,
    pub(super) technician: Option<String>,
    pub(super) stale_after_minutes: u32,
}

/// Reads them. The day is one of the view's zone, as the page names it.
pub(super) async fn read(snapshot: &Snapshot<'_>, query: DayQuery) -> Result<Today, DbError> {
    let Snapshot { tx, now, .. } = snapshot;
    let past = runs::past_in(tx).await?;
    let good_at = past
        .good_of
        .iter()
        .find(|(entity, _)| entity.name == appointments::ENTITY.name)
        .and_then(|(_, at)| *at);
    let limit = i64::from(query.stale_after_minutes) * 60;
    let mut visits = visits(tx, &query).await?;
    mark_overlaps(&mut visits);
    Ok(Today {
        good_at,
        is_stale: good_at.is_none_or(|at| now.duration_since(at).as_secs() > limit),
        technicians: technicians(tx).await?,
        visits,
        // The last statement: should it take too long, the rest of the page is there.
        changes: changes(tx, &query, *now).await.ok(),
        day: query.day,
        technician: query.technician,
    })
}

pub(crate) async fn technicians(tx: &Tx<'_>) -> Result<Vec<Technician>, DbError> {
    let rows = tx.query(include_str!("technicians.sql"), &[]).await?;
    Ok(rows
        .iter()
        .map(|row| Technician { external_id: row.get("external_id"), name: row.get("name") })
        .collect())
}

/// The start of the day this many days after `day`, in the zone of the view.
fn start_of(day: Date, days: i64) -> Timestamp {
    let day = day.checked_add(Span::new().days(days)).unwrap_or(day);
    zones::start_of_day(day, zones::MONTREAL).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn visits(tx: &Tx<'_>, query: &DayQuery) -> Result<Vec<Visit>, DbError> {
    // An all-day event at midnight UTC names its date itself, which begins some hours later here.
    let (from, to) = (start_of(query.day, -LONGEST_DAYS), start_of(query.day, 2));
    // What touches the day ends on it or later, by the view's zone or by UTC.
    let ended = start_of(query.day, -1);
    let rows = tx
        .query(
            include_str!("visits.sql"),
            &[
                (&from, Type::TIMESTAMPTZ),
                (&to, Type::TIMESTAMPTZ),
                (&query.day, Type::DATE),
                (&query.technician, Type::TEXT),
                (&ended, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    let mut visits: Vec<Visit> = rows.iter().map(visit).collect();
    let ids: Vec<&str> = visits.iter().map(|visit| visit.external_id.as_str()).collect();
    let mut pianos = pianos(tx, &ids, MOST_PIANOS).await?;
    for visit in &mut visits {
        visit.pianos = pianos.remove(&visit.external_id).unwrap_or_default();
    }
    Ok(visits)
}

/// The pianos of appointments, by the id of the appointment; `most` of all of them.
pub(crate) async fn pianos(
    tx: &Tx<'_>,
    appointments: &[&str],
    most: i64,
) -> Result<BTreeMap<String, Vec<Piano>>, DbError> {
    let params = [(&appointments as _, Type::TEXT_ARRAY), (&most as _, Type::INT8)];
    let rows = tx.query(include_str!("pianos.sql"), &params).await?;
    let mut pianos: BTreeMap<String, Vec<Piano>> = BTreeMap::new();
    for row in &rows {
        pianos.entry(row.get("appointment_external_id")).or_default().push(Piano {
            make: text(row, "make"),
            model: text(row, "model"),
            room: text(row, "location_text"),
            serial: text(row, "serial_number"),
            dampp_chaser: row.get::<_, Option<bool>>("dampp_chaser_installed").unwrap_or_default(),
        });
    }
    Ok(pianos)
}

/// A text that says something.
pub(crate) fn text(row: &Row, column: &str) -> Option<String> {
    row.get::<_, Option<String>>(column).filter(|text| !text.trim().is_empty())
}

fn visit(row: &Row) -> Visit {
    let city =
        [text(row, "city"), text(row, "postal_code")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let lines = [text(row, "address_line1"), text(row, "address_line2"), Some(city)];
    Visit {
        external_id: row.get("external_id"),
        first_day: row.get("date_montreal"),
        last_day: row.get("last_date_montreal"),
        start_at: row.get("start_at"),
        end_at: row.get("end_at"),
        is_all_day: row.get::<_, Option<bool>>("is_all_day").unwrap_or_default(),
        title: text(row, "title"),
        status: text(row, "status"),
        event_type: text(row, "event_type"),
        client: text(row, "company_name"),
        contact: text(row, "contact_name"),
        phone: text(row, "contact_phone"),
        address: lines.into_iter().flatten().filter(|line| !line.is_empty()).collect(),
        technician_id: text(row, "technician_external_id"),
        technician: text(row, "technician_name"),
        piano_count: row.get("pianos"),
        pianos: Vec::new(),
        notes: text(row, "notes"),
        confirmed: row.get::<_, Option<bool>>("confirmed_by_client").unwrap_or_default(),
        overlaps: false,
    }
}

/// Marks each visit that lasts into the next one of its technician. All-day ones and cancelled ones are in nobody's
/// way.
fn mark_overlaps(visits: &mut [Visit]) {
    let takes_time = |visit: &Visit| !visit.is_all_day && visit.status.as_deref() != Some("CANCELED");
    for at in 0..visits.len() {
        let (before, rest) = visits.split_at_mut(at + 1);
        let this = &mut before[at];
        let next = rest.iter().find(|other| takes_time(other) && other.technician_id == this.technician_id);
        this.overlaps = takes_time(this)
            && this.technician_id.is_some()
            && next.is_some_and(|next| this.end_at > next.start_at && next.start_at.is_some());
    }
}

/// Since when changes are shown: yesterday at 18:00, when the day was looked at last.
fn since(now: Timestamp) -> Timestamp {
    let yesterday = zones::montreal_parts(now).0.yesterday().unwrap_or(Date::MIN);
    zones::montreal_instant(yesterday, time(18, 0, 0, 0)).unwrap_or(now)
}

/// What changed of the day: appointments that are on it, or were before they changed.
async fn changes(tx: &Tx<'_>, query: &DayQuery, now: Timestamp) -> Result<Vec<ChangedAppointment>, DbError> {
    // Texts of instants in UTC: the day, and some hours around it.
    let (from, to) = (start_of(query.day, 0), start_of(query.day, 1));
    let (from_text, to_text) = (from.to_string(), to.to_string());
    let which =
        recent::VersionSelection { since: since(now), starting: (&from_text, &to_text), limit: MOST_CHANGES };
    let versions = changed::joined(recent::changed(tx, &appointments::ENTITY, which).await?);
    let of = ChangeSelection { technician: query.technician.as_deref(), kind: None };
    changed::named(tx, versions, of).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn changes_count_from_the_evening_before_by_the_local_clock() {
        for (now, since_then) in [
            ("2026-11-24T11:30:00Z", "2026-11-23T23:00:00Z"),
            // 23:30 in Montréal is tomorrow in UTC.
            ("2026-11-25T04:30:00Z", "2026-11-23T23:00:00Z"),
            // The evening before the clocks go back, in summer time.
            ("2026-11-01T12:00:00Z", "2026-10-31T22:00:00Z"),
        ] {
            assert_eq!(since(at(now)), at(since_then), "{now}");
        }
    }

    #[test]
    fn a_visit_that_lasts_into_the_next_one_of_its_technician_is_marked() {
        let visit = |technician: &str, start: &str, end: &str| Visit {
            technician_id: Some(technician.to_owned()),
            start_at: Some(at(&format!("2026-11-24T{start}:00Z"))),
            end_at: Some(at(&format!("2026-11-24T{end}:00Z"))),
            ..Visit::default()
        };
        let cancelled = Visit { status: Some("CANCELED".to_owned()), ..visit("usr_1", "13:30", "14:00") };
        let all_day = Visit { is_all_day: true, ..visit("usr_1", "05:00", "23:00") };
        let mut visits = vec![
            all_day,
            visit("usr_1", "12:00", "13:20"),
            visit("usr_2", "12:30", "15:00"),
            visit("usr_1", "13:15", "14:45"),
            cancelled,
            visit("usr_1", "14:45", "15:00"),
        ];
        mark_overlaps(&mut visits);
        let marked: Vec<bool> = visits.iter().map(|visit| visit.overlaps).collect();
        assert_eq!(marked, [false, true, false, false, false, false]);
    }
}
