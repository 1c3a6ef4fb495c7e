//! Staging records of which the database refuses some: something that a user has added to a staging table, or what `jsonb` cannot
//! hold. All others are stored.

use std::collections::BTreeMap;

use crate::db::{Bisect, DbError};

/// Records that staging did not take, by id, with the reason.
pub type Refused = BTreeMap<String, String>;

/// Items on their way to staging, each part of them in a transaction of its own, by halves where one is refused, which is
/// noted by its id.
pub(crate) struct Apart<'i, T> {
    parts: Bisect<'i, T>,
    id_of: fn(&T) -> &str,
}

impl<'i, T> Apart<'i, T> {
    pub(crate) fn new(items: &'i [T], id_of: fn(&T) -> &str) -> Apart<'i, T> {
        Apart { parts: Bisect::new(items).retrying_conflicts(), id_of }
    }

    /// The part that is to be staged next.
    pub(crate) fn next(&mut self) -> Option<&'i [T]> {
        self.parts.next()
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
        if let Some((alone, why)) = self.parts.failed(part, error)? {
            refused.insert((self.id_of)(alone).to_owned(), why.to_string());
        }
        Ok(())
    }
}
