//! Arguments of `warnings`.

use clap::Args;
use uuid::Uuid;

/// Flags of `warnings`.
#[derive(Debug, Clone, Args)]
pub struct WarningsArgs {
    /// Only this entity
    #[arg(long, value_name = "NAME")]
    pub entity: Option<String>,
    /// Only this kind, such as blank_serial
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only warnings of this run
    #[arg(long, value_name = "RUN", value_parser = super::run_id::run_id)]
    pub run: Option<Uuid>,
    /// Maximum number of sample records per kind, and of run warnings
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}
