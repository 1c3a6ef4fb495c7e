//! How wide lines may be, and how they are broken where they are wider.

use std::io::IsTerminal;

/// How wide lines may be: the width of the terminal at stdout; none where stdout is no terminal. Some terminals (serial
/// lines, consoles of containers) report a width of 0 or of a few letters: theirs is unknown, and long lines are the lesser
/// evil.
pub fn terminal_width() -> Option<u16> {
    let is_terminal = std::io::stdout().is_terminal();
    comfy_table::Table::new().width().filter(|width| is_terminal && *width >= 40)
}

/// Wraps a text at `width` columns, between words; continuation lines are indented by `indent` columns. Unchanged where the
/// width is not known.
pub(super) fn wrapped_to(text: &str, indent: usize, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from) else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let (mut line, mut is_begun) = (0, false);
    for part in text.split_inclusive(' ') {
        let word = part.trim_end().chars().count();
        if is_begun && word > 0 && line + word > width {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            (line, is_begun) = (indent, false);
        }
        out.push_str(part);
        line += part.chars().count();
        // Nothing is broken before the first word of a line.
        is_begun |= word > 0;
    }
    out
}
