//! The distinct ids that a walk saw, and those that a window listed.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::staging::versions::Received;

/// Ids as 64-bit hashes: a million take some 8 MiB. Two ids of one hash can make a walk look incomplete, or
/// hide a deleted record until the next walk (every process hashes differently); they never delete one.
#[derive(Debug, Default)]
pub struct SeenIds {
    hasher: RandomState,
    hashes: Vec<u64>,
}

impl SeenIds {
    /// Notes the ids of these records.
    pub fn extend(&mut self, records: &[Received]) {
        self.hashes.extend(records.iter().map(|record| self.hasher.hash_one(record.external_id.as_str())));
    }

    /// Notes one id.
    pub fn add(&mut self, id: &str) {
        self.hashes.push(self.hasher.hash_one(id));
    }

    /// How many distinct ids were seen.
    pub fn count(&mut self) -> u64 {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.len() as u64
    }

    /// Whether an id was seen; right only after [`SeenIds::count`] put them in order.
    pub fn contains(&self, id: &str) -> bool {
        self.hashes.binary_search(&self.hasher.hash_one(id)).is_ok()
    }
}

/// Ids that were listed again, before a list that repeats itself is given up; and their bytes.
const MOST_REPEATS: usize = 100_000;
const MOST_REPEATED_BYTES: usize = 4 * 1024 * 1024;

/// What a window has listed, as 64-bit hashes too: some 10 to 20 bytes an id, until the window ends. They are hashed
/// otherwise than those of [`SeenIds`], so that two ids of one hash here do not pass there for one that is listed twice.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    hasher: RandomState,
    hashes: HashSet<u64>,
    repeats: Vec<String>,
    repeated_bytes: usize,
}

impl Listed {
    /// Notes ids in the order in which they are listed. Says whether one of them is new.
    pub(crate) fn add<'a>(&mut self, ids: impl Iterator<Item = &'a String>) -> bool {
        let before = self.hashes.len();
        for id in ids {
            if self.hashes.insert(self.hasher.hash_one(id.as_str())) || self.repeats_itself() {
                continue;
            }
            self.repeated_bytes += id.len();
            self.repeats.push(id.clone());
        }
        self.hashes.len() > before
    }

    /// Whether the limit of repeated ids is reached, beyond which none is noted.
    pub(crate) fn repeats_itself(&self) -> bool {
        self.repeats.len() > MOST_REPEATS || self.repeated_bytes > MOST_REPEATED_BYTES
    }

    /// The ids that were listed again, once for each time.
    pub(crate) fn into_repeats(self) -> Vec<String> {
        self.repeats
    }
}

/// Ends of pages that are noted in a window at most.
const MOST_ENDS: usize = 100_000;

/// Where the pages of a window ended, each with hashes of the ids directly before its end and after it.
#[derive(Debug, Default)]
pub(super) struct PageEnds {
    hasher: RandomState,
    ends: Vec<(u64, Option<u64>, Option<u64>)>,
    are_too_many: bool,
}

impl PageEnds {
    /// Notes the end of a page: its position in the window, in records, and the id of its last record.
    pub(super) fn ended(&mut self, after: u64, last: Option<String>) {
        self.are_too_many |= self.ends.len() >= MOST_ENDS;
        if !self.are_too_many {
            let last = last.map(|id| self.hasher.hash_one(id));
            self.ends.push((after, last, None));
        }
    }

    /// Notes the id of the first record of the next page.
    pub(super) fn begins_with(&mut self, first: Option<String>) {
        let first = first.map(|id| self.hasher.hash_one(id));
        if let Some((_, _, after)) = self.ends.last_mut()
            && !self.are_too_many
        {
            *after = first;
        }
    }

    /// The positions of page ends next to one of these ids. `[0]` stands for unknown: the window has more page ends than are noted.
    pub(super) fn beside(&self, repeats: &[String]) -> Vec<u64> {
        if self.are_too_many {
            return vec![0];
        }
        let repeats: HashSet<u64> = repeats.iter().map(|id| self.hasher.hash_one(id.as_str())).collect();
        let is_repeated = |id: &Option<u64>| id.is_some_and(|id| repeats.contains(&id));
        let beside = self.ends.iter().filter(|(_, last, first)| is_repeated(last) || is_repeated(first));
        beside.map(|(after, _, _)| *after).collect()
    }
}

impl crate::staging::deletions::Seen for SeenIds {
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
        let mut listed = Listed::default();
        assert!(listed.add(page(&["a", "b", "c"]).iter()));
        assert!(listed.add(page(&["c", "d", "a"]).iter()));
        assert!(!listed.add(page(&["a", "d"]).iter()));
        assert!(!listed.add(page(&[]).iter()));
        assert_eq!(listed.into_repeats(), ["c", "a", "a", "d"]);
    }

    #[test]
    fn a_page_that_ends_beside_a_repeated_id_is_told() {
        let id = |id: &str| Some(id.to_owned());
        let mut ends = PageEnds::default();
        for (first, after, last) in [("a", 3, "c"), ("c", 6, "f"), ("g", 9, "i"), ("j", 10, "j")] {
            ends.begins_with(id(first));
            ends.ended(after, id(last));
        }
        ends.begins_with(None);
        assert_eq!(ends.beside(&["c".to_owned()]), [3]);
        assert_eq!(ends.beside(&["e".to_owned()]), [0; 0]);
        assert_eq!(ends.beside(&["j".to_owned(), "f".to_owned()]), [6, 9, 10]);
    }

    #[test]
    fn a_list_that_repeats_itself_without_end_is_noted_no_further() {
        for (bytes, most) in [(1, MOST_REPEATS + 1), (512, MOST_REPEATED_BYTES / 512 + 1)] {
            let id = "a".repeat(bytes);
            let mut listed = Listed::default();
            listed.add(std::iter::repeat_n(&id, most));
            assert!(!listed.repeats_itself(), "{bytes}");
            listed.add(std::iter::repeat_n(&id, 200_000));
            assert!(listed.repeats_itself(), "{bytes}");
            assert_eq!(listed.into_repeats().len(), most, "{bytes}");
        }
    }
}
