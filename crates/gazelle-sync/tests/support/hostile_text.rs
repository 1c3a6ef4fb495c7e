//! A text with every kind of control character, and assertions that none reaches the output.

use serde_json::Value;

/// A C0 control, a C1 control, DEL, directions, what is not seen, and breaks of every kind.
pub const HOSTILE: &str = "a\u{1b}[31m\u{9b}2J\u{7f}b\u{202e}c\u{200e}d\u{200b}\u{feff}e\u{2028}f\u{85}g\r\n forged row\nforged too\ti";
/// What of it stands at the beginning of a line where a break of it was obeyed.
pub const FORGED: &str = "forged row";

/// The characters of `bytes` that do something where something is to be shown.
fn harmful(text: &str) -> Vec<char> {
    text.chars()
        .filter(|c| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                    | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                    | '\u{e0000}'..='\u{e007f}')
        })
        .collect()
}

#[track_caller]
pub fn is_harmless(where_: &str, text: &str) {
    let found = harmful(text);
    assert!(found.is_empty(), "{where_} holds {found:?}:\n{}", text.escape_debug());
}

/// Nothing acts, and no line is one that the text made.
#[track_caller]
pub fn is_one_line_each(where_: &str, text: &str) {
    let made = text.lines().find(|line| line.trim_start().starts_with("forged"));
    assert!(made.is_none(), "{where_} has a line of the text's own:\n{text}");
    is_harmless(where_, text);
}

/// Every text in a document.
pub fn texts(document: &Value) -> Vec<&str> {
    match document {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
