//! Writes many items in one transaction that goes on without those that the database refuses.

use super::bisect::Bisect;
use crate::db::error::DbError;

/// The number of refused items after which the remaining ones are not tried: to find each takes several statements.
pub const MOST_REFUSALS: usize = 16;

/// Items that are written together, each part in a savepoint ([`super::Tx::in_savepoint`]). A refused part is halved until the
/// refused item is alone, as far as no more than [`MOST_REFUSALS`] are refused.
#[derive(Debug)]
pub struct Refusals<'i, T> {
    parts: Bisect<'i, T>,
    refused: Vec<(&'i T, String)>,
}

impl<'i, T> Refusals<'i, T> {
    /// Nothing is written yet.
    pub fn new(items: &'i [T]) -> Refusals<'i, T> {
        Refusals { parts: Bisect::new(items), refused: Vec::new() }
    }

    /// The next part to write in a savepoint; the caller passes its result to [`Refusals::add_result`]. `None` when each item is
    /// written, refused, or not tried after too many refusals.
    pub fn next_part(&mut self) -> Option<&'i [T]> {
        for part in self.parts.by_ref() {
            if self.refused.len() < MOST_REFUSALS {
                return Some(part);
            }
            self.refused.extend(part.iter().map(|item| (item, "not tried after other refusals".to_owned())));
        }
        None
    }

    /// Adds the result of a part.
    ///
    /// # Errors
    /// The error of the part, if no item caused it.
    pub fn add_result(&mut self, part: &'i [T], written: Result<(), DbError>) -> Result<(), DbError> {
        if let Err(refusal) = written
            && let Some((alone, refusal)) = self.parts.failed(part, refusal)?
        {
            self.refused.push((alone, refusal.to_string()));
        }
        Ok(())
    }

    /// The items that are not written, with the reasons.
    pub fn into_refused(self) -> Vec<(&'i T, String)> {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DbErrorClass;

    /// Writes numbers, of which the database refuses some. Returns which are not written and why, and the number of attempts.
    fn refused(numbers: &[u32], is_refused: fn(u32) -> bool) -> (Vec<(u32, String)>, u32) {
        let (mut parts, mut attempts) = (Refusals::new(numbers), 0);
        while let Some(part) = parts.next_part() {
            attempts += 1;
            let mut error = DbError::infrastructure("refused");
            error.fault = DbErrorClass::Record;
            let written = if part.iter().any(|number| is_refused(*number)) { Err(error) } else { Ok(()) };
            parts.add_result(part, written).unwrap();
        }
        (parts.into_refused().into_iter().map(|(number, why)| (*number, why)).collect(), attempts)
    }

    #[test]
    fn what_is_refused_stands_alone_with_its_reason() {
        let numbers: Vec<u32> = (0..100).collect();
        assert_eq!(refused(&numbers, |_| false), (Vec::new(), 1));
        let (refused, _) = refused(&numbers, |number| matches!(number, 3 | 70));
        assert_eq!(refused.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 70]);
        assert!(refused.iter().all(|(_, why)| why.contains("refused")), "{refused:?}");
    }

    #[test]
    fn after_many_refusals_the_others_are_not_tried() {
        let numbers: Vec<u32> = (0..10_000).collect();
        let (refused, attempts) = refused(&numbers, |_| true);
        assert_eq!(refused.len(), 10_000, "each is reported");
        let untried = refused.iter().filter(|(_, why)| why == "not tried after other refusals").count();
        assert_eq!(untried, 10_000 - MOST_REFUSALS);
        assert!(attempts < 60, "{attempts}");
    }

    #[test]
    fn an_error_that_no_item_caused_is_returned() {
        let mut parts = Refusals::new(&[1, 2]);
        let part = parts.next_part().unwrap();
        assert!(parts.add_result(part, Err(DbError::infrastructure("gone"))).is_err());
    }
}
