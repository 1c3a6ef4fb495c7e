//! What holds for every sentence of the command line.

use super::{demo, lists, recorded, report, status, verify};
use crate::words::rules;
use crate::words::sentence::Sentence;

fn all() -> Vec<rules::Declared> {
    let files: [(&str, &[(&str, Sentence)]); 5] = [
        ("demo", demo::ALL),
        ("lists", lists::ALL),
        ("report", report::ALL),
        ("status", status::ALL),
        ("verify", verify::ALL),
    ];
    files.iter().flat_map(|(file, all)| all.iter().map(|(name, said)| (*file, *name, *said))).collect()
}

fn recorded() -> impl Iterator<Item = rules::Declared> {
    recorded::ALL.iter().map(|said| ("recorded", said.both()[0], *said))
}

#[test]
fn both_languages_name_the_same_facts() {
    rules::assert_same_facts(all().into_iter().chain(recorded()));
}

#[test]
fn french_is_set_as_in_quebec() {
    rules::assert_typography(all().into_iter().chain(recorded()));
}

#[test]
fn every_sentence_is_used() {
    let text = rules::text_below("src/commands", &["rs"]);
    for (file, name, _) in all() {
        let uses = [format!("w::{name}"), format!("{file}::{name}")];
        assert!(uses.iter().any(|one| rules::names(&text, one)), "{file}::{name} is never said");
    }
}
