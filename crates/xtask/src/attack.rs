//! Attackers for as long as asked: the test `attack`, told how long and from which seed.

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
    /// Settings of roles and of the database
    Settings,
    /// Attributes and memberships of roles
    Roles,
    /// An API that spoils its answers
    Api,
    /// Somebody in the database's place, and between it and us
    Database,
    /// Rows that somebody else wrote
    Rows,
    /// Addresses as they should not be written
    Addresses,
    /// Requests to the pages of the dashboard
    Pages,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages that say how many kinds there are say the right number, and name them all.
    #[test]
    fn pages_count_the_kinds_of_attacks_right() {
        let count = Attacker::value_variants().len();
        let (english, french) = match count {
            7 => ("seven", "sept"),
            8 => ("eight", "huit"),
            9 => ("nine", "neuf"),
            10 => ("ten", "dix"),
            more => panic!("name the number {more} here and on the pages"),
        };
        let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let read = |page: &str| std::fs::read_to_string(workspace.join(page)).unwrap();
        for (page, words) in [
            ("ARCHITECTURE.md", format!("{english} kinds of random attacks")),
            ("docs/CONTRIBUTING.md", format!("{english} kinds of attacks")),
            ("docs/security.md", format!("{english} kinds of random attacks")),
            ("docs/fr/security.md", format!("{french} sortes d'attaques")),
            ("docs/decisions/0079-attackers-play-from-a-seed.md", format!("{english} kinds of attacks")),
        ] {
            assert!(read(page).contains(&words), "{page} does not say {words}");
        }
        let page = read("docs/decisions/0079-attackers-play-from-a-seed.md");
        let tests = read("crates/gazelle-sync/tests/attack/main.rs");
        for attacker in Attacker::value_variants() {
            let name = attacker.to_possible_value().unwrap().get_name().to_owned();
            assert!(page.contains(&format!("| `{name}` |")), "0079 does not say what {name} does");
            assert!(tests.contains(&format!("fn {name}_")), "no test of {name}");
        }
    }
}
