//! JSON that may be shown: documents of commands and errors, answers of the HTTP side, bodies of webhooks. What acts on
//! whoever shows it is `\uXXXX` in it, which means the same, so that every value comes back as it was.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::safe::{escaped_json, shortened};

/// A JSON document in which nothing acts. The only way to make one makes it harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(String);

impl Document {
    /// In lines, indented.
    ///
    /// # Errors
    /// The value cannot be written as JSON, such as a map whose keys are not text.
    pub fn indented(value: &impl Serialize) -> serde_json::Result<Document> {
        Ok(Document(escaped_json(&serde_json::to_string_pretty(value)?, '\n').into_owned()))
    }

    /// In one line.
    pub fn in_one_line(value: &Value) -> Document {
        Document(escaped_json(&value.to_string(), ' ').into_owned())
    }

    /// A line that some serializer wrote as JSON.
    pub(super) fn of_json(json: &str) -> Document {
        Document(escaped_json(json, ' ').into_owned())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Document {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Truncates every text in a value, names of fields included, to `most` characters, and every list to `most` items.
pub fn bounded(value: &mut Value, most: usize) {
    let cut = |text: &mut String| {
        // Bytes first: counting the characters of a long text takes its time.
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
