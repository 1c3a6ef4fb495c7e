//! Arguments of `history` and `explain`.

use clap::Args;

/// Flags of `history`.
#[derive(Debug, Clone, Args)]
pub struct HistoryArgs {
    /// Id of a record, or of a contact or location inside one
    #[arg(value_name = "ID")]
    pub id: String,
    /// The entity, if the id exists in several
    #[arg(long, value_name = "NAME")]
    pub entity: Option<String>,
    /// Show at most this many versions, the newest
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// Flags of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Id of a row in production: a record, a contact, a location, or APPOINTMENT/PIANO
    #[arg(value_name = "ID")]
    pub id: String,
    /// A column of its table; TABLE.COLUMN if several tables have the id
    #[arg(value_name = "COLUMN")]
    pub column: String,
    /// The entity, if the id exists in several
    #[arg(long, value_name = "NAME")]
    pub entity: Option<String>,
}
