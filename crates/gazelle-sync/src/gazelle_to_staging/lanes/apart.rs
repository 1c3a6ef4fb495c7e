//! Staging records of which the database refuses some: something that a user has added to a staging table, or what `jsonb` cannot
//! hold. All others are stored.

use std::collections::BTreeMap;

use crate::db::{CONFLICT_ATTEMPTS, DbError, Fault};

/// Records that staging did not take, by id, with the reason.
pub type Refused = BTreeMap<String, String>;

/// Items on their way to staging, each part of them in a transaction of its own: all at once, and where one is refused, in
/// smaller and smaller parts, until that one stands alone and is noted.
pub(crate) struct Apart<'i, T> {
    parts: Vec<&'i [T]>,
    id_of: fn(&T) -> &str,
    /// How often a part met another transaction.
    conflicts: u32,
}

impl<'i, T> Apart<'i, T> {
    pub(crate) fn new(items: &'i [T], id_of: fn(&T) -> &str) -> Apart<'i, T> {
        Apart { parts: if items.is_empty() { Vec::new() } else { vec![items] }, id_of, conflicts: 0 }
    }

    /// The part that is to be staged next.
    pub(crate) fn next(&mut self) -> Option<&'i [T]> {
        self.parts.pop()
    }

    /// A part that was not staged. One that met another transaction is to be staged again.
    ///
    /// # Errors
    /// The one given, where it is about no record.
    pub(crate) fn failed(
        &mut self,
        part: &'i [T],
        error: DbError,
        refused: &mut Refused,
    ) -> Result<(), DbError> {
        match part {
            _ if error.fault == Fault::Conflict && self.conflicts < CONFLICT_ATTEMPTS => {
                self.conflicts += 1;
                self.parts.push(part);
            }
            _ if error.fault != Fault::Record => return Err(error),
            [alone] => drop(refused.insert((self.id_of)(alone).to_owned(), error.to_string())),
            _ => {
                let (first, second) = part.split_at(part.len() / 2);
                self.parts.extend([second, first]);
            }
        }
        Ok(())
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

    /// What comes of staging `items` where this says what the database does with a part, the number of parts tried so far.
    fn staged(
        items: &[&'static str],
        mut database: impl FnMut(&[&str], u32) -> Option<Fault>,
    ) -> (Vec<&'static str>, Result<Refused, Fault>) {
        let (mut stored, mut refused, mut tried) = (Vec::new(), Refused::new(), 0);
        let mut apart = Apart::new(items, |item| item);
        while let Some(part) = apart.next() {
            tried += 1;
            match database(part, tried) {
                None => stored.extend(part),
                Some(fault) => {
                    if let Err(error) = apart.failed(part, error(fault), &mut refused) {
                        return (stored, Err(error.fault));
                    }
                }
            }
        }
        (stored, Ok(refused))
    }

    #[test]
    fn what_is_refused_stands_alone_and_all_others_are_stored_in_order() {
        let refuses = |part: &[&str], _| part.contains(&"c").then_some(Fault::Record);
        let (stored, refused) = staged(&["a", "b", "c", "d", "e"], refuses);
        assert_eq!(stored, ["a", "b", "d", "e"]);
        assert_eq!(refused.unwrap().into_keys().collect::<Vec<_>>(), ["c"]);
        assert_eq!(staged(&[], refuses), (Vec::new(), Ok(Refused::new())));
    }

    #[test]
    fn a_part_that_met_another_transaction_is_staged_again_but_not_for_ever() {
        let once = |_: &[&str], tried| (tried == 1).then_some(Fault::Conflict);
        assert_eq!(staged(&["a", "b"], once), (vec!["a", "b"], Ok(Refused::new())));
        let always = |_: &[&str], _| Some(Fault::Conflict);
        assert_eq!(staged(&["a", "b"], always), (Vec::new(), Err(Fault::Conflict)));
        let gone = |_: &[&str], _| Some(Fault::Infrastructure);
        assert_eq!(staged(&["a"], gone), (Vec::new(), Err(Fault::Infrastructure)));
    }
}
