//! Distinguishes neighbouring faulty records from a failing API by requesting a record further on in the list.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::page::{Node, PageOutcome, PageRead};
use super::read::PageAttempt;
use super::reader::Reader;
use crate::gazelle_to_staging::records::budget::PartsBudget;
use crate::gazelle_to_staging::requests::parts::{Bounds, PartPlan, fewest_fields, fewest_levels};
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::window::PagePosition;
use crate::source::{ErrorClass, SourceError};

/// After more pages in a row than this of which nothing could be read, the share of failing records in the walk,
/// and other records of the list, decide whether the API is at fault and the window ends. Each such page costs
/// several requests.
const MANY_FAULTY_IN_A_ROW: u32 = 25;

/// The same for records for which no query is small enough. Each costs every step from the usual size to the
/// smallest.
const MANY_OVER_LIMIT_IN_A_ROW: u32 = 3;

/// How many pages further on a record is asked for if the API does not count.
const PAGES_FURTHER_ON: u64 = 4;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl Reader<'_> {
    /// Notes a page of which nothing could be read.
    ///
    /// # Errors
    /// `of_page`, if many such pages came in a row, the API failed at most of the walk, and gives no
    /// record further on either, so that it is at fault; those that any request would meet.
    pub(crate) async fn note_unreadable_page(
        &mut self,
        of_page: &SourceError,
        after: Option<&str>,
    ) -> Result<(), SourceError> {
        self.faulty_in_a_row += 1;
        self.sizes.tally.note_error(of_page);
        let many = match of_page.class() {
            ErrorClass::OverLimit { .. } => MANY_OVER_LIMIT_IN_A_ROW,
            _ => MANY_FAULTY_IN_A_ROW,
        };
        if self.faulty_in_a_row <= many || !self.sizes.tally.fails_at_most_records(0) {
            return Ok(());
        }
        let gives_others = match self.gives_others {
            Some(known) => known,
            None => self.gives_a_record_elsewhere(of_page, after).await?,
        };
        self.gives_others = Some(gives_others);
        let fails_at_most = self.total.is_some_and(|total| self.sizes.tally.fails_at_most_records(total));
        match gives_others && !fails_at_most {
            true => Ok(()),
            false => Err(of_page.clone()),
        }
    }

    /// Whether the API gives one of a few records whole that are further on in the list.
    async fn gives_a_record_elsewhere(
        &mut self,
        of_page: &SourceError,
        after: Option<&str>,
    ) -> Result<bool, SourceError> {
        let page = u64::from(self.sizes.page());
        let left = match self.total {
            Some(total) => total.saturating_sub(self.listed),
            None => page * PAGES_FURTHER_ON,
        };
        // The API may refuse the cursor of a page that is longer than usual.
        for distance in [left / 2, left / 4, left / 4 * 3, page] {
            let distance = u32::try_from(distance.max(1)).unwrap_or(u32::MAX);
            let Some(PageRead { end_cursor: Some(cursor), has_next_page: true, .. }) =
                self.page_without_records(after, distance).await?
            else {
                continue;
            };
            if self.gives_a_record_after(&cursor, of_page).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the API gives the record after a cursor, with the smallest query that `of_page` leaves.
    async fn gives_a_record_after(
        &mut self,
        cursor: &str,
        of_page: &SourceError,
    ) -> Result<bool, SourceError> {
        let sent = self.sizes.query_limits();
        let bounds = match of_page.is_over_limit() {
            true => Bounds { fields: fewest_fields(self.entity), levels: fewest_levels(self.entity) },
            false if of_page.may_be_too_slow() => {
                sent.bounds.quarter_of_fields(self.entity).unwrap_or(sent.bounds)
            }
            false => sent.bounds,
        };
        let plan = PartPlan::of_page(self.entity, bounds).ok();
        let attempt =
            PageAttempt { page_length: 1, sent, plan, client: self.fetch.api.client.with_attempts(1) };
        let before = (self.faulty_in_a_row, self.failed_mostly);
        let tried = self.try_page(&attempt, Some(cursor), Some(1), &PartsBudget::new(false)).await;
        (self.faulty_in_a_row, self.failed_mostly) = before;
        match tried {
            Ok(PageOutcome::Whole(page) | PageOutcome::Partial(page)) => Ok(page
                .nodes
                .iter()
                .any(|node| matches!(node, Node::Whole(_) | Node::Received(_)) && !node.is_faulty())),
            Ok(PageOutcome::Shifted(_) | PageOutcome::TooLarge(_)) => Ok(false),
            Err(error) if error.concerns_any_request() => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// A page without its records: its count, and the cursor after them. None if the API does not give these, or
    /// what comes after it could not be reached.
    ///
    /// # Errors
    /// Those that any request would meet.
    pub(super) async fn page_without_records(
        &self,
        after: Option<&str>,
        first: u32,
    ) -> Result<Option<PageRead>, SourceError> {
        let root = self.entity.walk.root;
        let request = queries::page_cursor(self.entity, PagePosition { window: self.window, after, first });
        let answer = match self.fetch.api.client.with_attempts(1).post(&request).await {
            Ok(answer) => answer,
            Err(of_cursor) if of_cursor.concerns_any_request() => return Err(of_cursor),
            Err(_) => return Ok(None),
        };
        let read = |path: &[&str]| answer.object_path(path).ok().flatten().map(RawValue::get);
        let info = read(&[root, "pageInfo"]).and_then(|raw| serde_json::from_str::<PageInfo>(raw).ok());
        let total_count = read(&[root, "totalCount"]).and_then(|raw| raw.parse().ok());
        let Some(PageInfo { has_next_page, end_cursor }) = info else { return Ok(None) };
        // Without a cursor the records after it cannot be reached.
        if has_next_page && end_cursor.is_none() || total_count == Some(0) {
            return Ok(None);
        }
        let (nodes, notes) = (Vec::new(), Vec::new());
        Ok(Some(PageRead { nodes, has_next_page, end_cursor, total_count, answer, notes }))
    }
}
