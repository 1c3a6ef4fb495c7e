//! Staging records of which the database refuses some: something that a user has added to a staging table, or what `jsonb` cannot
//! hold. All others are stored.

use std::collections::BTreeMap;

use crate::db::{DbError, Fault};

/// Records that staging did not take, by id, with the reason.
pub type Refused = BTreeMap<String, String>;

/// Items on their way to staging, each part of them in a transaction of its own: all at once, and where one is refused, in
/// smaller and smaller parts, until that one stands alone and is noted.
pub(super) struct Apart<'i, T> {
    parts: Vec<&'i [T]>,
    id_of: fn(&T) -> &str,
}

impl<'i, T> Apart<'i, T> {
    pub(super) fn new(items: &'i [T], id_of: fn(&T) -> &str) -> Apart<'i, T> {
        Apart { parts: if items.is_empty() { Vec::new() } else { vec![items] }, id_of }
    }

    /// The part that is to be staged next.
    pub(super) fn next(&mut self) -> Option<&'i [T]> {
        self.parts.pop()
    }

    /// A part that was not staged.
    ///
    /// # Errors
    /// The one given, where it is about no record.
    pub(super) fn failed(
        &mut self,
        part: &'i [T],
        error: DbError,
        refused: &mut Refused,
    ) -> Result<(), DbError> {
        match part {
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
