//! Writing to stdout and stderr: nothing but [`Lines`] and [`Document`]s. No other module writes there; a rule of the
//! house (`tests/house`) sees to it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{ErrorKind, Write};
use std::panic::PanicHookInfo;

use serde::Serialize;

use super::document::Document;
use super::line::{Line, Lines};

/// Prints lines to stdout. A reader that has gone (`| head`) is no error. Says whether there is still somebody who reads,
/// for those who have more to print.
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

/// Says something to the person who started the program, past stdout. That stderr cannot be written is nobody's concern.
pub fn tell(lines: impl Into<Lines>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", lines.into());
}

/// Says what failed, in one line.
pub fn tell_error(message: &str) {
    tell(Line::from(format!("error: {message}")));
}

/// Says that the program has a fault, in one line; below it the calls that led there, where RUST_BACKTRACE asks for them.
pub fn tell_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let mut lines = Lines::new();
    lines.line(format!("thread {:?} {panic}", thread.name().unwrap_or("without a name")));
    let calls = Backtrace::capture();
    if calls.status() == BacktraceStatus::Captured {
        lines.lines(&Lines::with_breaks(&calls.to_string()));
    }
    tell(lines);
}

/// A JSON array on stdout, item by item, as they are read.
#[derive(Debug, Default)]
pub struct List {
    items: usize,
}

impl List {
    /// Nothing printed yet.
    pub fn new() -> List {
        List::default()
    }

    /// Prints one more item; says whether there is still somebody who reads.
    ///
    /// # Errors
    /// As [`print()`]; an item that cannot be written as JSON.
    pub fn item(&mut self, value: &impl Serialize) -> anyhow::Result<bool> {
        let before = if self.items == 0 { "[" } else { "," };
        let item = Document::indented(value)?.as_str().replace('\n', "\n  ");
        self.items += 1;
        Ok(write(&format!("{before}\n  {item}"))?)
    }

    /// How many were printed.
    pub fn len(&self) -> usize {
        self.items
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Prints the end. Without it nobody takes the list for whole.
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
