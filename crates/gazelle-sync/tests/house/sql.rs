//! What our SQL may say, so that it runs on Citus too, behind a pooler, and as roles that row security binds. Every
//! statement is looked at, wherever it stands: in `.sql` files and in string literals of Rust. The number of a rule is
//! that of docs/citus.md.

use super::statements::{Statement, all, literals, plain};
use super::{files, src};

/// An `INSERT` whose rows come from a `SELECT`: what it says, without what stands in its `WITH`.
fn insert_select(text: &str) -> Option<&str> {
    let (_, own) = of_with(text);
    let begins = own.starts_with("insert into ");
    let selects =
        own.find(" select ").filter(|select| own.find(" values ").is_none_or(|values| *select < values));
    (begins && selects.is_some()).then_some(own)
}

/// A statement and those that stand in its `WITH`, and in theirs.
fn with_its_parts(text: &str) -> Vec<&str> {
    let mut parts = vec![text];
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        parts.extend(of_with(part).0);
        at += 1;
    }
    parts
}

/// What stands in parentheses before the statement proper, after `WITH name AS (…), …`, and the statement proper.
fn of_with(text: &str) -> (Vec<&str>, &str) {
    let mut bodies = Vec::new();
    if !text.starts_with("with ") {
        return (bodies, text);
    }
    let (mut depth, mut quoted, mut from) = (0, false, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => {
                if depth == 0 {
                    from = at + 1;
                }
                depth += 1;
            }
            ')' if !quoted => {
                depth -= 1;
                if depth > 0 {
                    continue;
                }
                bodies.push(text[from..at].trim());
                let rest = text[at + 1..].trim_start();
                let goes_on =
                    rest.starts_with(',') || rest.starts_with("as (") || rest.starts_with("as materialized");
                if !goes_on {
                    return (bodies, rest);
                }
            }
            _ => {}
        }
    }
    (bodies, "")
}

/// Whether an UPDATE casts something to a time or a list, other than a parameter or a literal, outside of a sub-select and its WITH.
fn update_casts_a_column(text: &str) -> bool {
    let (_, own) = of_with(text);
    own.starts_with("update ")
        && casts(own, &["::timestamptz", "::timestamp", "::date", "::text[]"]).any(|(before, what)| {
            let in_select = before.rfind("(select ").is_some_and(|from| {
                before[from..].matches('(').count() > before[from..].matches(')').count()
            });
            !in_select && !what.starts_with('$') && !what.ends_with('\'')
        })
}

/// Whether an INSERT casts a column to a time, or puts a time of whatever origin behind a text.
fn insert_casts_a_time(insert: &str) -> bool {
    casts(insert, &["::timestamptz"]).any(|(before, what)| {
        let is_put_behind = before[..before.len() - what.len()].trim_end().ends_with("||");
        is_put_behind || !what.starts_with('$') && !what.ends_with('\'')
    })
}

/// What is cast to one of these, with all that stands before the cast.
fn casts<'s>(own: &'s str, to: &'s [&'s str]) -> impl Iterator<Item = (&'s str, &'s str)> {
    to.iter().flat_map(|cast| own.match_indices(cast)).map(|(at, _)| {
        let before = &own[..at];
        (before, before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default())
    })
}

/// What is wrong with a statement, or with one in its `WITH`, if anything is.
fn violation(statement: &Statement) -> Option<&'static str> {
    with_its_parts(&statement.text).into_iter().find_map(|part| {
        let part = Statement { place: statement.place.clone(), text: part.to_owned(), ..*statement };
        breach_of_one(&part)
    })
}

fn breach_of_one(statement: &Statement) -> Option<&'static str> {
    // What takes it away is named to people, and that others use it is read from the catalogue.
    let text = statement.text.replace("no force row level security", "").replace("pg_inherits", "");
    let text = text.as_str();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // Advice of `doctor`, in its `fix`.
    let advice = statement.place == "doctor/database/rights.rs"
        && (text.starts_with("alter ") || text.starts_with("grant "));
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
        let said = without_immutable(insert);
        if STABLE.iter().any(|word| said.contains(word)) || insert_casts_a_time(&said) {
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
    if says(&["comment on schema"]) && statement.place != "rebuild/replay/into_schema.rs" {
        return Some("a comment on a schema, which stays on one node (27)");
    }
    // `doctor` tries what Supabase's roles may read, where nothing is distributed.
    if says(&["set role", "set local role"]) && statement.place != "doctor/database/rights.rs" {
        return Some("a role in force must be able to log in between nodes (25)");
    }
    None
}

/// What is stable in Postgres although it looks like a constant or a plain operator.
const STABLE: [&str; 17] = [
    "interval '",
    "::interval",
    "make_interval(",
    "date_trunc(",
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
    assert_eq!(said, ["db/transaction/begin.rs: set local search_path = pg_catalog, pg_temp"]);
}

/// Whether a backslash stands where what it means depends on `standard_conforming_strings`: in a literal that is no `E'…'`.
fn says_a_backslash(sql: &str) -> bool {
    let (mut at, mut before) = (0, ' ');
    let text: Vec<char> = sql.chars().collect();
    while at < text.len() {
        if text[at] != '\'' {
            before = if at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_') {
                ' '
            } else {
                text[at]
            };
            if text[at] == '\\' {
                return true;
            }
            at += 1;
            continue;
        }
        let escapes = before.eq_ignore_ascii_case(&'e') && at > 0 && text[at - 1] == before;
        at += 1;
        while at < text.len() && text[at] != '\'' {
            if text[at] == '\\' && !escapes {
                return true;
            }
            at += if text[at] == '\\' { 2 } else { 1 };
        }
        (at, before) = (at + 1, ' ');
    }
    false
}

#[test]
fn no_literal_depends_on_how_a_backslash_is_read() {
    // Migrations never change once they are released; each runs with the settings of db/transaction.
    let released = "migrations/0014_closed_production.sql";
    let found: Vec<String> = all()
        .into_iter()
        .filter(|statement| statement.place != released && says_a_backslash(&statement.text))
        .map(|statement| format!("{}: {}", statement.place, statement.text))
        .collect();
    assert_eq!(found, Vec::<String>::new());
    for (sql, depends) in [
        (r"SELECT '\d'", true),
        (r"SELECT E'\\d'", false),
        (r"SELECT concat(E'\'\\', 'a')", false),
        (r"SELECT note'\d'", true),
        (r"SELECT E'a', '\m'", true),
        (r"SELECT 'it''s \'", true),
        ("SELECT 'it''s'", false),
    ] {
        assert_eq!(says_a_backslash(sql), depends, "{sql}");
    }
}

#[test]
fn statements_hold_to_what_citus_can() {
    let all = all();
    assert!(all.len() > 300, "only {} statements were found", all.len());
    let broken: Vec<String> = all
        .iter()
        .filter_map(|statement| {
            violation(statement).map(|why| format!("{}: {why}: {}", statement.place, statement.text))
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
        (
            "WITH x AS (INSERT INTO t (a) SELECT b FROM y ON CONFLICT (a) DO NOTHING) SELECT count(*) FROM x",
            "(22)",
        ),
        (
            "WITH x AS (INSERT INTO t (a) SELECT b FROM y ON CONFLICT (a) DO NOTHING RETURNING 1) SELECT count(*) FROM x",
            "",
        ),
        (
            "WITH z AS (SELECT 1), x AS (INSERT INTO t (a) SELECT b FROM unnest($1::text[]) AS y (b)) SELECT 1",
            "(24)",
        ),
        (
            "WITH x AS (INSERT INTO t (a) SELECT now() FROM y RETURNING a) INSERT INTO u (a) SELECT a FROM x",
            "(23)",
        ),
        (
            "WITH x AS (WITH n AS (SELECT now() AS b) INSERT INTO t (a) SELECT b FROM n RETURNING a) SELECT a FROM x",
            "",
        ),
        ("WITH x AS (UPDATE t SET a = clock_timestamp() RETURNING a) SELECT a FROM x", "(1)"),
        ("INSERT INTO t (a) SELECT 'at ' || b::timestamptz FROM x", "(23)"),
        ("INSERT INTO t (a) SELECT 'at ' || $1::timestamptz FROM x", "(23)"),
        ("INSERT INTO t (a) SELECT b::timestamptz FROM x", "(23)"),
        ("INSERT INTO t (a) SELECT b FROM x WHERE b > (SELECT max(c::timestamptz) FROM y)", "(23)"),
        ("INSERT INTO t (a) SELECT $1::timestamptz FROM x", ""),
        ("INSERT INTO t (a) SELECT b FROM x WHERE b > $1::timestamptz", ""),
        ("INSERT INTO t (a) SELECT at + $1::interval FROM x", "(23)"),
        ("INSERT INTO t (a) SELECT date_trunc('day', at) FROM x", "(23)"),
        ("INSERT INTO t (a) SELECT at + make_interval(days => 1) FROM x", "(23)"),
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
        let said = violation(&statement).unwrap_or_default();
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
                file == "db/transaction/mod.rs" || !super::code(&text).contains(word),
                "{file} uses {word}: Tx::batch sends each \
                     statement by itself"
            );
        }
    }
}
