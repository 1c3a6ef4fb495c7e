//! Finds the one item that the database refuses among many written in one transaction, by halving.

use super::conflicts::CONFLICT_ATTEMPTS;
use crate::db::error::{DbError, Fault};

/// Items that are written together. If the database refuses one of them, they are split in halves until that item
/// stands alone. Parts come in the order of the items.
#[derive(Debug)]
pub struct Bisect<'i, T> {
    parts: Vec<&'i [T]>,
    /// How many retries after a conflict are left, for all parts together.
    conflicts_left: u32,
}

impl<'i, T> Bisect<'i, T> {
    /// The first part is all items; without items there is none. A conflict with another transaction is an error
    /// like any other, unless [`Bisect::retrying_conflicts`] is called.
    pub fn new(items: &'i [T]) -> Bisect<'i, T> {
        Bisect { parts: if items.is_empty() { Vec::new() } else { vec![items] }, conflicts_left: 0 }
    }

    /// Retries parts that conflicted with another transaction, [`CONFLICT_ATTEMPTS`] times in all.
    pub fn retrying_conflicts(self) -> Bisect<'i, T> {
        Bisect { conflicts_left: CONFLICT_ATTEMPTS, ..self }
    }

    /// Puts a part first in the queue again.
    pub fn again(&mut self, part: &'i [T]) {
        self.parts.push(part);
    }

    /// Takes a part that failed. Returns the refused item and the reason if it stood alone; otherwise queues the
    /// part again, in halves if an item of it was refused.
    ///
    /// # Errors
    /// The given error, if no item caused it.
    pub fn failed(&mut self, part: &'i [T], error: DbError) -> Result<Option<(&'i T, DbError)>, DbError> {
        match part {
            _ if error.fault == Fault::Conflict && self.conflicts_left > 0 => {
                self.conflicts_left -= 1;
                self.again(part);
            }
            _ if error.fault != Fault::Record => return Err(error),
            [alone] => return Ok(Some((alone, error))),
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
        self.parts.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(fault: Fault) -> DbError {
        let mut error = DbError::infrastructure("refused");
        error.fault = fault;
        error
    }

    type Written = (Vec<&'static str>, Result<Vec<&'static str>, Fault>);

    /// Writes `items` with a closure that answers for the database, given a part and the number of parts tried so
    /// far. Returns what was written, and what was refused.
    fn written(items: &[&'static str], mut database: impl FnMut(&[&str], u32) -> Option<Fault>) -> Written {
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
                |part: &[&str], _| part.iter().any(|item| bad.contains(item)).then_some(Fault::Record);
            let wanted: Vec<&str> = items.iter().copied().filter(|item| bad.contains(item)).collect();
            assert_eq!(written(items, refuses), (good.to_vec(), Ok(wanted)), "{items:?} {bad:?}");
        }
    }

    #[test]
    fn a_part_that_met_another_transaction_is_tried_again_but_not_for_ever() {
        let once = |_: &[&str], tried| (tried == 1).then_some(Fault::Conflict);
        assert_eq!(written(&["a", "b"], once), (vec!["a", "b"], Ok(Vec::new())));
        let always = |_: &[&str], _| Some(Fault::Conflict);
        assert_eq!(written(&["a", "b"], always), (Vec::new(), Err(Fault::Conflict)));
        let gone = |_: &[&str], _| Some(Fault::Infrastructure);
        assert_eq!(written(&["a"], gone), (Vec::new(), Err(Fault::Infrastructure)));
        let unasked = Bisect::new(&["a"]).failed(&["a"], error(Fault::Conflict));
        assert!(unasked.is_err(), "nobody asked for it to be tried again");
    }
}
