//! Files, tests and commands that the documentation names exist.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The texts between backticks, and the lines of fenced blocks.
fn quoted(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let mut found = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        match index % 2 {
            0 => found.extend(part.split('`').skip(1).step_by(2).map(str::to_owned)),
            _ => found.extend(part.lines().skip(1).map(|line| line.trim().to_owned())),
        }
    }
    found
}

/// Whether a text between backticks is the name of a file or folder of ours.
fn is_path(text: &str) -> bool {
    let ends = [".rs", ".sql", ".graphql", ".svg", ".md", ".toml", "/"].iter().any(|end| text.ends_with(end));
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    ends && text.chars().all(plain) && !text.starts_with(['/', '.'])
}

/// Every file and folder below this one.
fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        }
        found.push(path);
    }
}

#[test]
fn files_that_pages_name_are_there() {
    let mut held: Vec<PathBuf> = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for folder in ["crates", "docs", "examples", "ops"] {
        below(&root().join(folder), &mut held);
    }
    let mut pages = Vec::new();
    below(&root().join("docs"), &mut pages);
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    assert!(pages.len() > 80, "{} pages", pages.len());
    pages.extend(["README.md", "README.fr.md", "ARCHITECTURE.md"].map(|page| root().join(page)));
    for page in pages {
        // A settings file is the user's; the other one is named because it does not exist.
        let ours =
            |text: &String| is_path(text) && !["gazelle-sync.toml", "deny.toml"].contains(&text.as_str());
        let paths: Vec<String> = quoted(&page).into_iter().filter(ours).collect();
        let page = page.strip_prefix(root()).unwrap().display();
        let least = match page.to_string().as_str() {
            "ARCHITECTURE.md" => 80,
            "docs/CONTRIBUTING.md" => 40,
            _ => 0,
        };
        assert!(paths.len() >= least, "{page} names {} files", paths.len());
        for path in paths {
            // As it is named: from its end, since a page leaves out the folders that it has just named.
            assert!(held.iter().any(|file| file.ends_with(&path)), "{page} names {path}, which is not there");
        }
    }
}

#[test]
fn commands_that_contributing_names_can_be_typed() {
    let xtask = fs::read_to_string(root().join("crates/xtask/src/main.rs")).unwrap().to_lowercase();
    let dev = fs::read_to_string(root().join("dev")).unwrap();
    let crates: Vec<PathBuf> =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut checked = 0;
    for command in quoted(&root().join("docs/CONTRIBUTING.md")) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1));
        match words.first() {
            Some(&"cargo") => {
                if let Some(test) = after("--test").filter(|name| name.chars().any(char::is_lowercase)) {
                    let there = crates.iter().map(|krate| krate.join("tests")).any(|tests| {
                        tests.join(format!("{test}.rs")).exists() || tests.join(test).join("main.rs").exists()
                    });
                    assert!(there, "there is no test {test}: {command}");
                }
                if let Some(package) = after("-p") {
                    let there = crates.iter().any(|krate| krate.ends_with(package));
                    assert!(there, "there is no package {package}: {command}");
                }
                if after("-p") == Some(&"xtask") {
                    let name = after("--").unwrap_or_else(|| panic!("xtask is told nothing: {command}"));
                    let variant = name.replace('-', "");
                    let known = [format!("    {variant}("), format!("    {variant},")];
                    assert!(known.iter().any(|line| xtask.contains(line)), "xtask has no {name}: {command}");
                }
                checked += 1;
            }
            Some(&"./dev") => {
                let Some(task) = words[1..].iter().find(|word| !word.starts_with('-')) else { continue };
                let usage = dev.lines().find(|line| line.contains(&format!("./dev [--yes] {task} ")));
                assert!(usage.is_some(), "./dev has no {task}: {command}");
                checked += 1;
            }
            Some(&".ci/run") => {
                assert!(root().join(".ci/run").exists());
                checked += 1;
            }
            _ => {}
        }
    }
    assert!(checked >= 10, "{checked} commands");
}
