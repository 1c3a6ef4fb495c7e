//! Reads the cases in quarantine. No statement reads staging: the record itself is on the page of the case.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::dashboard::charts::in_and_out::Day;
use crate::dashboard::links;
use crate::db::{self, DbError, Tx};
use crate::entities::{self, Entity};
use crate::states::CaseState;

/// Cases on one page.
const PAGE: usize = 50;

/// The choice of states that is made unless the address names another.
pub(super) const OPEN: &str = CaseState::Open.as_str();

/// Which cases a page lists.
pub(super) struct Filter {
    /// The choice of states, as the address names it.
    pub(super) state: &'static str,
    pub(super) states: &'static [CaseState],
    pub(super) entity: Option<&'static Entity>,
    pub(super) code: Option<&'static str>,
    /// Only those after this position, the last one of the page before.
    pub(super) before: Option<Position>,
}

impl Filter {
    /// Whether it leaves anything out that is open.
    pub(super) fn is_set(&self) -> bool {
        self.state != OPEN || self.entity.is_some() || self.code.is_some()
    }

    /// The address of a page of the list.
    pub(super) fn address(&self, before: Option<&str>) -> String {
        let parameters = [
            ("state", Some(self.state).filter(|state| *state != OPEN)),
            ("code", self.code),
            ("entity", self.entity.map(|entity| entity.name)),
            ("before", before),
        ];
        links::with("/app/quarantine", &parameters)
    }
}

/// A place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    last_seen_at: Timestamp,
    staging_id: Uuid,
    external_id: String,
}

impl Position {
    /// As an address holds it.
    pub(super) fn text(&self) -> String {
        format!("{},{},{}", self.last_seen_at, self.staging_id, self.external_id)
    }

    /// The position that a text names; none for another text, which shows the first page.
    pub(super) fn of(text: &str) -> Option<Position> {
        let mut parts = text.splitn(3, ',');
        Some(Position {
            last_seen_at: parts.next()?.parse().ok()?,
            staging_id: parts.next()?.parse().ok()?,
            external_id: parts.next()?.to_owned(),
        })
    }
}

/// A case of the list.
#[derive(Debug, Serialize)]
pub(super) struct ListedCase {
    pub(super) entity: String,
    pub(super) external_id: String,
    pub(super) staging_id: Uuid,
    pub(super) state: CaseState,
    pub(super) error_code: String,
    pub(super) error_field: Option<String>,
    pub(super) waits_for: Option<String>,
    pub(super) waits_for_id: Option<String>,
    pub(super) attempts: i32,
    pub(super) first_seen_at: Timestamp,
    pub(super) last_seen_at: Timestamp,
    pub(super) closed_at: Option<Timestamp>,
    pub(super) closed_reason: Option<String>,
}

/// The waiting cases with one reason.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub(super) entity: String,
    pub(super) error_code: String,
    pub(super) error_field: String,
    pub(super) state: CaseState,
    pub(super) records: i64,
    /// When the first of them was noted.
    pub(super) oldest: Timestamp,
}

/// The groups of all that waits.
pub(super) async fn groups(tx: &Tx<'_>) -> Result<Vec<Group>, DbError> {
    let rows = tx.query(include_str!("groups.sql"), &[]).await?;
    let group = |row: &Row| {
        Ok(Group {
            entity: row.get("entity"),
            error_code: row.get("error_code"),
            error_field: row.get("error_field"),
            state: db::word(row, "state")?,
            records: row.get("records"),
            oldest: row.get("oldest"),
        })
    };
    rows.iter().map(group).collect()
}

/// A page of cases, and where the next one begins; none on the last page.
pub(super) async fn cases(
    tx: &Tx<'_>,
    filter: &Filter,
) -> Result<(Vec<ListedCase>, Option<Position>), DbError> {
    let entities = filter.entity.map_or_else(entities::names, |entity| vec![entity.name]);
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let at = filter.before.as_ref();
    // One more than is shown tells whether there is a next page.
    let most = PAGE as i64 + 1;
    let rows = tx
        .query(
            include_str!("cases.sql"),
            &[
                (&entities, Type::TEXT_ARRAY),
                (&filter.code, Type::TEXT),
                (&states, Type::TEXT_ARRAY),
                (&at.map(|at| at.last_seen_at), Type::TIMESTAMPTZ),
                (&at.map(|at| at.external_id.as_str()), Type::TEXT),
                (&at.map(|at| at.staging_id), Type::UUID),
                (&most, Type::INT8),
            ],
        )
        .await?;
    let cases: Vec<ListedCase> = rows.iter().take(PAGE).map(case).collect::<Result<_, _>>()?;
    let last = cases.last().filter(|_| rows.len() > PAGE).map(|case| Position {
        last_seen_at: case.last_seen_at,
        staging_id: case.staging_id,
        external_id: case.external_id.clone(),
    });
    Ok((cases, last))
}

fn case(row: &Row) -> Result<ListedCase, DbError> {
    Ok(ListedCase {
        entity: row.get("entity"),
        external_id: row.get("external_id"),
        staging_id: row.get("staging_id"),
        state: db::word(row, "state")?,
        error_code: row.get("error_code"),
        error_field: row.get("error_field"),
        waits_for: row.get("waits_for"),
        waits_for_id: row.get("waits_for_id"),
        attempts: row.get("attempts"),
        first_seen_at: row.get("first_seen_at"),
        last_seen_at: row.get("last_seen_at"),
        closed_at: row.get("closed_at"),
        closed_reason: row.get("closed_reason"),
    })
}

/// What came and what was closed on local days: `days` are the days with their starts, and the day after.
pub(super) async fn in_and_out(tx: &Tx<'_>, days: &[(Date, Timestamp)]) -> Result<Vec<Day>, DbError> {
    let starts: Vec<Timestamp> = days.iter().map(|(_, start)| *start).collect();
    let rows = tx.query(include_str!("in_and_out.sql"), &[(&starts, Type::TIMESTAMPTZ_ARRAY)]).await?;
    let day = |pair: &[(Date, Timestamp)]| Day { date: pair[0].0, ends_at: pair[1].1, came: 0, closed: 0 };
    let mut days: Vec<Day> = days.windows(2).map(day).collect();
    for row in &rows {
        // The buckets are counted from 1; what a clock that is ahead has dated is beyond the last one.
        let place = usize::try_from(row.get::<_, i32>("day") - 1).ok();
        if let Some(day) = place.and_then(|place| days.get_mut(place)) {
            (day.came, day.closed) = (row.get("came"), row.get("closed"));
        }
    }
    Ok(days)
}

/// How many cases were closed, and how many of them by a person.
pub(super) async fn closed(tx: &Tx<'_>) -> Result<(i64, i64), DbError> {
    let rows = tx.query(include_str!("closed.sql"), &[]).await?;
    Ok(rows.first().map(|row| (row.get("closed"), row.get("dismissed"))).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_address_whatever_the_id_holds() {
        for id in ["evt_1", "a,b", "", "é\"<"] {
            let at = Position {
                last_seen_at: "2026-11-24T19:15:00.123456Z".parse().unwrap(),
                staging_id: "01930000-0000-7000-8000-000000000001".parse().unwrap(),
                external_id: id.to_owned(),
            };
            assert_eq!(Position::of(&at.text()), Some(at));
        }
        for text in ["", ",,", "2026-11-24T19:15:00Z,x,y", "yesterday,01930000-0000-7000-8000-000000000001,a"]
        {
            assert_eq!(Position::of(text), None, "{text}");
        }
    }
}
