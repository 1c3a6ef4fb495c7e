//! Where rows are written: production, or the scratch tables of a rebuild.

use crate::db::Tx;
use crate::entities::table::Table;
use crate::lease::FencedTx;

/// Where rows are written, with the transaction that writes them: production only by whoever holds the lease, scratch
/// tables by any transaction, since nobody else sees them.
#[derive(Clone, Copy)]
pub(super) enum Target<'t> {
    /// [`TableSet::Production`].
    Production(&'t FencedTx<'t>),
    /// [`TableSet::Scratch`].
    Scratch(&'t Tx<'t>),
}

impl<'t> Target<'t> {
    /// Which tables these are, for SQL.
    pub(super) fn tables(self) -> TableSet {
        match self {
            Target::Production(_) => TableSet::Production,
            Target::Scratch(_) => TableSet::Scratch,
        }
    }

    /// The transaction, for what only reads.
    pub(super) fn tx(self) -> &'t Tx<'t> {
        match self {
            Target::Production(tx) => tx,
            Target::Scratch(tx) => tx,
        }
    }
}

/// A set of the production tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableSet {
    /// The account's own tables, which hold whatever a user has added to them.
    Production,
    /// Temporary tables of one transaction, with the declared columns alone: see [`scratch_table`].
    Scratch,
}

impl TableSet {
    /// What precedes a table's name in SQL; `{schema}` is still to be filled in.
    pub fn prefix(self) -> &'static str {
        match self {
            TableSet::Production => "{schema}.",
            TableSet::Scratch => "pg_temp.rebuilt_",
        }
    }
}

/// In which order rows are written to production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// All are new: they are inserted, and nothing is asked before.
    AllNew,
    /// Those whose key is free are inserted, then those that differ are written: the fewest statements.
    InsertFirst,
    /// Those that exist are updated before the others are inserted. The database asks of a row that is inserted what a new
    /// one needs even where it exists; this order asks it of new rows alone.
    UpdateFirst,
}

/// The statements that make the scratch table of a production table, one each: the columns that we declare, the key,
/// and an index by the owner of rows that belong to another record. Nothing is copied from production, so that nothing
/// that a user adds there (a column, a default, a constraint, an index) can refuse a row here. What our own
/// constraints would refuse there, `parents` or the key refuse here.
pub fn scratch_table(table: &Table) -> Vec<String> {
    let prefix = TableSet::Scratch.prefix();
    let mut columns: Vec<String> =
        table.stored_columns().map(|(name, sql_type)| format!("{name} {sql_type}")).collect();
    columns.push(format!("PRIMARY KEY ({})", table.key.join(", ")));
    let mut statements = vec![format!(
        "CREATE TEMPORARY TABLE {prefix}{} ({}) ON COMMIT DROP",
        table.name,
        columns.join(", ")
    )];
    if let Some(owner) = table.owner.filter(|owner| table.key[0] != *owner) {
        statements.push(format!("CREATE INDEX ON {prefix}{} ({owner})", table.name));
    }
    statements
}
