//! What is declared of an entity: how it is asked for, and what its records become.

use serde_json_borrow::Value as Json;

use super::query::Query;
use super::read::{Reconciled, RecordError};
use super::table::{Nested, Table};

/// One kind of Gazelle object: how it is asked for, and what its records become.
#[derive(Debug)]
pub struct Entity {
    /// The word of the command line and of the bookkeeping tables: `appointments`.
    pub name: &'static str,
    /// Its staging table: `staging_appointments`.
    pub staging_table: &'static str,
    /// How stage 1 walks it.
    pub walk: Walk,
    /// How one record is asked for by its id, for missing parents and evidence; none where the API has no way.
    pub getter: Option<Getter>,
    /// For an entity without a getter of its own: the entity of a record that names it, and the query
    /// that reaches it through that record.
    pub found_through: Option<(&'static str, Getter)>,
    /// For an entity that the API lists without pages: another list whose records hold those of this one. It serves where a
    /// field of one record takes the whole list along.
    pub listed_in: Option<ListedIn>,
    /// The production tables that its records fill, parents first; the first is the record's own.
    pub tables: &'static [&'static Table],
    /// Raised when the reconciler's result changes, so that rows made by an older one are redone.
    pub reconciler_version: i32,
    /// The reconciler: raw JSON in, rows or a named error out. Pure.
    pub reconcile: fn(&Json<'_>) -> Result<Reconciled, RecordError>,
    /// The warnings that its reconciler gives beside [`WARNINGS`](super::read::WARNINGS): code, and what it says of a record.
    pub warnings: &'static [(&'static str, &'static str)],
    /// What is written after records of this entity were applied: what other entities' rows derive from them.
    pub after_apply: Option<Refresh>,
}

/// The refresh of rows that derive columns from records of another entity; both statements take the records' ids as
/// `$1::text[]`.
#[derive(Debug)]
pub struct Refresh {
    /// The table of the rows.
    pub table: &'static str,
    /// SQL that gives the keys of the rows to be refreshed.
    pub to_write: &'static str,
    /// SQL that refreshes them and returns the keys of those that were.
    pub write: &'static str,
}

impl Entity {
    /// The connections inside a record, each with the query of its further pages.
    pub fn nested(&self) -> impl Iterator<Item = &'static Nested> + use<> {
        self.tables.iter().filter_map(|table| table.list.as_ref())
    }

    /// Whether a record holds connections.
    pub fn has_nested(&self) -> bool {
        self.nested().next().is_some()
    }

    /// The column of its first table by whose days it may be walked in part; none where only the whole is sound.
    pub fn own_date(&self) -> Option<&'static str> {
        match &self.walk.shape {
            Shape::Connection { dates, .. } => dates.own_date,
            Shape::PlainList => None,
        }
    }
}

/// How the API lists an entity.
#[derive(Debug)]
pub struct Walk {
    /// The query of one page; its operation name is its file's.
    pub page_query: Query,
    /// Name of the operation in `page_query`.
    pub operation: &'static str,
    /// The root field that lists: `allEventsBatched`.
    pub root: &'static str,
    /// Pages or one plain list.
    pub shape: Shape,
}

impl Walk {
    /// How many levels of fields the query of a page has.
    pub fn levels(&self) -> usize {
        let (mut level, mut deepest) = (0_usize, 0);
        for letter in self.page_query.chars() {
            match letter {
                '{' => level += 1,
                '}' => level = level.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(level);
        }
        deepest
    }
}

/// The two shapes in which the API lists things.
#[derive(Debug)]
pub enum Shape {
    /// One answer holds all (`allUsers`).
    PlainList,
    /// A Relay connection, in pages.
    Connection {
        /// The input type of `filters`, for queries that count.
        filter_type: &'static str,
        /// The pair of inclusive `CoreDate` filters by which a walk can be split or narrowed.
        dates: DateFilter,
        /// Where the records without that date are, which no date filter finds; none where every record has it.
        undated: Option<Undated>,
    },
}

/// Records without the date by which a walk is split, and how they are found.
#[derive(Debug)]
pub struct Undated {
    /// The field of a record that is null then.
    pub field: &'static str,
    /// The ends of the list at which an API may have them, the likeliest first.
    pub ends: &'static [UndatedEnd],
}

/// One end of a sorted list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndatedEnd {
    /// The beginning of the list with this `sortBy` value.
    First(&'static str),
    /// Its end.
    Last(&'static str),
}

/// A pair of inclusive `CoreDate` filters. Their zone is not known; adjacent days partition all the same.
#[derive(Debug)]
pub struct DateFilter {
    /// Name of the greater-or-equal filter.
    pub from: &'static str,
    /// Name of the less-or-equal filter.
    pub until: &'static str,
    /// The column of the entity's first table that holds the date in UTC, where it is the record's own, so that a lookback
    /// window is a sound incremental walk (events); creation dates are not.
    pub own_date: Option<&'static str>,
}

/// A query for one record by id.
#[derive(Debug)]
pub struct Getter {
    /// The query, with the one variable `$id`.
    pub query: Query,
    /// Name of the operation in `query`.
    pub operation: &'static str,
    /// Path of the record in the answer: `["client"]`.
    pub path: &'static [&'static str],
}

/// A list of other records, narrowed to those that hold one record.
#[derive(Debug)]
pub struct ListedIn {
    /// The query, with the one variable `$ids`.
    pub query: Query,
    /// Name of the operation in `query`.
    pub operation: &'static str,
    /// The root field that lists.
    pub root: &'static str,
    /// The field of its records that holds the record.
    pub field: &'static str,
}
