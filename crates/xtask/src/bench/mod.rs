//! `bench`: the speed and memory of a sync, as ratios taken in one run.
//!
//! [`rounds`] measures the big shop against plain SQL and a script, interleaved; [`latency`] a shop of usual size
//! behind a slow API; [`dashboard`] the pages of the dashboard; [`lab`] holds the server, [`process`] measures programs, [`compare`] proves that all of them
//! produced the same rows, [`results`] prints.

mod compare;
mod dashboard;
mod lab;
mod latency;
mod process;
mod results;
mod rounds;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

use crate::simulator::{Running, Shop};
use lab::Lab;
use results::{MEMORY_LIMIT, Results, say};

/// What to measure.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    #[command(subcommand)]
    subject: Option<Subject>,
    /// Appointments of the big shop
    #[arg(long, default_value_t = 100_000)]
    appointments: usize,
    /// Clients of the big shop
    #[arg(long, default_value_t = 20_000)]
    clients: usize,
    /// Pianos of the big shop
    #[arg(long, default_value_t = 20_000)]
    pianos: usize,
    /// Times that each thing is measured; the median counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Also take the peak memory at 1,000,000 appointments
    #[arg(long)]
    million: bool,
    /// Leave out the shop behind a slow API
    #[arg(long)]
    no_latency: bool,
    /// The program to measure [default: gazelle-sync beside this one]
    #[arg(long)]
    program: Option<PathBuf>,
    /// Another build: its first full sync is measured in the same rounds, so that the two can be compared
    #[arg(long, value_name = "PROGRAM")]
    beside: Option<PathBuf>,
    /// Where the database is made, on a real disk; it takes about 2 GB (--million: 8 GB)
    #[arg(long, default_value = "/var/tmp")]
    folder: PathBuf,
}

/// What to measure other than the sync.
#[derive(Debug, Subcommand)]
enum Subject {
    /// Measure each page of the dashboard over a long history, at rest and while syncs follow each other
    Dashboard(dashboard::DashboardArgs),
}

/// Measures and prints.
pub fn run(args: &BenchArgs) -> Result<()> {
    if let Some(Subject::Dashboard(args)) = &args.subject {
        return dashboard::run(args);
    }
    ensure!(args.runs > 0, "--runs must be at least 1");
    let program = lab::program(args.program.as_deref())?;
    let beside = args.beside.as_deref().map(|beside| lab::program(Some(beside))).transpose()?;
    let (_folder, lab) = lab::open(&args.folder, &program)?;
    let mut results = Results::default();
    results.note("Postgres", lab.postgres()?.1);
    let shop =
        Shop { appointments: args.appointments, clients: args.clients, pianos: args.pianos, latency_ms: 0 };
    rounds::measure(&lab, &shop, args.runs, beside.as_deref(), &mut results)?;
    if !args.no_latency {
        latency::measure(&lab, args.runs, &mut results)?;
    }
    if args.million {
        million(&lab, args, &mut results)?;
    }
    println!("{}", results.render());
    Ok(())
}

/// One sync of a million appointments, for its memory.
fn million(lab: &Lab, args: &BenchArgs, results: &mut Results) -> Result<()> {
    let shop = Shop { appointments: 1_000_000, clients: args.clients, pianos: args.pianos, latency_ms: 0 };
    say("a million appointments");
    let simulator = Running::start(&shop)?;
    lab.fresh("million")?;
    let (measured, _) = lab.full_sync("million", &simulator.url)?;
    lab.drop_database("million")?;
    results.note("full sync of 1,000,000 appointments", format!("{:.1} s", measured.seconds));
    results.at_most("peak memory at 1,000,000 appointments", measured.peak_mib, MEMORY_LIMIT, " MiB");
    Ok(())
}
