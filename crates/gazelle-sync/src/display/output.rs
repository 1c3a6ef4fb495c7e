//! Writes to stdout and stderr; accepts only [`Lines`] and [`Document`]s. No other module may write there
//! (`tests/house` checks it).

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{ErrorKind, Write};
use std::panic::PanicHookInfo;

use serde::Serialize;

use super::document::Document;
use super::line::{Line, Lines};

/// Prints lines to stdout. A closed pipe (`| head`) is not an error: the result is `false`, and the caller need not
/// print more.
///
/// # Errors
/// Stdout cannot be written, such as a full disk behind a redirection.
pub fn print(lines: &Lines) -> std::io::Result<bool> {
    write(&format!("{lines}\n"))
}

/// Prints a document to stdout, as [`print()`].
///
/// # Errors
/// As [`print()`].
pub fn print_document(document: &Document) -> std::io::Result<bool> {
    write(&format!("{document}\n"))
}

/// Prints to stderr, for the person who started the program. A failed write is ignored.
pub fn print_to_stderr(lines: impl Into<Lines>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", lines.into());
}

/// Prints an error to stderr, on one line.
pub fn tell_error(message: &str) {
    print_to_stderr(Line::from(format!("error: {message}")));
}

/// Prints a panic to stderr on one line, followed by the backtrace if RUST_BACKTRACE asks for it.
pub fn tell_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let mut lines = Lines::new();
    lines.line(format!("thread {:?} {panic}", thread.name().unwrap_or("without a name")));
    let calls = Backtrace::capture();
    if calls.status() == BacktraceStatus::Captured {
        lines.lines(&Lines::with_breaks(&calls.to_string()));
    }
    print_to_stderr(lines);
}

/// A JSON array that is printed to stdout item by item, as the items are read.
#[derive(Debug, Default)]
pub struct List {
    items: usize,
}

impl List {
    /// An array without items.
    pub fn new() -> List {
        List::default()
    }

    /// Prints one more item. Returns whether stdout is still open.
    ///
    /// # Errors
    /// As [`print()`]; an item that cannot be written as JSON.
    pub fn item(&mut self, value: &impl Serialize) -> anyhow::Result<bool> {
        let before = if self.items == 0 { "[" } else { "," };
        let item = Document::indented(value)?.as_str().replace('\n', "\n  ");
        self.items += 1;
        Ok(write(&format!("{before}\n  {item}"))?)
    }

    /// Number of printed items.
    pub fn len(&self) -> usize {
        self.items
    }

    /// Whether no item was printed.
    pub fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Prints the end of the array. Without it the output is not valid JSON, so a partial list is not mistaken for
    /// a whole one.
    ///
    /// # Errors
    /// As [`print()`].
    pub fn end(self) -> std::io::Result<()> {
        write(if self.items == 0 { "[]\n" } else { "\n]\n" }).map(drop)
    }
}

fn write(text: &str) -> std::io::Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}
