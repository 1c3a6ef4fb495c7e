//! Developer commands: `cargo run --release -p xtask -- bench`.

mod audit;
mod bench;
mod fuzz;
mod histories;
mod simulator;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Developer commands of gazelle-sync")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure speed and memory against plain SQL and a script, on one server, in one run
    Bench(bench::BenchArgs),
    /// Throw hostile records at everything that reads one
    Fuzz(fuzz::FuzzArgs),
    /// Play random histories of a shop and its copy, with kills, faults and rivals, and check each outcome
    SimulateHistories(histories::HistoriesArgs),
    /// Look at the licences, the origins and the versions of all dependencies; asks nobody
    Audit,
    /// The simulated Gazelle of a benchmark, in a process of its own; ends when its stdin does
    #[command(hide = true)]
    Simulator(simulator::Shop),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Audit => audit::run(),
        Command::Bench(args) => bench::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::SimulateHistories(args) => histories::run(&args),
        Command::Simulator(shop) => simulator::serve(&shop),
    }
}
