//! Reads a batch of versions, pending or just received: each becomes rows, or an error. Pure: no database access.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::entities::read::{ErrorCode, ReconciledRecord, RecordError};
use crate::entities::warning::TEXT_CLEANED;
use crate::entities::{Entity, read, weight};
use crate::staging::pending::Pending;
use crate::staging::versions::{Version, exact};

/// A version and its parsed content.
pub struct Candidate {
    /// The staging row.
    pub staging_id: Uuid,
    /// The record's id.
    pub external_id: String,
    /// When this version was seen.
    pub fetched_at: Timestamp,
    /// Its content.
    pub content: VersionContent,
}

/// What a version says about its record.
pub enum VersionContent {
    /// The rows of the record.
    Record(ReconciledRecord),
    /// The record is gone.
    Tombstone,
    /// The version cannot be read.
    Faulty(RecordError),
}

impl Candidate {
    /// Why the version cannot be read; none for one that can.
    pub(super) fn fault(&self) -> Option<&RecordError> {
        match &self.content {
            VersionContent::Faulty(error) => Some(error),
            VersionContent::Record(_) | VersionContent::Tombstone => None,
        }
    }
}

/// A candidate that was read as a record.
pub(super) struct ReadCandidate<'b> {
    pub(super) candidate: &'b Candidate,
    pub(super) reconciled: &'b ReconciledRecord,
}

/// Reads one pending version by its entity's reconciler.
pub fn read(entity: &Entity, pending: &Pending) -> Candidate {
    let content = if pending.is_tombstone() {
        VersionContent::Tombstone
    } else if let Some(fault) = pending.source_fault() {
        VersionContent::Faulty(fault.error())
    } else {
        content_of(entity, pending.json(), pending.original(), pending.external_id())
    };
    Candidate {
        staging_id: pending.id(),
        external_id: pending.external_id().to_owned(),
        fetched_at: pending.fetched_at(),
        content,
    }
}

/// Reads the first of these pending versions: at least one, and as many as the memory for a batch holds.
pub fn read_some(entity: &Entity, pending: Vec<Pending>) -> Vec<Candidate> {
    let mut memory = 0;
    let fits = |pending: &Pending| {
        let is_first = memory == 0;
        memory += weight::memory(pending.original().unwrap_or(pending.json().as_bytes()));
        is_first || memory <= weight::BATCH
    };
    pending.into_iter().take_while(fits).map(|pending| read(entity, &pending)).collect()
}

/// Reads a version that is about to be staged, from the bytes as received.
pub fn read_fresh(entity: &Entity, version: &Version<'_>) -> Candidate {
    Candidate {
        staging_id: version.id,
        external_id: version.external_id.to_owned(),
        fetched_at: version.fetched_at,
        content: match version.fault {
            Some(fault) => VersionContent::Faulty(fault.error()),
            None => content_of(entity, &version.held.json, version.held.original, version.external_id),
        },
    }
}

/// The content of a record that is staged under this id. A content with another id is an error, since all that is
/// kept of the record goes by the id in staging.
fn content_of(entity: &Entity, json: &str, original: Option<&[u8]>, external_id: &str) -> VersionContent {
    let reconciled = match reconcile(entity, json, original) {
        Ok(reconciled) => reconciled,
        Err(error) => return VersionContent::Faulty(error),
    };
    let (table, own) = (entity.tables[0], reconciled.rows.iter().find(|(table, _)| *table == 0));
    match own.is_some_and(|(_, row)| table.get(row, table.key[0]).as_text() == Some(external_id)) {
        true => VersionContent::Record(reconciled),
        false => VersionContent::Faulty(RecordError::invalid(
            "id",
            "is not the id under which the record is staged",
        )),
    }
}

/// Reads one record into rows. `original` is the record as received where `jsonb` could not hold it: it is read in
/// its nearest readable form, with a warning.
///
/// # Errors
/// The record is no JSON object, too large, or not as its entity's reconciler needs it.
pub fn reconcile(
    entity: &Entity,
    json: &str,
    original: Option<&[u8]>,
) -> Result<ReconciledRecord, RecordError> {
    let (text, cleaned) = match original {
        None => (Cow::Borrowed(json), false),
        Some(bytes) => (Cow::Owned(exact::nearest(&String::from_utf8_lossy(bytes))), true),
    };
    let unreadable = |why: &str| RecordError {
        code: ErrorCode::Unreadable,
        field: String::new(),
        message: format!("Unreadable record: {why}"),
        waits_for: None,
    };
    if weight::is_too_heavy(&text) {
        return Err(unreadable(&format!("it holds more than {} values", weight::HEAVIEST)));
    }
    let value: serde_json_borrow::Value<'_> =
        serde_json::from_str(&text).map_err(|_| unreadable("not valid JSON"))?;
    if !matches!(value, serde_json_borrow::Value::Object(_)) {
        return Err(unreadable(&format!("{} where an object is expected", read::kind(&value))));
    }
    let mut reconciled = (entity.reconcile)(&value)?;
    read::warn_of_improbable_times(entity.tables, &mut reconciled);
    if cleaned {
        reconciled.warn(TEXT_CLEANED, "");
    }
    Ok(reconciled)
}

/// Splits a batch, in order, into slices without two versions of one record.
pub(super) fn distinct_runs(batch: &[Candidate]) -> Vec<&[Candidate]> {
    let mut runs = Vec::new();
    let mut start = 0;
    let mut seen = HashSet::new();
    for (index, candidate) in batch.iter().enumerate() {
        if !seen.insert(candidate.external_id.as_str()) {
            runs.push(&batch[start..index]);
            start = index;
            seen.clear();
            seen.insert(candidate.external_id.as_str());
        }
    }
    runs.push(&batch[start..]);
    runs.retain(|run| !run.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: &str) -> Candidate {
        Candidate {
            staging_id: Uuid::now_v7(),
            external_id: id.to_owned(),
            fetched_at: Timestamp::UNIX_EPOCH,
            content: VersionContent::Tombstone,
        }
    }

    #[test]
    fn versions_of_one_record_never_share_a_run_and_keep_their_order() {
        let batch: Vec<Candidate> = ["a", "b", "a", "a", "c", "b"].map(candidate).into();
        let runs: Vec<Vec<&str>> = distinct_runs(&batch)
            .into_iter()
            .map(|run| run.iter().map(|c| c.external_id.as_str()).collect())
            .collect();
        assert_eq!(runs, [vec!["a", "b"], vec!["a"], vec!["a", "c", "b"]]);
        assert!(distinct_runs(&[]).is_empty());
    }
}
