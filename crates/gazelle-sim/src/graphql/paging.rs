//! Relay paging over a list of known length. As in the real API, a cursor is an offset: rows shift between pages if
//! the list changes during a walk.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;

use super::plan::PlanField;

/// The maximum page size, and the default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSizes {
    pub cap: usize,
    pub default: usize,
}

/// The range of a page within its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub from: usize,
    pub until: usize,
    pub has_next: bool,
    pub has_previous: bool,
}

/// The cursor of the row at an offset: an opaque text with the number of rows up to and including it.
pub(crate) fn cursor(offset: usize) -> String {
    URL_SAFE_NO_PAD.encode((offset + 1).to_string())
}

/// The number of rows up to and including that of a cursor.
fn rows_before(cursor: &str) -> Result<usize, String> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("Invalid cursor: {cursor:?}."))
}

/// The page that `first`, `after`, `last` and `before` request.
pub(crate) fn page(field: &PlanField, length: usize, sizes: PageSizes) -> Result<Page, String> {
    let cursor_argument =
        |name: &str| field.argument(name).and_then(Json::as_str).map(rows_before).transpose();
    let size_argument = |name: &str| match field.argument(name).and_then(Json::as_i64) {
        Some(size) => usize::try_from(size).map(Some).map_err(|_| format!("{name} must not be negative")),
        None => Ok(None),
    };
    let mut from = cursor_argument("after")?.unwrap_or(0).min(length);
    let mut until = cursor_argument("before")?.map_or(length, |rows| rows.saturating_sub(1).min(length));
    until = until.max(from);
    let (first, last) = (size_argument("first")?, size_argument("last")?);
    if let Some(first) = first.or(if last.is_none() { Some(sizes.default) } else { None }) {
        until = until.min(from.saturating_add(first.min(sizes.cap)));
    }
    if let Some(last) = last {
        from = from.max(until.saturating_sub(last.min(sizes.cap)));
    }
    Ok(Page { from, until, has_next: until < length, has_previous: from > 0 })
}
