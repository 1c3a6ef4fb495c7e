//! The context of every command: the settings, and how to print results and failures.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::config::Settings;
use crate::display::{self, Document, Lines, Progress};
use crate::words::locale::Locale;

/// Exit status of a failure.
pub const FAILED: u8 = 1;
/// Exit status of wrong arguments or settings.
pub const WRONG_USE: u8 = 2;
/// Exit status of a partial result.
pub const PARTIAL: u8 = 3;

/// The context of a command.
pub struct Context {
    /// The settings in force.
    pub settings: Settings,
    /// Whether to print one JSON document on stdout.
    pub json: bool,
    /// The first line of what is printed for people: the database that it is about. `None` with `-q`, and for a command
    /// without a database.
    pub first_line: Option<String>,
    /// The progress display, on stderr.
    pub progress: Progress,
}

impl Context {
    /// The language of what is printed for people, with the zone of the settings.
    pub(crate) fn locale(&self) -> Locale {
        Locale::new(self.settings.language, self.settings.zone(), Timestamp::now())
    }

    /// Prints a command's result: the document with `--json`, else the first line and the lines.
    ///
    /// # Errors
    /// The document cannot be serialized, or stdout cannot be written.
    pub fn print<T: Into<Lines>>(&self, document: &impl Serialize, lines: impl FnOnce() -> T) -> Result<()> {
        self.progress.finish();
        match self.json {
            true => display::print_document(&Document::indented(document)?)?,
            false => {
                self.print_first_line()?;
                display::print(&lines().into())?
            }
        };
        Ok(())
    }

    /// Prints the first line of a report whose lines the command prints itself.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn print_first_line(&self) -> std::io::Result<()> {
        if let Some(first) = &self.first_line {
            let mut line = Lines::new();
            line.wrapped(first.as_str(), 2);
            display::print(&line)?;
        }
        Ok(())
    }

    /// Reports wrong arguments, and returns the exit status.
    ///
    /// # Errors
    /// None: the callers return this result as their own.
    pub fn wrong_use(&self, message: &str) -> Result<u8> {
        self.progress.finish();
        if self.json {
            print_failure(message);
        }
        display::tell_error(message);
        Ok(WRONG_USE)
    }
}

/// Reports a failure on stderr, with `--json` also as the document on stdout.
pub fn failed(message: &str, json: bool, code: u8) -> ExitCode {
    if json {
        print_failure(message);
    }
    display::tell_error(message);
    ExitCode::from(code)
}

/// Prints the JSON document of a failure. If stdout cannot be written either, the exit status remains.
pub fn print_failure(message: &str) {
    let document = json!({ "status": "failed", "error": message });
    let _ = display::print_document(&Document::in_one_line(&document));
}
