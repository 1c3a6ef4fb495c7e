//! Text that may be shown. Whatever goes to a terminal, into a table or to people who are told of an alert is a [`Line`]
//! or [`Lines`]; the only way to make one makes it harmless, so that nobody has to remember to.

use std::borrow::Cow;
use std::fmt;

use super::document::Document;
use super::safe::{safe, safe_lines};
use super::width::{terminal_width, wrapped_to};

/// One line, in which nothing acts. A break in the text that it is made of is shown, not obeyed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(String);

impl Line {
    /// As text.
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

/// Lines below each other, in which nothing acts: a page of a command, the body of a message. Each is added as one, so
/// that no text from outside makes a further one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(String);

impl Lines {
    /// None yet.
    pub fn new() -> Lines {
        Lines::default()
    }

    /// A text whose own breaks (and tabs) are kept: what we wrote, what was `Lines` before.
    /// Never a line with something from outside in it.
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

    /// Adds a line that is broken between words where the terminal ends; what follows the first break begins with so many
    /// blanks.
    pub fn wrapped(&mut self, text: impl Into<Line>, indent: usize) -> &mut Lines {
        self.0.push_str(&wrapped_to(text.into().as_str(), indent, terminal_width()));
        self.0.push('\n');
        self
    }

    /// Adds other lines, without empty ones at their end.
    pub fn lines(&mut self, other: &Lines) -> &mut Lines {
        self.0.push_str(other.0.trim_end());
        self.0.push('\n');
        self
    }

    /// As text, which ends without a break.
    pub fn as_str(&self) -> &str {
        self.0.trim_end()
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }

    /// What a table drew of [`Cell`](super::Cell)s.
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

/// One line.
impl<T: Into<Line>> From<T> for Lines {
    fn from(text: T) -> Lines {
        Lines(text.into().0)
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
