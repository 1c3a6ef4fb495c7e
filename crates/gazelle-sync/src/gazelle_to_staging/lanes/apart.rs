//! Stages a batch of which the database refuses some records, because of something that a user added to a staging
//! table or because `jsonb` cannot hold their content. The batch is bisected until each refused record is alone, and all
//! others are stored.

use std::collections::BTreeMap;

use crate::db::{Bisect, DbError};

/// Records that staging refused to store, by id, with the reason.
pub type Refused = BTreeMap<String, String>;

/// Splits items into parts, each staged in a transaction of its own. A refused part is halved until the refused item is
/// alone; that item is noted by its id.
pub(crate) struct Apart<'i, T> {
    parts: Bisect<'i, T>,
    id_of: fn(&T) -> &str,
}

impl<'i, T> Apart<'i, T> {
    pub(crate) fn new(items: &'i [T], id_of: fn(&T) -> &str) -> Apart<'i, T> {
        Apart { parts: Bisect::new(items).retrying_conflicts(), id_of }
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
        refused: &mut Refused,
    ) -> Result<(), DbError> {
        if let Some((alone, why)) = self.parts.failed(part, error)? {
            refused.insert((self.id_of)(alone).to_owned(), why.to_string());
        }
        Ok(())
    }
}
