//! The distinct ids that a walk saw, and those that a window listed.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use crate::staging::versions::Received;

/// Ids as 64-bit hashes: a million take about 8 MiB. Two ids with the same hash can make a walk look
/// incomplete, or hide a deleted record until the next walk (every process hashes differently). They never
/// cause a deletion.
#[derive(Debug, Default)]
pub struct SeenIds {
    hasher: RandomState,
    hashes: Vec<u64>,
}

impl SeenIds {
    /// Adds the ids of these records.
    pub fn extend(&mut self, records: &[Received]) {
        self.hashes.extend(records.iter().map(|record| self.hasher.hash_one(record.external_id.as_str())));
    }

    /// Adds one id.
    pub fn add(&mut self, id: &str) {
        self.hashes.push(self.hasher.hash_one(id));
    }

    /// The number of distinct ids. Also sorts them, for [`SeenIds::contains`].
    pub fn count(&mut self) -> u64 {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.len() as u64
    }

    /// Whether an id was seen. Only correct after [`SeenIds::count`], which sorts the ids.
    pub fn contains(&self, id: &str) -> bool {
        self.hashes.binary_search(&self.hasher.hash_one(id)).is_ok()
    }
}

/// The most repeated ids that are kept of a list, and their most bytes. Beyond either, the list is given up.
const MOST_REPEATS: usize = 100_000;
const MOST_REPEATED_BYTES: usize = 4 * 1024 * 1024;

/// The ids that a window listed, as 64-bit hashes: 10 to 20 bytes per id, until the window ends. Hashed
/// differently than in [`SeenIds`], so that two ids with the same hash there do not look like one id listed
/// twice here.
#[derive(Debug, Default)]
pub(crate) struct ListedIds {
    hasher: RandomState,
    hashes: HashSet<u64>,
    repeats: Vec<String>,
    repeated_bytes: usize,
    pages: usize,
    /// For each watched id, the first and the last page that listed it; none if it was not listed yet.
    watched: HashMap<u64, Option<(usize, usize)>>,
}

impl ListedIds {
    /// Also notes on which pages these ids are listed.
    pub(crate) fn watching(ids: &[String]) -> ListedIds {
        let mut listed = ListedIds::default();
        listed.watched = ids.iter().map(|id| (listed.hasher.hash_one(id.as_str()), None)).collect();
        listed
    }

    /// Adds the ids of the next page. Returns whether one of them is new.
    pub(crate) fn add<'a>(&mut self, ids: impl Iterator<Item = &'a String>) -> bool {
        let before = self.hashes.len();
        let page = self.pages;
        self.pages += 1;
        for id in ids {
            let hash = self.hasher.hash_one(id.as_str());
            if let Some(span) = self.watched.get_mut(&hash) {
                *span = Some((span.map_or(page, |(first, _)| first), page));
            }
            if self.hashes.insert(hash) || self.has_too_many_repeats() {
                continue;
            }
            self.repeated_bytes += id.len();
            self.repeats.push(id.clone());
        }
        self.hashes.len() > before
    }

    /// For each watched id that several pages listed, the first and the last of them, counted from 0.
    pub(crate) fn spans(&self) -> Vec<(usize, usize)> {
        self.watched.values().flatten().copied().filter(|(first, last)| first < last).collect()
    }

    /// Whether the limit of repeated ids is reached. Beyond it, none is kept.
    pub(crate) fn has_too_many_repeats(&self) -> bool {
        self.repeats.len() > MOST_REPEATS || self.repeated_bytes > MOST_REPEATED_BYTES
    }

    /// The ids that were listed again, once for each repeat.
    pub(crate) fn into_repeats(self) -> Vec<String> {
        self.repeats
    }
}

/// The most ends of pages that are kept of a window.
const MOST_ENDS: usize = 100_000;

/// After how many records the pages of a window ended, except for its last page.
#[derive(Clone, Debug, Default)]
pub struct PageEnds {
    after: Vec<u64>,
    /// Whether the window has more ends than are kept.
    are_too_many: bool,
}

impl PageEnds {
    /// Adds the end of a page that others follow.
    pub(super) fn add(&mut self, after: u64) {
        self.are_too_many |= self.after.len() >= MOST_ENDS;
        if !self.are_too_many {
            self.after.push(after);
        }
    }

    #[cfg(test)]
    pub(crate) fn of(after: &[u64]) -> PageEnds {
        PageEnds { after: after.to_vec(), are_too_many: false }
    }

    /// The number of records of the first page, if others followed it.
    pub(crate) fn first(&self) -> Option<u64> {
        self.after.first().copied()
    }

    /// Whether a page between two pages, given by their indexes, ended where one of `before` did. Also true if
    /// not all ends are known.
    pub(crate) fn have_one_in_common(&self, before: &PageEnds, (first, last): (usize, usize)) -> bool {
        let between = self.after.get(first..last.min(self.after.len())).unwrap_or_default();
        self.are_too_many
            || before.are_too_many
            || between.iter().any(|after| before.after.binary_search(after).is_ok())
    }
}

impl crate::staging::deletions::IdSet for SeenIds {
    fn saw(&self, id: &str) -> bool {
        self.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_listed_again_are_told_by_id_once_for_each_time() {
        let page = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<String>>();
        let mut listed = ListedIds::default();
        assert!(listed.add(page(&["a", "b", "c"]).iter()));
        assert!(listed.add(page(&["c", "d", "a"]).iter()));
        assert!(!listed.add(page(&["a", "d"]).iter()));
        assert!(!listed.add(page(&[]).iter()));
        assert_eq!(listed.into_repeats(), ["c", "a", "a", "d"]);
    }

    #[test]
    fn the_pages_are_told_that_list_an_id_that_is_watched() {
        let page = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<String>>();
        let mut listed = ListedIds::watching(&page(&["a", "b", "c", "z"]));
        for ids in [&["a", "b", "b"][..], &[], &["d", "a"], &["a", "c"]] {
            listed.add(page(ids).iter());
        }
        assert_eq!(listed.spans(), [(0, 3)]);
    }

    #[test]
    fn an_end_of_a_page_between_two_others_is_compared() {
        let (now, before) = (PageEnds::of(&[1, 4, 7, 10]), PageEnds::of(&[3, 6, 7, 9]));
        for (span, expected) in [
            ((0, 1), false),
            ((0, 2), false),
            ((0, 3), true),
            ((2, 3), true),
            ((3, 4), false),
            ((3, 9), false),
        ] {
            assert_eq!(now.have_one_in_common(&before, span), expected, "{span:?}");
        }
        let too_many = PageEnds { are_too_many: true, ..PageEnds::default() };
        assert!(too_many.have_one_in_common(&before, (0, 1)) && now.have_one_in_common(&too_many, (0, 1)));
        assert_eq!((now.first(), PageEnds::default().first()), (Some(1), None));
    }

    #[test]
    fn a_list_that_repeats_itself_without_end_is_noted_no_further() {
        for (bytes, most) in [(1, MOST_REPEATS + 1), (512, MOST_REPEATED_BYTES / 512 + 1)] {
            let id = "a".repeat(bytes);
            let mut listed = ListedIds::default();
            listed.add(std::iter::repeat_n(&id, most));
            assert!(!listed.has_too_many_repeats(), "{bytes}");
            listed.add(std::iter::repeat_n(&id, 200_000));
            assert!(listed.has_too_many_repeats(), "{bytes}");
            assert_eq!(listed.into_repeats().len(), most, "{bytes}");
        }
    }
}
