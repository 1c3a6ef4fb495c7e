//! Stages a batch of which the database refuses some records, because of something that a user added to a staging
//! table or because `jsonb` cannot hold their content. The batch is bisected until each refused record is alone, and all
//! others are stored.

use std::collections::BTreeMap;

use crate::db::{Bisect, DbError};

/// Records that staging refused to store, by id, with the reason.
pub type RefusalReasons = BTreeMap<String, String>;

/// Splits items into parts, each staged in a transaction of its own. A refused part is halved until the refused item is
/// alone; that item is noted by its id.
pub(crate) struct StagingBisect<'i, T> {
    parts: Bisect<'i, T>,
    id_of: fn(&T) -> &str,
}

impl<'i, T> StagingBisect<'i, T> {
    pub(crate) fn new(items: &'i [T], id_of: fn(&T) -> &str) -> StagingBisect<'i, T> {
        StagingBisect { parts: Bisect::new(items).retrying_conflicts(), id_of }
    }

    /// The next part to stage; `None` when all are done.
    pub(crate) fn next(&mut self) -> Option<&'i [T]> {
        self.parts.next()
    }

    /// Notes that a part was not staged. A part that conflicted with another transaction comes again.
    ///
    /// # Errors
    /// `error`, if no record caused it.
    pub(crate) fn failed(
        &mut self,
        part: &'i [T],
        error: DbError,
        refused: &mut RefusalReasons,
    ) -> Result<(), DbError> {
        if let Some((alone, why)) = self.parts.failed(part, error)? {
            refused.insert((self.id_of)(alone).to_owned(), why.to_string());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DbErrorClass;

    /// Stages items in a database that refuses some of them. Returns what was staged and what was refused.
    fn staged(
        items: &[&'static str],
        bad: &[&str],
        fault: DbErrorClass,
    ) -> Result<(Vec<String>, RefusalReasons), DbErrorClass> {
        let (mut staged, mut refused) = (Vec::new(), RefusalReasons::new());
        let mut apart = StagingBisect::new(items, |item: &&'static str| item);
        while let Some(part) = apart.next() {
            if !part.iter().any(|item| bad.contains(item)) {
                staged.extend(part.iter().map(|item| (*item).to_owned()));
                continue;
            }
            let mut error = DbError::infrastructure("a constraint of yours");
            error.fault = fault;
            apart.failed(part, error, &mut refused).map_err(|error| error.fault)?;
        }
        Ok((staged, refused))
    }

    #[test]
    fn each_refused_record_is_noted_by_its_id_and_all_others_are_staged() {
        for (items, bad, good) in [
            (&["a", "b", "c", "d", "e"][..], &[][..], &["a", "b", "c", "d", "e"][..]),
            (&["a", "b", "c", "d", "e"], &["d"], &["a", "b", "c", "e"]),
            (&["a", "b", "c"], &["a", "c"], &["b"]),
            (&["a"], &["a"], &[]),
            (&[], &["a"], &[]),
        ] {
            let (staged, refused) = staged(items, bad, DbErrorClass::Record).unwrap();
            assert_eq!(staged, good, "{items:?} {bad:?}");
            let ids: Vec<&str> = refused.keys().map(String::as_str).collect();
            let expected: Vec<&str> = items.iter().copied().filter(|item| bad.contains(item)).collect();
            assert_eq!(ids, expected, "{items:?} {bad:?}");
            assert!(refused.values().all(|why| why.contains("a constraint of yours")), "{refused:?}");
        }
    }

    #[test]
    fn an_error_that_no_record_caused_ends_the_staging() {
        for fault in [DbErrorClass::Infrastructure, DbErrorClass::Conflict] {
            assert_eq!(staged(&["a", "b"], &["b"], fault), Err(fault));
        }
    }
}
