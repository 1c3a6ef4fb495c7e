//! Values that somebody, somewhere, did not expect.

use super::node::Node;
use super::random::Random;

/// Literals that are not text.
const LITERALS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "3.5",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775808",
    "99999999999999999999999999",
    "1767960000",
    "1767960000000",
    "-62135596800",
    "20260109",
    "1e308",
    "1e309",
    "1e999",
    "-1e999",
    "1e-999",
    "1e-20000",
    "0e-20000",
    "0E+99999999999",
    "0.1e1",
    "1E400",
    "123456789.123456789e-5",
    "[]",
    "{}",
    "[null]",
    "[[]]",
    r#"{"id":null}"#,
    r#"{"nodes":null}"#,
    r#"{"nodes":{}}"#,
    r#"{"nodes":[null,1,"x",[],{}]}"#,
    r#"{"edges":[{"node":null},null]}"#,
    r#"{"id":{"id":1}}"#,
    r#"[1,"two",null,true,{}]"#,
];

/// Contents of strings, escapes as JSON has them.
const CONTENTS: &[&str] = &[
    "",
    " ",
    "\\t\\n\\r",
    "hostile",
    "'; DROP TABLE gazelle_clients; -- hostile",
    "hostile'); DELETE FROM staging_clients; SELECT ('",
    "\\\\'; TRUNCATE sync_runs; -- hostile",
    "$1",
    "$1::text, $2 hostile",
    "{schema}.{table} hostile {staging_table}",
    "E'\\\\x00' hostile",
    "\\u0000",
    "hostile\\u0000inside",
    "\\ud800",
    "\\udc00hostile",
    "hostile \\ud83c",
    "\\ud83c\\udfb9",
    "\\ufeffhostile",
    "\\uffff\\ufffe",
    "\\u202ehostile\\u202c",
    "e\\u0301\\u0301\\u0301 hostile",
    "\u{10ffff}hostile",
    "\\u001b[2J\\u0007hostile",
    "NULL",
    "NaN",
    "Infinity",
    "-infinity",
    "true",
    "1e999",
    "0x10",
    "2026-01-09",
    "2026-01-09T12:00:00Z",
    "2026-02-30T12:00:00Z",
    "2026-01-09T24:00:00Z",
    "2026-01-09T23:59:60Z",
    "2026-01-09T12:00:00+99:99",
    "2026-01-09T12:00:00.123456789123Z",
    "0000-00-00",
    "0000-00-00T00:00:00Z",
    "-004713-11-23",
    "-004713-11-24",
    "-004713-11-24T00:00:00Z",
    "4713-01-01 BC",
    "5874897-12-31",
    "+5874898-01-01",
    "9999-12-31",
    "294276-12-31T23:59:59.999999Z",
    "+294277-01-01T00:00:00Z",
    "2026-01-09T12:00:00",
    "20260109",
    "1767960000",
    "2147483648",
    "-2147483649",
    "9223372036854775808",
    "1e131073",
    "7.0",
    "oui",
    "-9999-01-01T00:00:00Z",
    "-4713-11-23T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "+275760-09-13T00:00:00Z",
    "1582-10-10T00:00:00Z",
    "infinity",
    "2026-01-09T12:00:00Z'; DROP TABLE gazelle_appointments; -- hostile",
    "gazelle_users_1",
    "without-id-hostile",
];

/// Levels of nesting, from what is read to what would overflow a stack.
const DEPTHS: &[usize] = &[10, 99, 100, 101, 127, 128, 500, 10_000];

/// A value of any kind.
pub(crate) fn any(random: &mut Random) -> Node {
    match random.below(20) {
        0..8 => Node::Raw((*random.pick(LITERALS)).to_owned()),
        8..18 => Node::Raw(text(random)),
        18 => {
            let depth = *random.pick(DEPTHS);
            let (open, close) = *random.pick(&[("[", "]"), ("{\"id\":", "}"), ("{\"nodes\":[", "]}")]);
            Node::Raw(format!("{}null{}", open.repeat(depth), close.repeat(depth)))
        }
        _ => Node::Raw(format!("\"{}\"", long(random))),
    }
}

/// Every literal and every text, and some that are deep or long.
pub(crate) fn all() -> Vec<String> {
    let texts = CONTENTS.iter().map(|content| format!("\"{content}\""));
    let deep = |open: &str, close: &str| format!("{}null{}", open.repeat(500), close.repeat(500));
    let odd = [
        deep("[", "]"),
        deep("{\"id\":", "}"),
        deep("{\"nodes\":[", "]}"),
        format!("\"{}\"", "é".repeat(257)),
        format!("\"{}\"", "hostile ".repeat(1_024)),
        "9".repeat(400),
    ];
    LITERALS.iter().map(|literal| (*literal).to_owned()).chain(texts).chain(odd).collect()
}

/// A string, with its quotes.
pub(crate) fn text(random: &mut Random) -> String {
    format!("\"{}\"", random.pick(CONTENTS))
}

/// Content that is long where an index, a column or a buffer may have its limit.
fn long(random: &mut Random) -> String {
    let length = *random.pick(&[511, 512, 513, 2_700, 8_192, 70_000]);
    let piece = *random.pick(&["h", "é", "\\u00e9", "hostile ", "\\\"", "9"]);
    piece.repeat(length / piece.len() + 1)
}
