//! Changes that the demo makes at the source, and the production values before and after.

use anyhow::{Result, anyhow};
use gazelle_sim::{ChangeError, RecordKind, SimControl};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_postgres::types::Type;

use crate::commands::text::words::demo as w;
use crate::config::Language;
use crate::db::{Db, DbError};
use crate::words::sentence::Sentence;

/// A change, and the production value before and after it.
#[derive(Debug, Serialize)]
pub struct DemoChange {
    /// A description of the change.
    pub what: String,
    /// The record's id.
    pub id: String,
    /// The production value before the incremental sync.
    pub before: String,
    /// The production value after it.
    pub after: String,
    /// The description in both languages.
    #[serde(skip)]
    pub(crate) said: Sentence,
    #[serde(skip)]
    pub(crate) shows: &'static str,
}

const WHEN: &str = "SELECT to_char(date_montreal, 'YYYY-MM-DD ') || to_char(time_montreal, 'HH24:MI')
                      FROM {schema}.v_appointments_montreal WHERE external_id = $1";
const WHO: &str = "SELECT technician_name FROM {schema}.v_appointments_montreal WHERE external_id = $1";
const STATUS: &str = "SELECT status FROM {schema}.gazelle_appointments WHERE external_id = $1";
const TITLE: &str = "SELECT title FROM {schema}.gazelle_appointments WHERE external_id = $1";
const NAME: &str = "SELECT company_name FROM {schema}.gazelle_clients WHERE external_id = $1";

/// Makes the changes: moves, reassigns and cancels one appointment each, adds one for a client that was just
/// created, and renames one client.
///
/// # Errors
/// The shop has too few records or refuses a change; those of the database.
pub async fn make(shop: &SimControl, db: &Db) -> Result<Vec<DemoChange>> {
    let mut upcoming = upcoming(shop).into_iter();
    let mut next =
        || upcoming.next().ok_or_else(|| anyhow!("the made-up shop has too few appointments to come"));
    let mut changes = Vec::new();

    let (id, event) = next()?;
    let start = event["start"].as_str().unwrap_or_default().parse::<Timestamp>()?;
    let later = start.checked_add(SignedDuration::from_mins(90))?;
    changes.push(begin(db, w::MOVED, &id, WHEN).await?);
    shop.move_event(&id, Some(&later.to_string())).map_err(message)?;

    let (id, event) = next()?;
    let other = shop
        .ids(RecordKind::User)
        .into_iter()
        .find(|user| Some(user.as_str()) != event["user"]["id"].as_str());
    if let Some(technician) = other {
        changes.push(begin(db, w::REASSIGNED, &id, WHO).await?);
        shop.reassign(&id, &technician).map_err(message)?;
    }

    let (id, _) = next()?;
    changes.push(begin(db, w::CANCELLED, &id, STATUS).await?);
    shop.cancel(&id).map_err(message)?;

    let (_, event) = next()?;
    let client = shop
        .add(RecordKind::Client, json!({ "companyName": "École des Érables (démo)", "status": "NEW" }))
        .map_err(message)?;
    let id = shop
        .add(
            RecordKind::Event,
            json!({
                "type": "APPOINTMENT", "status": "ACTIVE", "title": "Accord avant le concert", "duration": 90,
                "start": event["start"], "client": { "id": client }, "user": event["user"],
            }),
        )
        .map_err(message)?;
    changes.push(begin(db, w::ADDED, &id, TITLE).await?);
    changes.push(begin(db, w::CLIENT_ADDED, &client, NAME).await?);

    if let Some(client) = shop.ids(RecordKind::Client).into_iter().next() {
        changes.push(begin(db, w::CLIENT_RENAMED, &client, NAME).await?);
        shop.edit(RecordKind::Client, &client, json!({ "companyName": "Théâtre du Vieux-Verger" }))
            .map_err(message)?;
    }
    Ok(changes)
}

/// Reads the values in production now.
///
/// # Errors
/// Those of the database.
pub async fn observe(db: &Db, mut changes: Vec<DemoChange>) -> Result<Vec<DemoChange>, DbError> {
    for change in &mut changes {
        change.after = value(db, change.shows, &change.id).await?;
    }
    Ok(changes)
}

async fn begin(db: &Db, said: Sentence, id: &str, shows: &'static str) -> Result<DemoChange, DbError> {
    let before = value(db, shows, id).await?;
    let what = said.say(Language::En).into_owned();
    Ok(DemoChange { what, said, id: id.to_owned(), before, after: String::new(), shows })
}

async fn value(db: &Db, sql: &str, id: &str) -> Result<String, DbError> {
    let rows = db.query(sql, &[(&id, Type::TEXT)]).await?;
    let value = rows.first().and_then(|row| row.get::<_, Option<String>>(0));
    Ok(value.unwrap_or_else(|| "-".to_owned()))
}

/// Active future appointments, soonest first.
pub(super) fn upcoming(shop: &SimControl) -> Vec<(String, Value)> {
    let now = Timestamp::now().to_string();
    let mut events: Vec<(String, Value)> = shop
        .ids(RecordKind::Event)
        .into_iter()
        .filter_map(|id| shop.record(RecordKind::Event, &id).map(|record| (id, record)))
        .filter(|(_, event)| {
            event["status"] == "ACTIVE"
                && event["type"] == "APPOINTMENT"
                && event["isAllDay"] != true
                && event["start"].as_str().is_some_and(|start| start > now.as_str())
        })
        .collect();
    events.sort_by(|(_, a), (_, b)| a["start"].as_str().cmp(&b["start"].as_str()));
    events
}

fn message(error: ChangeError) -> anyhow::Error {
    anyhow!("the simulated Gazelle refused a change: {error}")
}
