//! What holds for every sentence, for the tests of those who declare them.

use std::collections::BTreeSet;
use std::path::Path;

use super::sentence::Sentence;
use super::times;
use crate::config::Language;

/// A sentence with its file and its name.
pub(crate) type Declared = (&'static str, &'static str, Sentence);

/// The names in braces.
fn facts(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// Both languages say something, and name the same facts.
pub(crate) fn assert_same_facts(declared: impl IntoIterator<Item = Declared>) {
    for (file, name, said) in declared {
        let [en, fr] = said.both();
        assert!(!en.is_empty() && !fr.is_empty(), "{file}::{name}");
        assert_eq!(facts(en), facts(fr), "{file}::{name}");
    }
}

/// French is set as in Québec.
pub(crate) fn assert_typography(declared: impl IntoIterator<Item = Declared>) {
    for (file, name, said) in declared {
        let source = said.both()[1];
        for wrong in [" ;", " !", " ?", "...", "  ", "\u{a0}", "\""] {
            assert!(!source.contains(wrong), "{file}::{name} has {wrong:?}: {source}");
        }
        // Each colon of a sentence has its space before it, which becomes one that does not break.
        let colons = source.matches(':').count() - source.matches("18:00").count();
        assert_eq!(source.matches(" :").count(), colons, "{file}::{name}: {source}");
        let set = said.say(Language::Fr);
        for broken in [" :", "« ", " »", " %"] {
            assert!(!set.contains(broken), "{file}::{name}: {set}");
        }
    }
}

/// The text of all files below a folder of the source with one of these endings.
pub(crate) fn text_below(folder: &str, endings: &[&str]) -> String {
    let mut text = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| endings.iter().any(|one| extension == *one)) {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    text
}

/// Whether a text names a path, and not just the beginning of a longer one.
pub(crate) fn names(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let next = text[at + path.len()..].chars().next().unwrap_or(' ');
        !next.is_alphanumeric() && next != '_'
    })
}

/// Whether the code has a piece of a sentence, in so many parts at most: some are put together of two.
pub(crate) fn is_written(code: &str, piece: &str, parts: u8) -> bool {
    let halves = |(at, _): (usize, &str)| {
        code.contains(&piece[..at]) && is_written(code, piece[at..].trim(), parts - 1)
    };
    code.contains(piece) || parts > 1 && piece.match_indices(' ').any(halves)
}

#[test]
fn the_sentences_of_times_keep_the_rules_and_are_said() {
    let all = || times::ALL.iter().map(|(name, said)| ("times", *name, *said));
    assert_same_facts(all());
    assert_typography(all());
    let text = text_below("src/words", &["rs"]);
    for (_, name, _) in all() {
        assert!(names(&text, &format!("w::{name}")), "{name} is never said");
    }
}
