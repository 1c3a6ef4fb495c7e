//! How much is requested at once. Counting, windows and large pages are optimisations: what the API refuses
//! because of its size is requested again in smaller steps, and the sizes that worked are stored for later
//! runs. A failure that is not about size (a broken connection, a busy server) lowers sizes for this run only.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::lookup_turns::{LookupHistory, LookupTurns};
use crate::db::{Db, DbError};
use crate::entities::{ENTITIES, Entity};
use crate::gazelle_to_staging::requests::tally::Tally;
use crate::lease::{Fence, FencedTx};
use crate::source::{ErrorClass, SourceError};
use crate::staging::notes::api_limits::{self, ApiLimits};
use crate::states::RunMode;
pub(crate) use query_limits::QueryLimits;

/// Stands for: no limit is known.
const NO_LIMIT: u32 = u32::MAX;
/// The largest literal `first` of a list inside a record in our queries.
const LONGEST_NESTED_LIST: u32 = 20;
/// The most counts that a request has. Stored limits of this size or more are dropped.
const MOST_COUNTS: u32 = 200;
/// If pages have fewer records than this and are still refused, lists inside records are shortened first.
const SHORTEN_LISTS_BELOW: u32 = 8;

/// The request sizes of all entities, shared by the walks of a run.
#[derive(Debug)]
pub struct AllSizes(Vec<(&'static Entity, Sizes, ApiLimits)>);

impl AllSizes {
    /// Loads the sizes that earlier runs stored. A full sync starts each one step larger, to notice when the API
    /// accepts more again.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn load(db: &Db, page_size: u32, mode: RunMode) -> Result<AllSizes, DbError> {
        let mut all = Vec::new();
        let (large, listed) = (Arc::new(Semaphore::new(1)), Arc::new(AtomicU64::new(0)));
        for entity in ENTITIES.iter().copied() {
            let noted = api_limits::read(db, entity).await?;
            let sizes = Sizes::from_noted(&noted, Some(entity), page_size, mode == RunMode::Full);
            let tally = Tally::with_shared_count(listed.clone());
            let sizes = Sizes { large: large.clone(), tally, ..sizes };
            all.push((entity, sizes, noted));
        }
        Ok(AllSizes(all))
    }

    /// The sizes of an entity.
    pub fn for_entity(&self, entity: &Entity) -> &Sizes {
        let found = self.0.iter().find(|(of, _, _)| of.name == entity.name);
        // `load` adds every entity, so that the fallback is never used.
        found.map_or_else(|| &self.0[0].1, |(_, sizes, _)| sizes)
    }

    /// Stores the sizes that changed in this run, of the entities that were walked.
    ///
    /// # Errors
    /// If the database fails, or the lease is lost.
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

    /// A message for each entity whose requests were made smaller in this run because the API refused them,
    /// with its name.
    pub fn refusals(&self) -> Vec<(&'static str, String)> {
        self.0
            .iter()
            .filter_map(|(entity, sizes, _)| Some((entity.name, sizes.refusal_message(entity)?)))
            .collect()
    }
}

/// One limit of a request. Within a run it only gets smaller, until it is restored.
#[derive(Debug)]
struct Size {
    /// The limit now.
    now: AtomicU32,
    /// The limit that later runs start with.
    noted: AtomicU32,
    /// The limit that this run started with.
    began: u32,
}

impl Size {
    fn new(size: u32) -> Size {
        Size { now: AtomicU32::new(size), noted: AtomicU32::new(size), began: size }
    }

    fn now(&self) -> u32 {
        self.now.load(Relaxed)
    }

    /// Lowers the limit; for later runs too if the failure was about size.
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

    /// The limit to store; none if it is `most` or more.
    fn to_note(&self, most: u32) -> Option<u32> {
        Some(self.noted.load(Relaxed)).filter(|size| *size < most)
    }
}

/// The request sizes of one entity.
#[derive(Debug)]
pub struct Sizes {
    page: Size,
    /// Records per page, by the settings.
    usual_page: u32,
    inner: Size,
    counts: Size,
    /// Limits of field names and levels in a query for records.
    fields: Size,
    levels: Size,
    /// Whether queries have fewer fields than before, so that longer pages may work again.
    may_restore_lengths: AtomicBool,
    undated_end: AtomicUsize,
    /// Which records that their list fails at are looked up by their ids in this run.
    pub(crate) lookup_turns: LookupTurns,
    /// The counts of the walk that is running.
    pub(crate) tally: Tally,
    /// One permit, shared by all entities, to hold a large page or record in memory.
    large: Arc<Semaphore>,
    /// Whether this run has walked the entity.
    is_walked: AtomicBool,
    /// The API's words, or ours, when a size was lowered, and whether that was in this run.
    last_refusal: Mutex<(Option<String>, bool)>,
}

impl Sizes {
    /// Sizes without any known limit.
    pub fn usual(page_size: u32) -> Sizes {
        Sizes::from_noted(&ApiLimits::default(), None, page_size, false)
    }

    fn from_noted(noted: &ApiLimits, of_entity: Option<&Entity>, page_size: u32, larger: bool) -> Sizes {
        let usual_page = page_size.max(1);
        let (usual_fields, usual_levels) =
            of_entity.map_or((NO_LIMIT, NO_LIMIT), query_limits::largest_query);
        // A stored limit that reaches the largest size in use is no limit any more.
        let step = |noted: Option<u32>, most: u32| match noted {
            Some(size) if larger => {
                Some(size.saturating_mul(2).max(1)).filter(|size| *size < most).unwrap_or(NO_LIMIT)
            }
            Some(size) => size,
            None => NO_LIMIT,
        };
        Sizes {
            page: Size::new(step(noted.page, usual_page).clamp(1, usual_page)),
            usual_page,
            inner: Size::new(step(noted.inner, LONGEST_NESTED_LIST).max(1)),
            counts: Size::new(step(noted.counts, MOST_COUNTS)),
            fields: Size::new(step(noted.fields, usual_fields).max(1)),
            levels: Size::new(match noted.levels {
                Some(levels) if larger && levels.saturating_add(1) >= usual_levels => NO_LIMIT,
                Some(levels) => levels.saturating_add(u32::from(larger)),
                None => NO_LIMIT,
            }),
            may_restore_lengths: AtomicBool::new(false),
            undated_end: AtomicUsize::new(noted.undated_end.unwrap_or_default()),
            lookup_turns: LookupTurns::new(&noted.asked_alone, noted.asked_alone_is_cut),
            tally: Tally::default(),
            large: Arc::new(Semaphore::new(1)),
            is_walked: AtomicBool::new(false),
            last_refusal: Mutex::new((noted.said.clone(), false)),
        }
    }

    fn to_note(&self) -> ApiLimits {
        let limits = self.limits();
        let is_limited = limits != ApiLimits::default();
        let said = self.last_refusal.lock().unwrap_or_else(PoisonError::into_inner).0.clone();
        let LookupHistory { ids: asked_alone, is_cut: asked_alone_is_cut } = self.lookup_turns.to_note();
        ApiLimits {
            undated_end: Some(self.undated_end()).filter(|end| *end > 0),
            asked_alone,
            asked_alone_is_cut,
            said: said.filter(|_| is_limited),
            ..limits
        }
    }

    /// The limits that are below the usual sizes, as they are stored.
    fn limits(&self) -> ApiLimits {
        ApiLimits {
            page: self.page.to_note(self.usual_page),
            inner: self.inner.to_note(NO_LIMIT),
            counts: self.counts.to_note(NO_LIMIT),
            fields: self.fields.to_note(NO_LIMIT),
            levels: self.levels.to_note(NO_LIMIT),
            ..ApiLimits::default()
        }
    }

    /// Notes that the entity is walked in this run, so that its sizes are stored.
    pub(crate) fn begin_walk(&self) {
        self.is_walked.store(true, Relaxed);
    }

    /// Waits for the permit to hold a large page or record in memory. Holders must not wait for another permit
    /// meanwhile.
    pub(crate) async fn large_slot(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.large.clone().acquire_owned().await.ok()
    }

    /// The most records per page.
    pub(crate) fn page(&self) -> u32 {
        self.page.now()
    }

    /// The most counts per request; 0: do not count.
    pub(crate) fn counts(&self) -> u32 {
        self.counts.now()
    }

    /// The query with the lists inside records no longer than the API accepted, or than `tried`. The rest of
    /// longer lists is fetched with further requests.
    pub(crate) fn with_list_limits<'q>(&self, query: &'q str, tried: Option<u32>) -> Cow<'q, str> {
        match self.inner.now().min(tried.unwrap_or(NO_LIMIT)) {
            NO_LIMIT => Cow::Borrowed(query),
            most => Cow::Owned(with_inner_lists(query, most)),
        }
    }

    /// After a counting request failed: fewer counts per request, in the end none.
    pub(crate) fn fewer_counts(&self, asked: u32, failure: &SourceError, is_about_size: bool) {
        let fewer = match failure.class() {
            // A limit refuses at once, so half is worth a try. A server that gives up after a long time costs
            // that time again.
            ErrorClass::OverLimit { .. } => asked / 2,
            // Fewer counts per request would be more requests, which the API has just throttled.
            ErrorClass::Throttled { .. } => 0,
            _ => asked / 8,
        };
        self.counts.lower(fewer, is_about_size);
        self.note_refusal(failure, is_about_size);
    }

    /// Limits pages to a length that worked after this failure.
    pub(crate) fn limit_page(&self, size: u32, failure: &SourceError) {
        self.page.lower(size.max(1), failure.is_about_size());
        self.note_refusal(failure, failure.is_about_size());
    }

    /// The next shorter length of lists inside records to try; none if there are no such lists, or they have
    /// one entry.
    pub(crate) fn shorter_lists(&self, entity: &Entity, tried: Option<u32>) -> Option<u32> {
        let now = self.inner.now().min(tried.unwrap_or(NO_LIMIT)).min(LONGEST_NESTED_LIST);
        (entity.has_nested() && now > 1).then_some((now / 4).max(1))
    }

    /// Limits lists inside records to a length that worked after this failure.
    pub(crate) fn limit_lists(&self, length: u32, failure: &SourceError) {
        self.inner.lower(length.max(1), failure.is_about_size());
        self.note_refusal(failure, failure.is_about_size());
    }

    /// Restores all limits to what the run started with: no size was small enough, so size was not the reason.
    pub(crate) fn restore_all(&self) {
        for size in [&self.page, &self.inner, &self.fields, &self.levels] {
            size.restore();
        }
    }

    /// The index of the sort order that found the records without a date last time.
    pub(crate) fn undated_end(&self) -> usize {
        self.undated_end.load(Relaxed)
    }

    /// Notes the index of the sort order that found all records without a date.
    pub(crate) fn found_undated_at(&self, end: usize) {
        self.undated_end.store(end, Relaxed);
    }
}

/// The query with each literal `first: N` lowered to `most`.
fn with_inner_lists(query: &str, most: u32) -> String {
    const FIRST: &str = "first: ";
    let mut limited = String::with_capacity(query.len());
    let mut rest = query;
    while let Some(at) = rest.find(FIRST) {
        let (before, after) = rest.split_at(at + FIRST.len());
        limited.push_str(before);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        match number.parse::<u32>() {
            Ok(number) => limited.push_str(&number.min(most).to_string()),
            Err(_) => limited.push_str(number),
        }
        rest = after;
    }
    limited.push_str(rest);
    limited
}

mod form;
mod messages;
mod query_limits;
#[cfg(test)]
mod tests;
