//! Reads one page, in smaller requests where the API fails.
//!
//! A page is requested as large as the API accepted before. If that fails, smaller requests are tried: fewer
//! records, shorter lists inside them, some of their fields at a time. What works is remembered. A record that
//! its own getter cannot give either is received with a fault, which holds the API's message.

use tokio::sync::OwnedSemaphorePermit;

use super::page::{Node, PageOutcome, PageRead};
use super::reader::Reader;
use crate::gazelle_to_staging::records::budget::PartsBudget;
use crate::gazelle_to_staging::requests::parts::{Bounds, PartPlan};
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::sizes::QueryLimits;
use crate::gazelle_to_staging::requests::window::PagePosition;
use crate::source::{GazelleClient, ListShape, SourceError};

/// A page whose list changes between its parts is requested this often. After that the walk is repeated.
const MOST_SHIFTED: u32 = 3;

/// What was tried so far for one page.
struct Attempts {
    first_error: Option<SourceError>,
    /// The length of lists inside records that is being tried out; none: the known length.
    inner: Option<u32>,
    /// The limits of a query that are being tried out; none: the known limits.
    bounds: Option<Bounds>,
    /// Whether requests are sent without retries, because a smaller size is being tried out.
    without_retries: bool,
    /// Whether the first request is sent without retries.
    first_without_retries: bool,
    /// How often the list changed between the parts.
    shifted: u32,
    /// How often most records came as null.
    mostly_null: u32,
    /// The permit to hold a large page in memory.
    large_slot: Option<OwnedSemaphorePermit>,
}

/// One attempt at a page.
pub(super) struct PageAttempt {
    /// The number of records requested.
    pub(super) page_length: u32,
    /// The limits of the query.
    pub(super) sent: QueryLimits,
    /// The parts in which the page is requested; none: in one query.
    pub(super) plan: Option<PartPlan>,
    pub(super) client: GazelleClient,
}

/// A page and the number of records requested. No number means that nulls in the page stand for changes of the
/// list, not for records.
type PageWithLength = (PageRead, Option<u32>);

impl Reader<'_> {
    /// Reads the page after a cursor, with at most `most` records.
    ///
    /// # Errors
    /// The API's error for the first attempt, if the page cannot be read in any way.
    pub(super) async fn page(
        &mut self,
        after: Option<&str>,
        most: Option<u64>,
    ) -> Result<PageRead, SourceError> {
        self.looked_up_bytes = 0;
        // After a skipped record too, where pages would end at the same records as in the attempt before.
        let is_first = std::mem::take(&mut self.has_skipped) || after.is_none();
        let first = self.window.first_page.filter(|_| is_first).map(u64::from);
        let most = most.into_iter().chain(first).min();
        let (page, page_length) = self.read(after, most).await?;
        self.listed += page.nodes.len() as u64;
        self.total = self.total.or(page.total_count);
        if first.is_some() && self.size_failure.is_none() {
            // The following pages have the usual length, so that they end at other records too.
            self.next = self.cap;
        }
        match page_length {
            Some(page_length) => self.find_ids_of_nulls(page, after, page_length).await,
            None => Ok(page),
        }
    }

    async fn read(&mut self, after: Option<&str>, most: Option<u64>) -> Result<PageWithLength, SourceError> {
        let mut attempts = Attempts {
            first_error: None,
            inner: None,
            bounds: None,
            // Next to an unreadable record there is often another, and retries would cost time for each.
            without_retries: self.faulty_in_a_row > 0,
            first_without_retries: std::mem::take(&mut self.failed_mostly),
            shifted: 0,
            mostly_null: 0,
            large_slot: None,
        };
        loop {
            let attempt = self.next_attempt(&attempts, most);
            let budget = PartsBudget::new(attempts.large_slot.is_some());
            let error = match self.try_page(&attempt, after, attempts.inner, &budget).await {
                Ok(tried) => match self.accept(tried, &attempt, &mut attempts).await {
                    Some(read) => return Ok(read),
                    None => continue,
                },
                Err(error) => error,
            };
            if error.concerns_any_request() {
                return Err(error);
            }
            if std::mem::take(&mut attempts.first_without_retries) {
                continue;
            }
            let read = match self.shape {
                ListShape::Plain
                    if error.is_over_limit()
                        && self.sizes.shrink_plain_list(self.entity, attempt.sent, &error) =>
                {
                    attempts.first_error.get_or_insert(error.without_answer());
                    None
                }
                ListShape::Plain => return self.read_reduced_list(error, attempts).await,
                ListShape::Connection => {
                    self.take_smaller_step(error, &attempt, &mut attempts, after).await?
                }
            };
            if let Some(read) = read {
                return Ok(read);
            }
        }
    }

    /// The next request to try.
    fn next_attempt(&self, attempts: &Attempts, most: Option<u64>) -> PageAttempt {
        let most = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(u32::MAX);
        let page_length = self.next.min(self.cap).min(self.sizes.page()).min(most).max(1);
        let sent = self.sizes.query_limits();
        let plan = PartPlan::of_page(self.entity, attempts.bounds.unwrap_or(sent.bounds)).ok();
        // Pages in parts use the client that does not wait for memory: their records are copied at once, and a
        // reader that waited for stage 2 while it has the large slot could be waited for by the entity that
        // stage 2 is working on.
        let client = if plan.is_some() { &self.fetch.api.client } else { &self.fetch.api.pages };
        let client = match attempts.without_retries || attempts.first_without_retries {
            false => client.clone(),
            // Tried out only: if the failure was temporary, this page is just smaller than necessary.
            true => client.with_attempts(1),
        };
        PageAttempt { page_length, sent, plan, client }
    }

    /// Requests a page. If some of its records fail, takes the others.
    pub(super) async fn try_page(
        &mut self,
        attempt: &PageAttempt,
        after: Option<&str>,
        inner: Option<u32>,
        budget: &PartsBudget,
    ) -> Result<PageOutcome, SourceError> {
        let page_length = attempt.page_length;
        let part = attempt.plan.as_ref().map(|plan| plan.parts[0].as_slice());
        let place = PagePosition { window: self.window, after, first: page_length };
        let request = queries::page(self.entity, self.sizes, place, inner, part);
        let (page, is_whole) =
            match attempt.client.post(&request).await.and_then(|answer| self.parse_page(answer)) {
                Ok(page) => (page, true),
                Err(error) if error.concerns_any_request() => return Err(error),
                Err(error) => match self.partial_page(&error, after, page_length).await? {
                    Some(page) => (page, false),
                    None => return Err(error),
                },
            };
        match &attempt.plan {
            Some(plan) => self.with_other_parts(plan, (page, is_whole), place, inner, budget).await,
            None if is_whole => Ok(PageOutcome::Whole(page)),
            None => Ok(PageOutcome::Partial(page)),
        }
    }

    /// Decides about a page that came; none if the page is requested again.
    async fn accept(
        &mut self,
        tried: PageOutcome,
        attempt: &PageAttempt,
        attempts: &mut Attempts,
    ) -> Option<PageWithLength> {
        let page_length = attempt.page_length;
        match tried {
            // The API may fail for the moment only.
            PageOutcome::Whole(page) if page.is_mostly_null() && attempts.mostly_null < MOST_SHIFTED - 1 => {
                attempts.mostly_null += 1;
                None
            }
            PageOutcome::Whole(page) => {
                self.enlarge_next(&page, attempt, attempts);
                Some((page, Some(page_length)))
            }
            PageOutcome::Partial(page) => Some((page, Some(page_length))),
            PageOutcome::Shifted(page) => {
                attempts.shifted += 1;
                (attempts.shifted >= MOST_SHIFTED).then_some((page, None))
            }
            PageOutcome::TooLarge(page) => match (&attempts.large_slot, page_length) {
                (None, _) => {
                    attempts.large_slot = self.sizes.large_slot().await;
                    None
                }
                (Some(_), 1) => Some((page, None)),
                (Some(_), _) => {
                    (self.cap, self.next) = (page_length / 2, page_length / 2);
                    None
                }
            },
        }
    }

    /// After a page came whole: remembers the sizes that worked, and doubles the next page.
    fn enlarge_next(&mut self, page: &PageRead, attempt: &PageAttempt, attempts: &Attempts) {
        if let (Some(bounds), Some(failure)) = (attempts.bounds, &attempts.first_error) {
            self.note_came_in_parts(bounds, failure);
        } else if let (Some(inner), Some(failure)) = (attempts.inner, &attempts.first_error) {
            self.sizes.limit_lists(inner, failure);
        }
        self.next = attempt.page_length.saturating_mul(2);
        if attempt.plan.is_some() && attempts.bounds.is_none() && self.sizes.retry_longer_pages() {
            (self.next, self.cap) = (self.sizes.page(), self.sizes.page());
        }
        if page.nodes.iter().any(|node| matches!(node, Node::Whole(_) | Node::Received(_))) {
            self.faulty_in_a_row = 0;
            self.gives_others = None;
        }
    }

    /// Reads a list without pages that failed, with fewer fields at a time or without those that fail.
    async fn read_reduced_list(
        &mut self,
        error: SourceError,
        attempts: Attempts,
    ) -> Result<PageWithLength, SourceError> {
        // The answer is needed to read the faults, and then its memory is needed for the next request.
        let kept = error.clone().without_answer();
        if kept.is_over_limit() {
            // No query was small enough: later runs begin with the usual one.
            self.sizes.restore_all();
            return Err(attempts.first_error.unwrap_or(kept));
        }
        match self.reduced_list(error).await? {
            Some(page) => Ok((page, None)),
            None => Err(kept),
        }
    }

    /// After a page failed: chooses the next smaller request. Returns none if that is to be tried, or the page
    /// if its one record is skipped.
    ///
    /// # Errors
    /// That of the first attempt, if there is no smaller request.
    async fn take_smaller_step(
        &mut self,
        error: SourceError,
        attempt: &PageAttempt,
        attempts: &mut Attempts,
        after: Option<&str>,
    ) -> Result<Option<PageWithLength>, SourceError> {
        let page_length = attempt.page_length;
        if !error.may_be_too_much() {
            return Err(attempts.first_error.take().unwrap_or(error));
        }
        if error.is_over_limit() {
            if !self.sizes.shrink_page(self.entity, page_length, attempt.sent, &error) {
                // No query was small enough: the limit is about the contents of this record, not about queries.
                self.sizes.restore_all();
                let page = self.skip_record(attempts.first_error.take().unwrap_or(error), after).await?;
                return Ok(Some((page, None)));
            }
        } else if page_length > 1 {
            if self.size_failure.as_ref().is_none_or(|known| !known.is_about_size() && error.is_about_size())
            {
                self.size_failure = Some(error.clone().without_answer());
            }
            self.cap = page_length / 2;
            self.next = 1;
        } else if let Some(shorter) = self.shorter_lists(attempts.inner, attempts.bounds) {
            attempts.inner = Some(shorter);
        } else if let Some(fewer) = attempt.sent.bounds.quarter_of_fields(self.entity)
            && attempts.bounds.is_none()
            && error.may_be_too_slow()
        {
            (attempts.bounds, attempts.inner) = (Some(fewer), None);
        } else {
            let page = self.skip_record(attempts.first_error.take().unwrap_or(error), after).await?;
            return Ok(Some((page, None)));
        }
        attempts.without_retries |= error.class().is_retried();
        // Without the answer's body: the next attempt needs the memory.
        attempts.first_error.get_or_insert(error.without_answer());
        Ok(None)
    }
}
