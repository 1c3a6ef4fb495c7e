//! What holds for every sentence of the pages.

use super::sentence::Sentence;
use super::{
    actions, changes, charts, deletions, doctor, entry, feeds, findings, frame, overview, quarantine, record,
    runs, search, settings, today, verdict,
};
use crate::words::rules;

fn all() -> Vec<rules::Declared> {
    let files: [(&str, &[(&str, Sentence)]); 16] = [
        ("actions", actions::ALL),
        ("changes", changes::ALL),
        ("charts", charts::ALL),
        ("deletions", deletions::ALL),
        ("doctor", doctor::ALL),
        ("entry", entry::ALL),
        ("feeds", feeds::ALL),
        ("frame", frame::ALL),
        ("overview", overview::ALL),
        ("quarantine", quarantine::ALL),
        ("record", record::ALL),
        ("runs", runs::ALL),
        ("search", search::ALL),
        ("settings", settings::ALL),
        ("today", today::ALL),
        ("verdict", verdict::ALL),
    ];
    let all: Vec<_> =
        files.iter().flat_map(|(file, all)| all.iter().map(|(name, said)| (*file, *name, *said))).collect();
    assert!(all.len() > 100, "{}", all.len());
    all
}

/// The sentences that are found by what they say, and not by their name.
fn findings() -> impl Iterator<Item = rules::Declared> {
    let all = findings::CHECKS.iter().chain(findings::FINDINGS).chain(findings::REMEDIES);
    all.map(|said| ("findings", said.both()[0], *said))
}

#[test]
fn both_languages_name_the_same_facts() {
    rules::assert_same_facts(all().into_iter().chain(findings()));
}

#[test]
fn french_is_set_as_in_quebec() {
    rules::assert_typography(all().into_iter().chain(findings()));
}

#[test]
fn every_sentence_is_used() {
    let text = rules::text_below("src/dashboard", &["rs", "html"]);
    for (file, name, _) in all() {
        // Each file of screens names its words `w` or by their file; other screens name those of actions `wa`, of charts `wc`.
        let elsewhere = format!(
            "{}::{name}",
            match file {
                "actions" => "wa",
                "charts" => "wc",
                file => file,
            }
        );
        let uses = [format!("w::{name}"), format!("{file}::{name}"), elsewhere];
        let is_used = uses.iter().any(|one| rules::names(&text, one));
        assert!(is_used, "{file}::{name} is never said");
    }
}
