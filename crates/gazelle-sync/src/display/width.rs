//! The width of lines, and wrapping.

use std::io::IsTerminal;

/// The maximum width of lines in columns: the width of the terminal at stdout; `None` if stdout is not a terminal.
/// Some terminals (serial lines, container consoles) report a width of 0 or a few columns; these count as unknown,
/// because long lines are the smaller problem.
pub fn terminal_width() -> Option<u16> {
    #[cfg(test)]
    if let Some(width) = as_if::WIDTH.get() {
        return Some(width);
    }
    let is_terminal = std::io::stdout().is_terminal();
    comfy_table::Table::new().width().filter(|width| is_terminal && *width >= 40)
}

/// Wraps a text at `width` columns, between words; continuation lines are indented by `indent` columns. Unchanged
/// if the width is unknown.
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
        // No wrap before the first word of a line.
        is_begun |= word > 0;
    }
    out
}

/// Terminals of tests.
#[cfg(test)]
pub(crate) mod as_if {
    use std::cell::Cell;

    thread_local! {
        /// The width of the terminal that this thread acts as if it had; none for that of stdout.
        pub(crate) static WIDTH: Cell<Option<u16>> = const { Cell::new(None) };
    }

    /// Does something as if stdout were a terminal of this width.
    pub(crate) fn at_width<T>(width: u16, act: impl FnOnce() -> T) -> T {
        let before = WIDTH.replace(Some(width));
        let done = act();
        WIDTH.set(before);
        done
    }
}
