//! Builds the history of a record: its versions and what changed between them.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::Moment;
use super::diff::{self, Change};
use super::find::{self, FoundRecord};
use super::source::{Request, Run, Sources};
use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::staging::history::{self, QuarantineCase, UnreadableField, Version, Versions, Withdrawn};
use crate::states::{CaseState, VersionOperation, VersionStatus, words};

/// The history of a record.
#[derive(Debug, Serialize)]
pub struct History {
    /// `appointments`, …
    pub entity: &'static str,
    /// The record's id.
    pub external_id: String,
    /// The requested id, if it is that of a row inside the record.
    pub asked_for: Option<String>,
    /// The record's own row in production, if it has one.
    pub in_production: Option<InProduction>,
    /// How many versions staging holds.
    pub versions_held: usize,
    /// The newest versions, oldest first.
    pub versions: Vec<VersionEntry>,
}

/// The record's own row in production.
#[derive(Debug, Serialize)]
pub struct InProduction {
    /// The table.
    pub table: &'static str,
    /// The version that the row names.
    pub staging_id: Option<Uuid>,
    /// When the row changed last.
    pub changed_at: Option<Moment>,
    /// Since when it is marked deleted; `None` if it is not.
    pub deleted_at: Option<Moment>,
}

words! {
    /// The state of a version.
    VersionState {
        /// Production has its content.
        InProduction = "in production",
        /// A newer version, or one that counts more, took its place.
        Replaced = "replaced",
        /// Stage 2 has not processed it yet.
        Pending = "pending",
        /// It could not be written.
        InQuarantine = "in quarantine",
        /// It was never written, and its quarantine case is closed.
        Closed = "closed",
        /// The run that staged it was undone.
        Withdrawn = "withdrawn",
        /// It is a tombstone, and the newest version that counts.
        Gone = "gone",
    }
}

/// One version.
#[derive(Debug, Serialize)]
pub struct VersionEntry {
    /// Its position among the versions held, from 1.
    pub number: usize,
    /// The staging row.
    pub staging_id: Uuid,
    /// What it says of the record.
    pub operation: VersionOperation,
    /// When it was seen.
    pub seen_at: Moment,
    /// Its state.
    pub state: VersionState,
    /// The run that staged it; `None` if it was inserted by hand, or the run is no longer known.
    pub run: Option<Run>,
    /// The request that fetched it.
    pub request: Option<Request>,
    /// The undo that withdrew it.
    pub withdrawn: Option<Withdrawn>,
    /// Its quarantine case, open or closed.
    pub quarantine: Option<QuarantineCase>,
    /// A tombstone's evidence.
    pub evidence: Option<Json>,
    /// Whether its original bytes are kept, since `jsonb` cannot represent it exactly.
    pub kept_as_bytes: bool,
    /// A sentence that says so, if the API returned nothing of this version but the id.
    pub only_id: Option<String>,
    /// Fields that could not be read, for the version in effect.
    pub unreadable: Vec<UnreadableField>,
    /// The differences from the previous version that held a record; `None` for the first.
    pub changes: Option<Vec<Change>>,
}

/// Builds the history of a record, with its `limit` newest versions.
///
/// # Errors
/// Those of the database.
pub async fn read(
    tx: &Tx<'_>,
    found: &FoundRecord,
    asked_for: &str,
    limit: usize,
    zone: &TimeZone,
) -> Result<History, DbError> {
    let (entity, id) = (found.entity, found.record_id.as_str());
    let row = find::row(tx, entity.tables[0], id).await?;
    let versions = history::versions(tx, entity, id).await?;
    let sources = Sources::of(tx, &versions, zone).await?;
    let read = ReadRecord {
        row: row.as_ref(),
        versions: &versions,
        sources: &sources,
        unreadable: history::unreadable(tx, entity, id).await?,
    };
    let mut told = of(entity, id, read, zone);
    told.asked_for = (asked_for != found.record_id).then(|| asked_for.to_owned());
    let left_out = told.versions.len().saturating_sub(limit);
    told.versions.drain(..left_out);
    Ok(told)
}

/// What was read of a record.
pub struct ReadRecord<'r> {
    /// Its own row in production.
    pub row: Option<&'r Json>,
    /// Its versions.
    pub versions: &'r Versions,
    /// The runs and requests that staged them.
    pub sources: &'r Sources,
    /// The fields that could not be read.
    pub unreadable: Vec<UnreadableField>,
}

/// Builds the history of a record from what was read of it. The oldest version read has no differences.
pub fn of(entity: &'static Entity, id: &str, read: ReadRecord<'_>, zone: &TimeZone) -> History {
    let in_production = read.row.map(|row| InProduction::of(entity.tables[0].name, row, zone));
    let versions = read.versions;
    let of_record = RecordContext {
        counts: in_production.as_ref().filter(|row| row.deleted_at.is_none()).and_then(|row| row.staging_id),
        newest_good: versions.iter().rev().find(|version| version.is_good()).map(|v| v.staging_id),
        unreadable: read.unreadable,
        sources: read.sources,
        zone,
    };
    let mut before: Option<Json> = None;
    let entries = versions.iter().enumerate();
    let entries =
        entries.map(|(index, version)| of_record.story(versions.number(index), version, &mut before));
    History {
        entity: entity.name,
        external_id: id.to_owned(),
        asked_for: None,
        versions: entries.collect(),
        in_production,
        versions_held: versions.held,
    }
}

impl InProduction {
    fn of(table: &'static str, row: &Json, zone: &TimeZone) -> InProduction {
        let moment = |column: &str| {
            row[column].as_str().and_then(|text| text.parse().ok()).map(|at| Moment::of(at, zone))
        };
        InProduction {
            table,
            staging_id: row["staging_id"].as_str().and_then(|id| id.parse().ok()),
            changed_at: moment("synced_from_gazelle_at"),
            deleted_at: moment("deleted_at"),
        }
    }
}

/// What the versions' states are derived from.
struct RecordContext<'z> {
    /// The version that its production row names, unless the row is marked deleted.
    counts: Option<Uuid>,
    /// The newest valid version, if there is one.
    newest_good: Option<Uuid>,
    /// Fields of that version that could not be read.
    unreadable: Vec<UnreadableField>,
    sources: &'z Sources,
    zone: &'z TimeZone,
}

impl RecordContext<'_> {
    /// Describes a version. `before` is the content of the previous version, and is replaced by this one's.
    fn story(&self, number: usize, version: &Version, before: &mut Option<Json>) -> VersionEntry {
        let record: Option<Json> = version.readable().and_then(|text| serde_json::from_str(&text).ok());
        let (mut changes, mut evidence) = (None, None);
        if version.is_tombstone {
            evidence = record.map(|mut tombstone| tombstone["evidence"].take());
        } else if let Some(record) = record {
            changes = before.as_ref().map(|before| diff::changes(before, &record));
            *before = Some(record);
        }
        let only_id = version.only_id();
        if only_id.is_some() {
            // No content was received, so there is nothing to compare.
            changes = None;
        }
        let counts = self.newest_good == Some(version.staging_id);
        VersionEntry {
            only_id,
            number,
            staging_id: version.staging_id,
            operation: if version.is_tombstone { VersionOperation::Delete } else { VersionOperation::Upsert },
            seen_at: Moment::of(version.seen_at, self.zone),
            state: state(version, self.counts, self.newest_good),
            run: self.sources.run(version),
            request: self.sources.request(version),
            withdrawn: version.withdrawn.clone(),
            quarantine: version.quarantine.clone(),
            evidence,
            kept_as_bytes: version.original.is_some(),
            unreadable: if counts { self.unreadable.clone() } else { Vec::new() },
            changes,
        }
    }
}

fn state(version: &Version, counts: Option<Uuid>, newest_good: Option<Uuid>) -> VersionState {
    let held = version.quarantine.as_ref().map(|held| held.state);
    match (version.sync_status, held) {
        _ if version.withdrawn.is_some() => VersionState::Withdrawn,
        (VersionStatus::Pending, _) => VersionState::Pending,
        (_, Some(CaseState::Open | CaseState::Waiting)) => VersionState::InQuarantine,
        (VersionStatus::Error, None) => VersionState::InQuarantine,
        (_, Some(CaseState::Dismissed | CaseState::Superseded | CaseState::Withdrawn)) => {
            VersionState::Closed
        }
        _ if version.is_tombstone && newest_good == Some(version.staging_id) => VersionState::Gone,
        // The row names the version that last changed it; a newer one may have the same content.
        _ if !version.is_tombstone && counts.is_some() && newest_good == Some(version.staging_id) => {
            VersionState::InProduction
        }
        _ => VersionState::Replaced,
    }
}
