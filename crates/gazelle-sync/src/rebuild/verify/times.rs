//! Checks the view of local times against the tables, by computing the local times of Montréal a second time.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::report::Check;
use crate::config::SpotCheck;
use crate::db::{DbError, Tx};
use crate::time;

/// Rows read at a time, so that memory stays bounded.
const ROWS_A_PAGE: i64 = 5_000;

/// Checks that every appointment is in `v_appointments_montreal` once, with the local day and time of its instant.
///
/// # Errors
/// The database's.
pub async fn view_agrees(tx: &Tx<'_>) -> Result<Check, DbError> {
    let mut check = Check::new("v_appointments_montreal shows every appointment at its local time");
    let mut after = String::new();
    loop {
        let rows = tx
            .query(include_str!("view_rows.sql"), &[(&after, Type::TEXT), (&ROWS_A_PAGE, Type::INT8)])
            .await?;
        for row in &rows {
            check.checked += 1;
            let id: &str = row.get("external_id");
            let wrong = match ShownAppointment::of(row) {
                Ok(shown) => shown.wrong(),
                Err(_) => Some("it is dated beyond the years that Gazelle's dates can have".to_owned()),
            };
            if let Some(wrong) = wrong {
                check.differs(format!("{id}: {wrong}"));
            }
        }
        match rows.last() {
            Some(last) if rows.len() as i64 == ROWS_A_PAGE => after = last.get("external_id"),
            _ => break,
        }
    }
    for row in &tx.query(include_str!("view_surplus.sql"), &[]).await? {
        let id: String = row.get(0);
        check.differs(format!("{id}: the view shows it, no row that is not deleted does"));
    }
    Ok(check)
}

/// A day and a time of day; none if there is none.
type Parts = (Option<Date>, Option<Time>);

/// An appointment as it is stored, and as the view shows it.
#[derive(Debug, Clone)]
struct ShownAppointment {
    /// In UTC.
    stored: Parts,
    start: Option<DateTime>,
    is_all_day: bool,
    /// How many rows of the view show it.
    times: i64,
    /// Whether the view shows the title, client and UTC date of the table.
    is_same: bool,
    /// The local day and time that the view shows.
    local: Parts,
}

impl ShownAppointment {
    /// # Errors
    /// A day or time that cannot be read.
    fn of(row: &Row) -> Result<ShownAppointment, tokio_postgres::Error> {
        Ok(ShownAppointment {
            stored: (readable(row, "appointment_date")?, readable(row, "appointment_time")?),
            start: readable(row, "start_utc").unwrap_or_default(),
            is_all_day: row.get::<_, Option<bool>>("is_all_day") == Some(true),
            times: row.get("shown"),
            is_same: row.get("same"),
            local: (readable(row, "date_montreal")?, readable(row, "time_montreal")?),
        })
    }

    /// What the view should show.
    fn expected(&self) -> Parts {
        let is_floating = self.is_all_day && self.stored.1 == Some(Time::midnight());
        match (self.start, self.start.and_then(time::instant_of)) {
            (None, _) => (None, None),
            (Some(_), _) if is_floating => self.stored,
            (_, Some(start)) => {
                let (date, time) = time::montreal_parts(start);
                (Some(date), Some(time))
            }
            // The end of the year 9999, which is beyond the range of instants in some zones.
            (_, None) => self.local,
        }
    }

    /// What is wrong with it; none if nothing is.
    fn wrong(&self) -> Option<String> {
        let expected = self.expected();
        if self.times != 1 {
            Some(format!("the view shows it {} times", self.times))
        } else if !self.is_same {
            Some("the view shows another title, client or UTC date than the table holds".to_owned())
        } else if self.local != expected {
            Some(format!(
                "the view shows {}, stored is {} UTC, which is {} in Montréal",
                written(self.local),
                written(self.stored),
                written(expected)
            ))
        } else {
            None
        }
    }
}

/// A value that may be out of the range of its Rust type.
fn readable<'r, T: FromSql<'r>>(row: &'r Row, name: &str) -> Result<Option<T>, tokio_postgres::Error> {
    row.try_get(name)
}

fn written(parts: Parts) -> String {
    match parts {
        (Some(date), Some(time)) => format!("{date} {time}"),
        (Some(date), None) => date.to_string(),
        _ => "nothing".to_owned(),
    }
}

/// Checks the appointments that the setting `spot_checks` names, if they exist: the view shows the hour of the
/// setting, and the stored instant is that hour in UTC.
///
/// # Errors
/// Those of the database.
pub async fn spot_checks(
    tx: &Tx<'_>,
    spots: &[SpotCheck],
    notes: &mut Vec<String>,
) -> Result<Check, DbError> {
    let mut check = Check::new("named appointments are shown at the hour that the setting spot_checks says");
    for SpotCheck { title, time: wanted } in spots {
        let rows = tx.query(include_str!("spot_check.sql"), &[(title, Type::TEXT)]).await?;
        if rows.is_empty() {
            notes.push(format!(
                "spot_checks: no appointment has a title like `{title}`, so that nothing was checked for it"
            ));
        }
        for row in &rows {
            check.checked += 1;
            let id: &str = row.get("external_id");
            let start: Option<Timestamp> = readable(row, "start_at").unwrap_or_default();
            let date: Option<Date> = readable(row, "date_montreal").unwrap_or_default();
            let time: Option<Time> = row.get("time_montreal");
            if time != Some(*wanted) {
                check.differs(format!(
                    "{id}: the view shows {}, the setting spot_checks says {wanted}",
                    written((date, time))
                ));
            } else if date.and_then(|date| time::montreal_instant(date, *wanted)) != start {
                check.differs(format!("{id}: stored is not {wanted} of Montréal in UTC"));
            }
        }
    }
    Ok(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shown once at this local hour of 15 January 2026, stored at 23:00 UTC.
    fn shown_at(hour: i8) -> ShownAppointment {
        let (date, hour_of) = (Date::constant(2026, 1, 15), |hour| Time::constant(hour, 0, 0, 0));
        ShownAppointment {
            stored: (Some(date), Some(hour_of(23))),
            start: Some(date.to_datetime(hour_of(23))),
            is_all_day: false,
            times: 1,
            is_same: true,
            local: (Some(date), Some(hour_of(hour))),
        }
    }

    #[test]
    fn the_view_shows_each_appointment_once_at_its_local_hour() {
        let right = shown_at(18);
        let midnight = Some(Time::midnight());
        let mut all_day = ShownAppointment {
            is_all_day: true,
            start: Some(DateTime::constant(2026, 1, 15, 0, 0, 0, 0)),
            ..shown_at(0)
        };
        all_day.stored.1 = midnight;
        for (shown, wrong) in [
            (right.clone(), None),
            (all_day, None),
            (ShownAppointment { start: None, local: (None, None), ..right.clone() }, None),
            (ShownAppointment { times: 0, ..right.clone() }, Some("the view shows it 0 times")),
            (
                ShownAppointment { is_same: false, ..right },
                Some("the view shows another title, client or UTC date than the table holds"),
            ),
            (
                shown_at(19),
                Some(
                    "the view shows 2026-01-15 19:00:00, stored is 2026-01-15 23:00:00 UTC, which is 2026-01-15 18:00:00 in \
                     Montréal",
                ),
            ),
        ] {
            assert_eq!(shown.wrong().as_deref(), wrong, "{shown:?}");
        }
    }
}
