//! Follows an instant from the record's text to the local time.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use tokio_postgres::types::Type;

use crate::db::{DbError, Tx};
use crate::entities::table::View;
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
    /// What the table's view shows of the row; `None` if it does not show the row, or the table has none.
    pub view: Option<ShownRow>,
}

/// What a view shows of a row. Serialized as an object with the columns.
#[derive(Debug, Clone)]
pub struct ShownRow {
    view: &'static View,
    /// The columns that the view computes, in order.
    columns: Vec<(&'static str, Json)>,
}

impl ShownRow {
    /// The value of a column; null if the view does not compute it.
    pub fn value(&self, column: &str) -> Json {
        self.columns.iter().find(|(name, _)| *name == column).map_or(Json::Null, |(_, value)| value.clone())
    }
}

impl ShownRow {
    /// The row in a line, for people.
    pub fn text(&self) -> String {
        let filled = self.columns.iter().fold(self.view.summary.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value.as_str().unwrap_or("nothing"))
        });
        format!("{} shows {filled}", self.view.name)
    }
}

impl Serialize for ShownRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.columns.iter().map(|(name, value)| (name, value)))
    }
}

impl Times {
    /// The steps of an instant; `raw` is the text it was read from.
    pub fn of(instant: Timestamp, raw: Option<&str>, zone: &TimeZone) -> Times {
        let (utc_date, utc_time) = time::utc_parts(instant);
        let local = time::show_exact(instant, zone);
        Times { raw: raw.map(str::to_owned), instant, utc_date, utc_time, local, view: None }
    }
}

/// What a view shows of a row; `None` if it does not show it.
///
/// # Errors
/// Those of the database.
pub async fn shown(tx: &Tx<'_>, view: &'static View, external_id: &str) -> Result<Option<ShownRow>, DbError> {
    let sql = format!("SELECT to_jsonb(v) FROM {{schema}}.{} v WHERE v.external_id = $1", view.name);
    let rows = tx.query(&sql, &[(&external_id, Type::TEXT)]).await?;
    Ok(rows.first().map(|row| {
        let mut shown: Json = row.get(0);
        let columns = view.columns.iter().map(|(name, _)| (*name, shown[*name].take())).collect();
        ShownRow { view, columns }
    }))
}
