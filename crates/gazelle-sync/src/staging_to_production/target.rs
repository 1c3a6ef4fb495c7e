//! Where rows are written: production, or the scratch tables of a rebuild.

use crate::db::{Tx, WriteTx};
use crate::entities::table::Table;
use crate::lease::FencedTx;

/// Where rows are written, with the transaction that writes them: production only under the lease, scratch tables
/// in any transaction, since no other sees them.
#[derive(Clone, Copy)]
pub(super) enum Target<'t> {
    /// [`TableSet::Production`].
    Production(&'t FencedTx<'t>),
    /// [`TableSet::Scratch`].
    Scratch(&'t WriteTx<'t>),
}

impl<'t> Target<'t> {
    /// The set of tables, for SQL.
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
    /// The tables that users read, with whatever they have added to them.
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
    /// All rows are new: they are inserted without being compared.
    AllNew,
    /// Rows with a free key are inserted, then existing rows that differ are updated: the fewest statements.
    InsertFirst,
    /// Existing rows are updated before the others are inserted. Of a row to be inserted the database requires what
    /// a new one needs even if the row exists; this order requires it of new rows only.
    UpdateFirst,
}

/// The statements that create the scratch table of a production table: the declared columns, the key, and an index
/// on the owner of child rows. Nothing is copied from production, so that nothing that a user adds there (a column,
/// a default, a constraint, an index) can refuse a row here. What our own constraints would refuse there, `parents`
/// or the key refuse here.
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
