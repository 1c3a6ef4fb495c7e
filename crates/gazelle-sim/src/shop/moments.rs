//! Timestamps and dates in the API's format.

/// One day in seconds.
pub(super) const DAY: i64 = 86_400;

/// `2026-01-09T12:00:00Z`
pub(crate) fn utc_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

/// `2026-01-09`
pub(super) fn date_text(seconds: i64) -> String {
    let mut text = utc_text(seconds);
    text.truncate(10);
    text
}
