//! The rules by which JSON values become values of columns.

/// How a JSON value becomes a column's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Text unchanged; numbers and booleans as their JSON text.
    Text,
    /// An identifier: text; an empty one counts as missing.
    Id,
    /// A 32-bit integer.
    Integer,
    /// A floating-point number.
    Float,
    /// A boolean.
    Boolean,
    /// A `CoreDate`, without time zone.
    Date,
    /// A timestamp, in UTC.
    Instant,
    /// The UTC date of a timestamp.
    UtcDate,
    /// The UTC time of day of a timestamp.
    UtcTime,
    /// A list of texts.
    TextList,
    /// A decimal number, such as an amount of money. Exact if it is sent as text or as an integer of 64 bits. Any other
    /// JSON number is exact to 15 significant digits; more are rounded without a warning.
    Decimal,
    /// Any JSON. Names and texts lose U+0000, which `jsonb` cannot hold. A number that is no integer of 64 bits is
    /// exact to 15 significant digits and may be written differently (`1.50` as `1.5`); more digits are rounded without
    /// a warning. Staging keeps the original bytes.
    Json,
}

impl Rule {
    /// The SQL type of the column, used in casts.
    pub fn sql_type(self) -> &'static str {
        match self {
            Rule::Text | Rule::Id => "text",
            Rule::Integer => "integer",
            Rule::Float => "double precision",
            Rule::Boolean => "boolean",
            Rule::Date | Rule::UtcDate => "date",
            Rule::Instant => "timestamptz",
            Rule::UtcTime => "time",
            Rule::TextList => "text[]",
            Rule::Decimal => "numeric",
            Rule::Json => "jsonb",
        }
    }
}

impl Rule {
    /// The expected value, as in "where a date is expected".
    pub fn noun(self) -> &'static str {
        match self {
            Rule::Text => "text",
            Rule::Id => "an id",
            Rule::Integer => "a whole number of 32 bits",
            Rule::Float => "a number",
            Rule::Boolean => "true or false",
            Rule::Date => "a date",
            Rule::Instant | Rule::UtcDate | Rule::UtcTime => "a date and time with a UTC offset",
            Rule::TextList => "a list of texts",
            Rule::Decimal => "a decimal number",
            Rule::Json => "JSON",
        }
    }

    /// Whether values are sent as text and cast by the statement: Postgres has no arrays of arrays of different
    /// lengths, and the driver no decimals.
    pub fn travels_as_text(self) -> bool {
        matches!(self, Rule::TextList | Rule::Decimal | Rule::Json)
    }

    /// A description for people.
    pub fn describe(self) -> &'static str {
        match self {
            Rule::Text => "text, as it is",
            Rule::Id => "an id, as it is; an empty one counts as none",
            Rule::Integer => "a whole number, also written as text",
            Rule::Float => "a number, also written as text",
            Rule::Boolean => "true or false, also 1 or 0 and such words",
            Rule::Date => "a date, which has no zone; of a date and time the date as written",
            Rule::Instant => "an instant",
            Rule::UtcDate => "the UTC date of an instant",
            Rule::UtcTime => "the UTC time of day of an instant",
            Rule::TextList => "a list of texts",
            Rule::Decimal => "a decimal number, also written as text",
            Rule::Json => "JSON; numbers other than integers keep 15 digits",
        }
    }
}
