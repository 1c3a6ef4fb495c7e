//! The value of `--since`: a timestamp or a date.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

/// Where an incremental run starts reading, instead of its bookmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// A timestamp, UTC.
    At(Timestamp),
    /// The start of a day in the configured time zone.
    Day(Date),
}

impl FromStr for Since {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(instant) = text.parse() {
            return Ok(Self::At(instant));
        }
        // Checked before the date, because the library would parse a date from it too.
        if text.len() > 10 && text.parse::<DateTime>().is_ok() {
            return Err("has no UTC offset: add Z, or an offset like -05:00");
        }
        match text.parse() {
            Ok(day) => Ok(Self::Day(day)),
            Err(_) => Err("must be a day like 2026-01-09 or an instant like 2026-01-09T12:00:00Z"),
        }
    }
}
