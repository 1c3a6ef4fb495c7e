//! What reading a record takes in memory, before it is read: a value of two bytes becomes one of thirty, and an object a row.

/// The heaviest record that is read, in values; an object counts for as many as a row takes. A real one has some hundred.
pub const HEAVIEST: usize = 500_000;
/// Values that an object counts for.
const OBJECT: usize = 16;
/// Bytes that a value takes, lists that grow included.
const VALUE: usize = 64;
/// Warnings that are noted of one record: a list may hold any number of things that cannot be read.
pub const WARNINGS: usize = 1_000;
/// The memory for the records that are read together, as far as there are several.
pub const BATCH: usize = 24 * 1024 * 1024;

/// Bytes of memory for a record and what is read from it, or more where its texts look like JSON.
pub fn memory(json: &[u8]) -> usize {
    json.len() + VALUE * values(json)
}

/// Whether a record, whose grammar was checked, has more values than are read of one.
pub fn is_too_heavy(json: &str) -> bool {
    let json = json.as_bytes();
    values(json) > HEAVIEST && values(&without_texts(json)) > HEAVIEST
}

/// The values in a JSON text, by its commas and brackets.
fn values(json: &[u8]) -> usize {
    memchr::memchr_iter(b',', json).count() + OBJECT * memchr::memchr_iter(b'{', json).count()
}

/// The punctuation of a JSON text; what stands in its texts is none.
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
