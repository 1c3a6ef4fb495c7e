//! What a database must hold after a history: what the shop holds, worked out from the shop alone.

use std::collections::{BTreeMap, BTreeSet};

use gazelle_sim::{RecordKind, SimControl};
use serde_json::Value;
use tokio_postgres::Client;

use crate::support::oracle::{Record, expected};
use crate::support::{production_tables, staging_tables};

/// Which appointments are compared: an incremental sync answers for those that it walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    All,
    /// Appointments from this UTC day on, and all of the rest.
    From(jiff::civil::Date),
}

/// The rows of production by table and key, deleted ones too.
struct ProductionRows(BTreeMap<(&'static str, String), Value>);

impl ProductionRows {
    async fn read(db: &Client) -> ProductionRows {
        let mut rows = BTreeMap::new();
        for table in production_tables() {
            let sql = format!("SELECT to_jsonb(t) FROM {table} t");
            for row in db.query(&sql, &[]).await.expect("production") {
                let row: Value = row.get(0);
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                let key = match table {
                    "gazelle_appointment_pianos" => {
                        format!("{} {}", text("appointment_external_id"), text("piano_external_id"))
                    }
                    _ => text("external_id"),
                };
                rows.insert((table, key), row);
            }
        }
        ProductionRows(rows)
    }

    fn has(&self, table: &'static str, id: &str) -> bool {
        self.0.contains_key(&(table, id.to_owned()))
    }
}

/// The events that no reconciler can make a row of: without a readable start, or naming what is nowhere.
fn faulty(control: &SimControl, held: &ProductionRows) -> BTreeSet<String> {
    let nowhere = |kind: RecordKind, table: &'static str, reference: Value| {
        reference.as_str().is_some_and(|id| control.record(kind, id).is_none() && !held.has(table, id))
    };
    control
        .ids(RecordKind::Event)
        .into_iter()
        .filter(|id| {
            let Some(event) = control.record(RecordKind::Event, id).map(Record) else { return false };
            let start = event.get("start");
            start.as_str().is_none_or(|start| start.parse::<jiff::Timestamp>().is_err())
                || nowhere(RecordKind::Client, "gazelle_clients", event.reference("client"))
                || nowhere(RecordKind::User, "gazelle_users", event.reference("user"))
                || event
                    .list("allEventPianos")
                    .iter()
                    .any(|item| nowhere(RecordKind::Piano, "gazelle_pianos", item.reference("piano")))
        })
        .collect()
}

/// Whether the shop has the record, listed or not.
fn exists(control: &SimControl, table: &str, id: &str) -> bool {
    let kind = match table {
        "gazelle_users" => RecordKind::User,
        "gazelle_clients" => RecordKind::Client,
        "gazelle_contacts" => RecordKind::Contact,
        "gazelle_pianos" => RecordKind::Piano,
        "gazelle_appointments" => RecordKind::Event,
        _ => return false,
    };
    control.record(kind, id).is_some()
}

/// Compares production with the shop, row by row and column by column.
pub async fn production_is_the_shop(db: &Client, control: &SimControl, extent: Scope) -> Result<(), String> {
    let held = ProductionRows::read(db).await;
    let expected = expected(control);
    let faulty = faulty(control, &held);
    let listed: BTreeSet<String> = control.ids(RecordKind::Event).into_iter().collect();
    // Of an appointment that is not compared, nothing is.
    let apart = |appointment: &str, row: &Value| {
        let too_early = |date: &Value| match (extent, date.as_str().map(str::parse::<jiff::civil::Date>)) {
            (Scope::From(from), Some(Ok(date))) => date < from,
            _ => false,
        };
        let wanted = expected.get(&("gazelle_appointments", appointment.to_owned()));
        faulty.contains(appointment)
            || too_early(&row["appointment_date"])
            || wanted.is_some_and(|row| too_early(&row["appointment_date"]))
    };
    for ((table, key), row) in held.0.iter().filter(|(_, row)| row["deleted_at"].is_null()) {
        let appointment = match *table {
            "gazelle_appointments" | "gazelle_appointment_pianos" => key.split(' ').next(),
            _ => None,
        };
        if let Some(appointment) = appointment {
            let of = held.0.get(&("gazelle_appointments", appointment.to_owned()));
            if of.is_none_or(|of| apart(appointment, of)) {
                continue;
            }
        }
        let Some(columns) = expected.get(&(*table, key.clone())) else {
            let unlisted = exists(control, table, key) && !listed.contains(key);
            let of_unlisted = *table == "gazelle_appointment_pianos"
                && appointment.is_some_and(|event| {
                    !listed.contains(event) && control.record(RecordKind::Event, event).is_some()
                });
            if unlisted || of_unlisted {
                continue;
            }
            return Err(format!("{table} holds {key}, the shop does not: {row}"));
        };
        // An appointment that still names a client who is gone shows whom it was with: his contacts are kept.
        let client = row["client_external_id"].as_str();
        let client_gone = client.is_some_and(|client| control.record(RecordKind::Client, client).is_none());
        for (column, wanted) in columns {
            if client_gone && ["contact_external_id", "location_external_id"].contains(&column.as_str()) {
                continue;
            }
            if &row[column] != wanted {
                return Err(format!("{table} {key} {column} is {}, the shop says {wanted}", row[column]));
            }
        }
    }
    // The API gives contacts and locations with their client alone: those of one that is gone cannot be had.
    let is_out_of_reach = |row: &serde_json::Map<String, Value>| {
        let client = row.get("client_external_id").and_then(Value::as_str);
        client.is_some_and(|client| control.record(RecordKind::Client, client).is_none())
    };
    for ((table, key), row) in &expected {
        if ["gazelle_contacts", "gazelle_locations"].contains(table) && is_out_of_reach(row) {
            continue;
        }
        let is_apart = match *table {
            "gazelle_appointments" | "gazelle_appointment_pianos" => {
                let appointment = key.split(' ').next().unwrap_or_default();
                let own = Value::Object(row.clone());
                let of = held.0.get(&("gazelle_appointments", appointment.to_owned()));
                apart(appointment, of.unwrap_or(&own))
            }
            _ => false,
        };
        let is_live = held.0.get(&(*table, key.clone())).is_some_and(|row| row["deleted_at"].is_null());
        if !is_live && !is_apart {
            let held = held.0.get(&(*table, key.clone()));
            return Err(format!("{table} lacks {key}, which the shop holds: {row:?}; held: {held:?}"));
        }
    }
    Ok(())
}

/// The quarantine holds exactly the events that cannot be reconciled, nothing waits, no run is left open.
pub async fn nothing_is_left_over(db: &Client, control: &SimControl) -> Result<(), String> {
    let held = ProductionRows::read(db).await;
    let faulty = faulty(control, &held);
    let open: BTreeSet<String> = texts(
        db,
        "SELECT entity || ' ' || external_id FROM sync_quarantine WHERE state IN ('open', 'waiting')",
    )
    .await;
    for id in &faulty {
        if !open.contains(&format!("appointments {id}")) {
            return Err(format!("{id} cannot be reconciled and is not in quarantine"));
        }
    }
    for case in &open {
        let id = case.strip_prefix("appointments ").unwrap_or(case);
        // What lists leave out may be as it was when it was seen last.
        let unlisted = exists(control, "gazelle_appointments", id)
            && !control.ids(RecordKind::Event).iter().any(|listed| listed == id);
        if !faulty.contains(id) && !unlisted {
            return Err(format!("{case} is in quarantine for nothing"));
        }
    }
    for table in staging_tables() {
        let sql = format!("SELECT external_id FROM {table} WHERE sync_status = 'pending'");
        if let Some(id) = texts(db, &sql).await.first() {
            return Err(format!("{table} {id} is pending still"));
        }
        let sql = format!(
            "SELECT external_id FROM {table} WHERE (sync_status = 'error') <> EXISTS (
                 SELECT 1 FROM sync_quarantine q WHERE q.staging_id = id AND q.state IN ('open', 'waiting'))"
        );
        if let Some(id) = texts(db, &sql).await.first() {
            return Err(format!("{table} {id}: its status and the quarantine disagree"));
        }
    }
    match texts(db, "SELECT run_id::text FROM sync_runs WHERE status = 'running'").await.first() {
        Some(run) => Err(format!("run {run} is noted as running still")),
        None => Ok(()),
    }
}

/// Everything that a second run must leave as it is: row versions of production, and staging.
pub async fn fingerprint(db: &Client) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for table in production_tables().iter().chain(&staging_tables()) {
        let sql = format!("SELECT '{table} ' || t.ctid::text || ' ' || t.xmin::text FROM {table} t");
        all.extend(texts(db, &sql).await);
    }
    all
}

async fn texts(db: &Client, sql: &str) -> BTreeSet<String> {
    let rows = db.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}
