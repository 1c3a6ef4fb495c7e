//! Paging through one window: the next page is asked for while this one is handed on.

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;

use super::nested::{self, NestedError};
use super::plan::Window;
use super::receive::{receive, receive_completed};
use super::{Fetch, FetchError};
use crate::entities::{Entity, Shape};
use crate::source::{Answer, GraphqlRequest, ListShape, SourceError};
use crate::staging::versions::Received;

/// Pages without a record, before a walk that does not end is given up; and pages' worth of records more than four
/// times what the count promises.
const PAGES_TOO_MANY: u64 = 20;

/// A page's records on their way to staging.
pub struct Arrived {
    /// In the page's order.
    pub records: Vec<Received>,
    /// Entries that the API gave as null.
    pub null_nodes: u64,
}

/// How the walk of a window ended.
#[derive(Debug, Default)]
pub struct WindowEnd {
    /// The window's own count, as its first page said.
    pub total: Option<u64>,
    /// By the API's clock where it tells, when the first page was answered.
    pub started_at: Option<Timestamp>,
    /// Why the window was not walked whole; absent when it was.
    pub incomplete: Option<Shortfall>,
}

/// Why a walk does not count as complete.
#[derive(Debug, Clone)]
pub enum Shortfall {
    /// Rows moved while they were read: another walk may come out even.
    Shifted(String),
    /// The API's pages do not end: another walk would not either.
    Endless(String),
}

/// Walks a window to its end, or to its page limit, handing each page on.
pub async fn walk(
    fetch: &Fetch,
    entity: &'static Entity,
    window: &Window,
    arrived: &mpsc::Sender<Arrived>,
) -> Result<WindowEnd, FetchError> {
    let shape = match entity.walk.shape {
        Shape::PlainList => ListShape::Plain,
        Shape::Connection { .. } => ListShape::Connection,
    };
    let mut end = WindowEnd::default();
    let mut after: Option<String> = None;
    let (mut pages, mut empty_pages, mut records) = (0, 0, 0);
    let mut answer = fetch.client.post(&page_request(fetch, entity, window, None)).await?;
    loop {
        let page = answer.page(entity.walk.root, shape)?;
        pages += 1;
        if pages == 1 {
            end.total = page.total_count;
            end.started_at = Some(answer.server_date.unwrap_or(answer.started_at));
        } else if page.total_count != end.total {
            end.incomplete.get_or_insert(Shortfall::Shifted("the count changed while walking".to_owned()));
        }
        let is_last = !page.has_next_page || window.page_limit.is_some_and(|limit| pages >= limit);
        records += page.nodes.len() as u64;
        empty_pages += u64::from(page.nodes.is_empty());
        // In records, since the API may give fewer a page than asked for.
        let most_records = end.total.unwrap_or_default() * 4 + u64::from(fetch.page_size) * PAGES_TOO_MANY;
        let next_cursor = if is_last {
            None
        } else if page.end_cursor == after {
            end.incomplete = Some(Shortfall::Endless("the API repeated a page cursor".to_owned()));
            None
        } else if empty_pages >= PAGES_TOO_MANY || records > most_records {
            end.incomplete =
                Some(Shortfall::Endless(format!("the API had no last page after {pages} pages")));
            None
        } else {
            page.end_cursor.clone()
        };
        let nodes: Vec<Option<&str>> = page.nodes.iter().map(|node| node.map(|raw| raw.get())).collect();
        let hand_on = hand_on(fetch, entity, &answer, &nodes, arrived);
        let ask = async {
            match &next_cursor {
                Some(cursor) => {
                    let request = page_request(fetch, entity, window, Some(cursor));
                    fetch.client.post(&request).await.map(Some)
                }
                None => Ok(None),
            }
        };
        // The request first: it is on its way while this page is read.
        let (next, handed_on): (Result<Option<Answer>, SourceError>, Result<(), NestedError>) =
            tokio::join!(ask, hand_on);
        match handed_on {
            Ok(()) => {}
            Err(NestedError::Source(error)) => return Err(error.into()),
            Err(changed) => {
                end.incomplete.get_or_insert(Shortfall::Shifted(changed.to_string()));
            }
        }
        let Some(next) = next? else { return Ok(end) };
        after = next_cursor;
        answer = next;
    }
}

/// Hands a page's records on, completing those with long connections. A record that cannot be completed
/// is left out: the walk is then incomplete, and staging a shortened record would lose its rest.
async fn hand_on(
    fetch: &Fetch,
    entity: &'static Entity,
    answer: &Answer,
    nodes: &[Option<&str>],
    arrived: &mpsc::Sender<Arrived>,
) -> Result<(), NestedError> {
    crate::crash::at(crate::crash::Step::PageReceived);
    // Not now: the page may have waited for the one before.
    let seen_at = fetch.clock.at(answer.arrived);
    let mut page = Arrived { records: Vec::with_capacity(nodes.len()), null_nodes: 0 };
    let mut outcome = Ok(());
    for node in nodes {
        match node {
            None => page.null_nodes += 1,
            Some(raw) if !entity.nested.is_empty() && nested::may_overflow(raw) => {
                match nested::complete(&fetch.client, entity, raw, fetch.page_size).await {
                    Ok(whole) => page.records.push(receive_completed(answer, whole, seen_at)),
                    Err(error) => outcome = Err(error),
                }
            }
            Some(raw) => page.records.push(receive(answer, raw, seen_at)),
        }
    }
    // A closed channel means that staging failed, which its own error tells.
    let _ = arrived.send(page).await;
    outcome
}

fn page_request(fetch: &Fetch, entity: &Entity, window: &Window, after: Option<&str>) -> GraphqlRequest {
    let mut variables = serde_json::Map::new();
    if let Shape::Connection { .. } = entity.walk.shape {
        variables.insert("first".to_owned(), json!(window.page_size.unwrap_or(fetch.page_size)));
        variables.insert("after".to_owned(), json!(after));
        if let Some(filters) = &window.filters {
            variables.insert("filters".to_owned(), filters.clone());
        }
        if let Some(sort) = window.sort {
            variables.insert("sortBy".to_owned(), json!([sort]));
        }
    }
    GraphqlRequest::new(entity.walk.operation, entity.walk.page_query, variables.into())
}
