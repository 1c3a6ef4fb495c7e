//! Reading one page in whatever steps it takes.
//!
//! A page is asked for as large as the API is known to bear. Where that fails, smaller steps are tried out: fewer records, shorter
//! lists inside them, some of their fields at a time. What works is remembered. A record that the API cannot give by its own getter
//! either is received as faulty, with what the API says of it.

use tokio::sync::OwnedSemaphorePermit;

use super::page::{Node, PageOutcome, PageRead};
use super::reader::Reader;
use crate::gazelle_to_staging::records::budget::PartsBudget;
use crate::gazelle_to_staging::requests::parts::{Bounds, PartPlan};
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::sizes::Sent;
use crate::gazelle_to_staging::requests::window::PagePlace;
use crate::source::{ErrorClass, GazelleClient, ListShape, SourceError};

/// A page is asked for so often while its list changes; then the walk is repeated.
const MOST_SHIFTED: u32 = 3;

/// What was tried out for a page.
struct Attempts {
    first_error: Option<SourceError>,
    /// How long lists inside records may be in a request that is tried out.
    inner: Option<u32>,
    /// What a query may ask for, where it is tried out to ask for less of one record at once.
    bounds: Option<Bounds>,
    /// Whether a request is only tried out, and not repeated when it fails.
    is_tried_out: bool,
    /// Whether the first request is not repeated either.
    is_hasty: bool,
    /// How often the parts of the page were of different moments.
    shifted: u32,
    /// How often most of its records came as null.
    mostly_null: u32,
    /// The turn to hold much in memory.
    turn: Option<OwnedSemaphorePermit>,
}

/// A request for a page.
struct PageAttempt {
    /// Records that are asked for.
    asked: u32,
    /// The limits that the query keeps to.
    sent: Sent,
    /// The parts in which it is asked for.
    plan: Option<PartPlan>,
    client: GazelleClient,
}

/// A page with how many records were asked for, where a null in it stands for a record.
type ReadWithAsked = (PageRead, Option<u32>);

impl Reader<'_> {
    /// The page after a cursor, of at most `most` records. Errors: the API's, where nothing can be read there in any way;
    /// that of the first try.
    pub(super) async fn page(
        &mut self,
        after: Option<&str>,
        most: Option<u64>,
    ) -> Result<PageRead, SourceError> {
        self.asked_bytes = 0;
        let first = self.window.first_page.filter(|_| after.is_none()).map(u64::from);
        let most = most.into_iter().chain(first).min();
        let (page, asked) = self.read(after, most).await?;
        if first.is_some() && self.heavy.is_none() {
            // Those that follow are as long as usual, so that they end elsewhere too.
            self.next = self.cap;
        }
        match asked {
            Some(asked) => self.name_nulls(page, after, asked).await,
            None => Ok(page),
        }
    }

    async fn read(&mut self, after: Option<&str>, most: Option<u64>) -> Result<ReadWithAsked, SourceError> {
        let mut attempts = Attempts {
            first_error: None,
            inner: None,
            bounds: None,
            // Beside a record that cannot be had is often another.
            is_tried_out: self.faulty_in_a_row > 0,
            is_hasty: std::mem::take(&mut self.fails_mostly),
            shifted: 0,
            mostly_null: 0,
            turn: None,
        };
        loop {
            let attempt = self.next_attempt(&attempts, most);
            let budget = PartsBudget::new(attempts.turn.is_some());
            let error = match self.try_page(&attempt, after, attempts.inner, &budget).await {
                Ok(tried) => match self.came(tried, &attempt, &mut attempts).await {
                    Some(read) => return Ok(read),
                    None => continue,
                },
                Err(error) => error,
            };
            if error.concerns_any_request() {
                return Err(error);
            }
            if std::mem::take(&mut attempts.is_hasty) {
                continue;
            }
            let read = match self.shape {
                ListShape::Plain => return self.plain_list_failed(error, attempts).await,
                ListShape::Connection => self.failed(error, &attempt, &mut attempts, after).await?,
            };
            if let Some(read) = read {
                return Ok(read);
            }
        }
    }

    /// What to ask for next.
    fn next_attempt(&self, attempts: &Attempts, most: Option<u64>) -> PageAttempt {
        let most = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(u32::MAX);
        let asked = self.next.min(self.cap).min(self.sizes.page()).min(most).max(1);
        let sent = self.sizes.sent();
        let plan = match self.shape {
            ListShape::Connection => {
                PartPlan::of_page(self.entity, attempts.bounds.unwrap_or(sent.bounds)).ok()
            }
            ListShape::Plain => None,
        };
        // Parts are copied out of their answers at once, so that they need not wait for stage 2 to take them: whoever
        // waits for it while it has the turn for large pages may be waited for by the entity that stage 2 is at.
        let client = if plan.is_some() { &self.fetch.client } else { &self.fetch.pages };
        let client = match attempts.is_tried_out || attempts.is_hasty {
            false => client.clone(),
            // Only tried out: should it be a fault of the moment, the page is smaller than it could be.
            true => client.trying(1),
        };
        PageAttempt { asked, sent, plan, client }
    }

    /// Asks for a page; also takes what is whole of one that is not.
    async fn try_page(
        &mut self,
        attempt: &PageAttempt,
        after: Option<&str>,
        inner: Option<u32>,
        budget: &PartsBudget,
    ) -> Result<PageOutcome, SourceError> {
        let asked = attempt.asked;
        let part = attempt.plan.as_ref().map(|plan| plan.parts[0].as_slice());
        let place = PagePlace { window: self.window, after, first: asked };
        let request = queries::page(self.entity, self.sizes, place, inner, part);
        let (page, is_whole) = match attempt.client.post(&request).await.and_then(|answer| self.whole(answer))
        {
            Ok(page) => (page, true),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => match self.in_part(&error, after, asked).await? {
                Some(page) => (page, false),
                None => return Err(error),
            },
        };
        match &attempt.plan {
            Some(plan) => self.with_other_parts(plan, (page, is_whole), place, inner, budget).await,
            None if is_whole => Ok(PageOutcome::Whole(page)),
            None => Ok(PageOutcome::InPart(page)),
        }
    }

    /// Takes what came of a request; none where the page is asked for again.
    async fn came(
        &mut self,
        tried: PageOutcome,
        attempt: &PageAttempt,
        attempts: &mut Attempts,
    ) -> Option<ReadWithAsked> {
        let asked = attempt.asked;
        match tried {
            // It may be the API's fault of this moment.
            PageOutcome::Whole(page) if page.is_mostly_null() && attempts.mostly_null < MOST_SHIFTED - 1 => {
                attempts.mostly_null += 1;
                None
            }
            PageOutcome::Whole(page) => {
                self.grow(&page, attempt, attempts);
                Some((page, Some(asked)))
            }
            PageOutcome::InPart(page) => Some((page, Some(asked))),
            PageOutcome::Shifted(page) => {
                attempts.shifted += 1;
                (attempts.shifted >= MOST_SHIFTED).then_some((page, None))
            }
            PageOutcome::TooLarge(page) => match (&attempts.turn, asked) {
                (None, _) => {
                    attempts.turn = self.sizes.turn_for_large().await;
                    None
                }
                (Some(_), 1) => Some((page, None)),
                (Some(_), _) => {
                    (self.cap, self.next) = (asked / 2, asked / 2);
                    None
                }
            },
        }
    }

    /// After a page that came whole: remembers what was tried out, and lets the next one be larger.
    fn grow(&mut self, page: &PageRead, attempt: &PageAttempt, attempts: &Attempts) {
        if let (Some(bounds), Some(failure)) = (attempts.bounds, &attempts.first_error) {
            self.came_in_parts(bounds, failure);
        } else if let (Some(inner), Some(failure)) = (attempts.inner, &attempts.first_error) {
            self.sizes.bears_lists_of(inner, failure);
        }
        self.next = attempt.asked.saturating_mul(2);
        if attempt.plan.is_some() && attempts.bounds.is_none() && self.sizes.bears() {
            (self.next, self.cap) = (self.sizes.page(), self.sizes.page());
        }
        if page.nodes.iter().any(|node| matches!(node, Node::Whole(_) | Node::Received(_))) {
            self.faulty_in_a_row = 0;
        }
    }

    /// A list without pages that cannot be had whole: without the fields that fail.
    async fn plain_list_failed(
        &mut self,
        error: SourceError,
        attempts: Attempts,
    ) -> Result<ReadWithAsked, SourceError> {
        // It needs the room of what has come.
        let kept = error.clone().without_answer();
        match self.list_in_part(error).await? {
            Some(page) => Ok((page, None)),
            None => Err(attempts.first_error.unwrap_or(kept)),
        }
    }

    /// After a page that failed: decides on the next smaller step. None where that is to be tried; the page, where it ends at a
    /// record that is walked around.
    ///
    /// Errors: that of the first try, where no smaller step is left.
    async fn failed(
        &mut self,
        error: SourceError,
        attempt: &PageAttempt,
        attempts: &mut Attempts,
        after: Option<&str>,
    ) -> Result<Option<ReadWithAsked>, SourceError> {
        let asked = attempt.asked;
        if !error.may_be_too_much() {
            return Err(attempts.first_error.take().unwrap_or(error));
        }
        if matches!(error.class(), ErrorClass::OverLimit { .. }) {
            if !self.sizes.smaller_page(self.entity, asked, attempt.sent, &error) {
                // Nothing was small enough: it is this record that the API speaks of, and no limit of its queries.
                self.sizes.forget();
                let page = self.around(attempts.first_error.take().unwrap_or(error), after).await?;
                return Ok(Some((page, None)));
            }
        } else if asked > 1 {
            if self.heavy.as_ref().is_none_or(|known| !known.is_about_size() && error.is_about_size()) {
                self.heavy = Some(error.clone().without_answer());
            }
            self.cap = asked / 2;
            self.next = 1;
        } else if let Some(shorter) = self.shorter_lists(attempts.inner, attempts.bounds) {
            attempts.inner = Some(shorter);
        } else if let Some(fewer) = attempt.sent.bounds.a_quarter_of(self.entity)
            && attempts.bounds.is_none()
            && error.may_be_too_slow()
        {
            (attempts.bounds, attempts.inner) = (Some(fewer), None);
        } else {
            let page = self.around(attempts.first_error.take().unwrap_or(error), after).await?;
            return Ok(Some((page, None)));
        }
        attempts.is_tried_out |= error.class().is_retried();
        // The next try needs its room.
        attempts.first_error.get_or_insert(error.without_answer());
        Ok(None)
    }
}
