//! A raw record as a page shows it.

use super::raw::{Line, Raw};
use super::values::left_out_text;
use super::words::locale::Locale;
use super::words::record as w;

/// The raw record of a version.
pub(super) struct RawView {
    pub(super) title: String,
    /// Whether these are the bytes received.
    pub(super) note: String,
    pub(super) lines: Vec<LineView>,
    /// Set where lines follow that are not shown.
    pub(super) more: Option<String>,
}

/// A line.
pub(super) struct LineView {
    pub(super) number: usize,
    pub(super) text: String,
    pub(super) is_marked: bool,
    /// Set where lines before it are not shown.
    pub(super) gap: Option<String>,
    /// Set where the rest of it is not shown.
    pub(super) left_out: Option<String>,
}

impl RawView {
    /// Of the version with this number of so many.
    pub(super) fn of(raw: &Raw, as_received: bool, (number, held): (usize, usize), t: &Locale) -> RawView {
        let note = if as_received { w::AS_RECEIVED } else { w::ORDERED };
        let facts = [("number", number.to_string()), ("held", held.to_string())];
        RawView {
            title: t.fill(w::RAW_VERSION, &facts.each_ref().map(|(name, value)| (*name, value.as_str()))),
            note: t.say(note).into_owned(),
            lines: raw.lines.iter().map(|line| LineView::of(line, t)).collect(),
            more: lines_left_out(raw.left_out(), t),
        }
    }
}

impl LineView {
    fn of(line: &Line, t: &Locale) -> LineView {
        LineView {
            number: line.number,
            text: line.text.clone(),
            is_marked: line.is_marked,
            gap: lines_left_out(line.gap, t),
            left_out: (line.left_out > 0).then(|| left_out_text(line.left_out, t)),
        }
    }
}

fn lines_left_out(lines: usize, t: &Locale) -> Option<String> {
    (lines > 0).then(|| t.count(w::LINES_LEFT_OUT, i64::try_from(lines).unwrap_or(i64::MAX)))
}
