//! The possible origins of a column's value.

use crate::states::words;

/// The lineage columns of a row, and what sets each.
pub(super) const LINEAGE: [(&str, &str); 4] = [
    ("staging_id", "the version that last changed the row: a row of the entity's staging table"),
    ("reconciler_version", "the version of the reconciler that made the row"),
    ("synced_from_gazelle_at", "when the row changed last, by the clock of the program"),
    (
        "deleted_at",
        "set when the record was found gone at the source, or when the record that held the row holds it no more",
    ),
];

words! {
    /// What fills a column.
    FilledBy {
        /// A field of the record.
        Record = "record",
        /// The reconciler, from several fields.
        Reconciler = "reconciler",
        /// A statement, from another row of production.
        AnotherRow = "another row",
        /// The database: a generated column.
        Database = "database",
        /// A view, whenever it is read.
        View = "view",
        /// Stage 2: the column names the origin of the row.
        Lineage = "lineage",
    }
}
