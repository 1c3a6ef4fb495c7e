//! Escapes text from outside. Escape sequences could recolour, move or rewrite the display, direction overrides
//! could reorder text, a line break could start a forged line, and invisible characters could make different texts
//! look equal. [`acts`] alone decides which characters are harmful.

use std::borrow::Cow;

/// One line: every harmful character is replaced by a visible symbol.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    clean(text, |_| false)
}

/// Truncates a text to at most `most` characters, at a word boundary where there is one, and marks that with `…`.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(most) else { return Cow::Borrowed(text) };
    let whole_words = match text[end..].starts_with(char::is_whitespace) {
        true => Some(end),
        false => text[..end].rfind(char::is_whitespace),
    };
    let kept = text[..whole_words.unwrap_or(end)].trim_end();
    Cow::Owned(format!("{} …", if kept.is_empty() { &text[..end] } else { kept }))
}

/// Several lines: like [`safe`], but keeps line breaks and tabs.
pub(super) fn safe_lines(text: &str) -> Cow<'_, str> {
    clean(text, |c| matches!(c, '\n' | '\t'))
}

/// A log line with colours: like [`safe`], but keeps colour sequences. The fields in it must be escaped already.
pub(super) fn safe_but_colours(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        cleaned.push_str(&safe(before));
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(after.len());
        match after[end..].strip_prefix('m') {
            Some(next) => {
                cleaned.push_str("\u{1b}[");
                cleaned.push_str(&after[..=end]);
                rest = next;
            }
            None => {
                cleaned.push_str("␛[");
                rest = after;
            }
        }
    }
    cleaned.push_str(&safe(rest));
    cleaned
}

fn clean(text: &str, stays: fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| acts(c) && !stays(c)) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            _ if stays(c) || !acts(c) => cleaned.push(c),
            // Unicode has a symbol for each of these: ␀ ␛ ␊
            '\0'..='\u{1f}' => cleaned.extend(char::from_u32(0x2400 + u32::from(c))),
            '\u{7f}' => cleaned.push('␡'),
            other => cleaned.extend(other.escape_unicode()),
        }
    }
    Cow::Owned(cleaned)
}

/// JSON text with harmful characters as `\uXXXX`, which decodes to the same value. White space between values, the
/// only place where JSON allows raw control characters, becomes `white`.
pub(super) fn escaped_json(json: &str, white: char) -> Cow<'_, str> {
    let is_white = |c: char| matches!(c, '\n' | '\r' | '\t');
    if !json.chars().any(|c| acts(c) && c != white) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            c if is_white(c) => escaped.push(white),
            c if acts(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character is harmful: C0 and C1 controls, line and paragraph separators, direction marks and
/// overrides, invisible characters (zero width, fillers, tags), and U+FFFE and U+FFFF, which XML forbids. The joiners
/// and variation selectors that scripts and emoji need are allowed.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}
