//! Quality warnings about a record that is written nevertheless.

use std::fmt;

/// The code of a warning, declared once with its meaning: in this file or with the entity that gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WarningCode {
    code: &'static str,
    meaning: &'static str,
}

impl WarningCode {
    /// Declares a code: the text that is stored, and what it says of a record.
    pub const fn new(code: &'static str, meaning: &'static str) -> WarningCode {
        WarningCode { code, meaning }
    }

    /// The text by which it is stored and printed.
    pub const fn as_str(self) -> &'static str {
        self.code
    }

    /// What it says of a record.
    pub const fn meaning(self) -> &'static str {
        self.meaning
    }
}

impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code)
    }
}

/// An optional column could not be read and is NULL.
pub const UNREADABLE_FIELD: WarningCode =
    WarningCode::new("unreadable_field", "field that cannot be read, NULL in production");
/// A nested row, or a list of such rows, could not be read.
pub const UNREADABLE_ROW: WarningCode =
    WarningCode::new("unreadable_row", "row inside a record that cannot be read, left as it was");
/// A time is implausible.
pub const IMPROBABLE_DATE: WarningCode = WarningCode::new("improbable_date", "time outside 1990 to 2100");
/// The text of the record contained characters that the database cannot hold.
pub const TEXT_CLEANED: WarningCode = WarningCode::new("text_cleaned", "text that had to be cleaned");

/// The warnings that records of any entity can have.
pub const WARNINGS: [WarningCode; 4] = [UNREADABLE_FIELD, UNREADABLE_ROW, IMPROBABLE_DATE, TEXT_CLEANED];

/// A quality warning about a record that was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Warning {
    /// The code: `blank_serial`, `appointment_without_client`, …
    pub code: WarningCode,
    /// The field.
    pub field: String,
    /// The columns that are NULL because of it, comma-separated: `gazelle_pianos.manufacture_year`; `None`: no
    /// column is.
    pub column: Option<String>,
    /// The shape of the value, never the value itself.
    pub shape: Option<String>,
}
