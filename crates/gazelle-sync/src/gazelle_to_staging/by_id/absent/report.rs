//! What became of the records that a walk did not see, and what the API answered about them.

use std::collections::HashSet;

use crate::gazelle_to_staging::lanes::apart::Refused;
use crate::source::SourceError;
use crate::staging::deletions::Gone;
use crate::staging::versions::{Received, Staged};

/// What became of the records that a walk did not see.
#[derive(Debug, Default)]
pub struct AbsentReport {
    /// Those that the walk did not list and that are not known to be gone.
    pub unlisted: u64,
    /// Versions staged of them.
    pub staged: Staged,
    /// Tombstones staged.
    pub tombstones: u64,
    /// Gone, but not deleted: more than the guard allows.
    pub withheld: u64,
    /// What the guard counted with them.
    pub counted_with: CountedWith,
    /// Not seen, and asked for by this run.
    pub asked: u64,
    /// Those of them at which the API failed.
    pub failed: u64,
    /// Not seen, and not asked for by this run: the next ones go on with them.
    pub unasked: u64,
    /// The error of the API that ended the asking.
    pub failure: Option<SourceError>,
    /// Those of which the staging table refused a version or a tombstone, by id, with the reason: the next complete walk asks
    /// for them again.
    pub refused: Refused,
    /// Those that still exist and that the API could not give whole.
    pub faulty: Vec<Received>,
    /// Not seen, and there, but not to be read whole this time: each a sentence's end.
    pub unsettled: Vec<String>,
}

/// What the guard for deletions counts beside the records that a run finds gone.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CountedWith {
    /// Records that the runs since the turns began have deleted.
    pub deleted_before: u64,
    /// Records that await manual approval, and that this run did not find to exist.
    pub awaiting: u64,
    /// Other records that were not listed, and of which the API did not say whether they exist.
    pub unknown: u64,
}

impl CountedWith {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.deleted_before + self.awaiting + self.unknown
    }
}

/// What the API answered about suspects.
#[derive(Default)]
pub(super) struct LookupAnswers {
    pub(super) gone: Vec<Gone>,
    pub(super) there: Vec<Received>,
    /// Those that were asked for.
    pub(super) ids: HashSet<String>,
    /// The last of them.
    pub(super) last: Option<String>,
    /// The ids of all that exist, also of those that are too large to be kept in this run.
    pub(super) exist: Vec<String>,
    /// The ids of those of which it is not known whether they exist: at which the API failed, or gave no verdict.
    pub(super) without_verdict: Vec<String>,
    /// Bytes of those that are there.
    pub(super) bytes: usize,
}
