//! What every command gets: the settings, and the ways to say what came of it.

use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::config::Settings;
use crate::display::{self, Document, Lines, Progress};

/// Exit status of what failed.
pub const FAILED: u8 = 1;
/// Exit status of wrong use.
pub const WRONG_USE: u8 = 2;
/// Exit status of what is incomplete.
pub const PARTIAL: u8 = 3;

/// What every command gets.
pub struct Context {
    /// The settings in force.
    pub settings: Settings,
    /// Print one JSON document on stdout.
    pub json: bool,
    /// The progress display, on stderr.
    pub progress: Progress,
}

impl Context {
    /// Prints a command's result: the document with `--json`, else the lines.
    pub fn print<T: Into<Lines>>(&self, document: &impl Serialize, lines: impl FnOnce() -> T) -> Result<()> {
        self.progress.finish();
        match self.json {
            true => display::print_document(&Document::indented(document)?)?,
            false => display::print(&lines().into())?,
        };
        Ok(())
    }

    /// Says what is wrong with the command line.
    pub fn wrong_use(&self, message: &str) -> Result<u8> {
        self.progress.finish();
        if self.json {
            print_failure(message);
        }
        display::tell_error(message);
        Ok(WRONG_USE)
    }
}

/// Says what failed, for people on stderr or as the one JSON document.
pub fn failed(message: &str, json: bool, code: u8) -> ExitCode {
    if json {
        print_failure(message);
    }
    display::tell_error(message);
    ExitCode::from(code)
}

/// The one JSON document of what failed. That stdout cannot be written either is told by the exit status.
pub fn print_failure(message: &str) {
    let document = json!({ "status": "failed", "error": message });
    let _ = display::print_document(&Document::in_one_line(&document));
}
