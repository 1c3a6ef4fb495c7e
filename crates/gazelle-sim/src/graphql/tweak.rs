//! The changes that faults make to an answer while it is written.

use crate::fault_choices::{Takes, Undated};

/// One change of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tweak {
    /// The root field that it applies to; `None`: all.
    pub root_field: Option<String>,
    pub what: AnswerChange,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnswerChange {
    /// `endCursor` is the requested `after` again, and there is a next page.
    RepeatCursor,
    /// At most this many rows per page.
    ShortPage { most: usize },
    /// At this index a page repeats a row of the previous page, at the same distance from that page's end.
    OverlappingPages { at: usize },
    /// No rows, and a total of 0.
    EmptyList,
    /// `totalCount` is wrong by this much.
    TotalOff { by: i64 },
    /// The first rows of the page are null, with an error; the last are missing.
    Partial { message: String, null_nodes: usize, missing_nodes: usize },
    /// A leaf field has another value in its first occurrences.
    Value { type_name: Option<String>, field: String, json: String, times: usize },
    /// A record, or a field of it, fails.
    RecordFault { id: String, field: Option<String>, message: String, takes: Takes },
    /// A record is refused, with this code.
    RecordRefused { id: String, code: String },
    /// A text field of a record ends in a byte that is not UTF-8; written as [`RAW_BYTE`].
    RawByte { id: String, field: String },
    /// Where records without a date are sorted.
    Undated(Undated),
}

/// A private-use character that stands for the byte 0xE9 until the answer is sent.
pub(crate) const RAW_BYTE: char = '\u{f8ff}';

/// The bytes of an answer, with [`RAW_BYTE`] replaced.
pub(crate) fn with_raw_bytes(answer: String) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(answer.len());
    for (number, part) in answer.split(RAW_BYTE).enumerate() {
        if number > 0 {
            bytes.push(0xE9);
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
