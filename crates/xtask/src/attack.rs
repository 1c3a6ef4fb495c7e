//! Six attackers for as long as asked: the test `attack`, told how long and from which seed.

use std::process::Command;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

/// Who attacks, for how long.
#[derive(Debug, Args)]
pub struct AttackArgs {
    /// How long, shared by those who attack
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// The seed of the first case; each next one has the next number. A case that finds something prints its own
    #[arg(long)]
    seed: Option<u64>,
    /// Only this one
    #[arg(long, value_name = "WHO")]
    only: Option<Attacker>,
    /// So many cases of each at most
    #[arg(long)]
    cases: Option<u64>,
}

/// Who attacks; the tests of each begin with its name.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Attacker {
    /// Each role at each relation
    Rights,
    /// What somebody left on our tables
    Hung,
    /// An API that spoils its answers
    Api,
    /// Somebody in the database's place, and between it and us
    Database,
    /// Rows that somebody else wrote
    Rows,
    /// Addresses as they should not be written
    Addresses,
}

/// Lets them play, one after the other, and fails when one finds something.
pub fn run(args: &AttackArgs) -> Result<()> {
    let seed = args.seed.unwrap_or_else(|| jiff::Timestamp::now().as_microsecond().unsigned_abs());
    println!("from seed {seed}");
    let chosen = args.only.map_or_else(|| Attacker::value_variants().to_vec(), |only| vec![only]);
    let seconds = (args.minutes * 60 / chosen.len() as u64).max(1);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut found = Vec::new();
    for attacker in chosen {
        let name = attacker.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let mut test = Command::new(&cargo);
        test.args(["test", "--quiet", "--workspace", "--test", "attack", &format!("{name}_")])
            .args(["--", "--nocapture"])
            .env("ATTACK_SEED", seed.to_string())
            .env("ATTACK_SECONDS", seconds.to_string());
        if let Some(cases) = args.cases {
            test.env("ATTACK_CASES", cases.to_string());
        }
        // The others have their turn all the same.
        if !test.status()?.success() {
            found.push(name);
        }
    }
    ensure!(found.is_empty(), "found something: {}; see above how to play it again", found.join(", "));
    Ok(())
}
