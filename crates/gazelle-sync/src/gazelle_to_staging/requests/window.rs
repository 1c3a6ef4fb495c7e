//! A window: the part of a walk that one sequence of pages covers.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::entities::{DateFilter, UndatedEnd};
use crate::gazelle_to_staging::Scope;

/// A part of an entity that one sequence of pages covers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// The `filters` argument, if any.
    pub filters: Option<Value>,
    /// The end of a sorted list at which it lies, where it is no list from the API's own beginning.
    pub end: Option<UndatedEnd>,
    /// What the plan counted in it.
    pub expected: Option<u64>,
    /// Records of its first page at most, where its pages are to end elsewhere than those of the walk before; none: as many as
    /// usual.
    pub first_page: Option<u32>,
    /// The ids that the walk before found listed more than once, which this one is to confirm.
    pub confirms: Arc<[String]>,
    /// How many records without a date are looked for, at whichever end of the list they are; none: it is no such window.
    pub undated: Option<u64>,
}

/// The `filters` argument of a scope.
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

/// Which page is asked for.
#[derive(Clone, Copy)]
pub(crate) struct PagePlace<'p> {
    pub(crate) window: &'p Window,
    /// The page cursor before it; none: the first page.
    pub(crate) after: Option<&'p str>,
    /// Records a page.
    pub(crate) first: u32,
}

impl Window {
    /// What tells it from the other windows of its walk.
    pub(crate) fn name(&self) -> String {
        format!("{:?} {:?}", self.filters.as_ref().map(Value::to_string), self.end)
    }

    /// Its first page, of so many records.
    pub(crate) fn page_of(&self, first: u32) -> PagePlace<'_> {
        PagePlace { window: self, after: None, first }
    }
}
