//! Estimates the memory for reading a record before it is read: a value of two bytes becomes one of thirty, and an
//! object becomes a row.

/// The limit of values in a record; an object counts as many as a row needs. A real record has a few hundred.
pub const HEAVIEST: usize = 500_000;
/// How many values an object counts as.
const OBJECT: usize = 16;
/// Bytes of memory per value, including the growth of lists.
const VALUE: usize = 64;
/// The limit of warnings for one record, because a list may contain any number of unreadable items.
pub const WARNINGS: usize = 1_000;
/// Bytes of memory for the records that are read together, if there are several.
pub const BATCH: usize = 24 * 1024 * 1024;

/// Bytes of memory for a record and its values; an overestimate if its texts look like JSON.
pub fn memory(json: &[u8]) -> usize {
    json.len() + VALUE * values(json)
}

/// Whether a record (valid JSON) has more than [`HEAVIEST`] values.
pub fn is_too_heavy(json: &str) -> bool {
    let json = json.as_bytes();
    values(json) > HEAVIEST && values(&without_texts(json)) > HEAVIEST
}

/// The number of values in a JSON text, by its commas and braces.
fn values(json: &[u8]) -> usize {
    memchr::memchr_iter(b',', json).count() + OBJECT * memchr::memchr_iter(b'{', json).count()
}

/// The commas and braces of a JSON text outside strings.
fn without_texts(json: &[u8]) -> Vec<u8> {
    let (mut kept, mut rest) = (Vec::new(), json);
    while let Some(begin) = memchr::memchr(b'"', rest) {
        kept.extend(rest[..begin].iter().filter(|byte| matches!(byte, b',' | b'{')));
        rest = &rest[begin + 1..];
        while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
            let is_end = rest[at] == b'"';
            rest = rest.get(at + if is_end { 1 } else { 2 }..).unwrap_or_default();
            if is_end {
                break;
            }
        }
    }
    kept.extend(rest.iter().filter(|byte| matches!(byte, b',' | b'{')));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_values_and_not_what_stands_in_texts() {
        let list = |item: &str, times: usize| format!(r#"{{"a":[{}0]}}"#, item.repeat(times));
        assert!(!is_too_heavy(&list("0,", HEAVIEST - OBJECT)));
        assert!(is_too_heavy(&list("0,", HEAVIEST)));
        assert!(is_too_heavy(&list("{},", HEAVIEST / OBJECT)));
        for text in [r"a, {b}", r#"\", {"#, r"\\\\, ", r"\u005c\"] {
            let long = text.repeat(HEAVIEST);
            let long = long.trim_end_matches('\\');
            assert!(!is_too_heavy(&format!(r#"{{"a":"{long}","b":"{long}"}}"#)), "{text}");
        }
        assert!(memory(list("0,", 1000).as_bytes()) > 60_000);
    }
}
