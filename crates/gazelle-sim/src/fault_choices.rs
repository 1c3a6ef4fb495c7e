//! The values of some fields of faults.

use serde::{Deserialize, Serialize};

/// What becomes null with a failing record. In JSON `field`, `record`, `answer`, `server`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// Only the field, if it is nullable.
    #[default]
    Field,
    /// The record, if it is nullable.
    Record,
    /// The whole answer: `data` is null.
    Answer,
    /// The whole answer, as HTTP 500 without a GraphQL body.
    Server,
}

/// Where a sorted list has the records whose sort value is null.
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
