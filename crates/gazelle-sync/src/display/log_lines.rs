//! Lines of the log, harmless whatever their fields hold: the fields of text logs are made so before they are coloured, and
//! each whole line again before it is written. In JSON what acts is escaped.

use std::fmt;

use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};

use super::document::Document;
use super::safe::{safe, safe_but_colours};

/// The fields of an event or a span in a text log, in one line.
#[derive(Debug, Default)]
pub struct LogFields;

impl<'writer> FormatFields<'writer> for LogFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&safe(&text))
    }
}

/// What a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLine {
    /// JSON.
    Json,
    /// Text.
    Text,
    /// Text with colours, whose fields are [`LogFields`].
    Coloured,
}

impl LogLine {
    /// One event as some formatter wrote it, harmless and with a break at its end alone.
    pub(super) fn harmless(self, event: &[u8]) -> String {
        let text = String::from_utf8_lossy(event);
        let text = text.trim_end_matches('\n');
        let mut line = match self {
            LogLine::Json => Document::of_json(text).into_string(),
            LogLine::Text => safe(text).into_owned(),
            LogLine::Coloured => safe_but_colours(text),
        };
        line.push('\n');
        line
    }
}
