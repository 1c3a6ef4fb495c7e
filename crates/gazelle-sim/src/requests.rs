//! The log of requests, and the number of concurrent ones.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::faults::Fault;

/// What a request asked for, as far as it could be parsed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ParsedRequest {
    pub root_fields: Vec<String>,
    pub operation: Option<String>,
    pub variables: Map<String, Json>,
}

impl ParsedRequest {
    pub(crate) fn matches(&self, fault: &Fault) -> bool {
        fault.root_field.as_ref().is_none_or(|name| self.root_fields.contains(name))
            && fault.operation.as_ref().is_none_or(|name| self.operation.as_ref() == Some(name))
            && fault.variables.iter().all(|(name, value)| self.variables.get(name) == Some(value))
    }

    /// Whether it requests the schema.
    pub(crate) fn introspects(&self) -> bool {
        self.root_fields.iter().any(|name| name == "__schema" || name == "__type")
    }
}

/// A logged request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestEntry {
    /// When it arrived, UTC with milliseconds, by the machine's clock.
    pub at: String,
    /// The path asked, without the query part.
    pub path: String,
    /// The names of the root fields asked for, each once (`oauthToken` for a token request).
    pub root_fields: Vec<String>,
    /// The operation name, if one was sent.
    pub operation: Option<String>,
    /// The variables.
    pub variables: Map<String, Json>,
    /// The HTTP status; `None` until it is answered, and if no answer is sent.
    pub status: Option<u16>,
    /// The names of the faults that affected it.
    pub faults: Vec<String>,
}

/// The request counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// All requests to the GraphQL and token endpoints since the start or the last `clear`.
    pub total: u64,
    /// Requests in progress.
    pub in_flight: u64,
    /// The maximum number of requests in progress at a time.
    pub max_in_flight: u64,
}

struct Logged {
    at: jiff::Timestamp,
    path: String,
    asked: Arc<ParsedRequest>,
    status: Option<u16>,
    faults: Vec<&'static str>,
}

#[derive(Default)]
struct Entries {
    kept: VecDeque<Logged>,
    /// Number of entries dropped before the first kept one.
    forgotten: u64,
}

#[derive(Default)]
pub(crate) struct RequestLog {
    entries: Mutex<Entries>,
    keep: usize,
    total: AtomicU64,
    in_flight: AtomicU64,
    max_in_flight: AtomicU64,
}

/// Counts a request as in progress until it is dropped, also if the client leaves.
pub(crate) struct InFlight(Arc<RequestLog>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl RequestLog {
    pub(crate) fn new(keep: usize) -> Self {
        Self { keep, ..Self::default() }
    }

    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.total.fetch_add(1, Ordering::SeqCst);
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_in_flight.fetch_max(now, Ordering::SeqCst);
        InFlight(Arc::clone(self))
    }

    /// Logs a request; the returned number is for `answered`.
    pub(crate) fn note(&self, path: &str, asked: Arc<ParsedRequest>, faults: Vec<&'static str>) -> u64 {
        let mut entries = self.lock();
        let number = entries.forgotten + entries.kept.len() as u64;
        entries.kept.push_back(Logged {
            at: jiff::Timestamp::now(),
            path: path.to_owned(),
            asked,
            status: None,
            faults,
        });
        if entries.kept.len() > self.keep {
            entries.kept.pop_front();
            entries.forgotten += 1;
        }
        number
    }

    pub(crate) fn answered(&self, number: u64, status: u16) {
        let mut entries = self.lock();
        let index = number.checked_sub(entries.forgotten).map(|index| index as usize);
        if let Some(entry) = index.and_then(|index| entries.kept.get_mut(index)) {
            entry.status = Some(status);
        }
    }

    pub(crate) fn list(&self) -> Vec<RequestEntry> {
        self.lock()
            .kept
            .iter()
            .map(|entry| RequestEntry {
                at: format!("{:.3}", entry.at),
                path: entry.path.clone(),
                root_fields: entry.asked.root_fields.clone(),
                operation: entry.asked.operation.clone(),
                variables: entry.asked.variables.clone(),
                status: entry.status,
                faults: entry.faults.iter().map(|name| (*name).to_owned()).collect(),
            })
            .collect()
    }

    pub(crate) fn counts(&self) -> RequestCounts {
        RequestCounts {
            total: self.total.load(Ordering::SeqCst),
            in_flight: self.in_flight.load(Ordering::SeqCst),
            max_in_flight: self.max_in_flight.load(Ordering::SeqCst),
        }
    }

    /// Clears the log and resets the counters, except for requests in progress.
    pub(crate) fn clear(&self) {
        let mut entries = self.lock();
        entries.forgotten += entries.kept.len() as u64;
        entries.kept.clear();
        self.total.store(0, Ordering::SeqCst);
        self.max_in_flight.store(self.in_flight.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
