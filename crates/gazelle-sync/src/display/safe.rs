//! Text from outside, made harmless for a terminal: escape sequences could recolour, move or
//! rewrite what a person reads, and direction overrides could reorder it.

use std::borrow::Cow;

/// One line: whatever could act on the terminal is replaced by a sign that shows it.
pub fn safe(text: &str) -> Cow<'_, str> {
    clean(text, |_| false)
}

/// No more than so many characters of a text; what is left out, from the end of a word, is a `…`. A word that is longer
/// than that is cut.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(most) else { return Cow::Borrowed(text) };
    let whole_words = match text[end..].starts_with(char::is_whitespace) {
        true => Some(end),
        false => text[..end].rfind(char::is_whitespace),
    };
    let kept = text[..whole_words.unwrap_or(end)].trim_end();
    Cow::Owned(format!("{} …", if kept.is_empty() { &text[..end] } else { kept }))
}

/// Several lines: as [`safe`], but line breaks and tabs stay.
pub fn safe_lines(text: &str) -> Cow<'_, str> {
    clean(text, |c| matches!(c, '\n' | '\t'))
}

fn clean(text: &str, stays: fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| acts(c) && !stays(c)) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            _ if stays(c) || !acts(c) => cleaned.push(c),
            // Unicode has a picture for each of these: ␀ ␛ ␊
            '\0'..='\u{1f}' => cleaned.extend(char::from_u32(0x2400 + u32::from(c))),
            '\u{7f}' => cleaned.push('␡'),
            other => cleaned.extend(other.escape_unicode()),
        }
    }
    Cow::Owned(cleaned)
}

/// Whether a character does something instead of showing something: C0 and C1 controls, line and
/// paragraph separators, direction marks and overrides, invisible tags. The joiners that scripts
/// and emoji need are not among them.
pub(super) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0001}'..='\u{e001f}')
}
