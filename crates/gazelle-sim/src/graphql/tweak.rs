//! What faults change in an answer while it is written.

use crate::fault_choices::{Takes, Undated};

/// One change of the connections of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tweak {
    /// The root field it is for; `None` is all.
    pub root_field: Option<String>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// `endCursor` is the `after` that was asked with, and there is a next page.
    RepeatCursor,
    /// At most so many rows a page.
    ShortPage { most: usize },
    /// At this place a page lists a row of the page before, as far from that one's end.
    OverlappingPages { at: usize },
    /// No rows at all, and a total of 0.
    EmptyList,
    /// `totalCount` is wrong by so much.
    TotalOff { by: i64 },
    /// The first rows of the page are null, with an error; the last are missing.
    Partial { message: String, null_nodes: usize, missing_nodes: usize },
    /// A leaf field holds another value in its first occurrences.
    Value { type_name: Option<String>, field: String, json: String, times: usize },
    /// A record, or a field of it, fails.
    RecordFault { id: String, field: Option<String>, message: String, takes: Takes },
    /// A record is refused, with this code.
    RecordRefused { id: String, code: String },
    /// A text field of a record ends in a byte that is no UTF-8; written as [`RAW_BYTE`].
    RawByte { id: String, field: String },
    /// Where records without a date are sorted.
    Undated(Undated),
}

/// A character of no text that stands for the byte 0xE9 until the answer is sent.
pub(crate) const RAW_BYTE: char = '\u{f8ff}';

/// The bytes of an answer, with that byte in its places.
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
