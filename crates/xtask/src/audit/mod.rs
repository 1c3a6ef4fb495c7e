//! What the lock file brings in: licences that may be shipped, one version of each library, one place they come from, no
//! vulnerability that was known when the list of them was copied. Asks `cargo` offline; nothing is asked of anybody else.

mod advisories;
mod licence;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

/// Flags of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Write docs/dependencies.md anew instead of comparing it
    #[arg(long)]
    write: bool,
    /// Copy known vulnerabilities anew from this folder, a clone of RustSec's advisory-db
    #[arg(long, value_name = "FOLDER", requires = "of")]
    advisories: Option<PathBuf>,
    /// The date of that clone's newest commit, like 2026-08-21
    #[arg(long, value_name = "DATE", requires = "advisories")]
    of: Option<String>,
}

/// Licences that a dependency may be taken under; an expression needs one of its ways to be among them.
const ALLOWED: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "PostgreSQL",
    "Unicode-3.0",
    "Zlib",
];

/// Libraries of which two versions are accepted, because two dependencies that we want each insist on their own.
const TWO_VERSIONS: [(&str, &str); 11] = [
    ("base64", "0.22 for tokio-postgres and async-graphql, 0.23 for axum and lettre"),
    ("const-oid", "0.9 for x509-cert, which tokio-postgres-rustls reads the server's certificate with"),
    ("darling", "0.20 for croner's derive_builder, 0.23 for async-graphql"),
    ("darling_core", "with darling"),
    ("darling_macro", "with darling"),
    ("getrandom", "0.3 for rand 0.9"),
    ("rand", "0.9 for opentelemetry_sdk"),
    ("rand_core", "with rand"),
    ("syn", "2 for most macros, 3 for the newest"),
    ("thiserror", "1 for graphql-parser, which only tests use"),
    ("thiserror-impl", "with thiserror"),
];

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    /// An address that is neither crates.io nor this workspace.
    elsewhere: Option<String>,
}

/// Audits, prints, and fails where something is not as it should be.
pub fn run(args: &AuditArgs) -> Result<()> {
    let packages = packages()?;
    let built = packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
    let (workspace, trusted) = trust::list(&built)?;
    if let (Some(list), Some(date)) = (&args.advisories, &args.of) {
        let count = advisories::renew(list, date, &workspace)?;
        println!("{count} advisories of {date} copied: build again to use them");
        return Ok(());
    }
    let list = workspace.join(trust::PLACE);
    if args.write {
        std::fs::write(&list, &trusted)?;
    }
    let mut problems = audit(&packages);
    let lock = std::fs::read_to_string(workspace.join("Cargo.lock")).context("Cargo.lock cannot be read")?;
    let (known, date) = advisories::problems(&lock)?;
    problems.extend(known);
    match advisories::date_of_lock(&workspace, jiff::Zoned::now().date()) {
        Ok(locked) => {
            if let Some(warning) = advisories::warning_of_age(date, &locked)? {
                eprintln!("{warning}");
            }
        }
        Err(why) => eprintln!(
            "warning: how old Cargo.lock is, is not known, so neither is whether the copy of RustSec's list is: {why:#}"
        ),
    }
    // The list is of what is built there; elsewhere other packages are.
    if cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        let written = std::fs::read_to_string(&list).unwrap_or_default();
        let differences = trust::differences(&written, &trusted);
        if !differences.is_empty() {
            problems.extend(differences);
            problems.push("look at what is new, then `cargo run -p xtask -- audit --write`".to_owned());
        }
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    ensure!(problems.is_empty(), "{} line(s) about dependencies, above", problems.len());
    println!(
        "{} packages: licences allowed, from crates.io, no version twice but {} accepted libraries, none that an advisory of \
         RustSec's list of {date} concerns",
        packages.len(),
        TWO_VERSIONS.len()
    );
    Ok(())
}

fn audit(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        let Package { name, version, licence, elsewhere } = package;
        versions.entry(name).or_default().insert(version);
        match licence.as_deref().map(|licence| licence::is_allowed(licence, &ALLOWED)) {
            None => problems.push(format!("{name} {version} names no licence")),
            Some(Err(why)) => problems.push(format!("{name} {version}: {why}")),
            Some(Ok(false)) => problems.push(format!(
                "{name} {version} may not be used: {} is not among the licences allowed",
                licence.as_deref().unwrap_or_default()
            )),
            Some(Ok(true)) => {}
        }
        if let Some(source) = elsewhere {
            problems.push(format!("{name} {version} comes from {source}, not from crates.io"));
        }
    }
    for (name, versions) in &versions {
        let accepted = TWO_VERSIONS.iter().any(|(accepted, _)| accepted == name);
        let listed = versions.iter().copied().collect::<Vec<_>>().join(", ");
        match (versions.len() > 1, accepted) {
            (true, false) => problems.push(format!(
                "{name} is there in {} versions ({listed}): use one, or accept it in crates/xtask/src/audit.rs with the reason",
                versions.len()
            )),
            (false, true) => problems.push(format!("{name} is accepted twice and is there once: take it off the list")),
            _ => {}
        }
    }
    problems
}

/// Every package that is built here: those of other systems are left out.
fn packages() -> Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--workspace",
            "--locked",
            "--offline",
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}|{l}|"])
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8(output.stdout).context("cargo tree is no text")?;
    let packages: BTreeSet<Package> =
        text.lines().filter(|line| !line.is_empty()).map(package).collect::<Result<_>>()?;
    ensure!(packages.len() > 100, "cargo tree lists only {} packages", packages.len());
    Ok(packages.into_iter().collect())
}

/// `name v1.2.3 (where from)|licence|`; where from is said only of what is not from the registry.
fn package(line: &str) -> Result<Package> {
    let mut parts = line.split('|');
    let (Some(what), Some(licence)) = (parts.next(), parts.next()) else {
        bail!("cargo tree says `{line}`");
    };
    let mut words = what.splitn(3, ' ');
    let (Some(name), Some(version)) = (words.next(), words.next().and_then(|v| v.strip_prefix('v'))) else {
        bail!("cargo tree says `{line}`");
    };
    let source = words.next().and_then(|rest| rest.split(['(', ')']).find(|part| part.contains("://")));
    Ok(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: (!licence.is_empty()).then(|| licence.to_owned()),
        elsewhere: source.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_each_in_a_line() {
        let read = |line: &str| package(line).unwrap();
        let mut packages: Vec<Package> = TWO_VERSIONS
            .iter()
            .flat_map(|(name, _)| ["1.0.0", "2.0.0"].map(|v| read(&format!("{name} v{v}|MIT|"))))
            .collect();
        packages.push(read("ours v0.1.0 (/somewhere/crates/ours)|MIT OR Apache-2.0|"));
        packages.push(read("macros v1.0.0 (proc-macro)|MIT/Apache-2.0| (*)"));
        assert_eq!(audit(&packages), Vec::<String>::new());

        packages.retain(|package| package.name != TWO_VERSIONS[0].0 || package.version != "1.0.0");
        for line in [
            "copyleft v1.0.0|GPL-3.0-only|",
            "silent v1.0.0||",
            "garbled v1.0.0|MIT AND|",
            "elsewhere v1.0.0 (https://example.org/elsewhere#0123)|MIT|",
            "twice v1.0.0|MIT|",
            "twice v2.0.0|MIT|",
        ] {
            packages.push(read(line));
        }
        let problems = audit(&packages).join("\n");
        for words in [
            "copyleft 1.0.0 may not be used: GPL-3.0-only",
            "silent 1.0.0 names no licence",
            "garbled 1.0.0: `MIT AND` is no licence expression",
            "elsewhere 1.0.0 comes from https://example.org/elsewhere",
            "twice is there in 2 versions (1.0.0, 2.0.0)",
            "take it off the list",
        ] {
            assert!(problems.contains(words), "{words} not in {problems}");
        }
        assert_eq!(problems.lines().count(), 6, "{problems}");
        assert!(package("nonsense").is_err());
    }
}
