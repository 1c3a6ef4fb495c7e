//! What a production table is: its key, its columns, and for each column where in the record its
//! value comes from. One declaration serves the reconciler, the upsert, comparisons and messages.

use jiff::civil::{Date, DateTime, Time};

use super::Query;

/// A production table as its entity's folder declares it.
#[derive(Debug)]
pub struct Table {
    /// Name in the database, without schema.
    pub name: &'static str,
    /// The columns that identify a row; the first of [`Table::columns`] in the same order.
    pub key: &'static [&'static str],
    /// For rows that belong to another record (a client's contacts): the column naming the owner.
    /// Rows of an owner that its newest version no longer holds are marked deleted.
    pub owner: Option<&'static str>,
    /// The list inside the record that its rows are; none where the record is the row.
    pub list: Option<Nested>,
    /// What a row without an id is called after its holder's id: see [`Table::made_up_id`].
    pub unnamed: Option<&'static str>,
    /// Every column that the reconciler fills, key first. Lineage columns are not listed.
    pub columns: &'static [Column],
    /// Columns that the database derives from other production rows when a row is written.
    pub derived: Option<Derived>,
    /// Columns that the database computes from others of the row, and that nobody writes.
    pub generated: &'static [Generated],
}

/// A connection inside a record, and the query that fetches its further pages.
#[derive(Debug)]
pub struct Nested {
    /// Where the connection is: `["allContacts"]`, or inside each node of another one:
    /// `["allContacts", "allLocations"]`.
    pub path: &'static [&'static str],
    /// The query of a further page, with `$id` of the object that holds the connection, `$first`, `$after`.
    pub query: Query,
    /// Name of the operation in `query`.
    pub operation: &'static str,
    /// Path of the connection in the answer: `["contact", "allLocations"]`.
    pub answer: &'static [&'static str],
}

/// A column that the database computes.
#[derive(Debug)]
pub struct Generated {
    /// Name in the database.
    pub name: &'static str,
    /// Its type, as SQL.
    pub sql_type: &'static str,
    /// SQL over columns of the same row.
    pub expression: &'static str,
}

/// Columns taken from a joined production table instead of from the record itself.
#[derive(Debug)]
pub struct Derived {
    /// The production table that is joined.
    pub table: &'static str,
    /// The column of ours that names the joined row.
    pub by: &'static str,
    /// SQL of the join; `i` is the incoming row, `{schema}` our schema, `{prefix}` what table names start with
    /// where production is rebuilt beside itself.
    pub join: &'static str,
    /// The columns, each an id.
    pub columns: &'static [DerivedColumn],
}

/// A column taken from a joined row.
#[derive(Debug)]
pub struct DerivedColumn {
    /// Name in the database.
    pub name: &'static str,
    /// SQL over the join.
    pub expression: &'static str,
    /// The table whose row the value names.
    pub references: &'static str,
}

/// One column and the rule that fills it.
#[derive(Debug)]
pub struct Column {
    /// Name in the database.
    pub name: &'static str,
    /// How the JSON value is read and which SQL type it takes.
    pub rule: Rule,
    /// Where the value is in the record: dotted paths, the first that holds a value wins. Empty
    /// where the reconciler sets the value itself.
    pub from: &'static [&'static str],
    /// How the reconciler sets it, where it does so itself.
    pub made: Option<Made>,
    /// A record without it, or whose value cannot be read, is quarantined. Any other column becomes NULL, with a warning.
    pub required: bool,
    /// The table whose row the value names: a record naming an absent one waits in quarantine.
    pub parent: Option<&'static str>,
    /// The same where that row comes from the same record, and so is never waited for.
    pub holder: Option<&'static str>,
}

/// How the reconciler comes to a value that no one path of the record holds.
#[derive(Debug)]
pub struct Made {
    /// The paths it looks at, in the row's own JSON; each leading `^` goes up to the object that holds the row's.
    pub from: &'static [&'static str],
    /// What it makes of them, for people.
    pub how: &'static str,
}

/// How a JSON value becomes a column's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Text as it is; numbers and booleans as their JSON text.
    Text,
    /// An identifier: text, where the empty string means absent.
    Id,
    /// A whole number.
    Integer,
    /// A floating-point number.
    Float,
    /// A boolean.
    Boolean,
    /// A `CoreDate`, without zone.
    Date,
    /// An instant.
    Instant,
    /// The UTC date of an instant.
    UtcDate,
    /// The UTC time of day of an instant.
    UtcTime,
    /// A list of texts.
    TextList,
    /// A decimal number, such as an amount of money: exact where it comes as text; a JSON number has 15 significant digits.
    Decimal,
    /// Any JSON, as it is.
    Json,
}

impl Rule {
    /// The SQL type of the column, as the upsert casts it.
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
    /// What a value must be, as in "where a date is expected".
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

    /// Whether values travel as text and are cast where they arrive: Postgres has no arrays of arrays of different lengths,
    /// and the driver no decimals.
    pub fn travels_as_text(self) -> bool {
        matches!(self, Rule::TextList | Rule::Decimal | Rule::Json)
    }

    /// What it does, for people.
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
            Rule::Json => "JSON, as it is",
        }
    }
}

/// A value on its way to a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL: the API said null or nothing.
    Null,
    /// Text or identifier.
    Text(String),
    /// 32-bit integer.
    Integer(i32),
    /// Double precision.
    Float(f64),
    /// Boolean.
    Boolean(bool),
    /// Date without zone, or the UTC date of an instant.
    Date(Date),
    /// UTC time of day.
    Time(Time),
    /// An instant.
    Instant(DateTime),
    /// A list of texts.
    TextList(Vec<String>),
    /// A decimal number, as Postgres reads it.
    Decimal(String),
    /// JSON that `jsonb` can hold.
    Jsonb(String),
}

impl Value {
    /// The value as the text of a key, as Postgres writes it; none where it is absent or no kind that a key has.
    pub fn as_key(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The text inside, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A production row before it is written: one value a column, in the table's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The values, in the order of [`Table::columns`].
    pub values: Vec<Value>,
}

impl Table {
    /// What most tables are: rows that are records of their own, with columns that come from the record alone.
    pub const OF_RECORDS: Table = Table {
        name: "",
        key: &["external_id"],
        owner: None,
        list: None,
        unnamed: None,
        columns: &[],
        derived: None,
        generated: &[],
    };

    /// Where in the record its rows are: a connection, or one in the nodes of another; empty where the record is the row.
    pub fn inside(&self) -> &'static [&'static str] {
        self.list.as_ref().map_or(&[], |list| list.path)
    }

    /// Position of a column.
    ///
    /// # Panics
    /// When the table has no such column: a mistake in the declaration, caught by the unit tests.
    pub fn index(&self, column: &str) -> usize {
        match self.columns.iter().position(|c| c.name == column) {
            Some(index) => index,
            None => panic!("invariant: table {} declares no column {column}", self.name),
        }
    }

    /// The id under which a row without one is kept: its holder's and its place in the list.
    pub fn made_up_id(&self, holder: &str, position: usize) -> Option<String> {
        self.unnamed.map(|word| format!("{holder}/{word}/{position}"))
    }

    /// The value of a column in a row of this table.
    pub fn get<'r>(&self, row: &'r Row, column: &str) -> &'r Value {
        &row.values[self.index(column)]
    }

    /// Sets a column in a row of this table.
    pub fn set(&self, row: &mut Row, column: &str, value: Value) {
        row.values[self.index(column)] = value;
    }
}

/// The columns of every production table that say where a row comes from.
pub const LINEAGE: [(&str, &str); 4] = [
    ("staging_id", "uuid"),
    ("reconciler_version", "integer"),
    ("synced_from_gazelle_at", "timestamptz"),
    ("deleted_at", "timestamptz"),
];

impl Table {
    /// The columns that we write, in order, each with its SQL type: what the record says, what is derived from other
    /// rows, and the lineage. Columns that the database generates are not among them.
    pub fn stored_columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let said = self.columns.iter().map(|column| (column.name, column.rule.sql_type()));
        said.chain(self.derived_columns().iter().map(|column| (column.name, Rule::Id.sql_type())))
            .chain(LINEAGE)
    }

    /// The names of all its columns, those that the database computes too.
    pub fn all_columns(&self) -> impl Iterator<Item = &'static str> {
        self.stored_columns().map(|(name, _)| name).chain(self.generated.iter().map(|column| column.name))
    }

    /// The columns that are taken from another production row; empty where there are none.
    pub fn derived_columns(&self) -> &'static [DerivedColumn] {
        self.derived.as_ref().map(|derived| derived.columns).unwrap_or_default()
    }

    /// Its foreign keys: column, and the table whose `external_id` it names.
    pub fn references(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let said =
            self.columns.iter().filter_map(|column| Some((column.name, column.parent.or(column.holder)?)));
        said.chain(self.derived_columns().iter().map(|column| (column.name, column.references)))
    }
}

/// A column copied by a rule from the first path that holds a value.
pub const fn column(name: &'static str, rule: Rule, from: &'static [&'static str]) -> Column {
    Column { name, rule, from, made: None, required: false, parent: None, holder: None }
}

impl Column {
    /// Makes the column required.
    pub const fn required(mut self) -> Column {
        self.required = true;
        self
    }

    /// Says how the reconciler sets the column itself.
    pub const fn made(mut self, from: &'static [&'static str], how: &'static str) -> Column {
        self.made = Some(Made { from, how });
        self
    }

    /// Makes the column name a row of another table that the same record gives.
    pub const fn held_by(mut self, table: &'static str) -> Column {
        self.holder = Some(table);
        self
    }

    /// Makes the column name a row of another record's table.
    pub const fn parent(mut self, table: &'static str) -> Column {
        self.parent = Some(table);
        self
    }
}
