//! The results of looking up records that a walk did not list.

use std::collections::HashSet;

use crate::gazelle_to_staging::lanes::apart::RefusalReasons;
use crate::source::SourceError;
use crate::staging::deletions::GoneRecord;
use crate::staging::versions::{Received, Staged};

/// What was done about the records that a walk did not list.
#[derive(Debug, Default)]
pub struct AbsentReport {
    /// Records that the walk did not list and that are not known to be gone: those that exist, those without a
    /// clear answer, and those of `unasked` that do not await manual approval.
    pub unlisted: u64,
    /// Counts of the versions staged of existing records.
    pub staged: Staged,
    /// Tombstones staged.
    pub tombstones: u64,
    /// Records that are gone but were not deleted, because the guard allows fewer.
    pub withheld: u64,
    /// What the guard counted beside the records of `withheld`.
    pub counted_with: CountedWith,
    /// Suspects that this run looked up.
    pub asked: u64,
    /// Those of `asked` at which the API failed.
    pub failed: u64,
    /// Suspects that this run did not look up. The next runs continue with them.
    pub unasked: u64,
    /// The error of the API that stopped the lookups.
    pub failure: Option<SourceError>,
    /// Records of which the staging table refused a version or a tombstone, by id, with the reason. The next
    /// complete walk looks them up again.
    pub refused: RefusalReasons,
    /// Records that exist and that the API could not give whole.
    pub faulty: Vec<Received>,
    /// For each record that could not be settled in this run, its id and the reason, as the end of a message.
    pub unsettled: Vec<String>,
}

/// What the guard counts besides the records that this run found gone.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CountedWith {
    /// Records deleted by the runs since the first suspect was looked up.
    pub deleted_before: u64,
    /// Records that await manual approval and that this run did not find to exist.
    pub awaiting: u64,
    /// Other suspects about which the API did not say whether they exist. 0 as long as only a few lookups failed.
    pub unknown: u64,
}

impl CountedWith {
    /// The sum.
    pub fn all(&self) -> u64 {
        self.deleted_before + self.awaiting + self.unknown
    }
}

/// The API's answers about suspects.
#[derive(Default)]
pub(super) struct LookupAnswers {
    pub(super) gone: Vec<GoneRecord>,
    pub(super) existing: Vec<Received>,
    /// The ids that were looked up.
    pub(super) ids: HashSet<String>,
    /// The last of them, in the order in which suspects are looked up.
    pub(super) last: Option<String>,
    /// The ids of all records that exist, including those too large to be kept in memory.
    pub(super) existing_ids: Vec<String>,
    /// The ids of records of which it is unknown whether they exist, because the API failed or its answer was
    /// unclear.
    pub(super) without_verdict: Vec<String>,
    /// Bytes of the records in `existing`.
    pub(super) bytes: usize,
}
