//! Every statement of the program, wherever it stands: in `.sql` files and in string literals of Rust.

use gazelle_sync::db::statements;
use gazelle_sync::entities::ENTITIES;
use gazelle_sync::staging_to_production::derived;
use gazelle_sync::staging_to_production::upsert::Statements;

use super::{files, src};

/// A statement, and where it stands.
pub(crate) struct Statement {
    pub(crate) place: String,
    /// Without comments, in lower case, with single spaces.
    pub(crate) text: String,
    /// Whether the text is what a migration runs, or an administrator's command.
    pub(crate) is_setup: bool,
}

/// What may hold DDL: all else must work on a worker node, and while a node is down.
const SETUP: [&str; 7] = [
    "migrations/",
    "migrate/",
    "access/",
    "from_v5/",
    "rebuild/replay/into_schema.rs",
    // The scratch tables of a rebuild: from a worker only where they are temporary.
    "staging_to_production/rebuild.rs",
    "staging_to_production/target.rs",
];

fn is_setup(file: &str) -> bool {
    SETUP.iter().any(|place| file.starts_with(place))
}

/// Every statement of the program.
pub(crate) fn all() -> Vec<Statement> {
    let mut found = Vec::new();
    for (file, text) in files(&src(), "sql") {
        found.extend(of(&file, &text));
    }
    for (file, text) in files(&src(), "rs") {
        // What `doctor` says to a person may be a statement; it runs none but to read.
        if file.contains("tests") || file.starts_with("doctor/") && file != "doctor/database/rights.rs" {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for literal in literals(code) {
            // Of a format string, `{{schema}}` is what gets filled in later.
            let literal = literal.replace("{{", "{").replace("}}", "}");
            if says_sql(&literal) {
                found.extend(of(&file, &literal));
            }
        }
    }
    for entity in ENTITIES.iter().copied() {
        for refresh in derived::refreshes(entity) {
            for sql in [refresh.to_write, refresh.write] {
                found.extend(of("staging_to_production/derived/mod.rs", &sql));
            }
        }
        for table in entity.tables {
            for sql in Statements::of(entity, table).all() {
                found.extend(of("staging_to_production/upsert/mod.rs", sql));
            }
        }
    }
    found
}

fn of(file: &str, sql: &str) -> Vec<Statement> {
    let statement =
        |one: &str| Statement { place: file.to_owned(), text: plain(one), is_setup: is_setup(file) };
    statements::split(sql).into_iter().map(statement).collect()
}

/// Whether a literal is a statement rather than words for people: the first word stands out.
fn says_sql(literal: &str) -> bool {
    let first: String = literal.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let verbs = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "CREATE", "ALTER", "DROP", "GRANT", "REVOKE",
        "COMMENT", "TRUNCATE", "DO", "SET", "EXISTS", "LEFT",
    ];
    verbs.contains(&first.as_str())
}

/// Without comments, in lower case, with single spaces.
pub(crate) fn plain(sql: &str) -> String {
    let mut text = String::new();
    for line in sql.lines() {
        text.push_str(
            line.split(" --").next().filter(|line| !line.trim_start().starts_with("--")).unwrap_or_default(),
        );
        text.push(' ');
    }
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The string literals of Rust code, unescaped as far as SQL needs it.
pub(crate) fn literals(code: &str) -> Vec<String> {
    literals_with_lines(code).into_iter().map(|(literal, _)| literal).collect()
}

/// The string literals of Rust code, each with the number of lines that it takes there. Comments and letters are no
/// literals.
fn literals_with_lines(code: &str) -> Vec<(String, usize)> {
    let code: Vec<char> = code.chars().collect();
    let is = |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| code.get(at + i) == Some(&c));
    let find = |from: usize, text: &str| (from..code.len()).find(|at| is(*at, text)).unwrap_or(code.len());
    let lines = |from: usize, to: usize| code[from..to].iter().filter(|letter| **letter == '\n').count() + 1;
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let in_word = at > 0 && (code[at - 1].is_alphanumeric() || code[at - 1] == '_');
        let hashes = code[at..].iter().skip(1).take_while(|c| **c == '#').count();
        if is(at, "//") {
            at = find(at, "\n");
        } else if is(at, "/*") {
            at = find(at, "*/") + 2;
        } else if is(at, "'\"'") {
            at += 3;
        } else if is(at, "'\\") {
            at = find(at + 3, "'") + 1;
        } else if code[at] == 'r' && !in_word && is(at + 1 + hashes, "\"") {
            let from = at + 2 + hashes;
            let end = find(from, &format!("\"{}", "#".repeat(hashes)));
            found.push((code[from..end].iter().collect(), lines(from, end)));
            at = end + 1 + hashes;
        } else if code[at] == '"' {
            let mut text = String::new();
            at += 1;
            let from = at;
            while at < code.len() && code[at] != '"' {
                if code[at] == '\\' {
                    at += 1;
                    match code.get(at) {
                        Some('n') => text.push('\n'),
                        // The text goes on after the white space of the next line.
                        Some('\n') => {
                            while code.get(at + 1).is_some_and(|c| c.is_whitespace()) {
                                at += 1
                            }
                        }
                        Some(other) => text.push(*other),
                        None => {}
                    }
                } else {
                    text.push(code[at]);
                }
                at += 1;
            }
            found.push((text, lines(from, at.min(code.len()))));
            at += 1;
        } else {
            at += 1;
        }
    }
    found
}

/// The statements of Rust code that take more lines than a reader of the code should skip.
fn long(code: &str) -> Vec<String> {
    let is_long = |(literal, lines): &(String, usize)| *lines > 2 && says_sql(literal);
    literals_with_lines(code).into_iter().filter(is_long).map(|(literal, _)| literal).collect()
}

#[test]
fn statements_of_three_lines_are_files() {
    for (file, text) in files(&src(), "rs") {
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        assert_eq!(long(code), Vec::<String>::new(), "{file}");
    }
    for (code, seen) in [
        ("q(\"SELECT a\n FROM t\")", 0),
        ("q(\"SELECT a\n FROM t\n WHERE b\")", 1),
        ("q(\"SELECT a \\\n FROM t \\\n WHERE b\")", 1),
        ("q(r#\"UPDATE t\n SET a = 1\n WHERE b\"#)", 1),
        ("q(\"LEFT JOIN LATERAL (\n SELECT a\n FROM t) AS t ON true\")", 1),
        ("q(\"Left of it\nstands a\ntext\")", 0),
    ] {
        assert_eq!(long(code).len(), seen, "{code}");
    }
}

/// Whether a line reads a later column of a row by its position.
fn reads_by_position(line: &str) -> bool {
    let reads = line.match_indices("row.get").chain(line.match_indices("last.get"));
    reads.map(|(at, name)| &line[at + name.len()..]).any(|rest| {
        let Some((of_type, rest)) = rest.split_once('(') else { return false };
        (of_type.is_empty() || of_type.starts_with("::<")) && rest.starts_with(|c| ('1'..='9').contains(&c))
    })
}

#[test]
fn rows_of_several_columns_are_read_by_name() {
    // Each record of a walk passes through the first two, and a name would be searched for each time. The last has
    // still to change.
    let others = ["staging/pending/mod.rs", "staging/versions/mod.rs", "access/roles/close.rs"];
    for (file, text) in files(&src(), "rs").into_iter().filter(|(file, _)| !others.contains(&file.as_str())) {
        let read: Vec<&str> = text.lines().filter(|line| reads_by_position(line)).map(str::trim).collect();
        assert_eq!(read, Vec::<&str>::new(), "{file}");
    }
    for (line, seen) in [
        ("row.get(1)", true),
        ("(row.get(0), row.get::<_, Option<String>>(2))", true),
        ("last.get(1)", true),
        ("row.get(0)", false),
        ("row.get(\"run_id\")", false),
        ("rows.get(1)", false),
    ] {
        assert_eq!(reads_by_position(line), seen, "{line}");
    }
}
