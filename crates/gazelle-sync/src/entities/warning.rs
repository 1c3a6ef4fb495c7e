//! Quality warnings about a record that is written nevertheless.

/// An optional column could not be read and is NULL.
pub const UNREADABLE_FIELD: &str = "unreadable_field";
/// A nested row, or a list of such rows, could not be read.
pub const UNREADABLE_ROW: &str = "unreadable_row";

/// The warnings that records of any entity can have: code and description.
pub const WARNINGS: [(&str, &str); 4] = [
    (UNREADABLE_FIELD, "field that cannot be read, NULL in production"),
    (UNREADABLE_ROW, "row inside a record that cannot be read, left as it was"),
    ("improbable_date", "time outside 1990 to 2100"),
    ("text_cleaned", "text that had to be cleaned"),
];

/// A quality warning about a record that was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Warning {
    /// The code: `blank_serial`, `appointment_without_client`, …
    pub code: &'static str,
    /// The field.
    pub field: String,
    /// The columns that are NULL because of it, comma-separated: `gazelle_pianos.manufacture_year`; `None`: no
    /// column is.
    pub column: Option<String>,
    /// The shape of the value, never the value itself.
    pub shape: Option<String>,
}
