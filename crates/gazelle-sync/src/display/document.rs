//! JSON output: documents and errors of commands, answers of the HTTP server, bodies of webhooks. Characters that
//! could affect a terminal are written as `\uXXXX`, which JSON readers decode to the same value.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::safe::{escaped_json, shortened};

/// A JSON document without control characters. Every way to create one escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(String);

impl Document {
    /// With one value per line, indented.
    ///
    /// # Errors
    /// The value cannot be written as JSON, such as a map whose keys are not text.
    pub fn indented(value: &impl Serialize) -> serde_json::Result<Document> {
        Ok(Document(escaped_json(&serde_json::to_string_pretty(value)?, '\n').into_owned()))
    }

    /// On one line.
    pub fn in_one_line(value: &Value) -> Document {
        Document(escaped_json(&value.to_string(), ' ').into_owned())
    }

    /// From JSON text on one line.
    pub(super) fn of_json(json: &str) -> Document {
        Document(escaped_json(json, ' ').into_owned())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Document {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Truncates every text in a value, including field names, to `most` characters, and every list to `most` items.
pub fn bounded(value: &mut Value, most: usize) {
    let cut = |text: &mut String| {
        // Bytes first, because counting the characters of a long text is slow.
        if text.len() > most {
            *text = shortened(text, most).into_owned();
        }
    };
    match value {
        Value::String(text) => cut(text),
        Value::Array(values) => {
            values.truncate(most);
            values.iter_mut().for_each(|value| bounded(value, most));
        }
        Value::Object(fields) => {
            if fields.keys().any(|name| name.len() > most) {
                let all = std::mem::take(fields).into_iter();
                fields.extend(all.map(|(mut name, value)| {
                    cut(&mut name);
                    (name, value)
                }));
            }
            fields.values_mut().for_each(|value| bounded(value, most));
        }
        _ => {}
    }
}
