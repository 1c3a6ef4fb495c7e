//! Writing to stdout.

use std::io::{ErrorKind, Write};

use serde::Serialize;

/// Prints text and a line break to stdout. A reader that has gone (`| head`) is no error.
///
/// Errors: stdout cannot be written, such as a full disk behind a redirection.
pub fn print(text: &str) -> std::io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    print_part(&format!("{text}{end}")).map(drop)
}

/// Prints text as it is; says whether there is still somebody who reads, for those who have more to print.
///
/// # Errors
/// As [`print()`].
pub fn print_part(text: &str) -> std::io::Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}

/// A JSON document, indented. What could act on a terminal is written as `\uXXXX`, which means the
/// same in JSON.
///
/// Errors: the value cannot be written as JSON, such as a map whose keys are not text.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let plain = serde_json::to_string_pretty(value)?;
    // Line breaks are the document's own: inside strings, JSON escapes them already.
    let acts = |c: char| c != '\n' && super::safe::acts(c);
    if !plain.chars().any(acts) {
        return Ok(plain);
    }
    let mut escaped = String::with_capacity(plain.len() + 16);
    for c in plain.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
    }
    Ok(escaped)
}
