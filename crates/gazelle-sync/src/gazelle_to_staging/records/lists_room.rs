//! Limits the nested lists of one record: their entries, bytes, pages and requests together. Limits for each list alone
//! are not enough, because one answer can contain very many lists that each have a further page.

use super::budget::MOST_REQUESTS;

/// Most pages of all lists of a record.
const MOST_PAGES: usize = 2_000;
/// Most entries of all lists of a record, and most bytes. A record that exceeds them is not stored whole.
const MOST_NODES: usize = 20_000;
pub(crate) const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How much was read: of all lists that are finished, or of one list so far.
#[derive(Debug, Default)]
pub(super) struct ListUsage {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    /// Requests for single entries by their ids.
    pub(super) requests: usize,
    pub(super) pages: usize,
}

/// How much the next page may contain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    /// Requests for single entries of it by their ids.
    pub(super) requests: usize,
    /// Pages, this one included.
    pub(super) pages: usize,
}

impl ListUsage {
    /// Adds a list that was read to its end. Its last page is not counted in it yet.
    pub(super) fn add(&mut self, list: &ListUsage) {
        self.nodes += list.nodes;
        self.bytes += list.bytes;
        self.requests += list.requests;
        self.pages += list.pages + 1;
    }

    /// How much the next page of `list` may contain, which has this much so far.
    pub(super) fn room_beside(&self, list: &ListUsage) -> Room {
        Room {
            nodes: MOST_NODES.saturating_sub(self.nodes + list.nodes),
            bytes: MOST_BYTES.saturating_sub(self.bytes + list.bytes),
            requests: MOST_REQUESTS.saturating_sub(self.requests + list.requests),
            pages: MOST_PAGES.saturating_sub(self.pages + list.pages),
        }
    }
}

impl Room {
    /// The message for a page that exceeds the limit with this number of entries and bytes; `None` if it does not.
    pub(super) fn refusal(&self, nodes: usize, bytes: usize) -> Option<String> {
        if nodes > self.nodes || bytes > self.bytes {
            return Some(format!(
                "holds, with the other lists of its record, more than {MOST_NODES} entries, or than {MOST_BYTES} bytes"
            ));
        }
        (self.pages == 0)
            .then(|| format!("has, with the other lists of its record, more than {MOST_PAGES} pages"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_a_record_share_what_one_may_have() {
        const MIB: usize = 1024 * 1024;
        for (what, lists, (nodes, bytes, requests, pages), left, page, is_taken) in [
            ("nothing yet", 0, (1, 1, 1, 1), (20_000, 16 * MIB, 2_000, 2_000), (1, 1), true),
            ("one list", 1, (400, MIB, 40, 5), (19_600, 15 * MIB, 1_960, 1_995), (400, MIB), true),
            ("many entries", 50, (400, 0, 0, 1), (0, 16 * MIB, 2_000, 1_950), (1, 0), false),
            ("many bytes", 16, (1, MIB, 0, 1), (19_984, 0, 2_000, 1_984), (0, 1), false),
            ("many requests", 50, (40, 0, 41, 1), (18_000, 16 * MIB, 0, 1_950), (1, 1), true),
            ("pages of nothing", 200, (0, 0, 0, 10), (20_000, 16 * MIB, 2_000, 0), (0, 0), false),
        ] {
            let mut before = ListUsage::default();
            for _ in 0..lists {
                before.add(&ListUsage { nodes, bytes, requests, pages: pages - 1 });
            }
            let room = before.room_beside(&ListUsage::default());
            assert_eq!((room.nodes, room.bytes, room.requests, room.pages), left, "{what}");
            assert_eq!(room.refusal(page.0, page.1).is_none(), is_taken, "{what}");
        }
    }
}
