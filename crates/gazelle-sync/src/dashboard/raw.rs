//! A raw record as lines. The text is the one that is stored: each number digit for digit, each escape as it is
//! written. What a page shows of it is bounded, however large it is, and a marked place is always among it.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::Serialize;

/// Lines that are shown from the beginning.
const FIRST: usize = 600;
/// Bytes of these.
const FIRST_BYTES: usize = 128 * 1024;
/// Lines shown before a mark that comes later, and after it.
const AROUND: usize = 12;
/// Bytes of a name or a value that are shown.
const LONGEST: usize = 2 * 1024;
/// Levels by which a line is indented at most.
const DEEPEST: usize = 24;

/// The lines that are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Raw {
    /// Them, in order.
    pub(super) lines: Vec<Line>,
    /// How many lines the record has.
    pub(super) total: usize,
    /// Whether the place that was to be marked is there. If not, the object is marked that has no such field.
    pub(super) is_found: bool,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: usize,
    /// The line, with its indentation.
    pub(super) text: String,
    /// Bytes of it that are not shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) left_out: usize,
    /// Whether it is marked.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) is_marked: bool,
    /// Lines before it that are not shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) gap: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Raw {
    /// The lines of a record. `mark` is a place as errors and explanations name it: `allContacts.nodes[2].email`.
    pub(super) fn of(text: &str, mark: Option<&str>) -> Raw {
        let mark = mark.map(|mark| nearest(text, mark));
        let mut raw =
            Raw { is_found: mark.as_ref().is_some_and(|(_, is_found)| *is_found), ..Raw::default() };
        let mut scan = Scan::new(text);
        let (mut bytes, mut after) = (0, 0);
        let mut recent: VecDeque<Line> = VecDeque::new();
        while let Some(piece) = scan.next_piece() {
            raw.total += 1;
            let is_marked = !piece.closes && mark.as_ref().is_some_and(|(place, _)| *place == scan.path);
            let is_first = raw.total <= FIRST && bytes < FIRST_BYTES;
            if !is_first && !is_marked && after == 0 && mark.is_none() {
                continue;
            }
            let line = piece.line(raw.total, is_marked);
            if is_marked {
                after = AROUND + 1;
                raw.lines.extend(recent.drain(..));
            }
            if is_first || after > 0 {
                after = after.saturating_sub(1);
                bytes += line.text.len();
                raw.lines.push(line);
            } else {
                recent.push_back(line);
                if recent.len() > AROUND {
                    recent.pop_front();
                }
            }
        }
        let mut expected = 1;
        for line in &mut raw.lines {
            line.gap = line.number - expected;
            expected = line.number + 1;
        }
        raw
    }

    /// The marked line.
    pub(super) fn marked(&self) -> Option<&Line> {
        self.lines.iter().find(|line| line.is_marked)
    }

    /// Lines after the last one shown.
    pub(super) fn left_out(&self) -> usize {
        self.total - self.lines.last().map_or(0, |line| line.number)
    }
}

/// The place if the record has it, else the innermost place around it that the record has.
fn nearest(text: &str, mark: &str) -> (String, bool) {
    let mut scan = Scan::new(text);
    let mut found = String::new();
    while let Some(piece) = scan.next_piece() {
        if piece.closes {
            continue;
        }
        if scan.path == mark {
            return (scan.path, true);
        }
        let rest = mark.strip_prefix(scan.path.as_str());
        if rest.is_some_and(|rest| rest.starts_with(['.', '['])) && scan.path.len() > found.len() {
            found.clone_from(&scan.path);
        }
    }
    (found, false)
}

/// At most [`LONGEST`] bytes of a text, whole characters, and how many are left out.
pub(super) fn cut(text: &str) -> (&str, usize) {
    let end = text.floor_char_boundary(LONGEST);
    (&text[..end], text.len() - end)
}

/// What stands on one line.
struct Piece<'t> {
    depth: usize,
    key: Option<&'t str>,
    value: &'t str,
    /// Whether it is the bracket that closes an object or a list.
    closes: bool,
    has_comma: bool,
}

impl Piece<'_> {
    fn line(&self, number: usize, is_marked: bool) -> Line {
        let (key, key_left_out) = self.key.map_or(("", 0), cut);
        let (value, value_left_out) = cut(self.value);
        let mut text = "  ".repeat(self.depth.min(DEEPEST));
        if self.key.is_some() {
            text.push_str(key);
            text.push_str(if key_left_out > 0 { "…: " } else { ": " });
        }
        text.push_str(value);
        if value_left_out > 0 {
            text.push('…');
        } else if self.has_comma {
            text.push(',');
        }
        Line { number, text, left_out: key_left_out + value_left_out, is_marked, gap: 0 }
    }
}

/// Reads JSON text line by line as it is to be shown. Its grammar must be valid.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// The place of the value read last.
    path: String,
    open: Vec<OpenContainer>,
}

/// An object or a list that is not closed yet.
struct OpenContainer {
    is_object: bool,
    items: usize,
    /// The length of its own path.
    path: usize,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str) -> Scan<'t> {
        Scan { text, at: 0, path: String::new(), open: Vec::new() }
    }

    fn next_piece(&mut self) -> Option<Piece<'t>> {
        self.skip(|byte| byte.is_ascii_whitespace() || byte == b',');
        let first = self.peek()?;
        if matches!(first, b'}' | b']') {
            let value = &self.text[self.at..=self.at];
            self.at += 1;
            let closed = self.open.pop();
            self.path.truncate(closed.map_or(0, |open| open.path));
            return Some(self.piece(self.open.len(), None, value, true));
        }
        let depth = self.open.len();
        let is_object = self.open.last().is_some_and(|open| open.is_object);
        let key = is_object.then(|| {
            let key = self.token();
            self.skip(|byte| byte.is_ascii_whitespace() || byte == b':');
            key
        });
        self.enter(key);
        let value = match self.peek() {
            Some(bracket @ (b'{' | b'[')) => self.opened(bracket == b'{'),
            _ => self.token(),
        };
        Some(self.piece(depth, key, value, false))
    }

    /// An opening bracket; both brackets of what is empty.
    fn opened(&mut self, is_object: bool) -> &'t str {
        let start = self.at;
        self.at += 1;
        let inside = self.at;
        self.skip(|byte| byte.is_ascii_whitespace());
        if matches!(self.peek(), Some(b'}' | b']')) {
            self.at += 1;
            return if is_object { "{}" } else { "[]" };
        }
        self.at = inside;
        self.open.push(OpenContainer { is_object, items: 0, path: self.path.len() });
        &self.text[start..=start]
    }

    /// Sets the path to that of the next value.
    fn enter(&mut self, key: Option<&str>) {
        let Some(open) = self.open.last_mut() else { return };
        self.path.truncate(open.path);
        match key {
            Some(key) => {
                if !self.path.is_empty() {
                    self.path.push('.');
                }
                self.path.push_str(&decoded(key));
            }
            None => self.path.push_str(&format!("[{}]", open.items)),
        }
        open.items += 1;
    }

    fn piece(&self, depth: usize, key: Option<&'t str>, value: &'t str, closes: bool) -> Piece<'t> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let has_comma = rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b',');
        Piece { depth, key, value, closes, has_comma: has_comma && !matches!(value, "{" | "[") }
    }

    /// A text with its quotes, a number, `true`, `false` or `null`.
    fn token(&mut self) -> &'t str {
        let start = self.at;
        if self.peek() == Some(b'"') {
            self.at += 1;
            while let Some(byte) = self.peek() {
                self.at += if byte == b'\\' { 2 } else { 1 };
                if byte == b'"' {
                    break;
                }
            }
        } else {
            self.skip(|byte| !byte.is_ascii_whitespace() && !b",:{}[]\"".contains(&byte));
        }
        // What is no JSON must end too.
        self.at = self.text.ceil_char_boundary(self.at.max(start + 1).min(self.text.len()));
        &self.text[start..self.at]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, is: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is) {
            self.at += 1;
        }
    }
}

/// The name of a field, as it is meant.
fn decoded(key: &str) -> Cow<'_, str> {
    let bare = key.trim_matches('"');
    match key.contains('\\') {
        true => serde_json::from_str::<String>(key).map_or(Cow::Borrowed(bare), Cow::Owned),
        false => Cow::Borrowed(bare),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLIENT: &str = r#"{"id": "c1", "n": 1970670598291982300123, "x": 1.50, "tags": [], "allContacts": {"nodes": [
        {"id": "k1", "email": null}, {"id": "k2", "name": "a \"b\", {c}"}]}}"#;

    fn shown(raw: &Raw) -> Vec<String> {
        let mark = |line: &Line| if line.is_marked { ">" } else { " " };
        raw.lines.iter().map(|line| format!("{}{} {}", mark(line), line.number, line.text)).collect()
    }

    #[test]
    fn a_record_is_shown_line_by_line_with_its_numbers_digit_for_digit() {
        assert_eq!(
            shown(&Raw::of(CLIENT, Some("allContacts.nodes[0].email"))),
            [
                " 1 {",
                " 2   \"id\": \"c1\",",
                " 3   \"n\": 1970670598291982300123,",
                " 4   \"x\": 1.50,",
                " 5   \"tags\": [],",
                " 6   \"allContacts\": {",
                " 7     \"nodes\": [",
                " 8       {",
                " 9         \"id\": \"k1\",",
                ">10         \"email\": null",
                " 11       },",
                " 12       {",
                " 13         \"id\": \"k2\",",
                " 14         \"name\": \"a \\\"b\\\", {c}\"",
                " 15       }",
                " 16     ]",
                " 17   }",
                " 18 }",
            ]
        );
    }

    #[test]
    fn the_line_of_a_place_is_marked_or_that_of_what_has_no_such_field() {
        for (place, line, is_found) in [
            ("id", 2, true),
            ("n", 3, true),
            ("tags", 5, true),
            ("allContacts", 6, true),
            ("allContacts.nodes", 7, true),
            ("allContacts.nodes[1]", 12, true),
            ("allContacts.nodes[1].name", 14, true),
            ("allContacts.nodes[1].phone.number", 12, false),
            ("allContacts.nodes[7].name", 7, false),
            ("allContactsAndMore", 1, false),
            ("start", 1, false),
            ("", 1, true),
        ] {
            let raw = Raw::of(CLIENT, Some(place));
            assert_eq!(raw.marked().map(|line| line.number), Some(line), "{place}");
            assert_eq!(raw.is_found, is_found, "{place}");
        }
        assert_eq!(Raw::of(CLIENT, None).marked(), None);
        let escaped = Raw::of(r#"{"\u0061b": 1}"#, Some("ab"));
        assert_eq!(escaped.marked().unwrap().text, r#"  "\u0061b": 1"#);
    }

    #[test]
    fn a_long_value_and_a_long_record_are_cut_and_the_mark_stays() {
        let long = format!(r#"{{"a": "{}", "b": 1}}"#, "é".repeat(20_000));
        let raw = Raw::of(&long, Some("b"));
        assert_eq!(raw.total, 4);
        assert!(raw.lines[1].text.len() < 2_200 && raw.lines[1].left_out > 37_000);
        assert_eq!(raw.marked().unwrap().text, "  \"b\": 1");

        let items: Vec<String> = (0..100_000).map(|n| format!("{{\"n\": {n}}}")).collect();
        let many = format!("[{}]", items.join(","));
        let raw = Raw::of(&many, Some("[70000].n"));
        assert_eq!(raw.total, 300_002);
        assert_eq!(raw.lines.len(), FIRST + AROUND + 1 + AROUND);
        assert_eq!(raw.marked().unwrap().text, "    \"n\": 70000");
        let gaps: Vec<usize> = raw.lines.iter().map(|line| line.gap).filter(|gap| *gap > 0).collect();
        assert_eq!(gaps.len(), 1);
        assert_eq!(raw.left_out() + gaps[0] + raw.lines.len(), raw.total);
        let plain = Raw::of(&many, None);
        assert_eq!((plain.lines.len(), plain.left_out()), (FIRST, 300_002 - FIRST));
    }

    #[test]
    fn nesting_of_any_depth_takes_no_longer_than_its_length() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        let raw = Raw::of(&deep, None);
        assert!(raw.lines.len() <= FIRST && raw.lines[FIRST - 1].text.len() <= 2 * DEEPEST + 2);
    }

    proptest! {
        #[test]
        fn whatever_the_text_is_it_ends_and_nothing_of_it_is_made_up(text in "\\PC{0,40}|[{}\\[\\]\":,a1 \\\\]{0,40}") {
            let raw = Raw::of(&text, Some("a"));
            prop_assert!(raw.total <= text.len());
        }

        #[test]
        fn the_lines_of_a_record_are_the_record(numbers in prop::collection::vec(any::<i64>(), 0..20), text in "\\PC{0,20}") {
            let value = serde_json::json!({ "a": numbers, "b": { "c": text, "d": [], "e": {} } });
            let raw = Raw::of(&value.to_string(), None);
            let joined: String = raw.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&joined).unwrap(), value);
        }
    }
}
