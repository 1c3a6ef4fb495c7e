//! Follows an instant from the record's text to the local time.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::Serialize;
use serde_json::Value as Json;
use tokio_postgres::types::Type;

use crate::db::{DbError, Tx};
use crate::time;

/// The steps of the conversion.
#[derive(Debug, Clone, Serialize)]
pub struct Times {
    /// The text in the record, if the value comes from one.
    pub raw: Option<String>,
    /// The instant that it denotes.
    pub instant: Timestamp,
    /// Its date in UTC.
    pub utc_date: Date,
    /// Its time of day in UTC.
    pub utc_time: Time,
    /// The same instant in the zone of the settings, to the second.
    pub local: String,
    /// What `v_appointments_montreal` shows of the appointment; `None` for a deleted one, or for another table.
    pub view: Option<View>,
}

/// The columns of the view.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// `date_montreal`
    pub date_montreal: Json,
    /// `time_montreal`
    pub time_montreal: Json,
    /// `last_date_montreal`
    pub last_date_montreal: Json,
    /// `end_time_montreal`
    pub end_time_montreal: Json,
}

impl Times {
    /// The steps of an instant; `raw` is the text it was read from.
    pub fn of(instant: Timestamp, raw: Option<&str>, zone: &TimeZone) -> Times {
        let (utc_date, utc_time) = time::utc_parts(instant);
        let local = time::show_exact(instant, zone);
        Times { raw: raw.map(str::to_owned), instant, utc_date, utc_time, local, view: None }
    }
}

/// What the view shows of an appointment; `None` if it shows none.
///
/// # Errors
/// Those of the database.
pub async fn view(tx: &Tx<'_>, external_id: &str) -> Result<Option<View>, DbError> {
    let rows = tx
        .query(
            "SELECT to_jsonb(v) FROM {schema}.v_appointments_montreal v WHERE v.external_id = $1",
            &[(&external_id, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().map(|row| {
        let mut shown: Json = row.get(0);
        View {
            date_montreal: shown["date_montreal"].take(),
            time_montreal: shown["time_montreal"].take(),
            last_date_montreal: shown["last_date_montreal"].take(),
            end_time_montreal: shown["end_time_montreal"].take(),
        }
    }))
}
