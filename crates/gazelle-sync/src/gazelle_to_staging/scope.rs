//! Which part of an entity a walk covers.

use jiff::civil::Date;

/// Which part of an entity a walk covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    /// First day of the entity's date filter; none: open.
    pub from: Option<Date>,
    /// Last day; none: open.
    pub until: Option<Date>,
}

impl Scope {
    /// Everything, without a date filter.
    pub const WHOLE: Scope = Scope { from: None, until: None };

    /// `whole`, or the days.
    pub fn describe(&self) -> String {
        match (self.from, self.until) {
            (None, None) => "whole".to_owned(),
            (Some(from), None) => format!("from {from}"),
            (None, Some(until)) => format!("until {until}"),
            (Some(from), Some(until)) => format!("{from} to {until}"),
        }
    }
}
