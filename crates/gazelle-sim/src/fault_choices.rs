//! What can be chosen of a fault.

use serde::{Deserialize, Serialize};

/// What a record's fault takes along. In JSON `field`, `record`, `answer`, `server`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// The field alone, where it may be null.
    #[default]
    Field,
    /// The record, where it may be null.
    Record,
    /// The whole answer: `data` is null.
    Answer,
    /// The same, as HTTP 500 without a GraphQL answer.
    Server,
}

/// The place of records without the value that a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undated {
    /// As the largest: last when ascending, first when descending.
    #[default]
    Largest,
    /// As the smallest: first when ascending, last when descending.
    Smallest,
    /// Last, whatever the direction.
    Last,
}
