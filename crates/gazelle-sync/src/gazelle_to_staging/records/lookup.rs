//! The result of looking up one record by its id.

use crate::staging::versions::Received;

/// The most bytes of looked-up records that are kept in memory before they are staged or compared.
pub const MOST_KEPT: usize = 16 * 1024 * 1024;

/// The result of looking up one record by its id.
pub enum LookupResult {
    /// The whole record.
    Found(Received),
    /// The API says that it does not exist: the whole answer, as text that `jsonb` accepts.
    Missing(String),
    /// The record with its fault: the API could not give it whole.
    Faulty(Received),
    /// An error instead of the record: the API's message.
    Refused(String),
    /// The record changed while it was read: what changed. Another lookup may read it whole.
    Changed(String),
    /// Neither the record nor a clear statement that it does not exist: what was answered.
    Unclear(String),
    /// The record exists, but is too large to be kept beside other answers. A later run looks it up.
    NoRoom,
}
