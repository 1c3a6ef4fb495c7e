//! What runs and checks record in English, said in French: reasons, warnings, notes and the names of checks. They are
//! recorded once, for every reader; a report in French recognizes those listed here, takes the facts out of them, and says
//! them in French. All others stay as they are.

use super::report;
use crate::config::Language;
use crate::entities;
use crate::words::sentence::Sentence;

const fn of(en: &'static str, fr: &'static str) -> Sentence {
    Sentence::new(en, fr)
}

#[rustfmt::skip]
pub(crate) const ALL: &[Sentence] = &[
    // Why a run is not a success.
    of("the walk is incomplete: {cause}", "le parcours est incomplet : {cause}"),
    of("{n} records are gone at the source, more than may be deleted without manual approval; nothing was deleted: `gazelle-sync deletions list` shows them and the run to approve or dismiss", "{n} enregistrements n'existent plus à la source, plus qu'il n'en peut être supprimé sans approbation; rien n'a été supprimé : `gazelle-sync deletions list` les montre, avec l'exécution à approuver ou à écarter"),
    of("{n} records are gone at the source and {others}: together, more than may be deleted without manual approval; nothing was deleted: `gazelle-sync deletions list` shows them and the run to approve or dismiss", "{n} enregistrements n'existent plus à la source, et {others} : ensemble, plus qu'il n'en peut être supprimé sans approbation; rien n'a été supprimé : `gazelle-sync deletions list` les montre, avec l'exécution à approuver ou à écarter"),
    of("{n} record(s) cannot be read: the API fails at them and does not return their ids; all others were read, production keeps what it has, and nothing was deleted for not being listed", "{n} enregistrement(s) illisible(s) : l'API échoue à chacun et ne donne pas leurs identifiants; tous les autres ont été lus, la production garde ce qu'elle a, et rien n'a été supprimé faute d'être listé"),
    of("the API could not give {n} record(s) whole ({which}): each is in quarantine, production keeps its last whole version, and all others were read; `gazelle-sync errors list` says what the API said", "l'API n'a pas pu donner {n} enregistrement(s) en entier ({which}) : chacun est en quarantaine, la production garde sa dernière version entière, et tous les autres ont été lus; `gazelle-sync errors list` dit ce que l'API a répondu"),
    of("the API lists {n} where production held {held}: far fewer than before; {what}: check in Gazelle whether records are missing there", "l'API en liste {n} alors que la production en gardait {held} : beaucoup moins qu'avant; {what} : vérifiez dans Gazelle s'il y manque des fiches"),
    of("the API lists {n} record(s) twice: {which}", "l'API liste {n} enregistrement(s) deux fois : {which}"),
    of("nothing was deleted", "rien n'a été supprimé"),
    // What the API answered.
    of("{what}, after {n} attempts: {advice}", "{what}, après {n} essais : {advice}"),
    of("the API key was refused; check GAZELLE_API_KEY", "la clé d'API a été refusée; vérifiez GAZELLE_API_KEY"),
    of("the API has a fault of its own; try later", "l'API est en panne; réessayez plus tard"),
    of("the API is slow or down; try later, or raise the timeout", "l'API est lente ou arrêtée; réessayez plus tard, ou allongez le délai"),
    of("the API did not wait for the request; try later", "l'API n'a pas attendu la requête; réessayez plus tard"),
    of("the connection broke in the middle; try later", "la connexion s'est rompue au milieu; réessayez plus tard"),
    // Why a record is in quarantine.
    of("Missing required field: {field}", "Champ obligatoire manquant : {field}"),
    // The checks of verify.
    of("what stage 2 has processed can be rebuilt", "ce que l'étape 2 a traité peut être reconstruit"),
    of("production equals staging", "la production égale staging"),
    of("counts agree with the API", "les nombres concordent avec l'API"),
    of("production is what the API says of the sample", "la production est ce que l'API dit de l'échantillon"),
    of("v_appointments_montreal shows every appointment at its local time", "v_appointments_montreal montre chaque rendez-vous à son heure locale"),
    of("named appointments are shown at the hour that the setting spot_checks says", "les rendez-vous nommés sont à l'heure que dit le réglage spot_checks"),
    of("the dashboard views count what staging holds", "les vues du tableau de bord comptent ce que staging contient"),
    of("no trigger or rule touches our tables", "aucun trigger et aucune règle ne touche nos tables"),
    of("foreign keys hold", "les clés étrangères tiennent"),
    // The notes of verify.
    of("the API was not asked: counts and sample are left out", "l'API n'a pas été consultée : ni nombres ni échantillon"),
    of("{n} record(s) wait for stage 2 (gazelle-sync reconcile)", "{n} enregistrement(s) attendent l'étape 2 (gazelle-sync reconcile)"),
    of("{n} record(s) are in quarantine and not in production (gazelle-sync errors)", "{n} enregistrement(s) sont en quarantaine et hors de la production (gazelle-sync errors)"),
    of("{n} record(s) stand in production in an older version, since their newest waits in quarantine (gazelle-sync errors)", "{n} enregistrement(s) sont en production dans une version plus ancienne, car la plus récente attend en quarantaine (gazelle-sync errors)"),
];

/// What was recorded, in a language. A text about entities begins with their names, which stay as they are.
pub(crate) fn told(english: &str, language: Language) -> String {
    if language == Language::En {
        return english.to_owned();
    }
    if let Some((subject, rest)) = english.split_once(": ")
        && subject.split(", ").all(|name| entities::entity(name).is_some())
    {
        return format!("{subject}\u{a0}: {}", told(rest, language));
    }
    let found = ALL.iter().find_map(|sentence| Some((sentence, sentence.facts_of(english)?)));
    let Some((sentence, facts)) = found else { return english.to_owned() };
    let facts: Vec<(&str, String)> = facts
        .into_iter()
        .map(|(name, fact)| match name {
            "cause" | "advice" | "what" => (name, told(fact, language)),
            _ => (name, fact.to_owned()),
        })
        .collect();
    let facts: Vec<(&str, &str)> = facts.iter().map(|(name, fact)| (*name, fact.as_str())).collect();
    sentence.fill(language, &facts)
}

/// What was walked, as a run records it: `whole`, or days.
pub(crate) fn scope(english: &str, language: Language) -> String {
    if english == "whole" {
        return report::WHOLE.say(language).into_owned();
    }
    let days = report::BETWEEN.facts_of(english).map(|facts| (report::BETWEEN, facts));
    let days = days.or_else(|| report::FROM.facts_of(english).map(|facts| (report::FROM, facts)));
    match days.or_else(|| report::UNTIL.facts_of(english).map(|facts| (report::UNTIL, facts))) {
        Some((said, facts)) => said.fill(language, &facts),
        None => english.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::rules;

    #[test]
    fn what_is_recorded_is_said_with_its_facts_and_anything_else_stays_as_it_is() {
        for (english, french) in [
            (
                "pianos: the walk is incomplete: unknown",
                "pianos\u{a0}: le parcours est incomplet\u{a0}: unknown",
            ),
            (
                "users, clients: HTTP 401 from http://h/, after 3 attempts: the API key was refused; check GAZELLE_API_KEY",
                "users, clients\u{a0}: HTTP 401 from http://h/, après 3 essais\u{a0}: la clé d'API a été refusée; vérifiez \
                 GAZELLE_API_KEY",
            ),
            ("Missing required field: start", "Champ obligatoire manquant\u{a0}: start"),
            ("trombones: nothing was deleted", "trombones: nothing was deleted"),
            ("", ""),
        ] {
            assert_eq!(told(english, Language::Fr), french);
            assert_eq!(told(english, Language::En), english);
        }
    }

    #[test]
    fn what_was_walked_is_said_in_french() {
        for (english, french) in [
            ("whole", "entier"),
            ("from 2026-10-29", "depuis le 2026-10-29"),
            ("until 2026-10-29", "jusqu'au 2026-10-29"),
            ("2026-10-01 to 2026-10-29", "du 2026-10-01 au 2026-10-29"),
            ("else", "else"),
        ] {
            assert_eq!((&*scope(english, Language::Fr), &*scope(english, Language::En)), (french, english));
        }
    }

    /// An English sentence that is no longer recorded would never be said in French again.
    #[test]
    fn every_english_sentence_is_one_that_is_recorded() {
        let written = ["src/orchestrator", "src/rebuild", "src/source", "src/entities"];
        let written: String = written.iter().map(|folder| rules::text_below(folder, &["rs"])).collect();
        // A text goes on in the next line of the code.
        let code: String = written.split("\\\n").map(str::trim_start).collect();
        for sentence in ALL {
            for piece in sentence.both()[0].split(['{', '}']).step_by(2) {
                let piece = piece.trim_matches([' ', ':']);
                assert!(rules::is_written(&code, piece, 3), "{piece:?} is written nowhere");
            }
        }
    }
}
