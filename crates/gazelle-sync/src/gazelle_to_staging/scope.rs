//! The part of an entity that a walk covers.

use jiff::civil::Date;

/// The part of an entity that a walk covers: the days of its date filter, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    /// First day; none: no lower bound.
    pub from: Option<Date>,
    /// Last day; none: no upper bound.
    pub until: Option<Date>,
}

impl Scope {
    /// The whole entity, without a date filter.
    pub const WHOLE: Scope = Scope { from: None, until: None };

    /// `whole`, or the days, as reports and bookmarks show them.
    pub fn describe(&self) -> String {
        match (self.from, self.until) {
            (None, None) => "whole".to_owned(),
            (Some(from), None) => format!("from {from}"),
            (None, Some(until)) => format!("until {until}"),
            (Some(from), Some(until)) => format!("{from} to {until}"),
        }
    }
}
