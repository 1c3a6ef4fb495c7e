//! A whole answer, and reading it without interpreting records: lists, single objects and counts are borrowed from the
//! body as the bytes that came.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    classify::{Gone, MOST_ROOTS, Verified, classify_body},
    error::{ErrorClass, Fault, SourceError},
    first_of::FirstFields,
    page::{ListShape, Page, read_page},
    pick::{Found, pick},
    target::{Endpoint, Target},
};

/// What an answer says about one record.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// The record.
    There(&'a RawValue),
    /// There is none: plain null, or an error with the code NOT_FOUND and the path of the root field.
    Gone,
    /// Null beside an error that says "not found" without a code or without a path: no evidence of anything.
    Unclear,
}

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
    data: Option<Bytes>,
    gone: Gone,
    place: Arc<str>,
    operation: Arc<str>,
}

/// What an attempt left behind once its body was found good.
pub(super) struct Delivery {
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
    pub(super) fn new(verified: Verified, delivery: Delivery) -> Self {
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
    pub(super) fn with_bytes(self, body: Bytes) -> Self {
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

    /// An answer that was kept or made up instead of fetched; judged like one that came with HTTP 200.
    ///
    /// Errors: as a request with this body would have.
    pub fn from_body(operation_name: &str, body: impl Into<Bytes>) -> Result<Self, SourceError> {
        let body = body.into();
        let target = Target { place: "a stored body".into(), endpoint: Endpoint::GraphqlWithKey };
        let verified =
            classify_body(&body, &target).map_err(|fault| SourceError::new(fault, operation_name, 1))?;
        let delivery = Delivery {
            number: 0,
            body,
            attempts: 1,
            http_status: 200,
            latency: Duration::ZERO,
            started_at: Timestamp::now(),
            server_date: None,
            place: target.place,
            operation: operation_name.into(),
        };
        Ok(Self::new(verified, delivery))
    }

    /// One page of the list that the root field holds; `root_field` is the name or alias in the query.
    ///
    /// Errors: `BadAnswer` when the field is missing, null or of another shape.
    pub fn page(&self, root_field: &str, shape: ListShape) -> Result<Page<'_>, SourceError> {
        self.page_at(&[root_field], shape)
    }

    /// As [`Answer::page`], for a list further down, such as `["client", "allContacts"]`.
    pub fn page_at(&self, path: &[&str], shape: ListShape) -> Result<Page<'_>, SourceError> {
        let data = self.data.as_deref().ok_or_else(|| self.bad(path, "is missing, data is null"))?;
        read_page(data, path, shape).map_err(|what| self.bad(path, &what))
    }

    /// What a getter at the root answered: `None` when the API says that the record does not exist; see [`Lookup`].
    ///
    /// Errors: `BadAnswer` when the answer does not speak of this field at all, or is unclear about it: that is no
    /// evidence of absence.
    pub fn object(&self, root_field: &str) -> Result<Option<&RawValue>, SourceError> {
        self.object_path(&[root_field])
    }

    /// As [`Answer::object`], for a value further down; `None` when it or anything on the way to it is null.
    pub fn object_path(&self, path: &[&str]) -> Result<Option<&RawValue>, SourceError> {
        match self.lookup(path)? {
            Lookup::There(value) => Ok(Some(value)),
            Lookup::Gone => Ok(None),
            Lookup::Unclear => {
                Err(self.bad(path, "is null beside an error that says \"not found\" of nothing"))
            }
        }
    }

    /// What the answer says about the value at a path, or about the record on the way to it.
    ///
    /// Errors: `BadAnswer` when it does not speak of this field at all.
    pub fn lookup(&self, path: &[&str]) -> Result<Lookup<'_>, SourceError> {
        let found = match &self.data {
            None => Found::Missing,
            Some(data) => pick(data, path).map_err(|what| self.bad(path, &what))?,
        };
        match found {
            Found::Value(value) => Ok(Lookup::There(value)),
            Found::Null | Found::Missing if path.first().is_some_and(|root| self.says_gone(root)) => {
                Ok(Lookup::Gone)
            }
            Found::Null | Found::Missing if self.gone.unclear => Ok(Lookup::Unclear),
            Found::Null => Ok(Lookup::Gone),
            Found::Missing => Err(self.bad(path, "is missing")),
        }
    }

    /// The totals of a probe that asks for counts alone, `{ a: allEvents(…) { totalCount } b: … }`: alias -> totalCount.
    ///
    /// Errors: `BadAnswer` when any root field is not an object with a `totalCount`.
    pub fn counts(&self) -> Result<BTreeMap<String, u64>, SourceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Count {
            total_count: u64,
        }
        let data = self.data.as_deref().ok_or_else(|| self.bad(&["data"], "is null"))?;
        let counts: FirstFields<Count, MOST_ROOTS> = serde_json::from_slice(data)
            .map_err(|_| self.bad(&["data"], "holds a field without a totalCount"))?;
        if counts.more > 0 {
            return Err(self.bad(&["data"], "holds more fields than were asked for"));
        }
        Ok(counts.first.into_iter().map(|(alias, count)| (alias, count.total_count)).collect())
    }

    /// The value of `data`; none where it is null or absent.
    pub(super) fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }

    fn says_gone(&self, root: &str) -> bool {
        self.gone.roots.iter().any(|gone| gone == root)
    }

    /// An error about this answer: what is wrong with the value at a path.
    pub fn bad(&self, path: &[&str], what: &str) -> SourceError {
        let what = format!("an answer in which `{}` {what}", path.join("."));
        let advice = "the API has changed or is at fault; nothing was taken from this answer";
        let mut fault = Fault::new(ErrorClass::BadAnswer, self.place.clone(), what, advice);
        fault.http_status = Some(self.http_status);
        SourceError::new(fault, &self.operation, self.attempts)
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
