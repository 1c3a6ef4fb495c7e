//! Finds what `jsonb` cannot hold exactly, and makes the nearest JSON that it can.
//!
//! `jsonb` refuses U+0000, lone surrogates, numbers beyond `numeric` and very deep nesting, and keeps only the last
//! of repeated keys. No record is refused for its text: such a record is stored as received in `raw_bytes`, with
//! the nearest JSON that Postgres takes in `raw_data`.

use std::borrow::Cow;

/// Deepest nesting that is kept; the reconcilers read no deeper either.
pub const MAX_DEPTH: usize = 100;
/// Most keys of an object that are compared with one another.
const MOST_KEYS: usize = 500;
/// Longest number, in characters, that `numeric` is sure to hold.
const MAX_NUMBER: usize = 300;
/// Largest absolute exponent that `numeric` is sure to hold.
const MAX_EXPONENT: u32 = 400;

/// A record in the form in which staging keeps it.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredJson<'b> {
    /// For `raw_data`.
    pub json: Cow<'b, str>,
    /// For `raw_bytes`: the record as received; none if `json` holds it exactly.
    pub original: Option<&'b [u8]>,
}

/// Decides how to keep a record. `raw` is JSON whose grammar was checked when its page was read.
pub fn hold(raw: &[u8]) -> StoredJson<'_> {
    let Ok(text) = std::str::from_utf8(raw) else {
        let repaired = nearest(&String::from_utf8_lossy(raw));
        return StoredJson { json: Cow::Owned(repaired), original: Some(raw) };
    };
    match is_held_exactly(text.as_bytes()) {
        true => StoredJson { json: Cow::Borrowed(text), original: None },
        // Wherever it is read, its original bytes are used.
        false => StoredJson { json: Cow::Owned(nearest(text)), original: Some(raw) },
    }
}

/// The nearest JSON text that Postgres takes and our reconcilers read: U+0000 left out, lone surrogates replaced by
/// U+FFFD, numbers out of range as text, too deep nesting as null. No field that is read is that deep: the value
/// around it keeps its own type, so that it does not read as missing.
pub fn nearest(text: &str) -> String {
    let mut scan = Scan::new(text.as_bytes());
    let mut out = Vec::with_capacity(text.len());
    let mut was_too_deep = false;
    while let Some(token) = scan.next_token() {
        // The bracket that closes what was too deep is left out with it.
        let is_too_deep = scan.depth > MAX_DEPTH;
        if is_too_deep || was_too_deep {
            if !was_too_deep {
                out.extend_from_slice(b"null");
            }
            was_too_deep = is_too_deep;
            continue;
        }
        match token {
            Token::Text(content) => {
                out.push(b'"');
                repair_text(content, &mut out);
                out.push(b'"');
            }
            Token::Number(number) if !number_fits(number) => {
                out.push(b'"');
                out.extend_from_slice(number);
                out.push(b'"');
            }
            Token::Number(bytes) | Token::Other(bytes) => out.extend_from_slice(bytes),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether `jsonb` returns all of a record, each number as it was written: `1e2` would be returned as `100`.
fn is_held_exactly(text: &[u8]) -> bool {
    let mut scan = Scan::new(text);
    // The keys seen in each open object; lists have an empty entry.
    let mut open: Vec<Keys<'_>> = Vec::new();
    while let Some(token) = scan.next_token() {
        match token {
            Token::Other(b"{" | b"[") => {
                if scan.depth > MAX_DEPTH {
                    return false;
                }
                open.push(Keys::default());
            }
            Token::Other(b"}" | b"]") => {
                open.pop();
            }
            Token::Other(_) => {}
            Token::Number(number) => {
                if !number_is_exact(number) {
                    return false;
                }
            }
            Token::Text(content) => {
                let escaped = memchr::memchr(b'\\', content).is_some();
                if escaped && !escapes_fit(content) {
                    return false;
                }
                if scan.is_key() {
                    let Some(keys) = open.last_mut() else { return false };
                    // Two spellings of one key (`a`, `\u0061`) would need decoding: keep the original.
                    if escaped || !keys.is_new(content) {
                        return false;
                    }
                }
            }
        }
    }
    true
}

/// The keys of an object so far.
#[derive(Default)]
struct Keys<'b> {
    keys: Vec<&'b [u8]>,
    /// Bits of a small hash of the keys: while a key's bit is not set, the key is new.
    looks: [u64; 4],
}

impl<'b> Keys<'b> {
    /// Adds a key, and returns whether it is new; false also if there are too many to compare.
    fn is_new(&mut self, key: &'b [u8]) -> bool {
        if self.keys.len() >= MOST_KEYS {
            return false;
        }
        let at = |index: usize| key.get(index).copied().map_or(0, usize::from);
        let end = key.len().saturating_sub(1);
        let look = (key.len() * 53 + at(0) * 7 + at(end / 2) * 31 + at(end) * 11) % 256;
        let bit = 1 << (look % 64);
        if self.looks[look / 64] & bit != 0 && self.keys.contains(&key) {
            return false;
        }
        self.looks[look / 64] |= bit;
        self.keys.push(key);
        true
    }
}

/// Whether `jsonb` returns a number as it was written: it expands exponents and has no -0.
fn number_is_exact(number: &[u8]) -> bool {
    let is_minus_zero = number.starts_with(b"-") && !number.iter().any(|b| matches!(b, b'1'..=b'9'));
    number_fits(number) && !is_minus_zero && !number.iter().any(|b| matches!(b, b'e' | b'E'))
}

fn number_fits(number: &[u8]) -> bool {
    if number.len() > MAX_NUMBER {
        return false;
    }
    if !number.iter().any(|b| matches!(b, b'e' | b'E')) {
        return true;
    }
    // `numeric` refuses 1e-20000 and 0e99999, which programs read as 0; it would hold 1e999, which none can read.
    let exponent = number.rsplit(|b| matches!(b, b'e' | b'E')).next().unwrap_or_default();
    let exponent: Option<i32> = std::str::from_utf8(exponent).ok().and_then(|text| text.parse().ok());
    if exponent.is_none_or(|exponent| exponent.unsigned_abs() > MAX_EXPONENT) {
        return false;
    }
    let value = std::str::from_utf8(number).ok().and_then(|text| text.parse::<f64>().ok());
    value.is_some_and(f64::is_finite)
}

/// Whether all escapes of a string's content are ones that `jsonb` takes.
fn escapes_fit(content: &[u8]) -> bool {
    let mut repaired = Vec::with_capacity(content.len());
    repair_text(content, &mut repaired);
    repaired == content
}

/// Copies a string's content, without U+0000 and with lone surrogates replaced.
fn repair_text(content: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < content.len() {
        let Some(found) = memchr::memchr(b'\\', &content[at..]) else {
            out.extend_from_slice(&content[at..]);
            return;
        };
        out.extend_from_slice(&content[at..at + found]);
        at += found;
        if content.get(at + 1) != Some(&b'u') {
            out.extend_from_slice(content.get(at..at + 2).unwrap_or(&content[at..]));
            at += 2;
            continue;
        }
        let unit = unit_at(content, at);
        match unit {
            Some(0) => at += 6,
            Some(0xD800..=0xDBFF) => {
                if matches!(unit_at(content, at + 6), Some(0xDC00..=0xDFFF)) {
                    out.extend_from_slice(&content[at..at + 12]);
                    at += 12;
                } else {
                    out.extend_from_slice(b"\\ufffd");
                    at += 6;
                }
            }
            Some(0xDC00..=0xDFFF) => {
                out.extend_from_slice(b"\\ufffd");
                at += 6;
            }
            Some(_) => {
                out.extend_from_slice(&content[at..at + 6]);
                at += 6;
            }
            None => {
                out.extend_from_slice(b"\\ufffd");
                at = content.len();
            }
        }
    }
}

/// The UTF-16 unit of a `\uXXXX` escape.
fn unit_at(content: &[u8], at: usize) -> Option<u16> {
    let escape = content.get(at..at + 6)?;
    let hex = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    u16::from_str_radix(hex, 16).ok()
}

/// A piece of JSON text.
enum Token<'b> {
    /// A string's content, without its quotes, escapes untouched.
    Text(&'b [u8]),
    /// A number's literal.
    Number(&'b [u8]),
    /// Punctuation (one byte each), white space, or `true`, `false`, `null`.
    Other(&'b [u8]),
}

/// Reads JSON text token by token; its grammar must be valid.
struct Scan<'b> {
    text: &'b [u8],
    at: usize,
    depth: usize,
}

impl<'b> Scan<'b> {
    fn new(text: &'b [u8]) -> Scan<'b> {
        Scan { text, at: 0, depth: 0 }
    }

    fn next_token(&mut self) -> Option<Token<'b>> {
        let start = self.at;
        let first = *self.text.get(start)?;
        match first {
            b'"' => {
                let mut end = start + 1;
                loop {
                    let Some(found) = memchr::memchr2(b'"', b'\\', self.text.get(end..)?) else {
                        end = self.text.len();
                        break;
                    };
                    end += found;
                    if self.text[end] == b'"' {
                        break;
                    }
                    end += 2;
                }
                self.at = end + 1;
                Some(Token::Text(self.text.get(start + 1..end)?))
            }
            b'{' | b'[' | b'}' | b']' => {
                if matches!(first, b'{' | b'[') {
                    self.depth += 1;
                } else {
                    self.depth = self.depth.saturating_sub(1);
                }
                self.at += 1;
                Some(Token::Other(&self.text[start..self.at]))
            }
            b'-' | b'0'..=b'9' => {
                self.skip_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
                Some(Token::Number(&self.text[start..self.at]))
            }
            b':' | b',' => {
                self.at += 1;
                Some(Token::Other(&self.text[start..self.at]))
            }
            _ => {
                self.at += 1;
                self.skip_while(|b| b.is_ascii_alphabetic() || b.is_ascii_whitespace());
                Some(Token::Other(&self.text[start..self.at]))
            }
        }
    }

    /// Whether the string just read is a key: a colon follows.
    fn is_key(&self) -> bool {
        self.text[self.at.min(self.text.len())..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':')
    }

    fn skip_while(&mut self, keep: impl Fn(u8) -> bool) {
        while self.text.get(self.at).copied().is_some_and(&keep) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_records_are_kept_as_they_are() {
        for text in [
            r#"{"id":"evt_1","title":"Tire le Coyote \"avant\" 8h","n":1.50,"list":[1,{"a":null}],"ok":true}"#,
            r#"{"emoji":"\ud83c\udfb9 🎹","path":"a\\u0000b"}"#,
            "{ \"a\" : [ ] , \"b\" : { } }",
        ] {
            let held = StoredJson { json: Cow::Borrowed(text), original: None };
            assert_eq!(hold(text.as_bytes()), held, "{text}");
        }
    }

    #[test]
    fn what_jsonb_refuses_or_forgets_is_kept_as_received_beside_the_nearest() {
        for (text, nearest) in [
            (r#"{"a":"x\u0000y"}"#, r#"{"a":"xy"}"#),
            (r#"{"a":"\ud800 half"}"#, r#"{"a":"\ufffd half"}"#),
            (r#"{"a":"\udc00"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
            (r#"{"a":1e9999}"#, r#"{"a":"1e9999"}"#),
            (r#"{"a":-1e999}"#, r#"{"a":"-1e999"}"#),
            (r#"{"a":1e-20000}"#, r#"{"a":"1e-20000"}"#),
            (r#"{"a":0E+99999999999}"#, r#"{"a":"0E+99999999999"}"#),
            (r#"{"a":1.5e-324}"#, r#"{"a":1.5e-324}"#),
            (r#"{"a":0.1e1,"b":-0.0}"#, r#"{"a":0.1e1,"b":-0.0}"#),
        ] {
            let held = hold(text.as_bytes());
            assert_eq!(held.json, nearest);
            assert_eq!(held.original, Some(text.as_bytes()), "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
        let pruned = format!("{{\"a\":{}null{}}}", "[".repeat(99), "]".repeat(99));
        assert_eq!(hold(deep.as_bytes()).json, pruned);
        let deep = format!("{{\"a\":{}1, [2]{},\"b\":[3]}}", "[{\"x\":".repeat(60), "}]".repeat(60));
        let pruned = hold(deep.as_bytes()).json.into_owned();
        let kept: serde_json::Value =
            serde_json::from_str(&pruned).unwrap_or_else(|e| panic!("{pruned}: {e}"));
        assert_eq!(kept["b"], serde_json::json!([3]));
    }

    #[test]
    fn a_number_that_jsonb_spells_its_own_way_is_read_from_the_original() {
        for (text, alike) in [
            (r#"{"a":-0.5,"b":10,"c":0,"d":1.50}"#, true),
            (r#"{"a":1e2}"#, false),
            (r#"{"a":1E-7}"#, false),
            (r#"{"a":[-0]}"#, false),
            (r#"{"a":-0.00}"#, false),
            (r#"{"a":"1e2 -0"}"#, true),
        ] {
            let held = hold(text.as_bytes());
            assert_eq!(held.original.is_none(), alike, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_text_holding_it_neither_panics_nor_loses_the_original(text in "\\PC*|[\\\\\"u0d8{}\\[\\]:,e1 -]{0,40}") {
            let held = hold(text.as_bytes());
            prop_assert!(held.original.is_some() || held.json == text);
        }

        #[test]
        fn valid_json_stays_valid(value in json_value()) {
            let text = value.to_string();
            let held = hold(text.as_bytes());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&held.json).is_ok());
        }
    }

    fn json_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "\\PC{0,12}|[\\x00-\\x20\"\\\\]{0,6}".prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec(("[a-c]{1,2}", inner), 0..6)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }
}
