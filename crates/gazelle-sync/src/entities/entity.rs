//! The declaration of an entity: how it is requested, and which rows its records become.

use serde_json_borrow::Value as Json;

use super::query::Query;
use super::read::{ReconciledRecord, RecordError};
use super::table::{Nested, Table};
use super::warning::WarningCode;

/// One kind of Gazelle object: how it is requested, and which rows its records become.
#[derive(Debug)]
pub struct Entity {
    /// Its name on the command line and in the bookkeeping tables: `appointments`.
    pub name: &'static str,
    /// What its records are called on the pages of the dashboard.
    pub label: Label,
    /// The statement that reads what its records are called on the pages of the dashboard: one row for each of the
    /// `{ids}` that production has, with the columns `entity` (`{entity}`), `external_id`, `name`, `more` (texts, or NULL),
    /// `start_at` and `deleted_at`. `None`: pages show the ids.
    pub name_sql: Option<&'static str>,
    /// The `timestamptz` column of its first table by which lists of its records are sorted, the latest first; `None` if
    /// they have no time of their own.
    pub time_column: Option<&'static str>,
    /// Its staging table: `staging_appointments`.
    pub staging_table: &'static str,
    /// How stage 1 walks it.
    pub walk: WalkQuery,
    /// The query for one record by id, for missing parents and for evidence of deletions; `None` if the API has
    /// none.
    pub getter: Option<Getter>,
    /// For an entity without a getter: another entity whose records name its records, and the query that reaches a
    /// record through one of those.
    pub found_through: Option<(&'static str, Getter)>,
    /// For an entity that the API lists without pages: another list whose records contain those of this one. It is
    /// used if the plain list fails as a whole because of a field of one record.
    pub listed_in: Option<ListedIn>,
    /// The production tables for its records, parents first; the first has one row per record.
    pub tables: &'static [&'static Table],
    /// Incremented when the reconciler's result changes, so that rows from an older version are reconciled again.
    pub reconciler_version: i32,
    /// The reconciler: JSON in, rows or a named error out. A pure function.
    pub reconcile: fn(&Json<'_>) -> Result<ReconciledRecord, RecordError>,
    /// The warnings of its reconciler besides [`WARNINGS`](super::read::WARNINGS).
    pub warnings: &'static [WarningCode],
}

/// What the records of an entity are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// In English, in the plural, with a capital letter.
    pub en: &'static str,
    /// The same in French.
    pub fr: &'static str,
    /// After a number, in English: one record, and several.
    pub counted_en: [&'static str; 2],
    /// The same in French.
    pub counted_fr: [&'static str; 2],
}

impl Label {
    /// The noun after a number. In French, 0 and 1 are singular; in English, 1 alone is.
    pub fn counted(&self, number: i64, in_french: bool) -> &'static str {
        let (nouns, is_one) =
            if in_french { (self.counted_fr, number.abs() < 2) } else { (self.counted_en, number == 1) };
        nouns[usize::from(!is_one)]
    }
}

impl Entity {
    /// The nested connections, each with the query of its further pages.
    pub fn nested(&self) -> impl Iterator<Item = &'static Nested> + use<> {
        self.tables.iter().filter_map(|table| table.list.as_ref())
    }

    /// All its queries, each with its operation name.
    pub fn queries(&'static self) -> Vec<(&'static str, &'static Query)> {
        let mut queries = vec![(self.walk.operation, &self.walk.page_query)];
        queries.extend(self.getter.iter().map(|getter| (getter.operation, &getter.query)));
        queries.extend(self.found_through.iter().map(|(_, getter)| (getter.operation, &getter.query)));
        queries.extend(self.nested().map(|nested| (nested.operation, &nested.query)));
        queries.extend(self.listed_in.iter().map(|listed| (listed.operation, &listed.query)));
        queries
    }

    /// Whether the query of this name is sent only if another one fails: a sync does not need what it selects.
    pub fn is_fallback(&self, operation: &str) -> bool {
        self.listed_in.as_ref().is_some_and(|listed| listed.operation == operation)
    }

    /// Whether its records contain nested connections.
    pub fn has_nested(&self) -> bool {
        self.nested().next().is_some()
    }

    /// The date column of its first table by which it may be walked in part; `None` if only the whole list gives a
    /// sound result.
    pub fn own_date(&self) -> Option<&'static str> {
        match &self.walk.shape {
            ApiList::Connection { dates, .. } => dates.own_date,
            ApiList::PlainList => None,
        }
    }
}

/// How the API lists an entity.
#[derive(Debug)]
pub struct WalkQuery {
    /// The query of one page; its operation has the same name as its file.
    pub page_query: Query,
    /// The name of the operation in `page_query`.
    pub operation: &'static str,
    /// The root field of the list: `allEventsBatched`.
    pub root: &'static str,
    /// Pages or one plain list.
    pub shape: ApiList,
}

impl WalkQuery {
    /// The depth of the page query, in levels of fields.
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

/// The two shapes of lists in the API.
#[derive(Debug)]
pub enum ApiList {
    /// One answer contains everything (`allUsers`).
    PlainList,
    /// A Relay connection with pages.
    Connection {
        /// The input type of `filters`, for queries that count.
        filter_type: &'static str,
        /// The pair of inclusive `CoreDate` filters that split or narrow a walk.
        dates: DateFilter,
        /// Where the records without that date are, which no date filter finds; `None` if every record has it.
        undated: Option<Undated>,
    },
}

/// How to find the records without the date that splits a walk.
#[derive(Debug)]
pub struct Undated {
    /// The field of a record that is null in that case.
    pub field: &'static str,
    /// The ends of the list at which the API may sort them, the likeliest first.
    pub ends: &'static [UndatedEnd],
}

/// One end of a sorted list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndatedEnd {
    /// The beginning of the list with this `sortBy` value.
    First(&'static str),
    /// The end of the list with this `sortBy` value.
    Last(&'static str),
}

/// A pair of inclusive `CoreDate` filters. Their time zone is unknown, but consecutive days partition the records
/// anyway.
#[derive(Debug)]
pub struct DateFilter {
    /// Name of the greater-or-equal filter.
    pub from: &'static str,
    /// Name of the less-or-equal filter.
    pub until: &'static str,
    /// The column of the entity's first table with this date in UTC, if the date is a property of the record (as of
    /// events), so that a lookback window gives a sound incremental walk. `None` for creation dates.
    pub own_date: Option<&'static str>,
}

/// A query for one record by id.
#[derive(Debug)]
pub struct Getter {
    /// The query, with the single variable `$id`.
    pub query: Query,
    /// The name of the operation in `query`.
    pub operation: &'static str,
    /// The path of the record in the answer: `["client"]`.
    pub path: &'static [&'static str],
}

/// A list of other records, filtered to those that contain one given record.
#[derive(Debug)]
pub struct ListedIn {
    /// The query, with the single variable `$ids`.
    pub query: Query,
    /// The name of the operation in `query`.
    pub operation: &'static str,
    /// The root field of the list.
    pub root: &'static str,
    /// The field of its records that contains the record.
    pub field: &'static str,
}
