//! The view of local times against the storage, computed a second time here.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::Check;
use crate::config::SpotCheck;
use crate::db::{DbError, Tx};
use crate::time;

/// Rows read at a time, so that memory stays bounded.
const ROWS_A_PAGE: i64 = 5_000;

/// Every appointment is in `v_appointments_montreal` once, with the local day and hour of its instant.
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
            let (shown_date, shown_time) = (held(row, "date_montreal"), held(row, "time_montreal"));
            let (date, time) = (held(row, "appointment_date"), held(row, "appointment_time"));
            let (Ok(shown_date), Ok(shown_time), Ok(date), Ok(time)) = (shown_date, shown_time, date, time)
            else {
                check.differs(format!("{id}: it is dated beyond the years that Gazelle's dates can have"));
                continue;
            };
            let shown: (Option<Date>, Option<Time>) = (shown_date, shown_time);
            let floating =
                row.get::<_, Option<bool>>("is_all_day") == Some(true) && time == Some(Time::midnight());
            let start: Option<DateTime> = held(row, "start_utc").unwrap_or_default();
            let expected = match (start, start.and_then(time::instant_of)) {
                (None, _) => (None, None),
                (Some(_), _) if floating => (date, time),
                (_, Some(start)) => {
                    let (date, time) = time::montreal_parts(start);
                    (Some(date), Some(time))
                }
                // The last day of the year 9999, which is no instant in every zone.
                (_, None) => shown,
            };
            if row.get::<_, i64>("shown") != 1 {
                check.differs(format!("{id}: the view shows it {} times", row.get::<_, i64>("shown")));
            } else if !row.get::<_, bool>("same") {
                check.differs(format!(
                    "{id}: the view shows another title, client or UTC date than the table holds"
                ));
            } else if shown != expected {
                check.differs(format!(
                    "{id}: the view shows {}, stored is {} UTC, which is {} in Montréal",
                    written(shown),
                    written((date, time)),
                    written(expected)
                ));
            }
        }
        match rows.last() {
            Some(last) if rows.len() as i64 == ROWS_A_PAGE => after = last.get("external_id"),
            _ => break,
        }
    }
    let surplus = tx
        .query(
            "SELECT v.external_id FROM {schema}.v_appointments_montreal v
               LEFT JOIN {schema}.gazelle_appointments a ON a.external_id = v.external_id AND a.deleted_at IS NULL
              WHERE a.external_id IS NULL",
            &[],
        )
        .await?;
    for row in &surplus {
        check.differs(format!(
            "{}: the view shows it, no row that is not deleted does",
            row.get::<_, String>(0)
        ));
    }
    Ok(check)
}

/// A value that may be beyond what can be read.
fn held<'r, T: FromSql<'r>>(row: &'r Row, name: &str) -> Result<Option<T>, tokio_postgres::Error> {
    row.try_get(name)
}

fn written(parts: (Option<Date>, Option<Time>)) -> String {
    match parts {
        (Some(date), Some(time)) => format!("{date} {time}"),
        (Some(date), None) => date.to_string(),
        _ => "nothing".to_owned(),
    }
}

/// Appointments of which the settings say when they are, where they exist: the view shows that hour, and what is stored is
/// that hour in UTC.
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
        let rows = tx
            .query(
                "SELECT a.external_id, a.start_at, v.date_montreal, v.time_montreal
                   FROM {schema}.gazelle_appointments a
                   JOIN {schema}.v_appointments_montreal v ON v.external_id = a.external_id
                  WHERE a.deleted_at IS NULL AND strpos(lower(a.title), lower($1)) > 0",
                &[(title, Type::TEXT)],
            )
            .await?;
        if rows.is_empty() {
            notes.push(format!(
                "spot_checks: no appointment has a title like `{title}`, so that nothing was checked for it"
            ));
        }
        for row in &rows {
            check.checked += 1;
            let id: &str = row.get(0);
            let start: Option<Timestamp> = row.try_get(1).unwrap_or_default();
            let (date, time): (Option<Date>, Option<Time>) = (row.try_get(2).unwrap_or_default(), row.get(3));
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
