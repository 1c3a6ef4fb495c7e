//! A whole answer and what it came with. How it is read stands in `reading`, which has words for what cannot be read.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;

/// A whole GraphQL answer: valid JSON with data and without errors, but for a NOT_FOUND of a single record.
///
/// Debug shows sizes and times, never the body.
#[derive(Clone)]
pub struct Answer {
    /// The number of the request among those of its client, from 1; 0 of an answer that was not fetched.
    pub number: i32,
    /// The whole answer as received.
    pub body: Bytes,
    /// Attempts this answer took, 1 or more.
    pub attempts: u32,
    /// HTTP status of the answer.
    pub http_status: u16,
    /// Duration of the last attempt, from sending to the last byte.
    pub latency: Duration,
    /// Length of `body`.
    pub bytes: u64,
    /// When the attempt that was answered began, UTC, by our clock.
    pub started_at: Timestamp,
    /// When it was there to its last byte.
    pub arrived: Instant,
    /// The API's `Date` header: its own clock in UTC, to the second, when it answered. `None` where it sent none.
    pub server_date: Option<Timestamp>,
    pub(super) data: Option<Bytes>,
    pub(super) gone: Gone,
    pub(super) place: Arc<str>,
    pub(super) operation: Arc<str>,
}

/// A GraphQL answer that is whole.
#[derive(Debug)]
pub(in crate::source) struct Verified {
    /// `data` as received; `None` when it was null, which only a NOT_FOUND allows.
    pub data: Option<Bytes>,
    pub gone: Gone,
}

/// Which root fields the API said not to know a record for.
#[derive(Debug, Default, Clone)]
pub(in crate::source) struct Gone {
    pub roots: Vec<String>,
    /// An error that says "not found" without a code or without the path of the root field. It may be about something
    /// else, so that null beside it proves nothing.
    pub unclear: bool,
}

/// What an attempt left behind once its body was found good.
pub(in crate::source) struct Delivery {
    pub number: i32,
    pub body: Bytes,
    pub attempts: u32,
    pub http_status: u16,
    pub latency: Duration,
    pub started_at: Timestamp,
    pub server_date: Option<Timestamp>,
    pub place: Arc<str>,
    pub operation: Arc<str>,
}

impl Answer {
    pub(in crate::source) fn new(verified: Verified, delivery: Delivery) -> Self {
        let Delivery {
            number,
            body,
            attempts,
            http_status,
            latency,
            started_at,
            server_date,
            place,
            operation,
        } = delivery;
        let bytes = body.len() as u64;
        let Verified { data, gone } = verified;
        Self {
            number,
            body,
            attempts,
            http_status,
            latency,
            bytes,
            started_at,
            arrived: Instant::now(),
            server_date,
            data,
            gone,
            place,
            operation,
        }
    }

    /// The same answer with other bytes that are the same.
    pub(in crate::source) fn with_bytes(self, body: Bytes) -> Self {
        let data = self.data.as_ref().map(|data| {
            let start = data.as_ptr() as usize - self.body.as_ptr() as usize;
            body.slice(start..start + data.len())
        });
        Self { body, data, ..self }
    }

    /// The same without its bytes: its number and its times.
    pub fn without_body(self) -> Self {
        Self { body: Bytes::new(), data: None, ..self }
    }

    /// The value of `data`; none where it is null or absent.
    pub(super) fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("number", &self.number)
            .field("operation", &self.operation)
            .field("attempts", &self.attempts)
            .field("http_status", &self.http_status)
            .field("latency", &self.latency)
            .field("bytes", &self.bytes)
            .field("started_at", &self.started_at)
            .field("server_date", &self.server_date)
            .finish_non_exhaustive()
    }
}
