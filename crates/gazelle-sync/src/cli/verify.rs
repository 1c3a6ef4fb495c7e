//! Arguments of `verify`.

use clap::Args;

/// Flags of `verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// Only this entity (repeatable)
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
    /// Records to ask the API for, chosen at random
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub sample: u32,
    /// Choose the same records as a verify that printed this number
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Leave the API out: compare with staging and look at the database alone
    #[arg(long)]
    pub offline: bool,
}
