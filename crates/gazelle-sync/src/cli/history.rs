//! Arguments of `history` and `explain`.

use clap::Args;

/// Flags of `history`.
#[derive(Debug, Clone, Args)]
pub struct HistoryArgs {
    /// Of a record, or of a contact or location inside one
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where several entities know the id: this one
    #[arg(long, value_name = "NAME")]
    pub entity: Option<String>,
    /// At most so many versions, the newest
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// Flags of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Of a row of production: a record, a contact, a location, or APPOINTMENT/PIANO
    #[arg(value_name = "ID")]
    pub id: String,
    /// A column of its table; TABLE.COLUMN where several tables know the id
    #[arg(value_name = "COLUMN")]
    pub column: String,
    /// Where several entities know the id: this one
    #[arg(long, value_name = "NAME")]
    pub entity: Option<String>,
}
