//! The versions of a record, in a row.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::Moment;
use super::diff::{self, Change};
use super::find::{self, Found};
use super::source::{Request, Run, Sources};
use crate::db::{DbError, Tx};
use crate::staging::history::{self, Held, Unreadable, Version, Withdrawn};
use crate::states::{CaseState, VersionStatus};

/// What became of a record.
#[derive(Debug, Serialize)]
pub struct History {
    /// `appointments`, …
    pub entity: &'static str,
    /// The record's id.
    pub external_id: String,
    /// The id that was asked for, where it is that of a row inside the record.
    pub asked_for: Option<String>,
    /// The record's own row in production, if it has one.
    pub in_production: Option<InProduction>,
    /// How many versions staging holds.
    pub versions_held: usize,
    /// The newest of them, the oldest first.
    pub versions: Vec<Story>,
}

/// What production holds of a record.
#[derive(Debug, Serialize)]
pub struct InProduction {
    /// The table.
    pub table: &'static str,
    /// The version that the row names.
    pub staging_id: Option<Uuid>,
    /// When the row changed last.
    pub changed_at: Option<Moment>,
    /// Since when it counts as deleted.
    pub deleted_at: Option<Moment>,
}

/// One version.
#[derive(Debug, Serialize)]
pub struct Story {
    /// Its place among the versions held, from 1.
    pub number: usize,
    /// The staging row.
    pub staging_id: Uuid,
    /// `upsert`, or `delete` for a tombstone.
    pub operation: &'static str,
    /// When it was seen.
    pub seen_at: Moment,
    /// What it counts for, in a word: `in production`, `replaced`, `pending`, `in quarantine`, `closed`, `withdrawn`
    /// or `gone`.
    pub state: &'static str,
    /// The run that staged it; none for one that a person inserted, or whose run is not known any more.
    pub run: Option<Run>,
    /// The request that brought it.
    pub request: Option<Request>,
    /// The undo that withdrew it.
    pub withdrawn: Option<Withdrawn>,
    /// Its case in quarantine, open or closed.
    pub quarantine: Option<Held>,
    /// Of a tombstone what it rests on.
    pub evidence: Option<Json>,
    /// That `jsonb` cannot hold it exactly: its original bytes are kept.
    pub kept_as_bytes: bool,
    /// Of a version of which the API gave nothing but the id: a sentence that says so.
    pub only_id: Option<String>,
    /// Of the version that counts: fields of it that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// What differs from the version before it that held a record; none for the first.
    pub changes: Option<Vec<Change>>,
}

/// Tells the history of a record, of its `limit` newest versions.
pub async fn tell(
    tx: &Tx<'_>,
    found: &Found,
    asked_for: &str,
    limit: usize,
    zone: &TimeZone,
) -> Result<History, DbError> {
    let versions = history::versions(tx, found.entity, &found.record_id).await?;
    let sources = Sources::of(tx, &versions, zone).await?;
    let in_production = InProduction::read(tx, found, zone).await?;
    let of_record = OfRecord {
        counts: in_production.as_ref().filter(|row| row.deleted_at.is_none()).and_then(|row| row.staging_id),
        newest_good: versions.iter().rev().find(|version| version.is_good()).map(|v| v.staging_id),
        unreadable: history::unreadable(tx, found.entity, &found.record_id).await?,
        sources,
        zone,
    };
    let mut before: Option<Json> = None;
    let mut stories: Vec<Story> = versions
        .iter()
        .enumerate()
        .map(|(index, version)| of_record.story(index + 1, version, &mut before))
        .collect();
    let versions_held = stories.len();
    stories.drain(..versions_held.saturating_sub(limit));
    Ok(History {
        entity: found.entity.name,
        external_id: found.record_id.clone(),
        asked_for: (asked_for != found.record_id).then(|| asked_for.to_owned()),
        in_production,
        versions_held,
        versions: stories,
    })
}

impl InProduction {
    async fn read(tx: &Tx<'_>, found: &Found, zone: &TimeZone) -> Result<Option<InProduction>, DbError> {
        let table = found.entity.tables[0];
        Ok(find::row(tx, table, &found.record_id).await?.map(|row| {
            let moment = |column: &str| {
                row[column].as_str().and_then(|text| text.parse().ok()).map(|at| Moment::of(at, zone))
            };
            InProduction {
                table: table.name,
                staging_id: row["staging_id"].as_str().and_then(|id| id.parse().ok()),
                changed_at: moment("synced_from_gazelle_at"),
                deleted_at: moment("deleted_at"),
            }
        }))
    }
}

/// What is known of the record whose versions are told.
struct OfRecord<'z> {
    /// The version that its row in production names, unless the row counts as deleted.
    counts: Option<Uuid>,
    /// The version that counts, if one does.
    newest_good: Option<Uuid>,
    /// Fields of that one that could not be read.
    unreadable: Vec<Unreadable>,
    sources: Sources,
    zone: &'z TimeZone,
}

impl OfRecord<'_> {
    /// Tells a version. `before` is what the version before it held, and becomes what this one holds.
    fn story(&self, number: usize, version: &Version, before: &mut Option<Json>) -> Story {
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
            // Nothing came, so that nothing has changed.
            changes = None;
        }
        let counts = self.newest_good == Some(version.staging_id);
        Story {
            only_id,
            number,
            staging_id: version.staging_id,
            operation: if version.is_tombstone { "delete" } else { "upsert" },
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

fn state(version: &Version, counts: Option<Uuid>, newest_good: Option<Uuid>) -> &'static str {
    let held = version.quarantine.as_ref().map(|held| held.state.parse());
    match (version.sync_status.parse(), held) {
        _ if version.withdrawn.is_some() => "withdrawn",
        (Ok(VersionStatus::Pending), _) => "pending",
        (_, Some(Ok(CaseState::Open | CaseState::Waiting))) => "in quarantine",
        (Ok(VersionStatus::Error), None) => "in quarantine",
        (_, Some(Ok(CaseState::Dismissed | CaseState::Superseded | CaseState::Withdrawn))) => "closed",
        _ if version.is_tombstone && newest_good == Some(version.staging_id) => "gone",
        // The row names the version that last changed it; a newer one may say the same of it.
        _ if !version.is_tombstone && counts.is_some() && newest_good == Some(version.staging_id) => {
            "in production"
        }
        _ => "replaced",
    }
}
