//! Escapes log lines, whatever their fields contain. The fields of text logs are escaped before they are coloured,
//! and each whole line again before it is written. JSON logs use JSON escapes.

use std::fmt;

use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};

use super::document::Document;
use super::safe::{safe, safe_but_colours};

/// Formats the fields of an event or a span in a text log, on one line.
#[derive(Debug, Default)]
pub struct LogFields;

impl<'writer> FormatFields<'writer> for LogFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&safe(&text))
    }
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLine {
    /// JSON.
    Json,
    /// Plain text.
    Text,
    /// Text with colours, whose fields are formatted by [`LogFields`].
    Coloured,
}

impl LogLine {
    /// One formatted event, escaped, with a line break only at its end.
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
