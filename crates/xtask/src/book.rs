//! The pages as a book: `docs/`, what they link to beside it, and the decisions, built by `mdbook`.
//!
//! mdBook renders what `SUMMARY.md` lists below one folder. The pages link to files outside of `docs/` and to decisions, so the
//! sources are laid out below `target/book-sources` as they are in the repository, with a summary that lists them all.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

/// Arguments of `book`.
#[derive(Args)]
pub(crate) struct BookArgs {
    /// Folder for the book
    #[arg(long, default_value = "target/book")]
    out: PathBuf,
}

/// The version that is known to build the book.
const MDBOOK: &str = "0.5.4";
const SOURCES: &str = "target/book-sources";
const SUMMARY: &str = "docs/SUMMARY.md";
/// Pages beside `docs/`, in the order of the book.
const BESIDE: [&str; 6] = [
    "README.md",
    "README.fr.md",
    "ARCHITECTURE.md",
    "crates/gazelle-sim/README.md",
    "CHANGELOG.md",
    "SECURITY.md",
];

/// Builds the book, and checks that each link of its pages leads to a file of it.
pub(crate) fn run(args: &BookArgs) -> Result<()> {
    let sources = Path::new(SOURCES);
    if sources.exists() {
        std::fs::remove_dir_all(sources)?;
    }
    std::fs::create_dir_all(sources.join("src"))?;
    for file in files()? {
        let target = sources.join("src").join(&file);
        std::fs::create_dir_all(target.parent().context("a file has a folder")?)?;
        std::fs::copy(&file, &target).with_context(|| file.display().to_string())?;
    }
    std::fs::write(sources.join("src/SUMMARY.md"), summary()?)?;
    std::fs::copy("book.toml", sources.join("book.toml"))?;
    let out = std::path::absolute(&args.out)?;
    let built = Command::new("mdbook").arg("build").arg(sources).arg("--dest-dir").arg(&out).status();
    let built = built.with_context(|| format!("mdbook: cargo install --locked mdbook@{MDBOOK}"))?;
    ensure!(built.success(), "mdbook could not build the book");
    let broken = broken_links(&out)?;
    ensure!(broken.is_empty(), "links of the book that lead nowhere:\n{}", broken.join("\n"));
    println!("{}", out.join("index.html").display());
    Ok(())
}

/// The pages of the book, and every file that one of them links to.
fn files() -> Result<BTreeSet<PathBuf>> {
    let mut left: VecDeque<PathBuf> = BESIDE.iter().map(PathBuf::from).collect();
    for folder in ["docs", "docs/fr", "docs/decisions"] {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") && path != Path::new(SUMMARY) {
                left.push_back(path);
            }
        }
    }
    let mut found = BTreeSet::new();
    while let Some(path) = left.pop_front() {
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        if !found.insert(path.clone()) || !is_page {
            continue;
        }
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let folder = path.parent().unwrap_or(Path::new(""));
        left.extend(links(&text).filter_map(|link| target(folder, link)).filter(|target| target.is_file()));
    }
    Ok(found)
}

/// The summary of `docs/` with its paths as the repository has them, the pages beside it, and the decisions.
fn summary() -> Result<String> {
    let docs = std::fs::read_to_string(SUMMARY)?;
    let mut summary = String::new();
    for line in docs.lines() {
        if line.starts_with("[") && !summary.contains("](") {
            // The first page is also index.html, and its links must hold there.
            summary.push_str(&format!("[{}]({})\n\n", title(Path::new(BESIDE[0]))?, BESIDE[0]));
        }
        let line = match line.split_once("](") {
            Some((title, path)) => format!("{title}](docs/{path}"),
            None => line.to_owned(),
        };
        summary.push_str(&line);
        summary.push('\n');
    }
    summary.push_str("\n# The repository\n\n");
    for page in &BESIDE[1..] {
        summary.push_str(&format!("- [{}]({page})\n", title(Path::new(page))?));
    }
    summary.push_str("\n# Decisions\n\n");
    let mut decisions: Vec<PathBuf> =
        std::fs::read_dir("docs/decisions")?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    decisions.retain(|path| path.file_name().is_some_and(|name| name != "README.md"));
    decisions.sort();
    for page in decisions {
        summary.push_str(&format!("- [{}]({})\n", title(&page)?, page.display()));
    }
    Ok(summary)
}

/// The heading that a page begins with.
fn title(page: &Path) -> Result<String> {
    let text = std::fs::read_to_string(page)?;
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    Ok(heading.with_context(|| format!("{} has no heading", page.display()))?.to_owned())
}

/// The targets of the links of a page in Markdown, without what follows `#`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split([')', '#', ' ']).next()).filter(|link| !link.is_empty())
}

/// The file that a link in a page of this folder leads to; none if it leaves the repository.
fn target(folder: &Path, link: &str) -> Option<PathBuf> {
    if link.contains(':') {
        return None;
    }
    let mut path = PathBuf::new();
    for part in folder.join(link).components() {
        match part {
            Component::ParentDir if !path.pop() => return None,
            Component::ParentDir | Component::CurDir => {}
            other => path.push(other),
        }
    }
    Some(path)
}

/// `page: link` for each link of the book's pages to a file that it does not have.
fn broken_links(book: &Path) -> Result<Vec<String>> {
    let mut folders = vec![book.to_owned()];
    let mut broken = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                broken.extend(broken_links_of(book, &path)?);
            }
        }
    }
    if !book.join("index.html").is_file() {
        bail!("the book has no first page");
    }
    broken.sort();
    Ok(broken)
}

fn broken_links_of(book: &Path, page: &Path) -> Result<Vec<String>> {
    let name = page.strip_prefix(book)?;
    // All pages in one, and the page for addresses that do not exist: their links are those of other folders.
    if ["print.html", "404.html"].map(Path::new).contains(&name) {
        return Ok(Vec::new());
    }
    let html = std::fs::read_to_string(page)?;
    let folder = name.parent().unwrap_or(Path::new(""));
    let named = html.split("href=\"").skip(1).chain(html.split("src=\"").skip(1));
    let links = named.filter_map(|rest| rest.split(['"', '#', '?']).next()).filter(|link| !link.is_empty());
    let leads_nowhere = |link: &&str| {
        !link.contains(':') && target(folder, link).is_none_or(|target| !book.join(target).is_file())
    };
    Ok(links.filter(leads_nowhere).map(|link| format!("{}: {link}", name.display())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_file_of_the_repository_or_elsewhere() {
        let of = |folder: &str, link| target(Path::new(folder), link);
        assert_eq!(of("docs/fr", "../decisions/0001-a.md"), Some("docs/decisions/0001-a.md".into()));
        assert_eq!(of("docs", "../README.md"), Some("README.md".into()));
        assert_eq!(of("docs", "../../README.md"), None);
        assert_eq!(of("docs", "https://example.org/a.md"), None);
        let text = "See [a](b.md#c) and [d](#here), `x`](y z).";
        assert_eq!(links(text).collect::<Vec<_>>(), ["b.md", "y"]);
    }
}
