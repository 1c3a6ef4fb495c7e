//! Every request leaves a record, whether it succeeded, failed or was dropped by its caller.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::request::GraphqlRequest;
use crate::source::answers::error::{ErrorClass, OutcomeCode};

/// One GraphQL request with all its attempts, token refreshes excluded. Contains no body and no secret; `variables`
/// contains ids and dates.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// Its number within its client, from 1; the same as in the [`Answer`](crate::source::Answer).
    pub number: i32,
    /// As in the [`GraphqlRequest`].
    pub operation_name: String,
    /// As sent.
    pub variables: serde_json::Value,
    /// One entry per attempt, in order; empty if the caller dropped the request before the first.
    pub attempts: Vec<AttemptRecord>,
    /// How it ended.
    pub outcome: Outcome,
    /// When the request was made, UTC, by our clock.
    pub started_at: Timestamp,
    /// Total duration, including the waits between attempts.
    pub elapsed: Duration,
}

impl RequestRecord {
    /// HTTP status of the last attempt that was answered.
    pub fn http_status(&self) -> Option<u16> {
        self.attempts.iter().rev().find_map(|attempt| attempt.http_status)
    }

    /// Duration of the last attempt; zero without one.
    pub fn latency(&self) -> Duration {
        self.attempts.last().map(|attempt| attempt.latency).unwrap_or_default()
    }

    /// Bytes of body received over all attempts.
    pub fn bytes(&self) -> u64 {
        self.attempts.iter().map(|attempt| attempt.bytes).sum()
    }
}

/// One attempt of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// `None`: a valid answer.
    pub failure: Option<ErrorClass>,
    /// `None`: no answer.
    pub http_status: Option<u16>,
    /// From sending to the last byte, or to the failure.
    pub latency: Duration,
    /// Bytes of body received.
    pub bytes: u64,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With a complete answer.
    Answered,
    /// With an error of this class, after its last attempt.
    Failed(ErrorClass),
    /// The caller dropped the request before its end (a run that stops).
    Abandoned,
}

impl Outcome {
    /// Its name in storage and metrics.
    pub fn code(&self) -> OutcomeCode {
        match self {
            Self::Answered => OutcomeCode::Answered,
            Self::Failed(class) => class.code(),
            Self::Abandoned => OutcomeCode::Abandoned,
        }
    }
}

/// Receives the records: called once per request, in the task that made it. Must be quick and must not block.
#[derive(Clone)]
pub(super) struct Observer(pub Arc<dyn Fn(RequestRecord) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// The record of a request in progress. It is sent to the observers on drop, so that no return path of `post` can
/// miss it.
pub(super) struct Recording<'a> {
    observers: &'a [Observer],
    record: RequestRecord,
    begun: tokio::time::Instant,
}

impl<'a> Recording<'a> {
    pub(super) fn start(number: i32, observers: &'a [Observer], request: &GraphqlRequest) -> Self {
        let record = RequestRecord {
            number,
            operation_name: request.operation_name.clone(),
            variables: request.variables.clone(),
            attempts: Vec::new(),
            outcome: Outcome::Abandoned,
            started_at: Timestamp::now(),
            elapsed: Duration::ZERO,
        };
        Self { observers, record, begun: tokio::time::Instant::now() }
    }

    pub(super) fn attempt(&mut self, attempt: AttemptRecord) {
        self.record.attempts.push(attempt);
    }

    /// The request's number.
    pub(super) fn number(&self) -> i32 {
        self.record.number
    }

    /// Attempts so far.
    pub(super) fn attempts(&self) -> u32 {
        u32::try_from(self.record.attempts.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn end(mut self, outcome: Outcome) {
        self.record.outcome = outcome;
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.record.elapsed = self.begun.elapsed();
        for observer in self.observers {
            (observer.0)(self.record.clone());
        }
    }
}
