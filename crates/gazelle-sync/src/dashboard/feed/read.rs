//! Reads what a calendar and a feed of changes show.

use jiff::Timestamp;
use jiff::civil::Date;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::calendar::{Entry, When};
use crate::dashboard::changed::{self, ChangeSelection, ChangedAppointment};
use crate::dashboard::screens::today::read::{Piano, pianos, text};
use crate::dashboard::screens::today::view::piano_text;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::today;
use crate::db::{DbError, Tx};
use crate::entities::appointments;
use crate::staging::history::recent::{self, HistoryPage};

/// Visits in a calendar.
const MOST: i64 = 3_000;
/// Pianos of all of them.
const MOST_PIANOS: i64 = 20_000;
/// Changes in a feed.
const MOST_CHANGES: i64 = 100;
/// Versions that are looked at for them.
const LOOKED_AT: i64 = 12_000;
/// Pianos of a visit that are listed.
const LISTED: usize = 5;

/// The visits of a technician that start from `from` to before `to`.
pub(super) async fn visits(
    tx: &Tx<'_>,
    technician: &str,
    (from, to): (Timestamp, Timestamp),
    t: &Locale,
) -> Result<Vec<Entry>, DbError> {
    let rows = tx
        .query(
            include_str!("visits.sql"),
            &[
                (&from, Type::TIMESTAMPTZ),
                (&to, Type::TIMESTAMPTZ),
                (&technician, Type::TEXT),
                (&MOST, Type::INT8),
            ],
        )
        .await?;
    let ids: Vec<&str> = rows.iter().map(|row| row.get("external_id")).collect();
    let mut pianos = pianos(tx, &ids, MOST_PIANOS).await?;
    Ok(rows
        .iter()
        .filter_map(|row| entry(row, pianos.remove(row.get::<_, &str>("external_id")).unwrap_or_default(), t))
        .collect())
}

/// What changed in the visits of a technician, seen from `from` to before `to`, the newest first.
pub(super) async fn changes(
    tx: &Tx<'_>,
    technician: &str,
    seen: (Timestamp, Timestamp),
) -> Result<Vec<ChangedAppointment>, DbError> {
    let part = HistoryPage {
        seen: Some(seen),
        technician: Some(technician),
        looked_at: LOOKED_AT,
        limit: MOST_CHANGES,
        ..HistoryPage::default()
    };
    let moves = recent::moves(tx, &appointments::ENTITY, part).await?;
    let of = ChangeSelection { technician: Some(technician), kind: None };
    changed::named(tx, moves.versions, of).await
}

/// A row as a visit; none without a start, which no row lacks.
fn entry(row: &Row, pianos: Vec<Piano>, t: &Locale) -> Option<Entry> {
    let (title, company, contact) =
        (text(row, "title"), text(row, "company_name"), text(row, "contact_name"));
    let city = [text(row, "city"), text(row, "postal_code")].into_iter().flatten().collect::<Vec<_>>();
    let place = [text(row, "address_line1"), text(row, "address_line2"), Some(city.join(" "))];
    let place: Vec<String> = place.into_iter().flatten().filter(|line| !line.is_empty()).collect();
    let called =
        [title, company.clone().or_else(|| contact.clone())].into_iter().flatten().collect::<Vec<_>>();
    let more = i64::try_from(pianos.len().saturating_sub(LISTED)).unwrap_or(i64::MAX);
    let confirmed = row.get::<_, Option<bool>>("confirmed_by_client").unwrap_or_default();
    let lines = [company, contact, text(row, "contact_phone")].into_iter().flatten();
    let lines = lines.chain(pianos.iter().take(LISTED).map(|piano| format!("♪ {}", piano_text(piano, t))));
    let lines = lines.chain((more > 0).then(|| t.count(today::MORE_PIANOS, more)));
    Some(Entry {
        external_id: row.get("external_id"),
        changed_at: row.get::<_, Option<Timestamp>>("changed_at")?,
        when: when(row)?,
        summary: match called.is_empty() {
            true => t.say(today::UNTITLED).into_owned(),
            false => called.join(" · "),
        },
        location: place.join(", "),
        description: lines.chain(confirmed.then(|| t.say(today::CONFIRMED).into_owned())).collect(),
        is_cancelled: text(row, "status").as_deref() == Some("CANCELED"),
        is_free: text(row, "event_type").as_deref() == Some("MEMO"),
    })
}

fn when(row: &Row) -> Option<When> {
    let start = row.get::<_, Option<Timestamp>>("start_at")?;
    if row.get::<_, Option<bool>>("is_all_day").unwrap_or_default() {
        let first = row.get::<_, Option<Date>>("date_montreal")?;
        let last = row.get::<_, Option<Date>>("last_date_montreal").unwrap_or(first);
        return Some(When::Days(first, last.max(first)));
    }
    let end = row.get::<_, Option<Timestamp>>("end_at").unwrap_or(start);
    Some(When::Hours(start, end.max(start)))
}
