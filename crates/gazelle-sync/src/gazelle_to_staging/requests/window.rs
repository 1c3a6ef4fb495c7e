//! A window: the part of a walk that one sequence of pages covers.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::entities::{DateFilter, UndatedEnd};
use crate::gazelle_to_staging::Scope;

/// The part of an entity that one sequence of pages covers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// The `filters` argument, if any.
    pub filters: Option<Value>,
    /// The end of the sorted list from which to read; none: from the start, in the API's own order.
    pub end: Option<UndatedEnd>,
    /// The number of records that the plan counted in it; none: not counted.
    pub expected: Option<u64>,
    /// The length of the first page, to make all pages end at other records than in the attempt before; none:
    /// the usual length.
    pub first_page: Option<u32>,
    /// Ids that the attempt before found listed more than once, and that this one is to confirm.
    pub confirms: Arc<[String]>,
    /// The number of records without a date to find at either end of the list; none: the window has a date
    /// filter or is the whole list.
    pub undated: Option<u64>,
}

/// The `filters` argument for a scope; none for the whole entity.
pub(crate) fn filters(dates: &DateFilter, scope: Scope) -> Option<Value> {
    let mut filters = Map::new();
    if let Some(from) = scope.from {
        filters.insert(dates.from.to_owned(), json!(from.to_string()));
    }
    if let Some(until) = scope.until {
        filters.insert(dates.until.to_owned(), json!(until.to_string()));
    }
    (!filters.is_empty()).then_some(Value::Object(filters))
}

/// The position of a page in a window.
#[derive(Clone, Copy)]
pub(crate) struct PagePosition<'p> {
    pub(crate) window: &'p Window,
    /// The page cursor before it; none: the first page.
    pub(crate) after: Option<&'p str>,
    /// The most records of the page.
    pub(crate) first: u32,
}

impl Window {
    /// A text that differs for each window of a walk, and is the same in every attempt.
    pub(crate) fn name(&self) -> String {
        format!("{:?} {:?}", self.filters.as_ref().map(Value::to_string), self.end)
    }

    /// Whether it is the one page at the end of a sorted list.
    pub(crate) fn is_read_from_the_end(&self) -> bool {
        matches!(self.end, Some(UndatedEnd::Last(_)))
    }

    /// Its first page, with at most `first` records.
    pub(crate) fn first_page_of(&self, first: u32) -> PagePosition<'_> {
        PagePosition { window: self, after: None, first }
    }
}
