//! The index of decisions (docs/decisions/README.md) lists every page once, and a page that a later one changes says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const MARK: &str = "> Superseded ";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/decisions")
}

/// The pages by name, with their text; the index is none of them.
fn pages() -> BTreeMap<String, String> {
    let names = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let pages: BTreeMap<String, String> = names
        .filter(|name| name != "README.md")
        .map(|name| (name.clone(), fs::read_to_string(folder().join(&name)).unwrap()))
        .collect();
    assert!(pages.len() > 60, "{}", pages.len());
    pages
}

/// The lines of the index, each with the page that it links to.
fn listed() -> Vec<(String, String)> {
    let index = fs::read_to_string(folder().join("README.md")).unwrap();
    let lines = index.lines().filter(|line| line.starts_with("- ["));
    lines.map(|line| (between(line, "](", ")").to_owned(), line.to_owned())).collect()
}

#[track_caller]
fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let inside = text.split_once(open).and_then(|(_, rest)| rest.split_once(close));
    inside.unwrap_or_else(|| panic!("no {open}…{close} in: {text}")).0
}

/// The first four characters of a page's name.
fn number(page: &str) -> &str {
    page.get(..4).unwrap_or(page)
}

#[test]
fn the_index_of_decisions_lists_every_page_once() {
    let pages = pages();
    let mut missing: BTreeSet<&String> = pages.keys().collect();
    for (page, line) in listed() {
        let text = pages.get(&page).unwrap_or_else(|| panic!("docs/decisions/{page} is not there: {line}"));
        assert!(missing.remove(&page), "docs/decisions/README.md lists {page} more than once");
        assert_eq!(between(&line, "[", "]"), number(&page), "{line}");
        let title = format!("# {} ", number(&page));
        assert!(text.starts_with(&title), "{page} does not begin with its number");
        let said = line.split_once("** ").map_or("", |(_, said)| said);
        assert!(said.len() > 20, "a sentence on what was decided is missing: {line}");
    }
    assert!(missing.is_empty(), "add a line to docs/decisions/README.md for {missing:?}");
}

#[test]
fn marks_of_superseded_decisions_agree_with_the_index() {
    let pages = pages();
    let mut marked = BTreeMap::new();
    for (page, text) in &pages {
        for line in text.lines().filter(|line| line.starts_with(MARK)) {
            let later = between(line, "](", ")");
            assert!(pages.contains_key(later), "{page} is superseded by {later}, which is not there");
            assert_eq!(between(line, "[", "]"), number(later), "{page}: {line}");
            assert_ne!(page, later, "{page} is superseded by itself");
            marked.entry(page.clone()).or_insert_with(BTreeSet::new).insert(number(later).to_owned());
        }
    }
    assert!(marked.len() > 10, "{marked:?}");
    for (page, line) in listed() {
        let said = line.split_once("*Superseded ").map_or("", |(_, said)| said);
        let said: BTreeSet<String> = said
            .split(|c: char| !c.is_ascii_digit())
            .filter(|word| word.len() == 4)
            .map(str::to_owned)
            .collect();
        let marked = marked.get(&page).cloned().unwrap_or_default();
        assert_eq!(said, marked, "the marks at the top of {page} (right) and its line in the index (left)");
    }
}
