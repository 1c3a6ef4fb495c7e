//! Production data that the demo shows: a technician's day, and appointments found by title.

use jiff::civil::Date;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Param};

/// One technician's appointments on one day.
#[derive(Serialize)]
pub struct Day {
    pub technician: String,
    pub date: String,
    pub visits: Vec<Visit>,
}

/// One appointment.
#[derive(Serialize)]
pub struct Visit {
    pub time: String,
    pub title: String,
    pub client: String,
    pub contact: String,
    pub address: String,
    pub pianos: i64,
    pub stored_utc: String,
}

impl From<&Row> for Visit {
    fn from(row: &Row) -> Visit {
        Visit {
            time: row.get("time"),
            title: row.get("title"),
            client: row.get("client"),
            contact: row.get("contact"),
            address: row.get("address"),
            pianos: row.get("pianos"),
            stored_utc: row.get("stored_utc"),
        }
    }
}

/// The technician's day, from today on, with the most appointments.
///
/// # Errors
/// Those of the database.
pub async fn busiest(db: &Db) -> Result<Option<Day>, DbError> {
    let rows = db.query(include_str!("busiest_day.sql"), &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (id, day): (String, Date) = (row.get("technician_external_id"), row.get("date_montreal"));
    let of_day: [Param<'_>; 2] = [(&id, Type::TEXT), (&day, Type::DATE)];
    let visits = visits(db, include_str!("visits_of_day.sql"), &of_day).await?;
    Ok(Some(Day { technician: row.get("technician_name"), date: day.to_string(), visits }))
}

/// The appointments whose title matches this LIKE pattern.
///
/// # Errors
/// Those of the database.
pub async fn titled(db: &Db, pattern: &str) -> Result<Vec<Visit>, DbError> {
    visits(db, include_str!("visits_titled.sql"), &[(&pattern, Type::TEXT)]).await
}

async fn visits(db: &Db, sql: &str, params: &[Param<'_>]) -> Result<Vec<Visit>, DbError> {
    Ok(db.query(sql, params).await?.iter().map(Visit::from).collect())
}
