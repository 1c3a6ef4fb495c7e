//! The report of a walk, collected page by page.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::gazelle_to_staging::Scope;
use crate::gazelle_to_staging::by_id::absent::report::AbsentReport;
use crate::gazelle_to_staging::pages::queue::QueuedPage;
use crate::gazelle_to_staging::pages::seen::PageEnds;
use crate::source::SourceError;
use crate::staging::outcome::BatchOutcome;
use crate::staging::source_fault::SourceFaultKind;
use crate::staging::versions::Received;

/// How the walk of an entity went.
#[derive(Debug)]
pub struct WalkReport {
    /// What was walked: `whole`, or days.
    pub walk: String,
    /// Whether every page was reached and the count agrees with the distinct ids seen.
    pub complete: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The error of the API that ended the walk.
    pub failure: Option<SourceError>,
    /// The API's count.
    pub total: Option<u64>,
    /// Distinct ids seen in the last attempt.
    pub seen: u64,
    /// Records received, over all attempts.
    pub fetched: u64,
    /// What staging them came to, and stage 2 where it was there at the time.
    pub done: BatchOutcome,
    /// Ids that came twice in one page, or twice in two walks alike: the API lists them twice, nothing has shifted.
    pub listed_twice: BTreeSet<String>,
    /// Those of them that the API counts again too, once for each time, sorted; of a complete walk.
    pub counted_twice: Vec<String>,
    /// Those that a run before has told.
    pub told_twice: BTreeSet<String>,
    /// By how much the API counts more records than the walk saw distinct ids, though it read every page; none where the
    /// two agree, or where pages are missing.
    pub short_by: Option<i64>,
    /// The records that the API could not give whole, by id, with the field that it names, or nothing. They count as seen.
    pub faulty: BTreeMap<String, String>,
    /// When the walk started, by the API's clock where it tells, and not later than by the database's.
    pub started_at: Option<Timestamp>,
    /// How far the API's clock was ahead of the database's then (negative: behind), where it tells.
    pub api_ahead: Option<SignedDuration>,
    /// The API's count of the whole, asked for when the days walked held nothing; none where it did not tell.
    pub whole_total: Option<u64>,
    /// What became of the records that a complete walk did not see.
    pub absent: AbsentReport,
    /// Records of the last attempt that the API could not give, and whose ids it did not tell.
    pub nameless: u64,
    /// The records that their list could not give whole and that were not asked for by their ids in this run: it asks for a few
    /// alone.
    pub unasked: BTreeSet<String>,
    /// The records of the last attempt that the staging table refused, by id, with the reason: something that a user has
    /// added to it. They count as seen. Of one that was listed the bookmark has not moved.
    pub refused: BTreeMap<String, String>,
    /// What is to be told of the pages of the last attempt, each a sentence.
    pub notes: Vec<String>,
    /// Where the pages of the last attempt ended, by window.
    pub(super) page_ends: BTreeMap<String, PageEnds>,
    /// Whether the last attempt was made in several windows.
    pub(crate) was_split: bool,
}

impl WalkReport {
    pub(crate) fn new(scope: Scope) -> WalkReport {
        WalkReport {
            walk: scope.describe(),
            complete: false,
            reason: None,
            failure: None,
            total: None,
            seen: 0,
            fetched: 0,
            done: BatchOutcome::default(),
            listed_twice: BTreeSet::new(),
            counted_twice: Vec::new(),
            told_twice: BTreeSet::new(),
            short_by: None,
            faulty: BTreeMap::new(),
            started_at: None,
            api_ahead: None,
            whole_total: None,
            absent: AbsentReport::default(),
            nameless: 0,
            unasked: BTreeSet::new(),
            refused: BTreeMap::new(),
            notes: Vec::new(),
            page_ends: BTreeMap::new(),
            was_split: false,
        }
    }

    /// Forgets what only the attempt before knew.
    pub(crate) fn begin_attempt(&mut self) {
        self.nameless = 0;
        self.notes.clear();
    }

    pub(crate) fn take_page(&mut self, page: &QueuedPage) {
        self.fetched += page.records.len() as u64;
        self.nameless += page.nameless;
        self.notes.extend(page.notes.iter().cloned());
        self.note_twice(&page.records);
        self.note_faulty(&page.records);
        let unasked = page.kept.iter().filter(|kept| kept.is_unasked).map(|kept| kept.external_id.clone());
        // What this run has asked for, in an attempt before, has had its turn.
        self.unasked.extend(unasked.filter(|id| !self.faulty.contains_key(id)));
    }

    /// Notes the ids that a page holds more than once.
    fn note_twice(&mut self, records: &[Received]) {
        let mut ids: HashSet<&str> = HashSet::with_capacity(records.len());
        let again = records.iter().filter(|record| !ids.insert(&record.external_id));
        self.listed_twice.extend(again.map(|record| record.external_id.clone()));
    }

    /// Notes the records that came with a fault; one that came whole after all has none any more.
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
