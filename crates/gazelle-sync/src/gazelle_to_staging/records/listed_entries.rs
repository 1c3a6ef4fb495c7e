//! The entries of one list inside a record, collected page by page, and whether they are all of them.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use serde_json::value::RawValue;

use super::lists_room::{ListUsage, Room};
use super::receive::record_id;
use crate::source::Answer;

/// The most pages of one list.
const MOST_PAGES: usize = 1000;

/// The entries so far.
#[derive(Default)]
pub(super) struct ListedEntries {
    pub(super) nodes: Vec<Box<RawValue>>,
    bytes: usize,
    requests: usize,
    cursors: HashSet<String>,
    /// Hashes of the entries. An entry repeated on another page may stand in the place of one that was not listed.
    entries: HashSet<u64>,
    hasher: RandomState,
    /// The list's own count, as the first page that has one says.
    total: Option<u64>,
    /// The cursor of the next page.
    pub(super) after: Option<String>,
}

/// What follows after a page.
pub(super) enum ListProgress {
    Continues,
    /// The entries agree with the count.
    Ended,
    /// The list changed, or its count and entries disagree: how.
    Changed(String),
    /// The list has too many pages.
    Endless(Answer),
}

impl ListedEntries {
    /// The limits of the next page: what this list, and the connections of the record that were read before, have left.
    pub(super) fn room(&self, before: &ListUsage) -> Room {
        before.room_beside(&self.taken())
    }

    pub(super) fn taken(&self) -> ListUsage {
        let (nodes, pages) = (self.nodes.len(), self.cursors.len());
        ListUsage { nodes, bytes: self.bytes, requests: self.requests, pages }
    }

    /// A hash of an entry's id, or of the whole entry if it has no id; none for null.
    fn identity(&self, raw: &str) -> Option<u64> {
        match record_id(raw) {
            Some(id) => Some(self.hasher.hash_one(id)),
            None => (raw.trim() != "null").then(|| self.hasher.hash_one(raw)),
        }
    }

    /// Adds a page; none: the list vanished or was replaced.
    pub(super) fn take(&mut self, page: Option<NestedPage>) -> ListProgress {
        let Some(page) = page else { return ListProgress::Changed("it changed or vanished".to_owned()) };
        // If the count changed, entries may have moved across the end of a page, and one was not listed.
        if page.total_count.is_some_and(|count| self.total.is_some_and(|before| before != count)) {
            return ListProgress::Changed("its count changed".to_owned());
        }
        self.total = self.total.or(page.total_count);
        self.bytes += page.bytes();
        self.requests += page.requests;
        let entries: Vec<u64> = page.nodes.iter().filter_map(|node| self.identity(node.get())).collect();
        if entries.iter().any(|entry| self.entries.contains(entry)) {
            return ListProgress::Changed("it listed an entry of an earlier page again".to_owned());
        }
        self.entries.extend(entries);
        self.nodes.extend(page.nodes);
        let listed = self.nodes.len() as u64;
        if !page.has_next_page {
            return match self.total.filter(|total| *total != listed) {
                None => ListProgress::Ended,
                Some(total) => {
                    ListProgress::Changed(format!("it counted {total} entries and listed {listed}"))
                }
            };
        }
        // A repeated cursor would repeat the same pages for ever.
        let is_new = page.end_cursor.as_ref().is_some_and(|cursor| self.cursors.insert(cursor.clone()));
        if !is_new {
            return ListProgress::Changed("it repeated a page cursor".to_owned());
        }
        if let Some(total) = self.total.filter(|total| *total < listed) {
            return ListProgress::Changed(format!("it counted {total} entries and listed more"));
        }
        if self.cursors.len() > MOST_PAGES {
            return ListProgress::Endless(page.answer);
        }
        self.after = page.end_cursor;
        ListProgress::Continues
    }
}

/// A page of a list inside a record.
pub(super) struct NestedPage {
    pub(super) nodes: Vec<Box<RawValue>>,
    pub(super) has_next_page: bool,
    pub(super) end_cursor: Option<String>,
    pub(super) total_count: Option<u64>,
    /// The answer, without its body.
    pub(super) answer: Answer,
    /// Requests that its entries took.
    pub(super) requests: usize,
}

impl NestedPage {
    pub(super) fn bytes(&self) -> usize {
        self.nodes.iter().map(|node| node.get().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[&str], total_count: Option<u64>, next: Option<&str>) -> Option<NestedPage> {
        let raw = |id: &&str| RawValue::from_string(format!(r#"{{"id":"{id}"}}"#)).unwrap();
        let answer = Answer::from_body("Test", r#"{"data":{}}"#).unwrap();
        Some(NestedPage {
            nodes: ids.iter().map(raw).collect(),
            has_next_page: next.is_some(),
            end_cursor: next.map(str::to_owned),
            total_count,
            answer,
            requests: 0,
        })
    }

    fn progress(pages: Vec<Option<NestedPage>>) -> String {
        let mut listed = ListedEntries::default();
        let mut last = String::new();
        for page in pages {
            last = match listed.take(page) {
                ListProgress::Continues => "continues".to_owned(),
                ListProgress::Ended => format!("ended with {}", listed.nodes.len()),
                ListProgress::Changed(how) => return how,
                ListProgress::Endless(_) => "endless".to_owned(),
            };
        }
        last
    }

    #[test]
    fn a_list_has_ended_when_its_pages_agree_with_its_count_and_repeat_nothing() {
        let first = |total| page(&["a", "b"], total, Some("2"));
        for (pages, expected) in [
            (vec![first(Some(3)), page(&["c"], Some(3), None)], "ended with 3"),
            (vec![first(None), page(&["c"], None, None)], "ended with 3"),
            // The count is given with one page alone.
            (vec![first(Some(3)), page(&["c"], None, None)], "ended with 3"),
            (vec![first(Some(4)), page(&["c"], None, None)], "it counted 4 entries and listed 3"),
            (vec![first(None), page(&["c"], Some(4), None)], "it counted 4 entries and listed 3"),
            (vec![first(Some(4)), page(&["c"], Some(3), None)], "its count changed"),
            (
                vec![first(Some(3)), page(&["b"], Some(3), None)],
                "it listed an entry of an earlier page again",
            ),
            // Twice on one page, and so counted and held twice.
            (vec![page(&["a", "a"], Some(3), Some("2")), page(&["c"], Some(3), None)], "ended with 3"),
            (vec![first(Some(5)), page(&["c"], Some(5), Some("2"))], "it repeated a page cursor"),
            (
                vec![first(Some(3)), page(&["c", "d"], Some(3), Some("4"))],
                "it counted 3 entries and listed more",
            ),
            (vec![first(Some(3)), None], "it changed or vanished"),
        ] {
            assert_eq!(progress(pages), expected);
        }
    }
}
