//! Reads an answer without interpreting its records: lists, single objects and counts are borrowed from the
//! received bytes.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{Answer, ReplyDetails},
    classify::{MOST_ROOTS, classify_body},
    error::{AttemptFailure, ErrorClass, SourceError},
    first_of::FirstFields,
    page::{ListShape, Page, read_page},
    pick::{Picked, pick},
    target::{Endpoint, Target},
};

/// The answer about one record.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// The record.
    There(&'a RawValue),
    /// The record does not exist: null, or an error with the code NOT_FOUND and the path of the root field.
    Gone,
    /// Null, with an error that says "not found" without a code or without a path: no evidence.
    Unclear,
}

impl Answer {
    /// An answer that was stored or constructed instead of fetched; classified like one with HTTP 200.
    ///
    /// # Errors
    /// Those of a request with this body.
    pub fn from_body(operation_name: &str, body: impl Into<Bytes>) -> Result<Self, SourceError> {
        let body = body.into();
        let target = Target { place: "a stored body".into(), endpoint: Endpoint::GraphqlWithKey };
        let verified =
            classify_body(&body, &target).map_err(|fault| SourceError::new(fault, operation_name, 1))?;
        let delivery = ReplyDetails {
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

    /// One page of the list at the root field; `root_field` is the name or alias in the query.
    ///
    /// # Errors
    /// `BadAnswer` if the field is missing, null or of another shape.
    pub fn page(&self, root_field: &str, shape: ListShape) -> Result<Page<'_>, SourceError> {
        self.page_at(&[root_field], shape)
    }

    /// Like [`Answer::page`], for a list at a path such as `["client", "allContacts"]`.
    ///
    /// # Errors
    /// As [`Answer::page`].
    pub fn page_at(&self, path: &[&str], shape: ListShape) -> Result<Page<'_>, SourceError> {
        let data = self.data.as_deref().ok_or_else(|| self.bad(path, "is missing, data is null"))?;
        read_page(data, path, shape).map_err(|what| self.bad(path, &what))
    }

    /// The object of a getter at the root; `None` if the API says that the record does not exist (see [`Lookup`]).
    ///
    /// # Errors
    /// `BadAnswer` if the answer does not contain this field or is unclear about it, which is no evidence of
    /// absence.
    pub fn object(&self, root_field: &str) -> Result<Option<&RawValue>, SourceError> {
        self.object_path(&[root_field])
    }

    /// Like [`Answer::object`], for a value further down; `None` if it or one of its parents is null.
    ///
    /// # Errors
    /// As [`Answer::object`].
    pub fn object_path(&self, path: &[&str]) -> Result<Option<&RawValue>, SourceError> {
        match self.lookup(path)? {
            Lookup::There(value) => Ok(Some(value)),
            Lookup::Gone => Ok(None),
            Lookup::Unclear => {
                Err(self.bad(path, "is null beside an error that says \"not found\" of nothing"))
            }
        }
    }

    /// The answer about the value at a path, or about the record on the way to it.
    ///
    /// # Errors
    /// `BadAnswer` if the answer does not contain this field.
    pub fn lookup(&self, path: &[&str]) -> Result<Lookup<'_>, SourceError> {
        let found = match &self.data {
            None => Picked::Missing,
            Some(data) => pick(data, path).map_err(|what| self.bad(path, &what))?,
        };
        match found {
            Picked::Value(value) => Ok(Lookup::There(value)),
            Picked::Null | Picked::Missing if path.first().is_some_and(|root| self.says_gone(root)) => {
                Ok(Lookup::Gone)
            }
            Picked::Null | Picked::Missing if self.gone.unclear => Ok(Lookup::Unclear),
            Picked::Null => Ok(Lookup::Gone),
            Picked::Missing => Err(self.bad(path, "is missing")),
        }
    }

    /// The counts of a query for counts only, `{ a: allEvents(…) { totalCount } b: … }`: alias -> totalCount.
    ///
    /// # Errors
    /// `BadAnswer` if any root field is not an object with a `totalCount`.
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

    fn says_gone(&self, root: &str) -> bool {
        self.gone.roots.iter().any(|gone| gone == root)
    }

    /// An error about this answer: what is wrong with the value at a path.
    pub fn bad(&self, path: &[&str], what: &str) -> SourceError {
        let what = format!("an answer in which `{}` {what}", path.join("."));
        let advice = "the API has changed or is at fault; nothing was taken from this answer";
        let mut fault = AttemptFailure::new(ErrorClass::BadAnswer, self.place.clone(), what, advice);
        fault.http_status = Some(self.http_status);
        SourceError::new(fault, &self.operation, self.attempts)
    }
}
