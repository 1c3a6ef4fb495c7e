//! A complete answer with its times. `reading` reads it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;

/// A complete GraphQL answer: valid JSON with data and without errors, except NOT_FOUND for a single record.
///
/// `Debug` shows sizes and times, never the body.
#[derive(Clone)]
pub struct Answer {
    /// The request's number within its client, from 1; 0 if the answer was not fetched.
    pub number: i32,
    /// The whole body as received.
    pub body: Bytes,
    /// Number of attempts, at least 1.
    pub attempts: u32,
    /// The HTTP status.
    pub http_status: u16,
    /// Duration of the last attempt, from sending to the last byte.
    pub latency: Duration,
    /// Length of `body`.
    pub bytes: u64,
    /// When the last attempt began, UTC, by our clock.
    pub started_at: Timestamp,
    /// When its last byte arrived.
    pub arrived: Instant,
    /// The API's `Date` header: its clock when it answered, UTC, to the second; `None` without the header.
    pub server_date: Option<Timestamp>,
    pub(super) data: Option<Bytes>,
    pub(super) gone: NotFoundRoots,
    pub(super) place: Arc<str>,
    pub(super) operation: Arc<str>,
}

/// A GraphQL answer that is whole.
#[derive(Debug)]
pub(in crate::source) struct VerifiedData {
    /// `data` as received; `None` when it was null, which only a NOT_FOUND allows.
    pub data: Option<Bytes>,
    pub gone: NotFoundRoots,
}

/// The root fields whose record the API reported as not found.
#[derive(Debug, Default, Clone)]
pub(in crate::source) struct NotFoundRoots {
    pub roots: Vec<String>,
    /// Whether an error says "not found" without a code or without the path of a root field. It may be about
    /// something else, so a null value proves nothing.
    pub unclear: bool,
}

/// The data of the attempt that received a valid body.
pub(in crate::source) struct ReplyDetails {
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
    pub(in crate::source) fn new(verified: VerifiedData, delivery: ReplyDetails) -> Self {
        let ReplyDetails {
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
        let VerifiedData { data, gone } = verified;
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

    /// The same answer with an identical copy of its bytes.
    pub(in crate::source) fn with_bytes(self, body: Bytes) -> Self {
        let data = self.data.as_ref().map(|data| {
            let start = data.as_ptr() as usize - self.body.as_ptr() as usize;
            body.slice(start..start + data.len())
        });
        Self { body, data, ..self }
    }

    /// The same answer without its bytes, for its number and its times.
    pub fn without_body(self) -> Self {
        Self { body: Bytes::new(), data: None, ..self }
    }

    /// The value of `data`; `None` if it is null or missing.
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
