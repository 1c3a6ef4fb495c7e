//! Known vulnerabilities, from a copy of RustSec's list that is part of the sources: nothing is asked of anybody, and what
//! was found yesterday is found only once the copy is renewed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use jiff::civil::Date;
use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::lock_file::{self, LockedPackage};

/// The copy: the date of the list in its first line, then an advisory a line.
const COPY: &str = include_str!("advisories.tsv");
/// Where it stands, from the folder of the workspace.
const PLACE: &str = "crates/xtask/src/audit/advisories.tsv";

/// Advisories that concern a version we use and are accepted, each with the reason.
const ACCEPTED: [(&str, &str); 0] = [];

/// By how many days the copy may be older than the lock file: dependencies that are chosen later are compared with what
/// was known before.
const OLDEST_DAYS: i32 = 30;

/// Warns of a copy that is much older than the lock file. Both dates are those of the sources, so that the same sources give
/// the same answer on any day.
pub(super) fn warning_of_age(copied: &str, locked: &str) -> Result<Option<String>> {
    let date = |text: &str| -> Result<Date> {
        text.parse().with_context(|| format!("`{text}` is no date like 2026-08-21"))
    };
    let days = (date(locked)? - date(copied)?).get_days();
    Ok((days > OLDEST_DAYS).then(|| {
        format!(
            "warning: the copy of RustSec's list is of {copied}, {days} days older than Cargo.lock ({locked}), and {OLDEST_DAYS} are enough; renew it: \
             git clone --depth 1 https://github.com/rustsec/advisory-db && cargo run -p xtask -- audit --advisories advisory-db \
             --of $(git -C advisory-db log -1 --format=%cs)"
        )
    }))
}

/// When Cargo.lock was last committed, or `today` if it was changed since.
///
/// # Errors
/// Git does not know: there is none, or no commit with a lock file.
pub(super) fn date_of_lock(workspace: &Path, today: Date) -> Result<String> {
    let ask = |args: &[&str]| -> Result<String> {
        let asked =
            Command::new("git").args(args).current_dir(workspace).output().context("git cannot be run")?;
        ensure!(asked.status.success(), "git: {}", String::from_utf8_lossy(&asked.stderr).trim());
        Ok(String::from_utf8(asked.stdout)?.trim().to_owned())
    };
    if !ask(&["status", "--porcelain", "--", "Cargo.lock"])?.is_empty() {
        return Ok(today.to_string());
    }
    let date = ask(&["log", "-1", "--format=%cs", "--", "Cargo.lock"])?;
    ensure!(!date.is_empty(), "no commit has it");
    Ok(date)
}

/// One line of the copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Advisory {
    package: String,
    id: String,
    /// `unmaintained`, `unsound`, `notice`; a vulnerability where it is empty.
    kind: String,
    /// Requirements, of which one met is enough to be safe.
    safe: Vec<String>,
}

/// What is wrong with the packages of the lock file, and the date of the list.
pub(super) fn problems(lock: &str) -> Result<(Vec<String>, &'static str)> {
    let (date, advisories) = read(COPY)?;
    Ok((concerning(&locked(lock)?, &advisories, &ACCEPTED)?, date))
}

fn concerning(
    packages: &BTreeSet<(String, Version)>,
    advisories: &[Advisory],
    accepted: &[(&str, &str)],
) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut met = BTreeSet::new();
    for advisory in advisories {
        for (name, version) in packages.iter().filter(|(name, _)| *name == advisory.package) {
            let mut is_safe = false;
            for requirement in &advisory.safe {
                let read = VersionReq::parse(requirement)
                    .with_context(|| format!("{} says `{requirement}` in {PLACE}", advisory.id))?;
                is_safe |= read.matches(version);
            }
            if is_safe {
                continue;
            }
            met.insert(advisory.id.as_str());
            if accepted.iter().any(|(id, _)| *id == advisory.id) {
                continue;
            }
            let kind = if advisory.kind.is_empty() { "vulnerable" } else { &advisory.kind };
            let fix = match advisory.safe.as_slice() {
                [] => "no version is safe: do without it".to_owned(),
                safe => format!("safe are {}", safe.join(" or ")),
            };
            problems.push(format!(
                "{name} {version} is {kind} ({}, https://rustsec.org/advisories/{}.html): {fix}; upgrade it, or accept it \
                 in crates/xtask/src/audit/advisories.rs with the reason",
                advisory.id, advisory.id
            ));
        }
    }
    for (id, _) in accepted.iter().filter(|(id, _)| !met.contains(id)) {
        problems.push(format!("{id} is accepted and concerns nothing: take it off the list"));
    }
    Ok(problems)
}

fn read(copy: &str) -> Result<(&str, Vec<Advisory>)> {
    let mut lines = copy.lines();
    let date = lines.next().and_then(|line| line.strip_prefix("# ")).context("no date in the copy")?;
    let advisory = |line: &str| -> Result<Advisory> {
        let [package, id, kind, safe] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("`{line}` is no line of {PLACE}");
        };
        let safe = safe.split(';').filter(|one| !one.is_empty()).map(str::to_owned).collect();
        Ok(Advisory { package: package.to_owned(), id: id.to_owned(), kind: kind.to_owned(), safe })
    };
    Ok((date, lines.map(advisory).collect::<Result<_>>()?))
}

/// Every package of the lock file, those that are not built here too.
fn locked(lock: &str) -> Result<BTreeSet<(String, Version)>> {
    let package =
        |it: LockedPackage| -> Result<(String, Version)> { Ok((it.name, Version::parse(&it.version)?)) };
    lock_file::packages(lock)?.into_iter().map(package).collect()
}

#[derive(Deserialize)]
struct Document {
    advisory: About,
    versions: Versions,
}

#[derive(Deserialize)]
struct About {
    id: String,
    package: String,
    #[serde(default)]
    informational: String,
    withdrawn: Option<String>,
}

#[derive(Deserialize)]
struct Versions {
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

/// Writes the copy anew from a folder that holds RustSec's list (a clone of its repository, of this date).
pub(super) fn renew(list: &Path, date: &str, workspace: &Path) -> Result<usize> {
    ensure!(date.len() == 10, "`{date}` is no date like 2026-08-21");
    let mut found = BTreeSet::new();
    for path in documents(&list.join("crates"))? {
        let text = std::fs::read_to_string(&path)?;
        let front = text.split("```").nth(1).and_then(|front| front.strip_prefix("toml"));
        let front = front.with_context(|| format!("{} has no front matter", path.display()))?;
        let document: Document =
            toml::from_str(front).with_context(|| format!("{} cannot be read", path.display()))?;
        if document.advisory.withdrawn.is_some() {
            continue;
        }
        let About { id, package, informational, .. } = document.advisory;
        let safe = document.versions.patched.into_iter().chain(document.versions.unaffected).collect();
        found.insert(Advisory { package, id, kind: informational, safe });
    }
    ensure!(found.len() > 900, "{} holds only {} advisories", list.display(), found.len());
    let mut text = format!("# {date}\n");
    for Advisory { package, id, kind, safe } in &found {
        let _ = writeln!(text, "{package}\t{id}\t{kind}\t{}", safe.join(";"));
    }
    std::fs::write(workspace.join(PLACE), text)?;
    Ok(found.len())
}

fn documents(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for package in
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?
    {
        for file in std::fs::read_dir(package?.path())? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# 2026-08-21\n\
        holed\tRUSTSEC-2026-0001\t\t>= 1.2.3, < 2;>= 2.0.1;< 1.1\n\
        left\tRUSTSEC-2026-0002\tunmaintained\t\n\
        other\tRUSTSEC-2026-0003\t\t>= 9\n";

    fn lock(packages: &[(&str, &str)]) -> BTreeSet<(String, Version)> {
        let text: String = packages
            .iter()
            .map(|(name, version)| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n"))
            .collect();
        locked(&text).unwrap()
    }

    #[test]
    fn a_version_that_an_advisory_concerns_is_told_and_no_other() {
        let (date, advisories) = read(LIST).unwrap();
        assert_eq!(date, "2026-08-21");
        for (version, concerned) in [
            ("1.0.9", false),
            ("1.1.0", true),
            ("1.2.2", true),
            ("1.2.3", false),
            ("2.0.0", true),
            ("2.0.1", false),
        ] {
            let told = concerning(&lock(&[("holed", version)]), &advisories, &[]).unwrap();
            assert_eq!(told.len(), usize::from(concerned), "{version}: {told:?}");
        }
        let told = concerning(&lock(&[("holed", "2.0.0"), ("left", "3.0.0")]), &advisories, &[]).unwrap();
        let told = told.join("\n");
        for words in [
            "holed 2.0.0 is vulnerable (RUSTSEC-2026-0001",
            "safe are >= 1.2.3, < 2 or >= 2.0.1 or < 1.1",
            "left 3.0.0 is unmaintained (RUSTSEC-2026-0002",
            "no version is safe",
        ] {
            assert!(told.contains(words), "{words} not in {told}");
        }
        let accepted = [("RUSTSEC-2026-0002", "because"), ("RUSTSEC-2026-0003", "because")];
        let told = concerning(&lock(&[("left", "3.0.0")]), &advisories, &accepted).unwrap();
        assert_eq!(told, ["RUSTSEC-2026-0003 is accepted and concerns nothing: take it off the list"]);
    }

    #[test]
    fn a_lock_file_that_was_changed_since_its_commit_is_of_today_and_one_that_git_does_not_know_has_no_age() {
        let folder = tempfile::tempdir().unwrap();
        let today: Date = "2026-09-21".parse().unwrap();
        let git = |args: &[&str]| {
            let done = Command::new("git")
                .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
                .args(args)
                .env("GIT_COMMITTER_DATE", "2026-03-04T12:00:00Z")
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(done.status.success(), "{args:?}: {done:?}");
        };
        assert!(date_of_lock(folder.path(), today).is_err(), "no repository");
        git(&["init", "--quiet"]);
        assert!(date_of_lock(folder.path(), today).is_err(), "no commit");
        let lock = folder.path().join("Cargo.lock");
        std::fs::write(&lock, "version = 4").unwrap();
        assert_eq!(date_of_lock(folder.path(), today).unwrap(), "2026-09-21", "not committed yet");
        git(&["add", "Cargo.lock"]);
        git(&["commit", "--quiet", "-m", "Lock"]);
        assert_eq!(date_of_lock(folder.path(), today).unwrap(), "2026-03-04");
        std::fs::write(&lock, "version = 3").unwrap();
        assert_eq!(date_of_lock(folder.path(), today).unwrap(), "2026-09-21", "changed since");
    }

    #[test]
    fn a_copy_that_is_much_older_than_the_lock_file_is_warned_of_with_the_command_that_renews_it() {
        for (copied, locked, warned) in [
            ("2026-08-21", "2026-08-01", false),
            ("2026-08-21", "2026-09-20", false),
            ("2026-08-21", "2026-09-21", true),
            ("2025-12-31", "2026-12-31", true),
        ] {
            let warning = warning_of_age(copied, locked).unwrap();
            assert_eq!(warning.is_some(), warned, "{copied}, {locked}: {warning:?}");
            for words in
                [copied, locked, "30 are enough", "cargo run -p xtask -- audit --advisories advisory-db --of"]
            {
                assert!(
                    warning.as_ref().is_none_or(|warning| warning.contains(words)),
                    "{words}: {warning:?}"
                );
            }
        }
        assert!(warning_of_age("21.8.2026", "2026-09-21").is_err());
    }

    #[test]
    fn every_line_of_the_copy_can_be_read() {
        let (date, advisories) = read(COPY).unwrap();
        assert_eq!(warning_of_age(date, date).unwrap(), None);
        assert!(advisories.len() > 900, "{}", advisories.len());
        for advisory in &advisories {
            for requirement in &advisory.safe {
                VersionReq::parse(requirement)
                    .unwrap_or_else(|e| panic!("{}: {requirement}: {e}", advisory.id));
            }
        }
        // An old version of something that everybody uses: the copy is one of the real list.
        let old = concerning(&lock(&[("tokio", "0.2.0"), ("chrono", "0.4.0")]), &advisories, &[]).unwrap();
        assert!(old.len() > 2, "{old:?}");
    }
}
