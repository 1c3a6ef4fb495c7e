//! Splits a text into its SQL statements.
//!
//! For some statements (`CREATE INDEX`, `ALTER TABLE`) Citus passes the whole text of a message on to its nodes, so
//! each statement is sent in its own message: [`super::Tx::batch`].

pub(in crate::db) mod template;

/// The statements of a text, in order, each without its semicolon and surrounding white space. A comment stays with
/// the statement that follows it; text of comments only is left out.
///
/// A semicolon separates where psql would split: outside of quotes (`'…'`, `E'…'`, `"…"`, `$tag$…$tag$`), comments
/// (`--`, `/* … */`, nested ones too), parentheses, and the `BEGIN ATOMIC … END` of a function. Strings are read as
/// with `standard_conforming_strings` on, the default. An unclosed quote makes the rest one statement, which the
/// server then rejects.
pub fn split(sql: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut statement = Statement::default();
    let (mut start, mut at) = (0, 0);
    while let Some(token) = next(sql, at) {
        let text = &sql[at..at + token.length];
        at += token.length;
        match token.kind {
            TokenKind::Blank => {}
            TokenKind::Semicolon if statement.is_open() => {}
            TokenKind::Semicolon => {
                if statement.says_something {
                    statements.push(sql[start..at - 1].trim());
                }
                statement = Statement::default();
                start = at;
            }
            TokenKind::Word => statement.word(text),
            TokenKind::Other => statement.other(text),
        }
    }
    if statement.says_something {
        statements.push(sql[start..].trim());
    }
    statements
}

/// The state of the statement being read, as far as the next semicolon depends on it.
#[derive(Default)]
struct Statement {
    says_something: bool,
    parentheses: u32,
    /// Open `BEGIN … END` and `CASE … END` of a function's body.
    blocks: u32,
    /// The first words, in lower case, which tell whether it creates a function.
    first_words: Vec<String>,
}

impl Statement {
    fn is_open(&self) -> bool {
        self.parentheses > 0 || self.blocks > 0
    }

    fn word(&mut self, word: &str) {
        self.says_something = true;
        let word = word.to_ascii_lowercase();
        match word.as_str() {
            "begin" if self.makes_a_function() && self.parentheses == 0 => self.blocks += 1,
            "case" if self.blocks > 0 => self.blocks += 1,
            "end" if self.blocks > 0 => self.blocks -= 1,
            _ => {}
        }
        if self.first_words.len() < 4 {
            self.first_words.push(word);
        }
    }

    fn makes_a_function(&self) -> bool {
        let words: Vec<&str> = self.first_words.iter().map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["create", "function" | "procedure", ..] | ["create", "or", "replace", "function" | "procedure"]
        )
    }

    fn other(&mut self, text: &str) {
        self.says_something = true;
        match text {
            "(" => self.parentheses += 1,
            ")" => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
    }
}

enum TokenKind {
    /// White space or a comment.
    Blank,
    Semicolon,
    /// A key word or a name without quotes.
    Word,
    /// Anything else: a quoted text, a number, an operator, a parenthesis.
    Other,
}

struct Token {
    kind: TokenKind,
    /// In bytes; at least one.
    length: usize,
}

/// The token that begins at `at`; `None` at the end.
fn next(sql: &str, at: usize) -> Option<Token> {
    let rest = &sql[at..];
    let first = rest.chars().next()?;
    let (kind, length) = match first {
        c if c.is_ascii_whitespace() => (TokenKind::Blank, 1),
        ';' => (TokenKind::Semicolon, 1),
        '-' if rest.starts_with("--") => (TokenKind::Blank, rest.find(['\n', '\r']).unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => (TokenKind::Blank, block_comment(rest)),
        '\'' => (TokenKind::Other, quoted(rest, '\'', false)),
        '"' => (TokenKind::Other, quoted(rest, '"', false)),
        'e' | 'E' if rest[1..].starts_with('\'') => (TokenKind::Other, 1 + quoted(&rest[1..], '\'', true)),
        '$' => (TokenKind::Other, dollar_quoted(rest).unwrap_or(1)),
        c if begins_word(c) => (TokenKind::Word, word(rest)),
        // Including the letters after it, so that `1e'` does not start an escape string.
        c if c.is_ascii_digit() => (TokenKind::Other, word(rest)),
        c => (TokenKind::Other, c.len_utf8()),
    };
    Some(Token { kind, length })
}

fn begins_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic() || !c.is_ascii()
}

fn word(rest: &str) -> usize {
    let goes_on = |c: char| begins_word(c) || c.is_ascii_digit() || c == '$';
    rest.find(|c| !goes_on(c)).unwrap_or(rest.len())
}

/// The length of a quoted text with both quotes. A doubled quote does not end it; with `escapes`, a backslash
/// escapes the next character.
fn quoted(rest: &str, quote: char, escapes: bool) -> usize {
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if escapes => {
                letters.next();
            }
            _ if letter != quote => {}
            _ if letters.next_if(|(_, next)| *next == quote).is_some() => {}
            _ => return at + 1,
        }
    }
    rest.len()
}

/// The length of a block comment, nested ones included.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while at < rest.len() {
        let two = rest.as_bytes().get(at..at + 2);
        match two {
            Some(b"/*") => depth += 1,
            Some(b"*/") => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of `$tag$…$tag$`; `None` if the dollar starts none (a parameter such as `$1`).
fn dollar_quoted(rest: &str) -> Option<usize> {
    let tag_ends = 1 + rest[1..].find('$')?;
    let tag = &rest[1..tag_ends];
    let is_name = tag.chars().next().is_none_or(begins_word)
        && tag.chars().all(|c| begins_word(c) || c.is_ascii_digit());
    if !is_name {
        return None;
    }
    let delimiter = &rest[..=tag_ends];
    let body = delimiter.len();
    Some(rest[body..].find(delimiter).map_or(rest.len(), |end| body + end + delimiter.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::split;

    #[test]
    fn a_semicolon_separates_only_where_the_server_would_see_an_end() {
        for (sql, statements) in [
            ("", vec![]),
            (" ; ;\n;", vec![]),
            ("-- nothing; at all\n/* nor; here */", vec![]),
            ("SELECT 1", vec!["SELECT 1"]),
            ("SELECT 1; SELECT 2;", vec!["SELECT 1", "SELECT 2"]),
            ("SELECT ';'; SELECT 'it''s; so'", vec!["SELECT ';'", "SELECT 'it''s; so'"]),
            (
                r"SELECT 'a\'; SELECT E'b\'; c'; SELECT e'\\'; d",
                vec![r"SELECT 'a\'", r"SELECT E'b\'; c'", r"SELECT e'\\'", "d"],
            ),
            (r#"SELECT "a;""b;"; c"#, vec![r#"SELECT "a;""b;""#, "c"]),
            ("SELECT 1 -- one; more\n, 2; SELECT 3", vec!["SELECT 1 -- one; more\n, 2", "SELECT 3"]),
            ("/* a; /* b; */ c; */ SELECT 1; x", vec!["/* a; /* b; */ c; */ SELECT 1", "x"]),
            ("DO $$BEGIN a; END$$; b", vec!["DO $$BEGIN a; END$$", "b"]),
            ("DO $x$ $$; $y$; $x$; b", vec!["DO $x$ $$; $y$; $x$", "b"]),
            ("SELECT $1; SELECT $2 || '$'; c", vec!["SELECT $1", "SELECT $2 || '$'", "c"]),
            ("SELECT a$b; SELECT c$d", vec!["SELECT a$b", "SELECT c$d"]),
            (
                "CREATE RULE r AS ON INSERT TO t DO (a; b); c",
                vec!["CREATE RULE r AS ON INSERT TO t DO (a; b)", "c"],
            ),
            (
                "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN b END; c; END; d",
                vec![
                    "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN b END; c; END",
                    "d",
                ],
            ),
            ("BEGIN; a; END; b", vec!["BEGIN", "a", "END", "b"]),
            ("SELECT 'open; ended", vec!["SELECT 'open; ended"]),
            ("SELECT $a$ open; ended", vec!["SELECT $a$ open; ended"]),
            ("SELECT 1e'; b", vec!["SELECT 1e'; b"]),
            ("SELECT 'é;ü'; \u{e9}t\u{e9}; n", vec!["SELECT 'é;ü'", "\u{e9}t\u{e9}", "n"]),
        ] {
            assert_eq!(split(sql), statements, "{sql}");
        }
    }

    /// Fragments of SQL that do not end a statement.
    fn piece() -> impl Strategy<Value = String> {
        let inside = "[a-z;$ \n(é-]{0,8}";
        prop_oneof![
            "[a-z_][a-z0-9_]{0,6}".prop_filter("makes no function, nor a quote", |word| {
                !matches!(word.as_str(), "create" | "begin" | "end" | "case") && !word.ends_with('e')
            }),
            "[0-9]{1,4}",
            r"\$[1-9]",
            Just("::text[] = <> ||".to_owned()),
            inside.prop_map(|text| format!("'{text}'''")),
            inside.prop_map(|text| format!(r"E'{text}\';'")),
            inside.prop_map(|text| format!(r#""{text}"";""#)),
            inside.prop_map(|text| format!("-- {}; '\n", text.replace('\n', ""))),
            inside.prop_map(|text| format!("/* {text} /* ;' */ \" */")),
            inside.prop_map(|text| format!("$tag$ {} ;' $tag$", text.replace('$', ""))),
            inside.prop_map(|text| format!("$$ {} ;\" $$", text.replace('$', ""))),
            Just("(a; b)".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn statements_put_together_come_apart_again(
            statements in prop::collection::vec(prop::collection::vec(piece(), 0..6), 0..6),
        ) {
            let statements: Vec<String> =
                statements.into_iter().map(|pieces| format!("select {}", pieces.join(" ")).trim().to_owned()).collect();
            let sql: String = statements.iter().map(|statement| format!("\n {statement}\n;")).collect();
            prop_assert_eq!(split(&sql), statements);
        }

        #[test]
        fn nothing_but_white_space_and_comments_is_ever_left_out(sql in "[a-z0-9 ;'\"$/*()eE\\\\\n-]{0,60}") {
            let statements = split(&sql);
            let mut from = 0;
            for statement in &statements {
                let at = sql[from..].find(statement).map(|at| from + at);
                prop_assert!(at.is_some());
                from = at.unwrap_or_default() + statement.len();
            }
            // Concatenating two texts does not change how either is split, if the first is complete.
            let whole = format!("SELECT 1; {sql}");
            prop_assert_eq!(split(&whole).len(), statements.len() + 1);
        }
    }
}
