//! Modules know only those of the layers below theirs; ARCHITECTURE.md declares the order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{code, files, src};

/// The layers as ARCHITECTURE.md lists them, the uppermost first.
fn declared() -> Vec<Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ARCHITECTURE.md");
    let page = fs::read_to_string(page).unwrap();
    let listed = page.split("\n## Layers\n").nth(1).and_then(|rest| rest.split("```").nth(1)).unwrap();
    let names = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    listed.lines().skip(1).filter(|line| !line.trim().is_empty()).map(names).collect()
}

/// The modules whose names follow `crate::` in a text, also in braces.
fn used(text: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for rest in text.split("crate::").skip(1).chain(text.split("gazelle_sync::").skip(1)) {
        let names: Vec<&str> = match rest.strip_prefix('{').and_then(|rest| rest.split(';').next()) {
            Some(list) => list.split(|c: char| !c.is_alphanumeric() && c != '_').collect(),
            None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').take(1).collect(),
        };
        used.extend(names.iter().filter(|name| modules.contains(**name)).map(|name| (*name).to_owned()));
    }
    used
}

/// The modules that paths beginning with `super::` lead to from a file, where they go up to the root: a path with as many
/// `super::` as the file is deep. Inside an inline module there is one more.
fn used_by_super(file: &str, text: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let folders = file.trim_end_matches("/mod.rs").trim_end_matches(".rs").split('/').count();
    let mut used = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find("super::") {
        let indent = rest[..at].rsplit('\n').next().unwrap_or_default();
        let is_nested = indent.starts_with("    ") && indent.trim_start().trim_end_matches("pub ") == "use ";
        let mut path = &rest[at..];
        let mut up = 0;
        while let Some(next) = path.strip_prefix("super::") {
            (path, up) = (next, up + 1);
        }
        if up >= folders && !(is_nested && up == folders) {
            let names: Vec<&str> = match path.strip_prefix('{').and_then(|list| list.split(';').next()) {
                Some(list) => list.split(|c: char| !c.is_alphanumeric() && c != '_').collect(),
                None => path.split(|c: char| !c.is_alphanumeric() && c != '_').take(1).collect(),
            };
            used.extend(names.iter().filter(|name| modules.contains(**name)).map(|name| (*name).to_owned()));
        }
        rest = path;
    }
    used
}

#[test]
fn a_module_knows_only_those_of_lower_layers() {
    let layers = declared();
    let layer_of: BTreeMap<String, usize> = layers
        .iter()
        .enumerate()
        .flat_map(|(layer, names)| names.iter().map(move |name| (name.clone(), layer)))
        .collect();
    let mut modules = BTreeSet::new();
    let mut arrows = Vec::new();
    let all = files(&src(), "rs");
    let module_of =
        |file: &str| file.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    modules.extend(all.iter().map(|(file, _)| module_of(file)).filter(|module| module != "lib"));
    for (file, text) in &all {
        let module = module_of(file);
        let text = code(text);
        let mut others = used(&text, &modules);
        others.extend(used_by_super(file, &text, &modules));
        arrows.extend(others.into_iter().map(|other| (file, module.clone(), other)));
    }
    let listed: BTreeSet<String> = layer_of.keys().cloned().collect();
    assert_eq!(listed, modules, "ARCHITECTURE.md lists each module in one layer");
    assert!(arrows.len() > 100, "{}", arrows.len());
    for (file, module, other) in arrows.into_iter().filter(|(_, module, _)| module != "lib") {
        assert!(
            module == other || layer_of[&module] < layer_of[&other],
            "{file} uses {other}, which is not below {module}: see the layers in ARCHITECTURE.md"
        );
    }
}

#[test]
fn a_path_that_goes_up_to_the_root_names_a_module() {
    let modules = ["db", "time", "stop"].map(str::to_owned).into();
    for (file, text, seen) in [
        ("lease/mod.rs", "use super::db::Db;", vec!["db"]),
        ("lease/fence.rs", "use super::super::{db::Db, time};", vec!["db", "time"]),
        ("lease/fence.rs", "use super::db;", vec![]),
        ("lease/fence/tests.rs", "let at = super::super::super::stop::now();", vec!["stop"]),
        ("stop.rs", "mod tests {\n    use super::time;\n}", vec![]),
        ("stop.rs", "use super::time;", vec!["time"]),
    ] {
        let seen: BTreeSet<String> = seen.into_iter().map(str::to_owned).collect();
        assert_eq!(used_by_super(file, text, &modules), seen, "{file}: {text}");
    }
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let modules = ["db", "time", "stop"].map(str::to_owned).into();
    for (text, seen) in [
        ("use crate::db::Db;", vec!["db"]),
        ("use crate::{db::Db, time};", vec!["db", "time"]),
        ("let x = crate::stop::now(gazelle_sync::db::connection());", vec!["db", "stop"]),
        ("use super::db; use crate_db::time;", vec![]),
    ] {
        let seen: BTreeSet<String> = seen.into_iter().map(str::to_owned).collect();
        assert_eq!(used(text, &modules), seen, "{text}");
    }
}
