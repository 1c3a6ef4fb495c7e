//! Arguments of `verify`.

use clap::Args;

/// Flags of `verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// Only this entity (repeatable)
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
    /// Number of records to request from the API, chosen at random
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub sample: u32,
    /// Choose the same records as the verify that printed this number
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Do not use the API: compare production with staging only
    #[arg(long)]
    pub offline: bool,
}
