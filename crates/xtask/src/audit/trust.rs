//! What dependencies do beyond being compiled: run a program while we build, write code while we build, hold `unsafe`. A list
//! of it stands in the documents; one that is no longer true fails the audit, so that whoever upgrades looks at what is new.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Where the list stands, from the folder of the workspace.
pub(super) const PLACE: &str = "docs/dependencies.md";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    version: String,
    /// None for what is ours.
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// One line of the list.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    name: String,
    version: String,
    build_script: bool,
    procedural_macro: bool,
    unsafe_lines: usize,
}

/// The folder of the workspace, and the list as it is now, of the packages with these names and versions.
pub(super) fn list(built: &BTreeSet<(String, String)>) -> Result<(PathBuf, String)> {
    let metadata = metadata()?;
    let mut lines = BTreeSet::new();
    for package in metadata.packages {
        if package.source.is_none() || !built.contains(&(package.name.clone(), package.version.clone())) {
            continue;
        }
        let has = |kind: &str| package.targets.iter().any(|target| target.kind.iter().any(|it| it == kind));
        let folder = package.manifest_path.parent().context("a manifest in no folder")?.join("src");
        lines.insert(Line {
            build_script: has("custom-build"),
            procedural_macro: has("proc-macro"),
            unsafe_lines: unsafe_lines(&folder)?,
            name: package.name,
            version: package.version,
        });
    }
    Ok((metadata.workspace_root, text(&lines)))
}

fn metadata() -> Result<Metadata> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata is not as it should be")
}

/// How many lines of code under a folder hold the word.
fn unsafe_lines(folder: &Path) -> Result<usize> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        if path.is_dir() {
            sum += unsafe_lines(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            sum += String::from_utf8_lossy(&text).lines().filter(|line| holds_unsafe(line)).count();
        }
    }
    Ok(sum)
}

/// Whether a line holds the word, other than in a comment or as part of a longer one.
fn holds_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
}

fn text(lines: &BTreeSet<Line>) -> String {
    let count = |which: fn(&Line) -> bool| lines.iter().filter(|line| which(line)).count();
    let (scripts, macros) = (count(|line| line.build_script), count(|line| line.procedural_macro));
    let with = count(|line| line.unsafe_lines > 0);
    let mut text = format!(
        "# Dependencies that deserve a look\n\n\
         Made by `cargo run -p xtask -- audit --write`, checked by `xtask audit`; not to be changed by hand. What it means and \
         how\ndependencies are checked: [security.md](security.md#6-code-that-deserves-a-second-look).\n\n\
         Of what is built on Linux (x86_64) for the program, its tests and the developer commands: {scripts} packages have a \
         build\nscript, {macros} are procedural macros (both run with the rights of whoever builds), and {with} have lines of \
         code with the word\n`unsafe` under `src` (tests there included; of a macro it is mostly what it writes). Not listed: \
         those with none of the three.\n\n\
         | package | version | build script | procedural macro | lines with `unsafe` |\n|---|---|---|---|---|\n"
    );
    let yes = |is: bool| if is { "yes" } else { "" };
    for line in
        lines.iter().filter(|line| line.build_script || line.procedural_macro || line.unsafe_lines > 0)
    {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            line.name,
            line.version,
            yes(line.build_script),
            yes(line.procedural_macro),
            line.unsafe_lines
        );
    }
    text
}

/// What is in one list and not in the other, a line each.
pub(super) fn differences(written: &str, now: &str) -> Vec<String> {
    let rows = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let (written, now) = (rows(written), rows(now));
    let gone = written.difference(&now).map(|row| format!("{PLACE} has what is no longer so: {row}"));
    let new = now.difference(&written).map(|row| format!("{PLACE} lacks: {row}"));
    gone.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_counts_in_code_alone() {
        for (line, holds) in [
            ("    unsafe { f() }", true),
            ("pub unsafe fn f() {}", true),
            ("unsafe_code();", false),
            ("// unsafe", false),
            ("let x = 1; // unsafe", false),
            ("#![forbid(unsafe_code)]", false),
        ] {
            assert_eq!(holds_unsafe(line), holds, "{line}");
        }
    }

    #[test]
    fn what_changed_is_told_a_line_each() {
        let line = |name: &str, version: &str, unsafe_lines| Line {
            name: name.to_owned(),
            version: version.to_owned(),
            build_script: name == "built",
            procedural_macro: false,
            unsafe_lines,
        };
        let before = text(&[line("built", "1.0.0", 0), line("quiet", "1.0.0", 0)].into());
        assert!(before.contains("| `built` | 1.0.0 | yes |  | 0 |") && !before.contains("quiet"), "{before}");
        assert_eq!(differences(&before, &before), Vec::<String>::new());
        let after = text(&[line("built", "1.0.1", 0), line("quiet", "1.0.0", 7)].into());
        let told = differences(&before, &after).join("\n");
        for words in [
            "no longer so: | `built` | 1.0.0",
            "lacks: | `built` | 1.0.1",
            "lacks: | `quiet` | 1.0.0 |  |  | 7 |",
        ] {
            assert!(told.contains(words), "{words} not in {told}");
        }
    }
}
