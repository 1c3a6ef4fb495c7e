//! What keeps the code readable: functions that fit on a screen, and commands that do not use each other.

use std::collections::BTreeSet;
use std::path::Path;

use super::circles::{arrows, sources};
use super::{files, src};

/// Lines of a function, from its name to its last brace.
const MOST_LINES: usize = 60;
/// Modules of `commands/` that several commands share.
const SHARED: [&str; 4] = ["demo_database", "shared", "shop", "text"];

/// The functions of a file that are longer, as rustfmt writes them: a function ends with a brace where it begins.
fn too_long(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_before = |word: &&str| word.starts_with("pub") || ["const", "async", "unsafe"].contains(word);
        let mut words = line.split_whitespace().skip_while(is_before);
        let (Some("fn"), Some(name)) = (words.next(), words.next()) else { continue };
        if line.ends_with(['}', ';']) {
            continue;
        }
        let end = lines[at..].iter().position(|line| *line == format!("{indent}}}"));
        let length = end.map_or(0, |end| end + 1);
        if length > MOST_LINES {
            let name = name.split(['(', '<']).next().unwrap_or_default();
            found.push((name.to_owned(), length));
        }
    }
    found
}

#[test]
fn no_function_is_longer_than_can_be_read() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut looked_at = 0;
    for (file, text) in files(crates, "rs") {
        // A test tells its story in one piece.
        if file.split(['/', '.']).any(|part| part.ends_with("tests")) {
            continue;
        }
        looked_at += 1;
        assert_eq!(too_long(&text), [], "{file}");
    }
    assert!(looked_at > 300, "{looked_at} files");
}

#[test]
fn a_long_function_is_seen() {
    let body = |lines: usize| "    x();\n".repeat(lines);
    for (text, found) in [
        (format!("fn f() {{\n{}}}\n", body(58)), vec![]),
        (format!("fn f() {{\n{}}}\n", body(59)), vec![("f".to_owned(), 61)]),
        (format!("pub(crate) async fn g<T>(\n    x: T,\n) {{\n{}}}\n", body(60)), vec![("g".to_owned(), 64)]),
        (format!("impl X {{\n    pub fn h(&self) {{\n{}    }}\n}}\n", body(70)), vec![("h".to_owned(), 72)]),
        (format!("trait X {{\n    fn h(&self);\n}}\n{}", body(70)), vec![]),
    ] {
        assert_eq!(too_long(&text), found, "{text}");
    }
}

#[test]
fn no_command_uses_another() {
    let of_commands = |name: &[String]| match name {
        [commands, command, ..] if commands == "commands" => Some(command.clone()),
        _ => None,
    };
    let mut commands = BTreeSet::new();
    for (file, uses) in arrows(&sources(&src())) {
        let Some(command) = of_commands(&file) else { continue };
        for other in uses.iter().filter_map(|other| of_commands(other)) {
            let may = command == other || command == "text" || SHARED.contains(&other.as_str());
            assert!(
                may,
                "{} uses the command {other}: what both need has a file of its own",
                file.join("::")
            );
        }
        commands.insert(command);
    }
    assert!(commands.len() > SHARED.len() + 10, "{commands:?}");
    assert!(SHARED.iter().all(|shared| commands.contains(*shared)), "{commands:?}");
}
