//! Classifies SQLSTATEs by what an error concerns (the row, the database or the moment), and explains each in our
//! own words.
//!
//! The server's message is never repeated for a refused row, since it can quote the row's values.

use tokio_postgres::error::{DbError as ServerError, ErrorPosition};

/// What an error concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorScope {
    /// The row: other rows of the statement may succeed, so the batch is split until the offending record stands
    /// alone.
    Row,
    /// The database: its settings, its tables or our SQL. Every run fails until somebody fixes it.
    Database,
    /// The row or the database: a function written in C that a generated column, constraint, index or trigger calls raises
    /// the same state for a value that it cannot take as the server does for a fault of its own. For a statement that writes
    /// rows, other rows tell which: if they are written, the row is refused; if every row fails, it is the database.
    RowOrDatabase,
    /// A temporary condition: another transaction, a lack of space or connections, a restart. The same statement
    /// may succeed later.
    Transient,
}

/// Every class of SQLSTATE in appendix A of the Postgres manual: the class, what it concerns, and its name.
///
/// An error that only a procedural language raises concerns a row: we create no functions, so it comes from a
/// trigger, a constraint or a generated column that a user added.
pub const CLASSES: &[(&str, ErrorScope, &str)] = &[
    ("00", ErrorScope::Database, "successful completion"),
    ("01", ErrorScope::Database, "warning"),
    ("02", ErrorScope::Database, "no data"),
    ("03", ErrorScope::Database, "SQL statement not yet complete"),
    ("08", ErrorScope::Transient, "connection exception"),
    ("09", ErrorScope::Row, "triggered action exception"),
    ("0A", ErrorScope::RowOrDatabase, "feature not supported"),
    ("0B", ErrorScope::Database, "invalid transaction initiation"),
    ("0F", ErrorScope::Database, "locator exception"),
    ("0L", ErrorScope::Database, "invalid grantor"),
    ("0P", ErrorScope::Database, "invalid role specification"),
    ("0Z", ErrorScope::Row, "diagnostics exception"),
    ("10", ErrorScope::Row, "XQuery error"),
    ("20", ErrorScope::Row, "case not found"),
    ("21", ErrorScope::Row, "cardinality violation"),
    ("22", ErrorScope::Row, "data exception"),
    ("23", ErrorScope::Row, "integrity constraint violation"),
    ("24", ErrorScope::Database, "invalid cursor state"),
    ("25", ErrorScope::Database, "invalid transaction state"),
    ("26", ErrorScope::Database, "invalid SQL statement name"),
    ("27", ErrorScope::Row, "triggered data change violation"),
    ("28", ErrorScope::Database, "invalid authorization specification"),
    ("2B", ErrorScope::Database, "dependent privilege descriptors still exist"),
    ("2D", ErrorScope::Database, "invalid transaction termination"),
    ("2F", ErrorScope::Row, "SQL routine exception"),
    ("34", ErrorScope::Database, "invalid cursor name"),
    ("38", ErrorScope::Row, "external routine exception"),
    ("39", ErrorScope::Row, "external routine invocation exception"),
    ("3B", ErrorScope::Database, "savepoint exception"),
    ("3D", ErrorScope::Database, "invalid catalog name"),
    ("3F", ErrorScope::Database, "invalid schema name"),
    ("40", ErrorScope::Transient, "transaction rollback"),
    ("42", ErrorScope::Database, "syntax error or access rule violation"),
    ("44", ErrorScope::Row, "WITH CHECK OPTION violation"),
    ("53", ErrorScope::Transient, "insufficient resources"),
    ("54", ErrorScope::Row, "program limit exceeded"),
    ("55", ErrorScope::Database, "object not in prerequisite state"),
    ("57", ErrorScope::Transient, "operator intervention"),
    ("58", ErrorScope::Database, "system error"),
    ("72", ErrorScope::Transient, "snapshot failure"),
    ("F0", ErrorScope::Database, "configuration file error"),
    ("HV", ErrorScope::Database, "foreign data wrapper error"),
    ("P0", ErrorScope::Row, "PL/pgSQL error"),
    ("XX", ErrorScope::Database, "internal error"),
];

/// States that concern something else than their class does.
pub const EXCEPTIONS: &[(&str, ErrorScope, &str)] = &[
    ("25006", ErrorScope::Transient, "read-only transaction: hosts switch that on for a while"),
    ("25P03", ErrorScope::Transient, "idle in transaction timeout"),
    ("25P04", ErrorScope::Transient, "transaction timeout"),
    // Also what is no tsquery and no ltree.
    ("42601", ErrorScope::RowOrDatabase, "syntax error"),
    ("55006", ErrorScope::Transient, "object in use"),
    ("55P03", ErrorScope::Transient, "lock not available"),
    ("57P04", ErrorScope::Database, "database dropped"),
    // Also what functions in C raise that give their error no state, such as those of PostGIS.
    ("XX000", ErrorScope::RowOrDatabase, "internal error"),
];

/// Classes that never concern a row, even if the error arose in a user's function; but for the states that may concern
/// either.
const NEVER_A_ROWS: [&str; 4] = ["25", "57", "58", "XX"];

/// Classes whose text is about the server and never about a value: what could be quoted are names of its own objects and
/// files.
const ABOUT_THE_SERVER: [&str; 12] = ["08", "25", "26", "28", "3D", "40", "53", "55", "57", "58", "72", "F0"];

/// What a state by itself concerns. A class that is not in the table concerns the database: an unknown error must
/// blame no record.
pub fn concern(state: &str) -> ErrorScope {
    let by_state = EXCEPTIONS.iter().find(|(code, ..)| *code == state);
    let by_class = || CLASSES.iter().find(|(class, ..)| state.get(..2) == Some(*class));
    by_state.or_else(by_class).map_or(ErrorScope::Database, |(_, concern, _)| *concern)
}

/// The name of a state's class.
pub fn class_name(state: &str) -> &'static str {
    CLASSES.iter().find(|(class, ..)| state.starts_with(class)).map_or("unknown", |(_, _, name)| name)
}

/// What an error of the server concerns. Two things count besides its state. An error raised in a function is a
/// user's, since we have none; its trigger may fail for some rows only, so the record is quarantined whatever the
/// state. And a row security policy that refuses a row uses the state of a missing right.
pub fn concern_of(error: &ServerError) -> ErrorScope {
    let state = error.code().code();
    match function_of(error) {
        _ if is_refused_by_policy(error) => ErrorScope::Row,
        Some(_) => concern_in_function(state),
        None => concern(state),
    }
}

/// What a state concerns if the error arose in a user's function. Temporary conditions stay so: a trigger that
/// waits for somebody's lock says nothing about the row.
pub fn concern_in_function(state: &str) -> ErrorScope {
    match concern(state) {
        ErrorScope::Transient => ErrorScope::Transient,
        ErrorScope::RowOrDatabase if NEVER_A_ROWS.contains(&state.get(..2).unwrap_or_default()) => {
            ErrorScope::RowOrDatabase
        }
        ErrorScope::Database if NEVER_A_ROWS.contains(&state.get(..2).unwrap_or_default()) => {
            ErrorScope::Database
        }
        ErrorScope::RowOrDatabase | ErrorScope::Database | ErrorScope::Row => ErrorScope::Row,
    }
}

/// Whether the text of an error of a statement that writes rows can quote a value of a row: `syntax error in tsquery: "…"`.
/// Not if the error has a position in our statement, or is about the server itself, a right, or a name in the text of a
/// function.
pub fn may_quote_a_value(error: &ServerError) -> bool {
    let state = error.code().code();
    let is_about_the_server = ABOUT_THE_SERVER.contains(&state.get(..2).unwrap_or_default())
        || ["42501", "XX001", "XX002"].contains(&state);
    let is_in_a_text = match error.position() {
        Some(ErrorPosition::Original(_)) => true,
        Some(ErrorPosition::Internal { .. }) => IS_NOT_FOUND.contains(&state),
        None => false,
    };
    !is_in_a_text && !is_about_the_server
}

/// Whether a row security policy refused a row: the error has the state of a missing right. In every language the
/// error names the server's C routine that checks rows.
pub fn is_refused_by_policy(error: &ServerError) -> bool {
    error.code().code() == "42501" && error.routine() == Some("ExecWithCheckOptions")
}

/// The PL/pgSQL function that raised an error, without its arguments: `set_number()`.
pub fn function_of(error: &ServerError) -> Option<String> {
    function_in(error.where_()?)
}

/// The innermost PL/pgSQL function of an error's context. In every server language its name is among the first two
/// words; other lines can quote values and are not read.
fn function_in(context: &str) -> Option<String> {
    context.lines().find_map(|line| {
        if let Some(name) = function_compiled(line) {
            return Some(name);
        }
        let mut words = line.split_whitespace();
        let named = words.by_ref().take(2).any(|word| word.starts_with("PL/pgSQL"));
        let call = line.split_whitespace().skip(1).find(|word| word.contains('(')).filter(|_| named)?;
        let name = &call[..call.find('(')?];
        // A quoted name can contain spaces; only a part of it would be read.
        let is_whole = name.matches('"').count().is_multiple_of(2);
        let is_name =
            !name.is_empty() && is_whole && name.chars().all(|c| c.is_alphanumeric() || "_.$\"".contains(c));
        is_name.then(|| format!("{name}()"))
    })
}

/// States of a name that was not found: a table, a function, a type, a schema.
const IS_NOT_FOUND: [&str; 4] = ["42P01", "42883", "42704", "3F000"];

/// Advice if such an error came from inside a function, which is a user's, since we have none.
pub fn advice_in_context(error: &ServerError) -> Option<&'static str> {
    let inside = error.where_().is_some_and(|context| {
        // The context line of a Citus node is not a function.
        context.lines().any(|line| !line.contains("while executing command"))
    });
    (inside && IS_NOT_FOUND.contains(&error.code().code())).then_some(
        "; a function that a trigger, index, constraint, column or policy of our tables calls names something without its schema, \
         which only a function with a search_path of its own may: `gazelle-sync doctor` lists them, each with its ALTER FUNCTION",
    )
}

/// `compilation of PL/pgSQL function "set_number" near line 2`: an error in what the function declares.
fn function_compiled(line: &str) -> Option<String> {
    let first = line.split_whitespace().next()?.to_lowercase();
    let is_compiling = ["compil", "kompil"].iter().any(|word| first.starts_with(word));
    if !is_compiling || !line.split_whitespace().take(5).any(|word| word.starts_with("PL/pgSQL")) {
        return None;
    }
    let name = line.split(['"', '«', '»', '„', '“', '”']).nth(1)?.trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_.$".contains(c));
    is_name.then(|| format!("{name}()"))
}

/// What a refusal of a row means, without quoting the row.
pub fn meaning(state: &str) -> &'static str {
    match state {
        "23502" => "a value is required there",
        "23503" => "a row that it refers to is not there, or one that refers to it is",
        "23505" => "the value exists already",
        "23514" => "a check refuses it",
        "23P01" => "it conflicts with another row",
        "22003" => "the number is out of range",
        "22007" | "22008" => "the date or time is out of range",
        "22021" | "22P05" => "the text holds a character that the database cannot",
        "2200H" => "a sequence has no more numbers",
        "21000" => "two records claim the same row",
        "42501" => "a row security policy refuses it",
        "44000" => "the view through which it is written refuses it",
        "54000" => "the value is too large for an index",
        "P0001" => "a trigger refuses it",
        _ if IS_NOT_FOUND.contains(&state) => {
            "a trigger or generated column names something that is not there, or without its schema, which only a \
             function with a search_path of its own may (ALTER FUNCTION … SET search_path = …)"
        }
        _ => match state.get(..2) {
            Some("22" | "23" | "54") => "the value does not fit",
            _ => "a trigger or generated column fails on it",
        },
    }
}

/// Advice for an error that does not concern a row; empty if there is none.
pub fn advice(state: &str) -> &'static str {
    match state {
        "25006" => "; the database is read-only: `gazelle-sync doctor` says why and what to do",
        "28000" | "28P01" => "; check user and password in DATABASE_URL",
        "3D000" => "; create the database first, or correct its name in DATABASE_URL",
        "42501" => "; the role in DATABASE_URL lacks this right",
        "42P01" | "42703" => "; is the database migrated? run `gazelle-sync migrate`",
        "53100" => "; the disk is full: make room, then run again (nothing is lost)",
        "53300" => "; too many connections: raise the limit or lower the concurrency",
        "57014" => {
            "; if statement_timeout of the role or the database ended it, allow more: ALTER ROLE … SET statement_timeout"
        }
        "57P01" | "57P02" | "57P03" => "; the server is restarting: run again",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_and_every_known_state_is_in_the_table_once() {
        let mut classes: Vec<&str> = CLASSES.iter().map(|(class, ..)| *class).collect();
        classes.dedup();
        assert_eq!(classes.len(), CLASSES.len());
        assert!(classes.is_sorted(), "by class: {classes:?}");
        for (state, of_state, what) in EXCEPTIONS {
            assert!(classes.contains(&&state[..2]), "{state}");
            assert_eq!(concern(state), *of_state, "{state}");
            let of_class = CLASSES.iter().find(|(class, ..)| state.starts_with(class)).unwrap().1;
            assert_ne!(*of_state, of_class, "{state} ({what}) is no exception");
        }
        // The driver has a constant for every state of appendix A: each must have a class here.
        for class in CLASSES {
            let state = format!("{}000", class.0);
            let is_exception = EXCEPTIONS.iter().any(|(exception, ..)| *exception == state);
            assert!(is_exception || concern(&state) == class.1, "{}", class.2);
        }
        assert_eq!(concern("ZZ999"), ErrorScope::Database, "nobody knows it: it blames no record");
        assert_eq!(concern(""), ErrorScope::Database);
    }

    #[test]
    fn a_context_names_its_innermost_function_and_never_a_value() {
        for (context, function) in [
            ("PL/pgSQL function refuse() line 3 at RAISE", Some("refuse()")),
            ("PL/pgSQL function public.refuse(integer) line 3 at RAISE", Some("public.refuse()")),
            ("fonction PL/pgSQL refuser(), ligne 3 à RAISE", Some("refuser()")),
            ("PL/pgSQL-Funktion ablehnen() Zeile 3 bei RAISE", Some("ablehnen()")),
            (
                "SQL statement \"SELECT secret('Tremblay')\"\nPL/pgSQL function f() line 2 at SQL statement",
                Some("f()"),
            ),
            ("JSON data, line 1: {\"title\": \"PL/pgSQL Tremblay()\"", None),
            ("COPY gazelle_clients, line 1, column name: \"Tremblay(\"", None),
            ("PL/pgSQL function \"Tremblay, Anne\"() line 1", None),
            ("compilation of PL/pgSQL function \"refuse\" near line 2", Some("refuse()")),
            ("compilation de la fonction PL/pgSQL « refuser » près de la ligne 2", Some("refuser()")),
            ("compilation of PL/pgSQL function \"Tremblay, Anne\" near line 2", None),
            ("SQL statement \"SELECT 'compilation of PL/pgSQL function \"x\"'\"", None),
            ("", None),
        ] {
            assert_eq!(function_in(context).as_deref(), function, "{context}");
        }
    }
}
