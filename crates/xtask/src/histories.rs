//! Random histories of a shop and its copy, many of them: the test `histories`, told how many.

use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

/// Which histories.
#[derive(Debug, Args)]
pub struct HistoriesArgs {
    /// How many
    #[arg(long, default_value_t = 1_000)]
    pub count: u64,
    /// The seed of the first; each next one has the next number. A failing history prints its own
    #[arg(long, default_value_t = 1_000_000)]
    pub seed: u64,
}

/// Plays them, and fails when one goes wrong.
pub fn run(args: &HistoriesArgs) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "-p", "gazelle-sync", "--test", "histories", "--", "--nocapture"])
        .env("SIMULATED_HISTORIES", args.count.to_string())
        .env("SIMULATED_SEED", args.seed.to_string())
        .status()?;
    ensure!(status.success(), "not every history ended well: see above");
    Ok(())
}
