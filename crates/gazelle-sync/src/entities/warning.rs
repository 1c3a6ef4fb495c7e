//! Data quality warnings: they accompany a record and never reject it.

/// The code of a warning of an optional column that could not be read, and is NULL.
pub const UNREADABLE_FIELD: &str = "unreadable_field";
/// The code of a warning of a nested row, or a list of such rows, that could not be read.
pub const UNREADABLE_ROW: &str = "unreadable_row";

/// The warnings that a record of any entity may have: code, and what it says of the record.
pub const WARNINGS: [(&str, &str); 4] = [
    (UNREADABLE_FIELD, "field that cannot be read, NULL in production"),
    (UNREADABLE_ROW, "row inside a record that cannot be read, left as it was"),
    ("improbable_date", "time outside 1990 to 2100"),
    ("text_cleaned", "text that had to be cleaned"),
];

/// A data quality warning about a record that was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Warning {
    /// Kind of warning: `blank_serial`, `event_without_client`, …
    pub code: &'static str,
    /// The field it is about.
    pub field: String,
    /// The columns that are NULL because of it: `gazelle_pianos.manufacture_year`; several are separated by commas.
    pub column: Option<String>,
    /// What stood there: its shape, never the value.
    pub shape: Option<String>,
}
