//! What the API answers to the question for one record.

use crate::staging::versions::Received;

/// Bytes of single records that are kept in memory before something is done with them.
pub const MOST_KEPT: usize = 16 * 1024 * 1024;

/// What the API answered to the question for one record.
pub enum LookupResult {
    /// The record.
    Found(Received),
    /// The API says that there is none, with the whole answer as `jsonb` takes it.
    Missing(String),
    /// The record with its fault: the API could not give it whole.
    Faulty(Received),
    /// Nothing of a record, and an error in place of it: what the API said.
    Refused(String),
    /// A record that changed while it was read: what. Another try may read it whole.
    Changed(String),
    /// No record, and no word that there is none: what was answered.
    Unclear(String),
    /// It is there, and large, and as much as may be is kept in memory of others: another run asks for it.
    NoRoom,
}
