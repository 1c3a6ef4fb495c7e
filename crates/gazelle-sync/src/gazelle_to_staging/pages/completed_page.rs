//! Completes the records of a page, and queues it for staging.

use super::queue::{PageQueue, QueuedPage};
use super::seen::ListedIds;
use crate::entities::Entity;
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::pages::failing::FailingRecord;
use crate::gazelle_to_staging::pages::page::{Node, PageRead};
use crate::gazelle_to_staging::records::faults::{concerns_all_records, with_fault, with_list_fault};
use crate::gazelle_to_staging::records::nested::{self, NestedError};
use crate::gazelle_to_staging::records::receive::{receive, receive_completed};
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::window::Window;
use crate::source::{NodeFault, SourceError};

/// Completes the records of a page that have long lists, because a shortened record would lose the rest in
/// production, and queues the page. A record that changes while it is completed waits for the end of the walk,
/// to be looked up by its id. One whose list the API cannot give waits for it too, with its fault: if most lists
/// fail, the API is at fault. Returns whether any record is new to the window.
pub(super) async fn queue_page(
    fetch: &Fetch,
    entity: &'static Entity,
    page: PageRead,
    queue: &PageQueue,
    seen: Option<&mut ListedIds>,
) -> Result<bool, SourceError> {
    crate::crash::at(crate::crash::CrashPoint::PageReceived);
    let PageRead { answer, nodes, notes, .. } = page;
    let mut bytes = answer.body.len();
    // The time of the answer, because the page may have waited for the one before.
    let seen_at = fetch.run.clock.at(answer.arrived);
    let mut page = QueuedPage { records: Vec::with_capacity(nodes.len()), notes, ..QueuedPage::default() };
    let tally = &fetch.sizes.for_entity(entity).tally;
    // An empty page counts as new: the window limits those.
    let (mut outcome, is_empty) = (Ok(true), nodes.is_empty());
    for node in nodes {
        if let Node::Received(record) | Node::LookedUp(record) = &node {
            bytes += record.raw.len();
        }
        let Some(raw) = page.take(node, fetch.sizes.for_entity(entity)) else { continue };
        let raw = std::str::from_utf8(&raw).unwrap_or_default();
        if !entity.has_nested() || !nested::may_overflow(raw) {
            page.records.push(receive(&answer, raw, seen_at));
            continue;
        }
        match nested::complete(&fetch.api.client, entity, raw, fetch.sizes.for_entity(entity)).await {
            Ok(whole) => {
                tally.count_list(None);
                bytes += whole.len();
                page.records.push(receive_completed(&answer, whole, seen_at));
            }
            Err(NestedError::Source { error, field })
                if !concerns_all_records(&error) && api_answers(fetch, entity, &error).await =>
            {
                tally.count_list(Some(&error));
                let record = with_list_fault(receive(&answer, raw, seen_at), &error, &field);
                page.failing.push(FailingRecord::new(record, false, 1));
            }
            Err(NestedError::Source { error, .. }) => outcome = Err(error),
            Err(NestedError::Changed { field, said, .. }) => {
                tally.count_failing();
                let of_list = NodeFault { field, message: said, is_not_text: false };
                let record = with_fault(receive(&answer, raw, seen_at), &of_list);
                page.failing.push(FailingRecord {
                    record,
                    can_be_looked_up: true,
                    attempts: 2,
                    may_have_gone: true,
                    is_cut: false,
                });
            }
        }
    }
    let has_new = seen.is_none_or(|listed| lists_new(&page, listed));
    let outcome = outcome.map(|_| is_empty || has_new);
    queue.send(page, bytes).await;
    outcome
}

/// Adds the ids of a page to those that its window listed. Returns whether it lists a record that may be new.
fn lists_new(page: &QueuedPage, listed: &mut ListedIds) -> bool {
    let held = page.kept.iter().map(|kept| &kept.external_id);
    let failing = page.failing.iter().map(|failing| &failing.record.external_id);
    let ids = page.records.iter().map(|record| &record.external_id).chain(held).chain(failing);
    // An entry without an id may be any record.
    listed.add(ids) || page.nameless + page.null_nodes > 0
}

/// Whether the API answers at all. If so, the failure is about the record's list. The first record of the list may
/// fail as well, so that its cursor is enough.
async fn api_answers(fetch: &Fetch, entity: &Entity, of_list: &SourceError) -> bool {
    if of_list.is_partial() {
        return true;
    }
    let window = Window::default();
    let first = window.first_page_of(1);
    for request in [queries::page_cursor(entity, first), queries::page_ids(entity, first)] {
        match fetch.api.client.with_attempts(1).post(&request).await {
            Ok(_) => return true,
            Err(error) if error.is_partial() => return true,
            Err(error) if error.concerns_any_request() => return false,
            Err(_) => {}
        }
    }
    false
}
