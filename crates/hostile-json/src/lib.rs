//! Generates valid but hostile JSON from a valid record and a seed.
//!
//! The same record and number give the same text on every machine, so that a failing case is named by its number.
//! What comes out is valid JSON, if the odd kind (repeated keys, half surrogate pairs, numbers that nothing holds,
//! thousands of levels), unless it is asked for by [`broken`].

mod leaves;
mod node;
mod random;

use node::Node;
use random::Random;
use serde_json::Value;

/// In every hostile text: where it turns up, content has got to where only names should be.
pub const MARKER: &str = "hostile";

/// Every value that somebody did not expect, as JSON text: what stands in place of good ones, to be tried one by one.
pub fn values() -> Vec<String> {
    leaves::all()
}

/// A record with one to four things wrong with it; now and then with none.
pub fn hostile(record: &Value, number: u64) -> String {
    let mut random = Random::new(number);
    let mut root = Node::from(record);
    for _ in 0..random.below(5) {
        change(&mut root, &mut random);
    }
    root.to_text()
}

/// As [`hostile`], and then damaged as text: mostly no JSON any more.
pub fn broken(record: &Value, number: u64) -> String {
    let mut random = Random::new(number ^ 0x5bad);
    let mut bytes = hostile(record, number).into_bytes();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len().max(1));
        match random.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, *random.pick(b"{}[]\",:\\\0u9e-")),
            2 if !bytes.is_empty() => drop(bytes.remove(at)),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = *random.pick(b"{}[]\",:\\\x1f\x7f0e");
                }
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Changes one thing somewhere in the tree.
fn change(root: &mut Node, random: &mut Random) {
    let places = root.count();
    let place = random.below(places);
    let Some(node) = root.nth(place) else { return };
    match (random.below(12), &mut *node) {
        (0, Node::Object(members)) if !members.is_empty() => {
            members.remove(random.below(members.len()));
        }
        (1, Node::Object(members)) if !members.is_empty() => {
            // The same key twice, with another value.
            let key = members[random.below(members.len())].0.clone();
            members.push((key, leaves::any(random)));
        }
        (2, Node::Object(members)) => members.push((leaves::text(random), leaves::any(random))),
        (3, Node::Object(members)) if !members.is_empty() => {
            let at = random.below(members.len());
            members[at].0 = leaves::text(random);
        }
        (4, Node::List(items)) if !items.is_empty() => {
            let again = items[random.below(items.len())].clone();
            for _ in 0..*random.pick(&[1, 2, 40]) {
                items.push(again.clone());
            }
        }
        (5, Node::List(items)) => items.clear(),
        (6, _) => {
            let inner = std::mem::replace(node, Node::Raw(String::new()));
            *node = Node::List(vec![inner]);
        }
        (7, _) => {
            let inner = std::mem::replace(node, Node::Raw(String::new()));
            *node = Node::Object(vec![(leaves::text(random), inner)]);
        }
        // Mostly a value of another kind.
        _ => *node = leaves::any(random),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record() -> Value {
        json!({"id": "x_1", "name": "é", "n": 1.5, "list": [{"id": "y_1"}, {"id": "y_2"}], "none": null})
    }

    #[test]
    fn a_number_always_gives_the_same_text_and_numbers_give_many() {
        let texts: std::collections::HashSet<String> = (0..2000).map(|n| hostile(&record(), n)).collect();
        assert!(texts.len() > 1400, "{}", texts.len());
        for number in 0..200 {
            assert_eq!(hostile(&record(), number), hostile(&record(), number));
            assert_eq!(broken(&record(), number), broken(&record(), number));
        }
    }

    #[test]
    fn hostile_is_json_and_broken_mostly_is_not() {
        let is_json = |text: &str| {
            let mut reader = serde_json::Deserializer::from_str(text);
            serde::de::Deserialize::deserialize(&mut reader).map(|_: serde::de::IgnoredAny| ()).is_ok()
                && reader.end().is_ok()
        };
        let mut broken_ones = 0;
        for number in 0..2000 {
            let text = hostile(&record(), number);
            // Ignoring a value takes no stack, however deep it is.
            assert!(is_json(&text), "{number}: {}", &text[..text.len().min(300)]);
            broken_ones += usize::from(!is_json(&broken(&record(), number)));
        }
        assert!(broken_ones > 1000, "{broken_ones}");
    }

    #[test]
    fn every_kind_of_oddity_turns_up() {
        let all: String = (0..3000).map(|n| hostile(&record(), n)).collect();
        for oddity in ["DROP TABLE", "\\u0000", "\\ud800", "1e999", "$1", "{schema}", "[[[[[[[["] {
            assert!(all.contains(oddity), "{oddity}");
        }
    }
}
