//! What our SQL may say, so that it runs on Citus too, behind a pooler, and as roles that row security binds. Every
//! statement is looked at, wherever it stands: in `.sql` files and in string literals of Rust. The number of a rule is
//! that of docs/citus.md.

use gazelle_sync::db::statements;
use gazelle_sync::entities::ENTITIES;
use gazelle_sync::staging_to_production::upsert::Statements;

use super::{files, src};

/// A statement, and where it stands.
struct Statement {
    place: String,
    /// Without comments, in lower case, with single spaces.
    text: String,
    /// Whether the text is what a migration runs, or an administrator's command.
    is_setup: bool,
}

/// What may hold DDL: all else must work on a worker node, and while a node is down.
const SETUP: [&str; 7] = [
    "migrations/",
    "migrate/",
    "access/",
    "from_v5/",
    "orchestrator/replay/into_schema.rs",
    // The scratch tables of a rebuild: from a worker only where they are temporary.
    "staging_to_production/rebuild.rs",
    "staging_to_production/target.rs",
];

fn is_setup(file: &str) -> bool {
    SETUP.iter().any(|place| file.starts_with(place))
}

/// Every statement of the program.
fn all() -> Vec<Statement> {
    let mut found = Vec::new();
    for (file, text) in files(&src(), "sql") {
        found.extend(of(&file, &text));
    }
    for (file, text) in files(&src(), "rs") {
        // What `doctor` says to a person may be a statement; it runs none but to read.
        if file.contains("tests") || file.starts_with("doctor/") && file != "doctor/rights.rs" {
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
    for entity in ENTITIES {
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
        "COMMENT", "TRUNCATE", "DO", "SET", "EXISTS",
    ];
    verbs.contains(&first.as_str())
}

/// Without comments, in lower case, with single spaces.
fn plain(sql: &str) -> String {
    let mut text = String::new();
    for line in sql.lines() {
        text.push_str(
            line.split(" --").next().filter(|line| !line.trim_start().starts_with("--")).unwrap_or_default(),
        );
        text.push(' ');
    }
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The string literals of Rust code, unescaped as far as SQL needs it. Comments and letters are no literals.
fn literals(code: &str) -> Vec<String> {
    let code: Vec<char> = code.chars().collect();
    let is = |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| code.get(at + i) == Some(&c));
    let find = |from: usize, text: &str| (from..code.len()).find(|at| is(*at, text)).unwrap_or(code.len());
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
            found.push(code[from..end].iter().collect());
            at = end + 1 + hashes;
        } else if code[at] == '"' {
            let mut text = String::new();
            at += 1;
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
            found.push(text);
            at += 1;
        } else {
            at += 1;
        }
    }
    found
}

/// An `INSERT` whose rows come from a `SELECT`: what it says, without what stands in its `WITH`.
fn insert_select(text: &str) -> Option<&str> {
    let own = &text[after_with(text)..];
    let begins = own.starts_with("insert into ");
    let selects =
        own.find(" select ").filter(|select| own.find(" values ").is_none_or(|values| *select < values));
    (begins && selects.is_some()).then_some(own)
}

/// Where the statement proper begins, after `WITH name AS (…), …`.
fn after_with(text: &str) -> usize {
    if !text.starts_with("with ") {
        return 0;
    }
    let (mut depth, mut quoted) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                let rest = text[at + 1..].trim_start();
                let goes_on =
                    rest.starts_with(',') || rest.starts_with("as (") || rest.starts_with("as materialized");
                if depth == 0 && !goes_on {
                    return text.len() - rest.len();
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// Whether an UPDATE casts something to a time or a list, other than a parameter or a literal, outside of a sub-select and its WITH.
fn update_casts_a_column(text: &str) -> bool {
    let own = &text[after_with(text)..];
    if !own.starts_with("update ") {
        return false;
    }
    ["::timestamptz", "::timestamp", "::date", "::text[]"]
        .iter()
        .flat_map(|cast| own.match_indices(cast))
        .any(|(at, _)| {
            let before = &own[..at];
            let what = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
            let in_select = before.rfind("(select ").is_some_and(|from| {
                before[from..].matches('(').count() > before[from..].matches(')').count()
            });
            !in_select && !what.starts_with('$') && !what.ends_with('\'')
        })
}

/// What is wrong with a statement, if anything is.
fn breach(statement: &Statement) -> Option<&'static str> {
    // What takes it away is named to people.
    let text = statement.text.replace("no force row level security", "");
    let text = text.as_str();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // Advice of `doctor`, in its `mend`.
    let advice =
        statement.place == "doctor/rights.rs" && (text.starts_with("alter ") || text.starts_with("grant "));
    if !advice
        && says(&[
            "create trigger",
            "inherits",
            " deferrable",
            "force row level",
            "pg_advisory",
            "listen ",
            "notify ",
        ])
    {
        return Some("what Citus has not, or what a pooler loses (3, 5, 10, 15, 17)");
    }
    if says(&["create temp"]) && !says(&["on commit drop"]) {
        return Some("a temporary table that outlives its transaction");
    }
    if text.split_once("do update").is_some_and(|(_, update)| {
        ["now()", "clock_timestamp", "current_timestamp", "interval '", "random()"]
            .iter()
            .any(|word| update.contains(word))
    }) {
        return Some("a function in DO UPDATE that is not immutable (2)");
    }
    if text.starts_with("update ") && says(&["clock_timestamp", "random()", "gen_random_uuid", "timeofday"]) {
        return Some("a volatile function in UPDATE (1)");
    }
    if update_casts_a_column(text) {
        return Some("UPDATE with a cast of a column that is only stable (28)");
    }
    if let Some(insert) = insert_select(text) {
        let returns = insert.contains(" returning ");
        if insert.contains(" on conflict ") && !returns {
            return Some("INSERT … SELECT … ON CONFLICT without RETURNING: its count is a guess (22)");
        }
        if insert.contains("unnest(") && !returns {
            return Some("INSERT … SELECT from unnest() without RETURNING: it becomes a COPY (24)");
        }
        // Scratch tables are the session's own.
        let is_scratch = statement.place.ends_with("rebuild_insert.sql");
        if insert.contains("where not exists") && insert.contains(" on conflict ") && !is_scratch {
            return Some("INSERT … SELECT … WHERE NOT EXISTS … ON CONFLICT outside of its WITH (29)");
        }
        if STABLE.iter().any(|word| without_immutable(insert).contains(word)) {
            return Some("INSERT … SELECT with a function that is only stable, outside of its WITH (23)");
        }
    }
    let ddl = ["create ", "alter ", "drop ", "comment on ", "grant ", "revoke ", "truncate "]
        .iter()
        .any(|verb| text.starts_with(verb));
    if ddl && !advice && !statement.is_setup && !text.starts_with("create temp") {
        return Some("DDL outside of migrations and an administrator's commands (26)");
    }
    // `replay --into` is the coordinator's alone.
    if says(&["comment on schema"]) && statement.place != "orchestrator/replay/into_schema.rs" {
        return Some("a comment on a schema, which stays on one node (27)");
    }
    // `doctor` tries what Supabase's roles may read, where nothing is distributed.
    if says(&["set role", "set local role"]) && statement.place != "doctor/rights.rs" {
        return Some("a role in force must be able to log in between nodes (25)");
    }
    None
}

/// What is stable in Postgres although it looks like a constant or a plain operator.
const STABLE: [&str; 14] = [
    "interval '",
    "now()",
    "current_timestamp",
    "current_date",
    "localtimestamp",
    "clock_timestamp",
    "to_char(",
    "concat(",
    "concat_ws(",
    "format(",
    "age(",
    "current_setting(",
    "to_jsonb(",
    "jsonb_build_object(",
];

/// `(… AT TIME ZONE 'UTC' + interval '…')` adds to a time without zone, which is immutable.
fn without_immutable(text: &str) -> String {
    text.replace("at time zone 'utc' + interval '", "")
}

#[test]
fn one_place_says_where_names_without_a_schema_are_looked_for() {
    let said: Vec<String> = all()
        .into_iter()
        .filter(|statement| statement.text.starts_with("set ") && statement.text.contains("search_path"))
        .map(|statement| format!("{}: {}", statement.place, statement.text))
        .collect();
    assert_eq!(said, ["db/mod.rs: set local search_path = pg_catalog, pg_temp"]);
}

#[test]
fn statements_hold_to_what_citus_can() {
    let all = all();
    assert!(all.len() > 300, "only {} statements were found", all.len());
    let broken: Vec<String> = all
        .iter()
        .filter_map(|statement| {
            breach(statement).map(|why| format!("{}: {why}: {}", statement.place, statement.text))
        })
        .collect();
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_breach_is_seen() {
    for (sql, seen) in [
        ("INSERT INTO t (a) SELECT b FROM x ON CONFLICT (a) DO NOTHING", "(22)"),
        ("INSERT INTO t (a) SELECT b FROM x ON CONFLICT (a) DO NOTHING RETURNING 1", ""),
        ("INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO NOTHING", ""),
        ("INSERT INTO t (a) SELECT b FROM unnest($1::text[]) AS x (b)", "(24)"),
        ("WITH x AS (SELECT now() AS b) INSERT INTO t (a) SELECT b FROM x", ""),
        ("INSERT INTO t (a) SELECT at + interval '1 microsecond' FROM x", "(23)"),
        ("INSERT INTO t (a) SELECT (at AT TIME ZONE 'UTC' + interval '1 s') AT TIME ZONE 'UTC' FROM x", ""),
        ("INSERT INTO t (a) SELECT now() FROM x", "(23)"),
        ("INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b = now()", "(2)"),
        ("UPDATE t SET a = clock_timestamp()", "(1)"),
        ("UPDATE t SET a = b::timestamptz WHERE c = $1", "(28)"),
        ("UPDATE t SET a = i.b::text[] FROM x AS i", "(28)"),
        (
            "UPDATE t SET a = (SELECT x.b::timestamptz FROM t x), d = $1::timestamptz WHERE e = '2026-01-09'::date",
            "",
        ),
        ("WITH x AS (SELECT b::timestamptz AS b FROM t) UPDATE t SET a = x.b FROM x", ""),
        (
            "INSERT INTO t (a) SELECT a FROM x WHERE NOT EXISTS (SELECT 1 FROM t) ON CONFLICT (a) DO NOTHING RETURNING 1",
            "(29)",
        ),
        (
            "WITH y AS (SELECT a FROM x WHERE NOT EXISTS (SELECT 1 FROM t)) INSERT INTO t (a) SELECT a FROM y",
            "",
        ),
        ("CREATE TABLE t (a int)", "(26)"),
        ("CREATE TEMP TABLE t (a int)", "temporary"),
        ("CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1", ""),
        ("COMMENT ON SCHEMA s IS 'ours'", "(2"),
        ("SET LOCAL ROLE owner", "(25)"),
        ("SELECT pg_advisory_lock(1)", "(3"),
        ("SELECT a FROM t ORDER BY a", ""),
    ] {
        let statement = Statement { place: String::new(), text: plain(sql), is_setup: false };
        let said = breach(&statement).unwrap_or_default();
        assert!(if seen.is_empty() { said.is_empty() } else { said.contains(seen) }, "{sql}: {said}");
    }
    // And wherever it stands.
    let code = "fn a() { /* \"no\" */ let c = '\"'; // \"nor this\"\n x(\"SELECT 1 \\\n   FROM \\\"t\\\"\"); y(r#\"SET \"x\"\"#); }";
    assert_eq!(literals(code), ["SELECT 1 FROM \"t\"", "SET \"x\""]);
}

#[test]
fn one_place_sends_text_that_may_hold_several_statements() {
    for (file, text) in files(&src(), "rs") {
        for word in ["batch_execute", "simple_query"] {
            assert!(
                file == "db/transaction.rs" || !super::code(&text).contains(word),
                "{file} uses {word}: Tx::batch sends each \
                     statement by itself"
            );
        }
    }
}
