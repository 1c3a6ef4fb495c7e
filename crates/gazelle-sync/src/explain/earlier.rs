//! Computes one column's value from each version of a record, with the current reconciler. Pure.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Moment, inside, value};
use crate::entities::Entity;
use crate::entities::read::{ReconciledRecord, UNREADABLE_FIELD};
use crate::entities::table::Table;
use crate::staging::history::{Version, Versions};
use crate::staging_to_production::batch;
use crate::states::{CaseState, VersionStatus};

/// The value of a column in one version.
#[derive(Debug, Clone, Serialize)]
pub struct EarlierValue {
    /// The version's position among those held, from 1.
    pub version: usize,
    /// The staging row.
    pub staging_id: Uuid,
    /// When it was seen.
    pub seen_at: Moment,
    /// The value that the reconciler computes; null if there is none.
    pub value: Json,
    /// Why the version was not applied, or has no value.
    pub note: Option<String>,
}

/// The value in each version, oldest first; of consecutive equal ones only the first.
pub fn values(
    entity: &Entity,
    table: &Table,
    key: &[&str],
    column: &str,
    versions: &Versions,
    zone: &TimeZone,
) -> Vec<EarlierValue> {
    let mut values: Vec<EarlierValue> = Vec::new();
    for (index, version) in versions.iter().enumerate() {
        let (value, note) = of(entity, table, key, column, version);
        if values.last().is_some_and(|last| last.value == value && last.note == note) {
            continue;
        }
        values.push(EarlierValue {
            version: versions.number(index),
            staging_id: version.staging_id,
            seen_at: Moment::of(version.seen_at, zone),
            value,
            note,
        });
    }
    values
}

/// The value in one version, and a note as in [`EarlierValue`].
pub fn of(
    entity: &Entity,
    table: &Table,
    key: &[&str],
    column: &str,
    version: &Version,
) -> (Json, Option<String>) {
    if version.is_tombstone {
        let counts = if version.withdrawn.is_some() { ", withdrawn by an undo" } else { "" };
        return (Json::Null, Some(format!("the record is gone{counts}")));
    }
    let reconciled = match batch::reconcile(entity, &version.json, version.original.as_deref()) {
        Ok(reconciled) => reconciled,
        Err(error) => return (Json::Null, Some(error.message)),
    };
    let position = entity.tables.iter().position(|other| std::ptr::eq(*other, table));
    let rows = reconciled.rows.iter().filter(|(of, _)| Some(*of) == position).map(|(_, row)| row);
    let Some(row) = value::with_key(table, rows, key) else {
        return (Json::Null, Some("the record does not hold the row".to_owned()));
    };
    let held = version.quarantine.as_ref();
    let note = match (&version.withdrawn, held.map(|held| (held.state, &held.message))) {
        (Some(_), _) => Some("withdrawn by an undo".to_owned()),
        (None, Some((CaseState::Open | CaseState::Waiting, message))) => {
            Some(format!("in quarantine: {}", message.as_deref().unwrap_or_default()))
        }
        (None, Some((state @ (CaseState::Dismissed | CaseState::Superseded), _))) => {
            Some(format!("in quarantine, {}", state.as_str()))
        }
        _ if version.sync_status == VersionStatus::Pending => Some("not reconciled yet".to_owned()),
        _ => None,
    };
    let value = value::json_of(table.get(row, column));
    let note = note.or_else(|| match value {
        Json::Null => unreadable(&reconciled, table, key, column, version),
        _ => None,
    });
    (value, note)
}

/// The warning about a column's value that cannot be read, if there is one.
fn unreadable(
    reconciled: &ReconciledRecord,
    table: &Table,
    key: &[&str],
    column: &str,
    version: &Version,
) -> Option<String> {
    let text = version.readable()?;
    let record = serde_json::from_str::<serde_json_borrow::Value<'_>>(&text).ok()?;
    let place = inside::find(table, &record, key)?.place;
    let name = format!("{}.{column}", table.name);
    let warning = reconciled.warnings.iter().find(|warning| {
        let columns = warning.column.as_deref().unwrap_or_default();
        warning.code == UNREADABLE_FIELD
            && warning.field.starts_with(&place)
            && columns.split(", ").any(|other| other == name)
    })?;
    Some(format!("{} cannot be read: {}", warning.field, warning.shape.as_deref().unwrap_or_default()))
}
