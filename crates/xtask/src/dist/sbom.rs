//! What is inside the program: a list of its libraries in CycloneDX's format (1.5, JSON).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::release::{Release, output};
use crate::lock_file;

/// The document: the libraries that cargo builds into the program, with the checksums of the lock file.
pub(super) fn write(root: &Path, release: &Release) -> Result<String> {
    let locked = lock_file::packages(&fs::read_to_string(root.join("Cargo.lock"))?)?;
    let checksums: BTreeMap<(String, String), String> =
        locked.into_iter().filter_map(|it| Some(((it.name, it.version), it.checksum?))).collect();
    let tree = output(
        Command::new("cargo")
            .args(["tree", "--locked", "--offline", "-p", "gazelle-sync", "--edges", "normal"])
            .args(["--prefix", "none", "--no-dedupe", "--format", "{p}"])
            .current_dir(root),
    )?;
    let components: Vec<Value> = inside(&String::from_utf8(tree)?)
        .into_iter()
        .filter_map(|(name, version)| {
            let hash = checksums.get(&(name.clone(), version.clone()))?;
            Some(json!({
                "type": "library",
                "name": name,
                "version": version,
                "purl": format!("pkg:cargo/{name}@{version}"),
                "hashes": [{ "alg": "SHA-256", "content": hash }],
            }))
        })
        .collect();
    let seconds: i64 = release.epoch.parse().context("SOURCE_DATE_EPOCH is a number of seconds")?;
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": jiff::Timestamp::from_second(seconds)?.to_string(),
            "component": { "type": "application", "name": "gazelle-sync", "version": release.version },
        },
        "components": components,
    });
    Ok(format!("{document:#}\n"))
}

/// The names and versions in lines like `serde v1.0.2 (proc-macro)`.
fn inside(tree: &str) -> BTreeSet<(String, String)> {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, version) = (words.next()?, words.next()?);
            Some((name.to_owned(), version.strip_prefix('v')?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_library_and_its_version_once() {
        let tree = "gazelle-sync v0.1.0 (/src/gazelle-sync)\nserde v1.0.2\nserde v1.0.2 (*)\nserde_derive v1.0.2 (proc-macro)\n\n";
        let found: Vec<String> =
            inside(tree).into_iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(found, ["gazelle-sync 0.1.0", "serde 1.0.2", "serde_derive 1.0.2"]);
    }
}
