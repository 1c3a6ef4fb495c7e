//! The pages for users: each in English and in French, with the same sections and the same commands, listed in the book, and
//! with links that lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Pages for engineers, in English alone; the glossary holds both languages.
const ENGLISH_ALONE: [&str; 6] =
    ["CONTRIBUTING", "benchmarks", "citus", "dependencies", "glossary", "promises"];

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

fn text(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|e| panic!("{}: {e}", page.display()))
}

/// The Markdown files directly in a folder, without the book's table of contents.
fn in_folder(folder: &str) -> Vec<String> {
    let names = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".md") && name != "SUMMARY.md");
    names.sort();
    names
}

/// Each page with its French twin.
fn translated_pages() -> Vec<(PathBuf, PathBuf)> {
    let mut twins = vec![(root().join("README.md"), root().join("README.fr.md"))];
    for name in in_folder("docs") {
        if !ENGLISH_ALONE.iter().any(|stem| name == format!("{stem}.md")) {
            twins.push((root().join("docs").join(&name), root().join("docs/fr").join(&name)));
        }
    }
    assert!(twins.len() >= 14, "{} pages", twins.len());
    twins
}

/// The depths of a page's headings, and its fenced blocks without comments: language and lines.
fn shape(page: &str) -> (Vec<usize>, Vec<(String, Vec<String>)>) {
    let (mut headings, mut blocks) = (Vec::new(), Vec::new());
    let mut open: Option<(String, Vec<String>)> = None;
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language.to_owned(), Vec::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((language, lines))) => {
                // What a program printed is compared by nobody: it has the date of the day on which the page was written.
                let command = without_comment(line);
                if language != "text" && !command.is_empty() {
                    lines.push(command.to_owned());
                }
            }
            (None, None) => {
                let depth = line.chars().take_while(|letter| *letter == '#').count();
                if depth > 0 && line[depth..].starts_with(' ') {
                    headings.push(depth);
                }
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    (headings, blocks)
}

/// A line of a block without its comment, which is translated.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') || line.starts_with("--") {
        return "";
    }
    line.split(" # ").next().unwrap_or_default().trim_end()
}

#[test]
fn both_languages_have_the_same_sections_and_commands() {
    for (english, french) in translated_pages() {
        assert!(french.exists(), "{} has no French twin", english.display());
        let ((headings, blocks), (titres, blocs)) = (shape(&text(&english)), shape(&text(&french)));
        assert_eq!(headings, titres, "headings of {} and its twin", english.display());
        assert_eq!(blocks.len(), blocs.len(), "blocks of {} and its twin", english.display());
        for (block, bloc) in blocks.iter().zip(&blocs) {
            assert_eq!(block, bloc, "a block of {} and its twin", english.display());
        }
    }
    for name in in_folder("docs/fr") {
        assert!(root().join("docs").join(&name).exists(), "docs/fr/{name} has no English twin");
    }
}

/// Québec typography: a no-break space before a colon and inside guillemets, none before `;`, `!` and `?`.
#[test]
fn french_pages_have_no_break_spaces_where_they_belong() {
    let pages = in_folder("docs/fr").into_iter().map(|name| root().join("docs/fr").join(name));
    for page in pages.chain([root().join("README.fr.md")]) {
        let text = text(&page);
        // Outside of blocks and of code in a line.
        for block in text.split("```").step_by(2) {
            for prose in block.split('`').step_by(2) {
                for wrong in [" : ", " :\n", "« ", " »", " ;", " !", " ?"] {
                    let at =
                        prose.find(wrong).map(|at| prose[..at].chars().rev().take(40).collect::<String>());
                    let before = at.map(|text| text.chars().rev().collect::<String>());
                    assert_eq!(before, None, "{wrong:?} in {}", page.display());
                }
            }
        }
    }
}

#[test]
fn the_readmes_are_short_enough_to_be_read() {
    for name in ["README.md", "README.fr.md"] {
        let lines = text(&root().join(name)).lines().count();
        assert!(lines <= 110, "{name} has {lines} lines: move some to a page of docs/");
    }
}

/// The anchor that GitHub and mdBook give a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ if letter.is_alphanumeric() => Some(letter),
            _ => None,
        })
        .collect()
}

fn anchors(page: &str) -> BTreeSet<String> {
    let mut inside = false;
    let headings = page.lines().filter(|line| {
        inside ^= line.trim_start().starts_with("```");
        !inside && line.starts_with('#')
    });
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// The targets of a page's links, pictures among them, outside of code.
fn links(page: &str) -> Vec<String> {
    let prose: String = page.split("```").step_by(2).collect();
    let prose: String = prose.split('`').step_by(2).collect();
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .map(str::to_owned)
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages: Vec<PathBuf> =
        translated_pages().into_iter().flat_map(|(english, french)| [english, french]).collect();
    pages.extend(["ARCHITECTURE.md", "SECURITY.md", "docs/SUMMARY.md"].map(|name| root().join(name)));
    pages.extend(ENGLISH_ALONE.map(|stem| root().join(format!("docs/{stem}.md"))));
    let mut checked = 0;
    for page in pages {
        for link in links(&text(&page)) {
            let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{} links to {link}, which is not there", page.display());
            if !fragment.is_empty() {
                let there = anchors(&text(&target));
                assert!(there.contains(fragment), "{} links to {link}; there are {there:?}", page.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked} links");
}

#[test]
fn the_book_lists_every_page_once() {
    let listed = links(&text(&root().join("docs/SUMMARY.md")));
    let unique: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(listed.len(), unique.len(), "a page is listed twice");
    let mut missing: Vec<String> = in_folder("docs");
    missing.extend(in_folder("docs/fr").iter().map(|name| format!("fr/{name}")));
    missing.push("decisions/README.md".to_owned());
    missing.retain(|name| !unique.contains(name));
    assert!(missing.is_empty(), "add to docs/SUMMARY.md: {missing:?}");
    // What is built of it, with each of its links.
    assert!(text(&root().join(".ci/run")).contains("xtask -- book"));
}
