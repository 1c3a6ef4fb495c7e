//! Checks the time zone data of this program and of the database on known dates.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::Lines;
use crate::db::{Db, DbError};
use crate::time;

pub(super) fn of_program(lines: &mut Lines) {
    let wrong: Vec<String> = time::KNOWN_HOURS
        .iter()
        .filter_map(|(instant, local)| {
            let shown = time::montreal_shown(instant.parse().ok()?);
            (shown != *local).then(|| format!("{instant} is {local} in Montréal, not {shown}"))
        })
        .collect();
    let fix = "upgrade the time zone data of this machine (package tzdata), then run doctor again";
    report_zone(lines, "time zones", "this program", wrong, fix);
}

pub(super) async fn of_database(db: &Db) -> Result<Lines, DbError> {
    let instants: Vec<Timestamp> =
        time::KNOWN_HOURS.iter().filter_map(|(instant, _)| instant.parse().ok()).collect();
    let rows = db
        .query(
            "SELECT to_char(instant AT TIME ZONE $2, 'YYYY-MM-DD HH24:MI')
               FROM unnest($1::timestamptz[]) WITH ORDINALITY AS known (instant, position) ORDER BY position",
            &[(&instants, Type::TIMESTAMPTZ_ARRAY), (&time::MONTREAL, Type::TEXT)],
        )
        .await?;
    let wrong: Vec<String> = time::KNOWN_HOURS
        .iter()
        .zip(&rows)
        .filter_map(|((instant, local), row)| {
            let shown: String = row.get(0);
            (shown != *local).then(|| format!("{instant} is {local} in Montréal, not {shown}"))
        })
        .collect();
    let mut lines = Lines::default();
    let fix = "upgrade the time zone data of the database server (package tzdata, or Postgres itself) and restart it";
    report_zone(&mut lines, "database time zones", "the database", wrong, fix);
    Ok(lines)
}

fn report_zone(lines: &mut Lines, check: &'static str, who: &str, wrong: Vec<String>, fix: &str) {
    match wrong.is_empty() {
        true => lines.ok(check, format!("{who} knows the hour of {} instants", time::KNOWN_HOURS.len())),
        false => lines.problem(check, format!("{who} is wrong: {}", wrong.join("; ")), fix),
    }
}
