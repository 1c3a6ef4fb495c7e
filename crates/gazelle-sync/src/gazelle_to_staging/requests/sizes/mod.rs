//! How much is asked for at once. Counting, windows and large pages are optimisations: what the API refuses for its size is
//! asked for again in smaller steps, and the sizes that worked are stored, for this run and the next ones. A failure that says
//! nothing of size (a broken connection, a busy server) makes steps smaller in its run alone.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::turns::{Asked, Turns};
use crate::db::{Db, DbError};
use crate::entities::{ENTITIES, Entity};
use crate::gazelle_to_staging::requests::tally::Tally;
use crate::lease::{Fence, FencedTx};
use crate::source::{ErrorClass, SourceError};
use crate::staging::api_limits::{self, ApiLimits};
use crate::states::RunMode;
pub(crate) use sent::Sent;

/// No limit is known.
const ANY: u32 = u32::MAX;
/// The longest `first` of a list inside a record in our queries.
const LARGEST_INNER: u32 = 20;
/// As many counts as we ever ask for at once fit.
const MOST_COUNTS: u32 = 200;
/// Below this many records a page, lists inside records are shortened before the page is.
const PAGE_BEFORE_INNER: u32 = 8;

/// The sizes of all entities, shared by a run's walks.
#[derive(Debug)]
pub struct AllSizes(Vec<(&'static Entity, Sizes, ApiLimits)>);

impl AllSizes {
    /// What earlier runs found. A full sync tries the next larger step of each, so that a limit that was lifted is noticed.
    pub async fn load(db: &Db, page_size: u32, mode: RunMode) -> Result<AllSizes, DbError> {
        let mut all = Vec::new();
        let (large, listed) = (Arc::new(Semaphore::new(1)), Arc::new(AtomicU64::new(0)));
        for entity in ENTITIES.iter().copied() {
            let noted = api_limits::read(db, entity).await?;
            let sizes = Sizes::from_noted(&noted, Some(entity), page_size, mode == RunMode::Full);
            let tally = Tally::beside(listed.clone());
            let sizes = Sizes { large: large.clone(), tally, ..sizes };
            all.push((entity, sizes, noted));
        }
        Ok(AllSizes(all))
    }

    /// An entity's.
    pub fn of(&self, entity: &Entity) -> &Sizes {
        let found = self.0.iter().find(|(of, _, _)| of.name == entity.name);
        // Every entity is in the list that this was made from.
        found.map_or_else(|| &self.0[0].1, |(_, sizes, _)| sizes)
    }

    /// Keeps what this run found, where it is not what was known. Of entities that were not walked, nothing was found.
    pub async fn save(&self, db: &Db, fence: &Fence) -> Result<(), DbError> {
        let changed: Vec<(&Entity, ApiLimits)> = self
            .0
            .iter()
            .filter(|(_, sizes, _)| sizes.is_walked.load(Relaxed))
            .map(|(entity, sizes, before)| (*entity, sizes.to_note(), before))
            .filter(|(_, now, before)| now != *before)
            .map(|(entity, now, _)| (entity, now))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let note = async |tx: &FencedTx<'_>| {
            for (entity, limits) in changed {
                api_limits::note(tx, entity, &limits).await?;
            }
            Ok(())
        };
        fence.transaction(db, note).await
    }

    /// For each entity that was asked for less at once because of refusals in this run, its name and a sentence.
    pub fn refusals(&self) -> Vec<(&'static str, String)> {
        self.0.iter().filter_map(|(entity, sizes, _)| Some((entity.name, sizes.refusal(entity)?))).collect()
    }
}

/// One measure of a request. Only ever made smaller within a run.
#[derive(Debug)]
struct Size {
    /// As much as is asked for now.
    now: AtomicU32,
    /// As much as later runs begin with.
    noted: AtomicU32,
    /// As much as this run began with.
    began: u32,
}

impl Size {
    fn new(size: u32) -> Size {
        Size { now: AtomicU32::new(size), noted: AtomicU32::new(size), began: size }
    }

    fn now(&self) -> u32 {
        self.now.load(Relaxed)
    }

    /// Later runs are concerned only where the failure is an answer about the size.
    fn lower(&self, to: u32, is_about_size: bool) {
        self.now.fetch_min(to, Relaxed);
        if is_about_size {
            self.noted.fetch_min(to, Relaxed);
        }
    }

    fn restore(&self) {
        self.now.store(self.began, Relaxed);
        self.noted.store(self.began, Relaxed);
    }

    /// What is to be noted, where it is less than the most that is ever asked for.
    fn to_note(&self, most: u32) -> Option<u32> {
        Some(self.noted.load(Relaxed)).filter(|size| *size < most)
    }
}

/// How much is asked for at once of one entity.
#[derive(Debug)]
pub struct Sizes {
    page: Size,
    /// As the settings have it.
    usual_page: u32,
    inner: Size,
    counts: Size,
    /// Names of fields, and levels of them, in a query for records.
    fields: Size,
    levels: Size,
    /// Whether queries have become smaller inside, so that they may bear more records again.
    may_be_longer: AtomicBool,
    undated_end: AtomicUsize,
    /// Which of its records that their list cannot give are asked for by their ids.
    pub(crate) turns: Turns,
    /// What the walk that is under way has met.
    pub(crate) tally: Tally,
    /// The turn of whoever puts much together from parts, over all entities.
    large: Arc<Semaphore>,
    /// Whether this run has walked the entity.
    is_walked: AtomicBool,
    /// What the API said, or our words for what happened, when something was made smaller; and whether in this run.
    said: Mutex<(Option<String>, bool)>,
}

impl Sizes {
    /// No limit is known.
    pub fn usual(page_size: u32) -> Sizes {
        Sizes::from_noted(&ApiLimits::default(), None, page_size, false)
    }

    fn from_noted(noted: &ApiLimits, of_entity: Option<&Entity>, page_size: u32, larger: bool) -> Sizes {
        let usual_page = page_size.max(1);
        let (usual_fields, usual_levels) = of_entity.map_or((ANY, ANY), sent::usual);
        // Of what is as much as is ever asked for, no limit is known any more.
        let step = |noted: Option<u32>, most: u32| match noted {
            Some(size) if larger => {
                Some(size.saturating_mul(2).max(1)).filter(|size| *size < most).unwrap_or(ANY)
            }
            Some(size) => size,
            None => ANY,
        };
        Sizes {
            page: Size::new(step(noted.page, usual_page).clamp(1, usual_page)),
            usual_page,
            inner: Size::new(step(noted.inner, LARGEST_INNER).max(1)),
            counts: Size::new(step(noted.counts, MOST_COUNTS)),
            fields: Size::new(step(noted.fields, usual_fields).max(1)),
            levels: Size::new(match noted.levels {
                Some(levels) if larger && levels.saturating_add(1) >= usual_levels => ANY,
                Some(levels) => levels.saturating_add(u32::from(larger)),
                None => ANY,
            }),
            may_be_longer: AtomicBool::new(false),
            undated_end: AtomicUsize::new(noted.undated_end.unwrap_or_default()),
            turns: Turns::new(&noted.asked_alone, noted.asked_alone_is_cut),
            tally: Tally::default(),
            large: Arc::new(Semaphore::new(1)),
            is_walked: AtomicBool::new(false),
            said: Mutex::new((noted.said.clone(), false)),
        }
    }

    fn to_note(&self) -> ApiLimits {
        let limits = self.limits();
        let is_limited = limits != ApiLimits::default();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).0.clone();
        let Asked { ids: asked_alone, is_cut: asked_alone_is_cut } = self.turns.to_note();
        ApiLimits {
            undated_end: Some(self.undated_end()).filter(|end| *end > 0),
            asked_alone,
            asked_alone_is_cut,
            said: said.filter(|_| is_limited),
            ..limits
        }
    }

    /// The noted sizes that are below the usual ones.
    fn limits(&self) -> ApiLimits {
        ApiLimits {
            page: self.page.to_note(self.usual_page),
            inner: self.inner.to_note(ANY),
            counts: self.counts.to_note(ANY),
            fields: self.fields.to_note(ANY),
            levels: self.levels.to_note(ANY),
            ..ApiLimits::default()
        }
    }

    /// A walk of the entity begins.
    pub(crate) fn begin_walk(&self) {
        self.is_walked.store(true, Relaxed);
    }

    /// Waits for the turn to hold much that is put together from parts. Who has it waits for nobody else's.
    pub(crate) async fn turn_for_large(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        self.large.clone().acquire_owned().await.ok()
    }

    /// Records a page, at most.
    pub(crate) fn page(&self) -> u32 {
        self.page.now()
    }

    /// Counts a request, at most; 0: none.
    pub(crate) fn counts(&self) -> u32 {
        self.counts.now()
    }

    /// The query with its lists inside records no longer than the API was found to bear, or than is tried out; what is longer
    /// is fetched on.
    pub(crate) fn shaped<'q>(&self, query: &'q str, tried: Option<u32>) -> Cow<'q, str> {
        match self.inner.now().min(tried.unwrap_or(ANY)) {
            ANY => Cow::Borrowed(query),
            most => Cow::Owned(with_inner_lists(query, most)),
        }
    }

    /// After a counting request that failed: fewer counts in the next one, in the end none.
    pub(crate) fn fewer_counts(&self, asked: u32, failure: &SourceError, is_about_size: bool) {
        let fewer = match failure.class() {
            // A limit refuses at once, so that half is worth a try; what the server could not do costs its time.
            ErrorClass::OverLimit { .. } => asked / 2,
            // Counting is more requests, where fewer are asked for.
            ErrorClass::Throttled { .. } => 0,
            _ => asked / 8,
        };
        self.counts.lower(fewer, is_about_size);
        self.note_refusal(failure, is_about_size);
    }

    /// After this failure, pages of this many records were read.
    pub(crate) fn bears_pages_of(&self, size: u32, failure: &SourceError) {
        self.page.lower(size.max(1), failure.is_about_size());
        self.note_refusal(failure, failure.is_about_size());
    }

    /// The next shorter length of lists inside records to try out; none where there are none, or they are as short as can be.
    pub(crate) fn shorter_lists(&self, entity: &Entity, tried: Option<u32>) -> Option<u32> {
        let now = self.inner.now().min(tried.unwrap_or(ANY)).min(LARGEST_INNER);
        (entity.has_nested() && now > 1).then_some((now / 4).max(1))
    }

    /// After this failure, a page with lists of this length inside its records was read.
    pub(crate) fn bears_lists_of(&self, length: u32, failure: &SourceError) {
        self.inner.lower(length.max(1), failure.is_about_size());
        self.note_refusal(failure, failure.is_about_size());
    }

    /// Nothing was small enough: then size was not the reason, and what was known before stands.
    pub(crate) fn forget(&self) {
        for size in [&self.page, &self.inner, &self.fields, &self.levels] {
            size.restore();
        }
    }

    /// At which end records without a date are looked for first.
    pub(crate) fn undated_end(&self) -> usize {
        self.undated_end.load(Relaxed)
    }

    /// They were all found at this end.
    pub(crate) fn found_undated_at(&self, end: usize) {
        self.undated_end.store(end, Relaxed);
    }
}

/// The query with each literal `first: N` at most this.
fn with_inner_lists(query: &str, most: u32) -> String {
    const FIRST: &str = "first: ";
    let mut shaped = String::with_capacity(query.len());
    let mut rest = query;
    while let Some(at) = rest.find(FIRST) {
        let (before, after) = rest.split_at(at + FIRST.len());
        shaped.push_str(before);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        match number.parse::<u32>() {
            Ok(number) => shaped.push_str(&number.min(most).to_string()),
            Err(_) => shaped.push_str(number),
        }
        rest = after;
    }
    shaped.push_str(rest);
    shaped
}

mod form;
mod said;
mod sent;
#[cfg(test)]
mod tests;
