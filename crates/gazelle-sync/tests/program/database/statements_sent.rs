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
    gather(&sources(), &mut files);
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

fn gather(folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("migrations") {
            gather(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "sql") {
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
