//! The declaration of a production table: its key, its columns, and where in the record each column's value is. One
//! declaration serves the reconciler, the upsert, comparisons and messages.

use jiff::civil::{Date, DateTime, Time};

use super::Query;
pub use super::rule::Rule;
use super::warning::WarningCode;

/// A production table, declared in its entity's folder.
#[derive(Debug)]
pub struct Table {
    /// Its name without the schema.
    pub name: &'static str,
    /// What its rows are called on the page of their record; `None` if the record itself is the row, or for the name of
    /// the table.
    pub heading: Option<Heading>,
    /// The primary key; these are the first of [`Table::columns`], in the same order.
    pub key: &'static [&'static str],
    /// For rows that belong to another row (a client's contacts): the column with the owner's id. Rows that the
    /// owner's newest version no longer contains are marked deleted.
    pub owner: Option<&'static str>,
    /// The nested list that its rows come from; `None` if the record itself is the row.
    pub list: Option<Nested>,
    /// For a list whose rows may have no id: the id that such a row gets. `None` if every row must have one.
    pub unnamed: Option<Unnamed>,
    /// Every column that the reconciler fills, key first. Lineage columns are not listed.
    pub columns: &'static [Column],
    /// Columns that are derived from other production rows when a row is written.
    pub derived: Option<Derived>,
    /// Generated columns, which the database computes from other columns of the row.
    pub generated: &'static [Generated],
    /// The view, made by a migration, that shows its rows with local times; `None` if there is none.
    pub shown_by: Option<View>,
}

/// A heading in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    /// In English.
    pub en: &'static str,
    /// In French.
    pub fr: &'static str,
}

/// A view with columns that it computes from columns of a table.
#[derive(Debug)]
pub struct View {
    /// Its name without the schema.
    pub name: &'static str,
    /// Those columns, each with the column of the table that it is computed from.
    pub columns: &'static [(&'static str, &'static str)],
    /// The columns of the table from which all of those follow.
    pub follows_from: &'static [&'static str],
    /// What else the view takes into account, for people.
    pub exception: &'static str,
    /// Those columns in a line for people, each as `{column}`.
    pub summary: &'static str,
}

/// A nested connection, and the query for its further pages.
#[derive(Debug)]
pub struct Nested {
    /// The path of the connection: `["allContacts"]`, or within each node of another one: `["allContacts",
    /// "allLocations"]`.
    pub path: &'static [&'static str],
    /// The query of a further page, with `$id` of the object that contains the connection, `$first` and `$after`.
    pub query: Query,
    /// The name of the operation in `query`.
    pub operation: &'static str,
    /// The path of the connection in the answer: `["contact", "allLocations"]`.
    pub answer: &'static [&'static str],
    /// The warning for a row that the connection lists twice.
    pub doubled: WarningCode,
}

impl Nested {
    /// The name of the connection in the object that contains it: the last step of its path.
    pub fn connection(&self) -> &'static str {
        self.path.last().copied().unwrap_or_default()
    }
}

/// How rows without an id are identified.
#[derive(Debug)]
pub struct Unnamed {
    /// The middle of the generated id.
    pub word: &'static str,
    /// The warning for such a row.
    pub warning: WarningCode,
}

impl Unnamed {
    /// The generated id: the id of the row that contains the list, and the position in it.
    pub fn id(&self, holder: &str, position: usize) -> String {
        format!("{holder}/{}/{position}", self.word)
    }
}

/// A generated column.
#[derive(Debug)]
pub struct Generated {
    /// Its name.
    pub name: &'static str,
    /// Its SQL type.
    pub sql_type: &'static str,
    /// An SQL expression over columns of the same row.
    pub expression: &'static str,
}

/// Columns that repeat those of another record's row instead of reading ours. They are filled when our row is
/// written, and refreshed when the other one is.
#[derive(Debug)]
pub struct Derived {
    /// The table of the other row: the first of its entity.
    pub table: &'static str,
    /// Our column with the id of the other row.
    pub by: &'static str,
    /// The columns; each is an id.
    pub columns: &'static [DerivedColumn],
}

/// A column that repeats one of another row.
#[derive(Debug)]
pub struct DerivedColumn {
    /// Its name.
    pub name: &'static str,
    /// The column that it repeats; an id.
    pub from: &'static str,
    /// The table that the value references.
    pub references: &'static str,
}

/// A column and the rule that fills it.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// How the JSON value is read, and the SQL type.
    pub rule: Rule,
    /// Dotted paths in the record; the first with a value counts. Empty if the reconciler computes the value.
    pub from: &'static [&'static str],
    /// How the reconciler computes it, if it does.
    pub made: Option<Made>,
    /// Without a readable value the record is quarantined. Any other column becomes NULL, with a warning.
    pub required: bool,
    /// The table that the value references: a record with a missing parent waits in quarantine.
    pub parent: Option<&'static str>,
    /// The same if that row comes from the same record, so that it is never missing.
    pub holder: Option<&'static str>,
}

/// How the reconciler computes a value that is not at a single path.
#[derive(Debug)]
pub struct Made {
    /// The paths it reads, relative to the row's own JSON; each leading `^` goes up to the enclosing object.
    pub from: &'static [&'static str],
    /// A description for people.
    pub how: &'static str,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL: the value is null or missing in the record.
    Null,
    /// Text or identifier.
    Text(String),
    /// 32-bit integer.
    Integer(i32),
    /// Double precision.
    Float(f64),
    /// Boolean.
    Boolean(bool),
    /// A date without time zone, or the UTC date of a timestamp.
    Date(Date),
    /// UTC time of day.
    Time(Time),
    /// A timestamp in UTC.
    Instant(DateTime),
    /// A list of texts.
    TextList(Vec<String>),
    /// A decimal number in Postgres's syntax.
    Decimal(String),
    /// JSON that `jsonb` can hold.
    Jsonb(String),
}

impl Value {
    /// The value as text of a key, as Postgres prints it; `None` for NULL and for types that keys do not have.
    pub fn as_key(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The text of a text value; `None` for other types.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A production row to be written: one value per column, in the table's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The values, in the order of [`Table::columns`].
    pub values: Vec<Value>,
}

impl Table {
    /// Defaults for most tables: one row per record, all columns from the record.
    pub const OF_RECORDS: Table = Table {
        name: "",
        heading: None,
        key: &["external_id"],
        owner: None,
        list: None,
        unnamed: None,
        columns: &[],
        derived: None,
        generated: &[],
        shown_by: None,
    };

    /// The path of its rows in the record: a connection, or one in the nodes of another; empty if the record is the
    /// row.
    pub fn inside(&self) -> &'static [&'static str] {
        self.list.as_ref().map_or(&[], |list| list.path)
    }

    /// A column that the reconciler fills; `None` if the table has none of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The view that computes a column of this name, and the column of this table that it computes it from.
    pub fn in_view(&self, name: &str) -> Option<(&View, &'static str)> {
        let view = self.shown_by.as_ref()?;
        view.columns.iter().find(|(shown, _)| *shown == name).map(|(_, from)| (view, *from))
    }

    /// The index of a column.
    ///
    /// # Panics
    /// If the table has no such column: a mistake in the declaration that the unit tests catch.
    pub fn index(&self, column: &str) -> usize {
        match self.columns.iter().position(|c| c.name == column) {
            Some(index) => index,
            None => panic!("invariant: table {} declares no column {column}", self.name),
        }
    }

    /// The value of a column in a row of this table.
    ///
    /// # Panics
    /// As [`Table::index`].
    pub fn get<'r>(&self, row: &'r Row, column: &str) -> &'r Value {
        &row.values[self.index(column)]
    }

    /// Sets a column in a row of this table.
    ///
    /// # Panics
    /// As [`Table::index`].
    pub fn set(&self, row: &mut Row, column: &str, value: Value) {
        row.values[self.index(column)] = value;
    }
}

/// The lineage columns of every production table: where a row comes from.
pub const LINEAGE: [(&str, &str); 4] = [
    ("staging_id", "uuid"),
    ("reconciler_version", "integer"),
    ("synced_from_gazelle_at", "timestamptz"),
    ("deleted_at", "timestamptz"),
];

impl Table {
    /// The columns that we write, in order, with their SQL types: from the record, derived, and lineage. Generated
    /// columns are not included.
    pub fn stored_columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let said = self.columns.iter().map(|column| (column.name, column.rule.sql_type()));
        said.chain(self.derived_columns().iter().map(|column| (column.name, Rule::Id.sql_type())))
            .chain(LINEAGE)
    }

    /// The names of all columns, including generated ones.
    pub fn all_columns(&self) -> impl Iterator<Item = &'static str> {
        self.stored_columns().map(|(name, _)| name).chain(self.generated.iter().map(|column| column.name))
    }

    /// The derived columns; empty if there are none.
    pub fn derived_columns(&self) -> &'static [DerivedColumn] {
        self.derived.as_ref().map(|derived| derived.columns).unwrap_or_default()
    }

    /// Its foreign keys: column, and the table whose `external_id` it references.
    pub fn references(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let said =
            self.columns.iter().filter_map(|column| Some((column.name, column.parent.or(column.holder)?)));
        said.chain(self.derived_columns().iter().map(|column| (column.name, column.references)))
    }
}

/// A column filled by a rule from the first path with a value.
pub const fn column(name: &'static str, rule: Rule, from: &'static [&'static str]) -> Column {
    Column { name, rule, from, made: None, required: false, parent: None, holder: None }
}

impl Column {
    /// Makes the column required.
    pub const fn required(mut self) -> Column {
        self.required = true;
        self
    }

    /// Documents how the reconciler computes the column.
    pub const fn made(mut self, from: &'static [&'static str], how: &'static str) -> Column {
        self.made = Some(Made { from, how });
        self
    }

    /// Makes the column reference a table that the same record fills.
    pub const fn held_by(mut self, table: &'static str) -> Column {
        self.holder = Some(table);
        self
    }

    /// Makes the column reference a table of another record.
    pub const fn parent(mut self, table: &'static str) -> Column {
        self.parent = Some(table);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::appointments::GAZELLE_APPOINTMENTS;

    #[test]
    fn a_column_is_shown_by_the_view_that_its_table_declares_and_by_no_other() {
        static RESERVATIONS: Table = Table {
            name: "reservations",
            columns: &[
                column("external_id", Rule::Id, &["id"]).required(),
                column("appointment_date", Rule::UtcDate, &["start"]),
            ],
            ..Table::OF_RECORDS
        };
        let shown = |table: &Table, name| table.in_view(name).map(|(view, from)| (view.name, from));
        assert_eq!(
            shown(&GAZELLE_APPOINTMENTS, "end_time_montreal"),
            Some(("v_appointments_montreal", "end_at"))
        );
        assert_eq!(shown(&GAZELLE_APPOINTMENTS, "start_at"), None);
        assert_eq!(shown(&RESERVATIONS, "date_montreal"), None);
    }
}
