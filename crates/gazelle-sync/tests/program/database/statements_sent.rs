//! Which of the program's SQL files a server was sent statements of, by its own log.

use std::path::{Path, PathBuf};

use crate::support::World;

/// Has the server log every statement that it is sent from now on.
pub async fn watch(world: &World) {
    world.server.set("log_statement", "all").await.unwrap();
}

/// The SQL files, but those of migrations, of which nothing was sent.
pub fn files_never_sent(world: &World) -> Vec<String> {
    let log = log(world);
    let mut files = Vec::new();
    gather(&sources(), "sql", &mut files);
    files.retain(|file| !log.contains(&telling_part(file)));
    files.sort();
    files
}

/// How often something of these files was sent, the least of them.
pub fn times_sent(world: &World, files: &[&str]) -> usize {
    let log = log(world);
    files.iter().map(|file| log.matches(&telling_part(file)).count()).min().unwrap()
}

fn log(world: &World) -> String {
    plain(&std::fs::read_to_string(world.server.server().unwrap().log_file()).unwrap())
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn gather(folder: &Path, ending: &str, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("migrations") {
            gather(&path, ending, files);
        } else if path.extension().is_some_and(|its| its == ending) {
            files.push(path.strip_prefix(sources()).unwrap().to_str().unwrap().to_owned());
        }
    }
}

/// The longest part of a file in which nothing is filled in.
fn telling_part(file: &str) -> String {
    let text = plain(&std::fs::read_to_string(sources().join(file)).unwrap());
    let mut parts = vec![String::new()];
    let mut rest = text.as_str();
    while let Some((before, from)) = rest.split_once('{') {
        parts.last_mut().unwrap().push_str(before);
        match from.split_once('}') {
            // An empty array is none.
            Some((name, after)) if !name.is_empty() => {
                parts.push(String::new());
                rest = after;
            }
            _ => {
                parts.last_mut().unwrap().push('{');
                rest = from;
            }
        }
    }
    parts.last_mut().unwrap().push_str(rest);
    parts
        .into_iter()
        .map(|part| part.trim().trim_end_matches(';').to_owned())
        .max_by_key(String::len)
        .unwrap()
}

/// Without comments, with single spaces.
fn plain(text: &str) -> String {
    let code = text.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The statements that stand whole as text in the program's Rust, but for the name of the schema, each with its file.
pub fn statements_in_rust() -> Vec<(String, String)> {
    const BEGINNINGS: [&str; 4] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
    let mut files = Vec::new();
    gather(&sources(), "rs", &mut files);
    let is_test =
        |file: &&String| file.split('/').any(|part| part.trim_end_matches(".rs").ends_with("tests"));
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !is_test(file)) {
        let text = std::fs::read_to_string(sources().join(file)).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        found.extend(texts(code).map(|text| (file.clone(), plain(&text))));
    }
    found.retain(|(_, text)| {
        let begins = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
            || text.starts_with("WITH ") && text.contains(" AS (");
        // That is a right to columns.
        let is_right = text.starts_with("SELECT (");
        begins && !is_right && text.split(' ').count() > 2 && !text.replace("{schema}.", "").contains('{')
    });
    found.sort();
    found.dedup();
    found
}

/// The text literals of Rust, as the program has them.
fn texts(code: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = code;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(['"', '/', '\''])?;
            let from = &rest[at..];
            if from.starts_with("//") {
                rest = from.split_once('\n').map_or("", |(_, after)| after);
            } else if from.starts_with("'\"'") || from.starts_with("'\\\"'") || from.starts_with("'\\''") {
                rest = from.split_once('\'').unwrap().1.trim_start_matches(['\\', '"', '\'']);
            } else if let Some(inner) = from.strip_prefix('"') {
                let (text, after) = text_of(inner);
                rest = after;
                return Some(text);
            } else {
                rest = &from[1..];
            }
        }
    })
}

/// A text up to its end, and what comes after it.
fn text_of(inner: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (text, &inner[at + 1..]),
            '\\' => match chars.next().map(|(_, char)| char) {
                Some('\n' | 'n') => text.push(' '),
                Some(char) => text.push(char),
                None => {}
            },
            char => text.push(char),
        }
    }
    (text, "")
}
