//! Text that may be shown. Terminal output, table cells and alerts accept only [`Line`] and [`Lines`]; the only way
//! to create one escapes its content, so no caller can forget to.

use std::borrow::Cow;
use std::fmt;

use super::document::Document;
use super::safe::{safe, safe_lines};
use super::width::{terminal_width, wrapped_to};

/// One line without control characters. A line break in its source is shown as a symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(String);

impl Line {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Line {
        Line(safe(text).into_owned())
    }
}

impl From<&String> for Line {
    fn from(text: &String) -> Line {
        text.as_str().into()
    }
}

impl From<String> for Line {
    fn from(text: String) -> Line {
        match safe(&text) {
            Cow::Borrowed(_) => Line(text),
            Cow::Owned(safe) => Line(safe),
        }
    }
}

impl From<Cow<'_, str>> for Line {
    fn from(text: Cow<'_, str>) -> Line {
        text.into_owned().into()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// Several lines without control characters, such as the output of a command or the body of a message. Each line is
/// added as one [`Line`], so text from outside cannot add another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(String);

impl Lines {
    /// No lines.
    pub fn new() -> Lines {
        Lines::default()
    }

    /// A text that keeps its line breaks and tabs, for our own text and for former `Lines`. Never for a line that
    /// contains text from outside.
    pub fn with_breaks(text: &str) -> Lines {
        Lines(safe_lines(text).into_owned())
    }

    /// Adds a line.
    pub fn line(&mut self, text: impl Into<Line>) -> &mut Lines {
        self.0.push_str(text.into().as_str());
        self.0.push('\n');
        self
    }

    /// Adds an empty line.
    pub fn blank(&mut self) -> &mut Lines {
        self.line("")
    }

    /// Adds a line that is wrapped between words at the width of the terminal; continuation lines are indented by
    /// `indent` columns.
    pub fn wrapped(&mut self, text: impl Into<Line>, indent: usize) -> &mut Lines {
        self.0.push_str(&wrapped_to(text.into().as_str(), indent, terminal_width()));
        self.0.push('\n');
        self
    }

    /// Adds other lines, without their trailing empty lines.
    pub fn lines(&mut self, other: &Lines) -> &mut Lines {
        self.0.push_str(other.0.trim_end());
        self.0.push('\n');
        self
    }

    /// The text, without a line break at its end.
    pub fn as_str(&self) -> &str {
        self.0.trim_end()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }

    /// The output of a table, whose [`Cell`](super::Cell)s are escaped already.
    pub(super) fn drawn(text: String) -> Lines {
        Lines(text)
    }
}

/// The lines of an indented document.
impl From<Document> for Lines {
    fn from(document: Document) -> Lines {
        Lines(document.into_string())
    }
}

/// A single line.
impl<T: Into<Line>> From<T> for Lines {
    fn from(text: T) -> Lines {
        let mut lines = Lines::new();
        lines.line(text);
        lines
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
