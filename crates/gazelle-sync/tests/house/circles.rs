//! No file uses another that uses it, directly or through others.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{File, ItemMod, ItemUse, Path, UseTree, Visibility};

use super::{files, src};

/// A module's name as a path from the crate's root: `staging::deletions`.
pub(crate) type Name = Vec<String>;

/// The paths that a file names, each from the crate's root.
#[derive(Default)]
struct Named {
    module: Name,
    /// Modules inside this file or in its folder, which a path may begin with.
    children: BTreeSet<String>,
    /// With whether it is only handed on: `pub use`.
    paths: Vec<(Name, bool)>,
    /// What `use` brings into the file, by the name it has there.
    brought: BTreeMap<String, Name>,
}

impl Named {
    /// The path from the root; none for one that leads to another crate.
    fn resolved(&self, path: &[String]) -> Option<Name> {
        let (first, rest) = path.split_first()?;
        let mut from = self.module.clone();
        match first.as_str() {
            "crate" => return Some(rest.to_vec()),
            "self" => {}
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                from.truncate(from.len().checked_sub(ups)?);
                return Some([&from, &path[ups..]].concat());
            }
            child if self.children.contains(child) => return Some([&from, path].concat()),
            name => return Some([self.brought.get(name)?, rest].concat()),
        }
        Some([&from, rest].concat())
    }

    fn expand(&mut self, tree: &UseTree, before: &[String], is_handed_on: bool) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => {
                self.expand(&path.tree, &with(path.ident.to_string()), is_handed_on);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.expand(tree, before, is_handed_on));
            }
            UseTree::Name(name) => self.bring(with(name.ident.to_string()), None, is_handed_on),
            UseTree::Rename(name) => {
                self.bring(with(name.ident.to_string()), Some(name.rename.to_string()), is_handed_on);
            }
            UseTree::Glob(_) => self.bring(before.to_vec(), None, is_handed_on),
        }
    }

    fn bring(&mut self, mut path: Vec<String>, rename: Option<String>, is_handed_on: bool) {
        path.retain(|part| part != "self");
        let Some(resolved) = self.resolved(&path) else { return };
        let name = rename.or_else(|| path.last().cloned()).unwrap_or_default();
        self.brought.insert(name, resolved.clone());
        self.paths.push((resolved, is_handed_on));
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.meta.require_list().is_ok_and(|list| {
                    list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
                })
        });
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.expand(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1
            && let Some(resolved) = self.resolved(&parts)
        {
            self.paths.push((resolved, false));
        }
        visit::visit_path(self, path);
    }
}

/// Which file uses which, by the names of their modules. What a file only hands on is used of where it comes from.
pub(crate) fn arrows(sources: &BTreeMap<Name, String>) -> BTreeMap<Name, BTreeSet<Name>> {
    let mut named = BTreeMap::new();
    let mut handed_on: BTreeMap<Name, Name> = BTreeMap::new();
    for (module, text) in sources {
        let file: File =
            syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", module.join("::")));
        let is_child = |other: &&Name| other.len() == module.len() + 1 && other.starts_with(module);
        let children = sources.keys().filter(is_child).filter_map(|other| other.last().cloned()).collect();
        let mut of_file = Named { module: module.clone(), children, ..Named::default() };
        // What is brought in may be named before it.
        file.items.iter().for_each(|item| {
            if let syn::Item::Use(item) = item {
                of_file.visit_item_use(item);
            }
        });
        of_file.paths.clear();
        of_file.visit_file(&file);
        for (path, is_handed_on) in &of_file.paths {
            if let (true, Some(name)) = (is_handed_on, path.last()) {
                handed_on.insert([module.as_slice(), std::slice::from_ref(name)].concat(), path.clone());
            }
        }
        named.insert(module.clone(), of_file.paths);
    }
    let file_of = |path: &Name| {
        let mut path = path.clone();
        // Through at most so many hands.
        for _ in 0..4 {
            // A file may share its name with something that is handed on.
            let is_handed_on = |length: &usize| {
                handed_on.contains_key(&path[..*length]) && !sources.contains_key(&path[..*length])
            };
            let Some(length) = (0..=path.len()).rev().find(is_handed_on) else {
                break;
            };
            path = [handed_on[&path[..length]].as_slice(), &path[length..]].concat();
        }
        (0..path.len()).rev().map(|length| path[..=length].to_vec()).find(|name| sources.contains_key(name))
    };
    let arrows = named.into_iter().map(|(module, paths)| {
        let used =
            paths.iter().filter(|(_, is_handed_on)| !is_handed_on).filter_map(|(path, _)| file_of(path));
        let used = used.filter(|other| *other != module).collect();
        (module, used)
    });
    arrows.collect()
}

/// The files that lie on a circle, each with those of its circle that it uses.
fn on_circles(arrows: &BTreeMap<Name, BTreeSet<Name>>) -> BTreeMap<&Name, Vec<&Name>> {
    let reaches: BTreeMap<&Name, BTreeSet<&Name>> =
        arrows.keys().map(|module| (module, reached(arrows, module))).collect();
    let back =
        |module: &Name, other: &&Name| reaches.get(other).is_some_and(|reached| reached.contains(module));
    let with_circles = arrows.iter().map(|(module, uses)| {
        let of_circle: Vec<&Name> = uses.iter().filter(|other| back(module, other)).collect();
        (module, of_circle)
    });
    with_circles.filter(|(_, of_circle)| !of_circle.is_empty()).collect()
}

/// All files that one uses, directly or through others.
fn reached<'a>(arrows: &'a BTreeMap<Name, BTreeSet<Name>>, from: &'a Name) -> BTreeSet<&'a Name> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        next.extend(arrows.get(module).into_iter().flatten().filter(|other| reached.insert(*other)));
    }
    reached
}

fn circle_lines(circles: &BTreeMap<&Name, Vec<&Name>>) -> Vec<String> {
    let line = |(module, uses): (&&Name, &Vec<&Name>)| {
        let uses: Vec<String> = uses.iter().map(|other| other.join("::")).collect();
        format!("{} uses {}", module.join("::"), uses.join(", "))
    };
    circles.iter().map(line).collect()
}

/// The files of a crate by the names of their modules, without tests; `src` is its folder of sources.
pub(crate) fn sources(src: &std::path::Path) -> BTreeMap<Name, String> {
    let is_module = |file: &str| {
        !file.split(['/', '.']).any(|part| part.ends_with("tests"))
            && file != "main.rs"
            && !file.starts_with("bin/")
    };
    files(src, "rs")
        .into_iter()
        .map(|(file, text)| (file.trim_start_matches(&format!("{}/", src.display())).to_owned(), text))
        .filter(|(file, _)| is_module(file))
        .map(|(file, text)| {
            let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
            (path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect(), text)
        })
        .collect()
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders: Vec<_> = std::fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut found = Vec::new();
    for folder in &folders {
        let arrows = arrows(&sources(&folder.join("src")));
        let count: usize = arrows.values().map(BTreeSet::len).sum();
        match folder.join("src") == src() {
            true => assert!(arrows.len() > 200 && count > 1000, "{} files, {count} arrows", arrows.len()),
            // Two files cannot hide much.
            false => assert!(arrows.len() <= 2 || count > 2, "{}: {count} arrows", folder.display()),
        }
        let circles = circle_lines(&on_circles(&arrows));
        found.extend(circles.iter().map(|line| format!("{}: {line}", folder.display())));
    }
    assert!(folders.len() >= 5, "{folders:?}");
    assert!(
        found.is_empty(),
        "files on a circle, each with those of them that it uses:\n{}",
        found.join("\n")
    );
}

#[test]
fn every_way_to_use_a_file_is_seen() {
    let name = |path: &str| -> Name { path.split("::").map(str::to_owned).collect() };
    let uses = |text: &str| -> Vec<String> {
        let sources = [
            ("a", text),
            ("a::child", ""),
            ("b", "pub use self::inner::Thing; mod inner;"),
            ("b::inner", "pub struct Thing;"),
            ("c", ""),
        ];
        let sources = sources.map(|(module, text)| (name(module), text.to_owned())).into();
        arrows(&sources)[&name("a")].iter().map(|other| other.join("::")).collect()
    };
    for (text, used) in [
        ("use crate::c::Thing;", vec!["c"]),
        ("use crate::{b::inner, c};", vec!["b::inner", "c"]),
        ("use crate::b::Thing;", vec!["b::inner"]),
        ("use super::c::{self, X};", vec!["c"]),
        ("fn f() { crate::c::g() }", vec!["c"]),
        ("mod child; fn f() { child::g() }", vec!["a::child"]),
        ("use crate::b; fn f(_: b::Thing) {}", vec!["b", "b::inner"]),
        ("pub use child::Thing; mod child;", vec![]),
        ("#[cfg(test)] mod tests { use crate::c; }", vec![]),
        ("#[cfg(all(test, unix))] mod tests { use crate::c; }", vec![]),
        ("use std::c; fn f() { other::c() }", vec![]),
    ] {
        assert_eq!(uses(text), used, "{text}");
    }
}
