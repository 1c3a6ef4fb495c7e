//! What holds for every sentence of the pages.

use std::collections::BTreeSet;

use super::sentence::Sentence;
use super::{
    actions, changes, charts, deletions, doctor, entry, feeds, findings, frame, overview, quarantine, record,
    runs, search, settings, today, verdict,
};
use crate::config::Language;

fn all() -> Vec<(&'static str, &'static str, Sentence)> {
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
fn findings() -> impl Iterator<Item = (&'static str, &'static str, Sentence)> {
    let all = findings::CHECKS.iter().chain(findings::FINDINGS);
    all.map(|said| ("findings", said.both()[0], *said))
}

/// The names in braces.
fn facts(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn both_languages_name_the_same_facts() {
    for (file, name, said) in all().into_iter().chain(findings()) {
        let [en, fr] = said.both();
        assert!(!en.is_empty() && !fr.is_empty(), "{file}::{name}");
        assert_eq!(facts(en), facts(fr), "{file}::{name}");
    }
}

#[test]
fn french_is_set_as_in_quebec() {
    for (file, name, said) in all().into_iter().chain(findings()) {
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

#[test]
fn every_sentence_is_used() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard");
    let mut text = String::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "html") {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
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
        let is_used = uses.iter().any(|one| {
            text.match_indices(one.as_str()).any(|(at, _)| {
                let next = text[at + one.len()..].chars().next().unwrap_or(' ');
                !next.is_alphanumeric() && next != '_'
            })
        });
        assert!(is_used, "{file}::{name} is never said");
    }
}
