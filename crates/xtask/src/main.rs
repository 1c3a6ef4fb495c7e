//! Developer commands: `cargo run --release -p xtask -- bench`.

mod attack;
mod audit;
mod bench;
mod book;
mod dist;
mod fuzz;
mod histories;
mod lock_file;
mod screens;
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
    /// Attack the program, at random from a seed, for as long as asked: in each of the ways that `--only` lists, in turn
    Attack(attack::AttackArgs),
    /// Measure speed and memory against plain SQL and a script, on one server, in one run
    Bench(bench::BenchArgs),
    /// Build the pages of docs as a book, and check its links
    Book(book::BookArgs),
    /// Build what is installed without a compiler: an archive, a Debian package, checksums and a list of libraries
    Dist(dist::DistArgs),
    /// Throw hostile records at everything that reads one
    Fuzz(fuzz::FuzzArgs),
    /// Play random histories of a shop and its copy, with kills, faults and rivals, and check each outcome
    SimulateHistories(histories::HistoriesArgs),
    /// Take pictures of the dashboard's pages in both languages, both colours and two widths
    Screens(screens::ScreensArgs),
    /// Look at licences, origins, versions and known vulnerabilities of all dependencies; asks nobody
    Audit(audit::AuditArgs),
    /// The simulated Gazelle of a benchmark, in a process of its own; ends when its stdin does
    #[command(hide = true)]
    Simulator(simulator::Shop),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Attack(args) => attack::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Book(args) => book::run(&args),
        Command::Dist(args) => dist::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Screens(args) => screens::run(&args),
        Command::SimulateHistories(args) => histories::run(&args),
        Command::Simulator(shop) => simulator::serve(&shop),
    }
}
