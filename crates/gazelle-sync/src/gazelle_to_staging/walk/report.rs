//! The report of a walk, collected page by page.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::gazelle_to_staging::Scope;
use crate::gazelle_to_staging::by_id::absent::report::AbsentReport;
use crate::gazelle_to_staging::pages::queue::QueuedPage;
use crate::gazelle_to_staging::pages::seen::PageEnds;
use crate::source::SourceError;
use crate::staging::outcome::BatchOutcome;
use crate::staging::versions::Received;
use crate::staging::versions::source_fault::SourceFaultKind;

/// The result of an entity's walk.
///
/// How the counts are related:
/// - A complete walk has `total` = `seen` + `nameless` + the length of `counted_twice`, if the API counts.
/// - `short_by` = `total` - `seen` - `nameless`, if that is not 0, every page was read and the walk is not complete.
/// - `counted_twice` is part of `listed_twice`.
/// - `fetched` is over all attempts, so that it can be a multiple of `seen`.
#[derive(Debug)]
pub struct WalkReport {
    /// The scope: `whole`, or the days.
    pub walk: String,
    /// Whether every page was read and the API's count agrees with the distinct ids seen.
    pub complete: bool,
    /// Why the walk was not complete; none if it was.
    pub reason: Option<String>,
    /// The API's error that ended the walk, or that stopped the lookups after it.
    pub failure: Option<SourceError>,
    /// Whether the API failed at most records of the last attempt. If it failed only at most of the long lists inside
    /// records, those without such a list can be read.
    pub fails_at_most_records: bool,
    /// The API's count of the scope; none if it does not count.
    pub total: Option<u64>,
    /// Distinct ids seen in the last attempt.
    pub seen: u64,
    /// Records received, over all attempts.
    pub fetched: u64,
    /// The counts of staging, and of stage 2 for the batches that were reconciled at once.
    pub done: BatchOutcome,
    /// Ids listed twice: on one page, or in two attempts with the same result, so that no record has moved.
    pub listed_twice: BTreeSet<String>,
    /// Those of `listed_twice` that the API also counts again, once for each repeat, sorted. Only of a complete
    /// walk.
    pub counted_twice: Vec<String>,
    /// Those of them that an earlier run has reported.
    pub reported_before: BTreeSet<String>,
    /// The API's count minus the distinct ids seen (and records without an id), though every page was read.
    /// None if they agree, or if pages are missing.
    pub short_by: Option<i64>,
    /// Records that the API could not give whole, by id, with the field that it names, or an empty text. They
    /// count as seen.
    pub faulty: BTreeMap<String, String>,
    /// When the walk started: the API's time if its answer has one, and never later than the database's. UTC.
    pub started_at: Option<Timestamp>,
    /// How far the API's clock was ahead of the database's then (negative: behind); none if the answer had no time.
    pub api_ahead: Option<SignedDuration>,
    /// What the API said of the entity's whole list, which is asked only if the days walked held no record.
    pub whole_list: WholeList,
    /// The results of looking up the records that a complete walk did not see.
    pub absent: AbsentReport,
    /// Records of the last attempt that the API could not give, and whose ids it does not give either.
    pub nameless: u64,
    /// Records that their list could not give whole and that were not looked up in this run, because it looks
    /// up only a few.
    pub unasked: BTreeSet<String>,
    /// Records of the last attempt that the staging table refused, by id, with the reason: a constraint or
    /// trigger that a user added. They count as seen. If one was refused, the bookmark has not moved.
    pub refused: BTreeMap<String, String>,
    /// Messages about the pages of the last attempt.
    pub notes: Vec<String>,
    /// Where the pages of the last attempt ended, by window.
    pub(super) page_ends: BTreeMap<String, PageEnds>,
    /// Whether the last attempt was split into several windows.
    pub(crate) was_split: bool,
}

/// What the API says of an entity's whole list.
#[derive(Debug, Clone)]
pub enum WholeList {
    /// The days walked held records, or were all of them.
    NotAsked,
    /// How many records it lists.
    Counts(u64),
    /// It lists some, and does not say how many.
    Lists,
    /// It gave an error, also after the retries.
    Refused(SourceError),
}

impl WalkReport {
    pub(crate) fn new(scope: Scope) -> WalkReport {
        WalkReport {
            walk: scope.describe(),
            complete: false,
            reason: None,
            failure: None,
            fails_at_most_records: false,
            total: None,
            seen: 0,
            fetched: 0,
            done: BatchOutcome::default(),
            listed_twice: BTreeSet::new(),
            counted_twice: Vec::new(),
            reported_before: BTreeSet::new(),
            short_by: None,
            faulty: BTreeMap::new(),
            started_at: None,
            api_ahead: None,
            whole_list: WholeList::NotAsked,
            absent: AbsentReport::default(),
            nameless: 0,
            unasked: BTreeSet::new(),
            refused: BTreeMap::new(),
            notes: Vec::new(),
            page_ends: BTreeMap::new(),
            was_split: false,
        }
    }

    /// Whether every record was seen, and came whole.
    pub fn came_whole(&self) -> bool {
        self.complete && self.faulty.is_empty() && self.unasked.is_empty() && self.nameless == 0
    }

    /// Drops what describes only the attempt before.
    pub(crate) fn begin_attempt(&mut self) {
        (self.nameless, self.fails_at_most_records) = (0, false);
        self.notes.clear();
    }

    pub(crate) fn take_page(&mut self, page: &QueuedPage) {
        self.fetched += page.records.len() as u64;
        self.nameless += page.nameless;
        self.notes.extend(page.notes.iter().cloned());
        self.note_twice(&page.records);
        self.note_faulty(&page.records);
        let unasked = page.kept.iter().filter(|kept| kept.awaits_lookup).map(|kept| kept.external_id.clone());
        // Records that an earlier attempt of this run looked up are in `faulty`.
        self.unasked.extend(unasked.filter(|id| !self.faulty.contains_key(id)));
    }

    /// Notes the ids that a page lists more than once.
    fn note_twice(&mut self, records: &[Received]) {
        let mut ids: HashSet<&str> = HashSet::with_capacity(records.len());
        let again = records.iter().filter(|record| !ids.insert(&record.external_id));
        self.listed_twice.extend(again.map(|record| record.external_id.clone()));
    }

    /// Notes the records with a fault, and removes those that came whole in a later attempt.
    pub(crate) fn note_faulty(&mut self, records: &[Received]) {
        for record in records {
            match &record.fault {
                Some(fault) if fault.kind == SourceFaultKind::NotAsked => {
                    self.unasked.insert(record.external_id.clone());
                }
                Some(fault) => {
                    self.faulty.insert(record.external_id.clone(), fault.field.clone());
                }
                None => {
                    if !self.faulty.is_empty() {
                        self.faulty.remove(&record.external_id);
                    }
                    if !self.unasked.is_empty() {
                        self.unasked.remove(&record.external_id);
                    }
                }
            }
        }
    }
}
