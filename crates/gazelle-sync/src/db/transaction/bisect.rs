//! Finds the one item that the database refuses among many written in one transaction, by halving.

use super::conflicts::CONFLICT_ATTEMPTS;
use crate::db::error::{DbError, DbErrorClass};

/// Items that are written together. If the database refuses one of them, they are split in halves until that item
/// stands alone. Parts come in the order of the items.
///
/// Where an error may be the item's or the database's ([`DbErrorClass::RecordOrDatabase`]), the others decide: once a part was
/// written, it is the item's. An item that stands alone before any was written comes again after the others; if none of them
/// is written either, it is the database's.
#[derive(Debug)]
pub struct Bisect<'i, T> {
    parts: Vec<&'i [T]>,
    /// How many parts were handed out and did not fail.
    written: usize,
    /// How many items, each alone, are at the bottom of `parts` to come again. They come after all others.
    undecided: usize,
    /// How many retries after a conflict are left, for all parts together.
    conflicts_left: u32,
}

impl<'i, T> Bisect<'i, T> {
    /// The first part is all items; without items there is none. A conflict with another transaction is an error
    /// like any other, unless [`Bisect::retrying_conflicts`] is called.
    pub fn new(items: &'i [T]) -> Bisect<'i, T> {
        let parts = if items.is_empty() { Vec::new() } else { vec![items] };
        Bisect { parts, written: 0, undecided: 0, conflicts_left: 0 }
    }

    /// Retries parts that conflicted with another transaction, [`CONFLICT_ATTEMPTS`] times in all.
    pub fn retrying_conflicts(self) -> Bisect<'i, T> {
        Bisect { conflicts_left: CONFLICT_ATTEMPTS, ..self }
    }

    /// Puts a part that was not written first in the queue again.
    pub fn again(&mut self, part: &'i [T]) {
        self.written = self.written.saturating_sub(1);
        self.parts.push(part);
    }

    /// Whether a part was written before the last one.
    pub fn has_written(&self) -> bool {
        self.written > 1
    }

    /// Notes that the database writes other rows than these: what it refuses is refused for itself.
    pub fn others_are_written(&mut self) {
        self.written += 1;
    }

    /// Takes a part that failed. Returns the refused item and the reason if it stood alone; otherwise queues the
    /// part again, in halves if an item of it was refused.
    ///
    /// # Errors
    /// The given error, if no item caused it.
    pub fn failed(&mut self, part: &'i [T], error: DbError) -> Result<Option<(&'i T, DbError)>, DbError> {
        if error.fault == DbErrorClass::Conflict && self.conflicts_left > 0 {
            self.conflicts_left -= 1;
            self.again(part);
            return Ok(None);
        }
        self.written = self.written.saturating_sub(1);
        match part {
            _ if !error.may_be_a_records() => return Err(error),
            [alone] if error.fault == DbErrorClass::Record || self.written > 0 => {
                return Ok(Some((alone, error)));
            }
            // All that is left has failed alone before, and nothing was written.
            [_] if self.parts.len() <= self.undecided => return Err(error),
            [_] => {
                self.parts.insert(0, part);
                self.undecided += 1;
            }
            _ => {
                let (first, second) = part.split_at(part.len() / 2);
                self.parts.extend([second, first]);
            }
        }
        Ok(None)
    }
}

impl<'i, T> Iterator for Bisect<'i, T> {
    type Item = &'i [T];

    /// The next part to write; `None` when every item is written or refused.
    fn next(&mut self) -> Option<&'i [T]> {
        let part = self.parts.pop()?;
        self.undecided = self.undecided.min(self.parts.len());
        self.written += 1;
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(fault: DbErrorClass) -> DbError {
        let mut error = DbError::infrastructure("refused");
        error.fault = fault;
        error
    }

    type Written = (Vec<&'static str>, Result<Vec<&'static str>, DbErrorClass>);

    /// Writes `items` with a closure that answers for the database, given a part and the number of parts tried so
    /// far. Returns what was written, and what was refused.
    fn written(
        items: &[&'static str],
        mut database: impl FnMut(&[&str], u32) -> Option<DbErrorClass>,
    ) -> Written {
        let (mut written, mut refused, mut tried) = (Vec::new(), Vec::new(), 0);
        let mut parts = Bisect::new(items).retrying_conflicts();
        while let Some(part) = parts.next() {
            tried += 1;
            match database(part, tried) {
                None => written.extend(part),
                Some(fault) => match parts.failed(part, error(fault)) {
                    Ok(alone) => refused.extend(alone.map(|(item, _)| *item)),
                    Err(error) => return (written, Err(error.fault)),
                },
            }
        }
        (written, Ok(refused))
    }

    #[test]
    fn what_is_refused_stands_alone_and_all_others_are_written_in_order() {
        for (items, bad, good) in [
            (&["a", "b", "c", "d", "e"][..], &["c"][..], &["a", "b", "d", "e"][..]),
            (&["a", "b", "c"], &["a", "b", "c"], &[]),
            (&["a", "b"], &["b"], &["a"]),
            (&["a"], &["a"], &[]),
            (&["a", "b"], &[], &["a", "b"]),
            (&[], &["a"], &[]),
        ] {
            let refuses =
                |part: &[&str], _| part.iter().any(|item| bad.contains(item)).then_some(DbErrorClass::Record);
            let wanted: Vec<&str> = items.iter().copied().filter(|item| bad.contains(item)).collect();
            assert_eq!(written(items, refuses), (good.to_vec(), Ok(wanted)), "{items:?} {bad:?}");
        }
    }

    #[test]
    fn an_error_that_may_be_the_databases_is_an_items_only_if_others_are_written() {
        let unsure = DbErrorClass::RecordOrDatabase;
        for (items, bad, expected) in [
            (&["a", "b", "c", "d", "e"][..], &["c"][..], Ok((&["a", "b", "d", "e"][..], &["c"][..]))),
            // The first ones come again after the others.
            (&["a", "b", "c", "d", "e"], &["a", "b"], Ok((&["c", "d", "e"], &["b", "a"]))),
            (&["a", "b", "c"], &["a", "b"], Ok((&["c"], &["b", "a"]))),
            (&["a", "b", "c", "d", "e"], &["a", "b", "c", "d", "e"], Err(())),
            (&["a", "b"], &["a", "b"], Err(())),
            (&["a"], &["a"], Err(())),
        ] {
            let mut tried = 0;
            let refuses = |part: &[&str], tries| {
                tried = tries;
                part.iter().any(|item| bad.contains(item)).then_some(unsure)
            };
            let (good, refused) = written(items, refuses);
            match (refused, expected) {
                (Ok(refused), Ok((written, alone))) => {
                    let (mut refused, mut alone) = (refused, alone.to_vec());
                    refused.sort_unstable();
                    alone.sort_unstable();
                    assert_eq!((good.as_slice(), refused), (written, alone), "{items:?} {bad:?}");
                }
                (refused, expected) => {
                    assert_eq!((good.as_slice(), refused), (&[][..], Err(unsure)), "{items:?} {expected:?}");
                }
            }
            assert!(tried <= 3 * items.len() as u32, "{items:?} {bad:?}: {tried}");
        }
        // One that is refused in any case is none of the others that are written.
        let database = |part: &[&str], _| match part {
            ["a"] => Some(DbErrorClass::Record),
            _ => Some(unsure),
        };
        assert_eq!(written(&["a", "b"], database), (Vec::new(), Err(unsure)));
        // Somebody knows that others are written.
        let mut parts = Bisect::new(&["a"]);
        let part = parts.next().unwrap();
        assert!(!parts.has_written());
        parts.others_are_written();
        assert!(parts.failed(part, error(unsure)).unwrap().is_some());
    }

    #[test]
    fn a_part_that_met_another_transaction_is_tried_again_but_not_for_ever() {
        let once = |_: &[&str], tried| (tried == 1).then_some(DbErrorClass::Conflict);
        assert_eq!(written(&["a", "b"], once), (vec!["a", "b"], Ok(Vec::new())));
        let always = |_: &[&str], _| Some(DbErrorClass::Conflict);
        assert_eq!(written(&["a", "b"], always), (Vec::new(), Err(DbErrorClass::Conflict)));
        let gone = |_: &[&str], _| Some(DbErrorClass::Infrastructure);
        assert_eq!(written(&["a"], gone), (Vec::new(), Err(DbErrorClass::Infrastructure)));
        let unasked = Bisect::new(&["a"]).failed(&["a"], error(DbErrorClass::Conflict));
        assert!(unasked.is_err(), "nobody asked for it to be tried again");
    }
}
