//! Processes late versions, that is after a newer version of their record: a user has staged them, a newer
//! reconciler reads what an older one could not, or a walk received two contents of a record at once. The newest
//! version still wins. But which rows newer versions left out, when the record was first found gone, and which
//! version a row comes from depend on all versions: the rows of the record are rewritten from its first version on.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::batch::{Candidate, VersionContent};
use super::rebuild;
use super::target::Order;
use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::entities::read::ErrorCode;
use crate::lease::FencedTx;
use crate::staging::outcome;
use crate::staging::pending::{self, SupersededBy};

/// The late candidates of a batch.
#[derive(Debug, Default)]
pub(super) struct LateCandidates<'b> {
    newer: HashMap<Uuid, SupersededBy>,
    records: BTreeSet<&'b str>,
}

impl<'b> LateCandidates<'b> {
    /// Finds the candidates of whose record a newer version has been processed.
    pub(super) async fn of(tx: &Tx<'_>, entity: &Entity, batch: &'b [Candidate]) -> Result<Self, DbError> {
        let ids: Vec<Uuid> = batch.iter().map(|candidate| candidate.staging_id).collect();
        let external_ids: Vec<&str> = batch.iter().map(|candidate| candidate.external_id.as_str()).collect();
        let fetched_at: Vec<Timestamp> = batch.iter().map(|candidate| candidate.fetched_at).collect();
        let newer = pending::newer(tx, entity, &ids, &external_ids, &fetched_at).await?;
        let records = batch
            .iter()
            .filter(|candidate| newer.contains_key(&candidate.staging_id) && !was_refused(candidate))
            .map(|candidate| candidate.external_id.as_str())
            .collect();
        Ok(LateCandidates { newer, records })
    }

    /// Whether newer versions make the candidate irrelevant for production. If they only say that the record is
    /// gone, its content is still needed: the row is kept, marked deleted, and children name that row.
    pub(super) fn is_superseded(&self, candidate: &Candidate) -> bool {
        match self.newer.get(&candidate.staging_id) {
            None => false,
            Some(SupersededBy::Content) => true,
            Some(SupersededBy::Gone) => !matches!(candidate.content, VersionContent::Record(_)),
        }
    }

    /// Whether a newer version of the candidate's record has been processed.
    pub(super) fn is_late(&self, candidate: &Candidate) -> bool {
        self.newer.contains_key(&candidate.staging_id)
    }

    /// Marks the late candidates that were read (`read`) as processed, and rewrites the rows of every late record
    /// from all its processed versions. Returns how many rows were written.
    ///
    /// One record is finished before the next is marked: whether a record may claim a row (a contact that moved)
    /// depends on the processed versions of the row's holder, so a holder's versions must not count before
    /// production reflects them.
    pub(super) async fn rebuild_from_history(
        &self,
        tx: &FencedTx<'_>,
        entity: &Entity,
        read: &[&Candidate],
        at: Timestamp,
        order: Order,
    ) -> Result<u64, DbError> {
        let mut written = 0;
        for record in &self.records {
            let of_record = read.iter().filter(|candidate| candidate.external_id == *record);
            let ids: Vec<Uuid> = of_record.map(|candidate| candidate.staging_id).collect();
            outcome::processed(tx, entity, &ids, at).await?;
            let ids = pending::chronology_of(tx, entity, record).await?;
            written += rebuild::write_again(tx, entity, &ids, VERSIONS_AT_ONCE, order).await?;
        }
        Ok(written)
    }
}

/// Whether the database refused the version: it is not among the versions that its record is rewritten from, and
/// would be refused again.
fn was_refused(candidate: &Candidate) -> bool {
    matches!(&candidate.content, VersionContent::Faulty(error) if error.code == ErrorCode::RefusedByDatabase)
}

/// Most versions of a record that are in memory together.
const VERSIONS_AT_ONCE: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::read::{ReconciledRecord, RecordError};

    fn candidate(content: VersionContent) -> Candidate {
        let staging_id = Uuid::from_u128(1);
        Candidate { staging_id, external_id: "a".to_owned(), fetched_at: Timestamp::UNIX_EPOCH, content }
    }

    fn record() -> Candidate {
        candidate(VersionContent::Record(ReconciledRecord::default()))
    }

    fn tombstone() -> Candidate {
        candidate(VersionContent::Tombstone)
    }

    fn unreadable() -> Candidate {
        candidate(VersionContent::Faulty(RecordError::missing("start")))
    }

    #[test]
    fn a_version_is_superseded_by_newer_content_and_a_record_not_by_a_tombstone_alone() {
        // What a newer version says, the candidate, and whether it is late and superseded.
        for (case, newer, candidate, is_late, is_superseded) in [
            ("nothing newer: a record", None, record(), false, false),
            ("nothing newer: a tombstone", None, tombstone(), false, false),
            ("nothing newer: unreadable", None, unreadable(), false, false),
            ("newer content: a record", Some(SupersededBy::Content), record(), true, true),
            ("newer content: a tombstone", Some(SupersededBy::Content), tombstone(), true, true),
            ("newer content: unreadable", Some(SupersededBy::Content), unreadable(), true, true),
            // The row is kept, marked deleted, and needs content.
            ("gone since: a record", Some(SupersededBy::Gone), record(), true, false),
            ("gone since: a tombstone", Some(SupersededBy::Gone), tombstone(), true, true),
            ("gone since: unreadable", Some(SupersededBy::Gone), unreadable(), true, true),
        ] {
            let newer = newer.map(|newer| (candidate.staging_id, newer)).into_iter().collect();
            let late = LateCandidates { newer, records: BTreeSet::new() };
            assert_eq!(late.is_late(&candidate), is_late, "{case}");
            assert_eq!(late.is_superseded(&candidate), is_superseded, "{case}");
        }
    }

    #[test]
    fn what_is_newer_of_one_version_says_nothing_about_another() {
        let newer = HashMap::from([(Uuid::from_u128(2), SupersededBy::Content)]);
        let late = LateCandidates { newer, records: BTreeSet::new() };
        assert!(!late.is_late(&record()) && !late.is_superseded(&record()));
    }
}
