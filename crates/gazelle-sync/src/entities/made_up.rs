//! A made-up entity for tests of what the entities of this program do not have.

use super::read::ReconciledRecord;
use super::table::{Nested, Table};
use super::{ApiList, DateFilter, Entity, Label, Query, WalkQuery, WarningCode};

/// Estimates, whose tiers and whose options hold lists.
pub static ESTIMATES: Entity = Entity {
    name: "estimates",
    label: Label {
        en: "Estimates",
        fr: "Soumissions",
        counted_en: ["estimate", "estimates"],
        counted_fr: ["soumission", "soumissions"],
    },
    name_sql: None,
    time_column: None,
    staging_table: "staging_estimates",
    walk: WalkQuery {
        page_query: Query::new(
            "query P { allEstimates { totalCount pageInfo { hasNextPage endCursor } nodes { id \
             allTiers { nodes { id name allItems { nodes { id amount tax { rate } } } } } \
             allOptions { nodes { id name allPhotos { nodes { id url size { width } } } } } } } }",
        ),
        operation: "P",
        root: "allEstimates",
        shape: ApiList::Connection {
            filter_type: "F",
            dates: DateFilter { from: "a", until: "b", own_date: None },
            undated: None,
        },
    },
    getter: None,
    found_through: None,
    listed_in: None,
    tables: &[&TIERS, &ITEMS, &OPTIONS, &PHOTOS],
    reconciler_version: 1,
    reconcile: |_| Ok(ReconciledRecord::default()),
    warnings: &[],
};
static TIERS: Table =
    of_list(&["allTiers"], "query T($id: String!) { estimate(id: $id) { allTiers { nodes { id } } } }");
static ITEMS: Table = of_list(
    &["allTiers", "allItems"],
    "query I($id: String!) { tier(id: $id) { allItems { nodes { id } } } }",
);
static OPTIONS: Table =
    of_list(&["allOptions"], "query O($id: String!) { estimate(id: $id) { allOptions { nodes { id } } } }");
static PHOTOS: Table = of_list(
    &["allOptions", "allPhotos"],
    "query F($id: String!) { option(id: $id) { allPhotos { nodes { id } } } }",
);

const LISTED_TWICE: WarningCode = WarningCode::new("listed_twice", "a row listed twice");

const fn of_list(path: &'static [&'static str], query: &'static str) -> Table {
    let list = Nested { path, query: Query::new(query), operation: "N", answer: &[], doubled: LISTED_TWICE };
    Table { list: Some(list), ..Table::OF_RECORDS }
}
