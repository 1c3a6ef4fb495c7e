//! Each of the eleven verdicts, in order: whatever is true of later ones, the first that holds is told.

use super::*;
use crate::config::Language;
use crate::time;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn run(hour: &str) -> BadRun {
    BadRun { run_id: "0193".to_owned(), at: at(&format!("2026-11-24T{hour}:00Z")) }
}

/// A trouble's name, and how it is taken away.
type FactsChange = (&'static str, fn(&mut Facts));

/// All troubles at once, the gravest first, each with how it is taken away.
fn troubles() -> Vec<FactsChange> {
    vec![
        ("unreachable", |facts| facts.unreachable = None),
        ("refused", |facts| facts.refused = false),
        ("failed", |facts| facts.failed = None),
        ("stale", |facts| facts.stale = false),
        ("differs", |facts| facts.verified = None),
        ("nothing listed", |facts| facts.nothing_listed = None),
        ("withheld", |facts| facts.withheld = 0),
        ("many cases", |facts| facts.many_cases = None),
        ("partial", |facts| facts.partial = None),
        ("never verified", |facts| {
            let at = at("2026-11-24T08:31:00Z");
            facts.verified =
                Some(Verified { at, rows: 26_482, asked: 40, differences: 0, report: String::new() });
        }),
    ]
}

fn all_at_once() -> Facts {
    Facts {
        unreachable: Some(Some(at("2026-11-24T19:02:00Z"))),
        refused: true,
        failed: Some(run("19:00")),
        stale: true,
        stale_after_minutes: 45,
        nothing_listed: Some("clients".to_owned()),
        withheld: 12,
        many_cases: Some(14),
        partial: Some(run("18:00")),
        as_of: Some(at("2026-11-24T18:45:00Z")),
        verified: Some(Verified {
            at: at("2026-11-24T08:31:00Z"),
            rows: 26_479,
            asked: 40,
            differences: 3,
            report: "/app/actions/1".to_owned(),
        }),
        now: at("2026-11-24T19:22:00Z"),
    }
}

fn verdict_of(facts: &Facts, language: Language) -> VerdictText {
    let locale = Locale::new(language, time::zone(time::MONTREAL).unwrap(), facts.now);
    verdict(facts).text(facts, &locale)
}

#[test]
fn the_first_that_holds_is_told_in_both_languages() {
    let expected = [
        (
            Level::Bad,
            "We cannot see the data|The database has not answered since 14:02.",
            "On ne voit plus les données|La base ne répond plus depuis 14:02.",
        ),
        (
            Level::Bad,
            "Gazelle refuses our credentials|The data shown is from 13:45.",
            "Gazelle nous refuse l'accès|Ce qui est montré date de 13:45.",
        ),
        (
            Level::Bad,
            "The last run failed at 14:00|The data shown is from 13:45.",
            "La dernière exécution a échoué à 14:00|Ce qui est montré date de 13:45.",
        ),
        (
            Level::Bad,
            "Out of date|Nothing new since 13:45 (limit: 45 min).",
            "Pas à jour|Rien de nouveau depuis 13:45 (limite : 45 min).",
        ),
        (
            Level::Bad,
            "Not right: 3 rows differ from what Gazelle said|Verified at 03:31.",
            "Pas juste : 3 lignes diffèrent de ce que Gazelle a dit|Vérifié à 03:31.",
        ),
        (
            Level::Bad,
            "Gazelle listed no clients|Nothing was deleted.",
            "Gazelle n'a rien donné : clients|Rien n'a été supprimé.",
        ),
        (
            Level::Warn,
            "Right, and 12 deletions await your approval|These records no longer exist in Gazelle and are kept here until somebody decides.",
            "Juste, et 12 suppressions attendent votre accord|Ces fiches n'existent plus dans Gazelle et sont gardées ici jusqu'à ce que quelqu'un décide.",
        ),
        (
            Level::Warn,
            "Right, except for 14 records that cannot be read|They were quarantined within the last hour; all others were written.",
            "Juste, sauf 14 fiches illisibles|Elles ont été mises en quarantaine depuis une heure; toutes les autres ont été écrites.",
        ),
        (
            Level::Warn,
            "Right as far as it was read|The run of 13:00 was done in part.",
            "Juste pour ce qui a été lu|L'exécution de 13:00 a été faite en partie.",
        ),
        (
            Level::Good,
            "Fresh as of 13:45|The copy was never compared with Gazelle row by row.",
            "À jour à 13:45|La copie n'a jamais été comparée à Gazelle ligne par ligne.",
        ),
        (
            Level::Good,
            "Right as of 13:45|26,482 rows equal, 40 asked at Gazelle, 0 differences (verified: 03:31).",
            "Juste à 13:45|26 482 lignes identiques, 40 demandées à Gazelle, 0 différence (vérifié : 03:31).",
        ),
    ];
    let mut facts = all_at_once();
    let mut taken_away = troubles().into_iter();
    for (place, (level, en, fr)) in expected.into_iter().enumerate() {
        for (language, text) in [(Language::En, en), (Language::Fr, fr)] {
            let told = verdict_of(&facts, language);
            let said = format!("{}|{}", told.title, told.sentence).replace('\u{a0}', " ");
            assert_eq!((told.level, said.as_str()), (level, text), "{place}");
            assert_eq!(told.act.is_none(), place == 10, "each trouble has one act");
        }
        if let Some((_, take_away)) = taken_away.next() {
            take_away(&mut facts);
        }
    }
}

#[test]
fn the_day_is_told_where_it_is_not_today() {
    let expected = [
        (
            "We cannot see the data|The database has not answered since Tuesday 24 November at 14:02.",
            "On ne voit plus les données|La base ne répond plus depuis le mardi 24 novembre à 14:02.",
        ),
        (
            "Gazelle refuses our credentials|The data shown is from Tuesday 24 November at 13:45.",
            "Gazelle nous refuse l'accès|Ce qui est montré date du mardi 24 novembre à 13:45.",
        ),
        (
            "The last run failed on Tuesday 24 November at 14:00|The data shown is from Tuesday 24 November at 13:45.",
            "La dernière exécution a échoué le mardi 24 novembre à 14:00|Ce qui est montré date du mardi 24 novembre à 13:45.",
        ),
        (
            "Out of date|Nothing new since Tuesday 24 November at 13:45 (limit: 45 min).",
            "Pas à jour|Rien de nouveau depuis le mardi 24 novembre à 13:45 (limite : 45 min).",
        ),
        (
            "Not right: 3 rows differ from what Gazelle said|Verified on Tuesday 24 November at 03:31.",
            "Pas juste : 3 lignes diffèrent de ce que Gazelle a dit|Vérifié le mardi 24 novembre à 03:31.",
        ),
        (
            "Gazelle listed no appointments, technicians|Nothing was deleted.",
            "Gazelle n'a rien donné : rendez-vous, techniciens|Rien n'a été supprimé.",
        ),
        ("Right, and 12 deletions await", "Juste, et 12 suppressions attendent"),
        ("Right, except for 14", "Juste, sauf 14"),
        (
            "Right as far as it was read|The run of Tuesday 24 November at 13:00 was done in part.",
            "Juste pour ce qui a été lu|L'exécution du mardi 24 novembre à 13:00 a été faite en partie.",
        ),
        (
            "Fresh as of Tuesday 24 November at 13:45|The copy was never",
            "À jour le mardi 24 novembre à 13:45|La copie n'a jamais",
        ),
        (
            "Right as of Tuesday 24 November at 13:45|26,482 rows equal, 40 asked at Gazelle, 0 differences (verified: Tuesday 24 November, 03:31).",
            "Juste le mardi 24 novembre à 13:45|26 482 lignes identiques, 40 demandées à Gazelle, 0 différence (vérifié : mardi 24 novembre à 03:31).",
        ),
    ];
    let mut facts = Facts { now: at("2026-11-25T19:22:00Z"), ..all_at_once() };
    facts.nothing_listed = Some("appointments, users".to_owned());
    let mut taken_away = troubles().into_iter();
    for (en, fr) in expected {
        for (language, text) in [(Language::En, en), (Language::Fr, fr)] {
            let told = verdict_of(&facts, language);
            let said = format!("{}|{}", told.title, told.sentence).replace('\u{a0}', " ");
            assert!(said.starts_with(text), "{said}");
        }
        if let Some((_, take_away)) = taken_away.next() {
            take_away(&mut facts);
        }
    }
}

#[test]
fn one_of_something_is_told_as_one() {
    let mut facts = Facts { withheld: 1, as_of: Some(at("2026-11-24T18:45:00Z")), ..all_at_once() };
    troubles().into_iter().take(6).for_each(|(_, take_away)| take_away(&mut facts));
    assert_eq!(verdict_of(&facts, Language::En).title, "Right, and 1 deletion awaits your approval");
    assert_eq!(verdict_of(&facts, Language::Fr).title, "Juste, et 1 suppression attend votre accord");
}

#[test]
fn a_comparison_of_three_days_ago_counts_no_more() {
    let mut facts = all_at_once();
    troubles().into_iter().for_each(|(_, take_away)| take_away(&mut facts));
    let old = at("2026-11-21T08:31:00Z");
    facts.verified = facts.verified.map(|verified| Verified { at: old, ..verified });
    let told = verdict_of(&facts, Language::En);
    assert_eq!(told.title, "Fresh as of 13:45");
    assert_eq!(told.sentence, "Last compared with Gazelle: Saturday 21 November, 03:31.");
}

#[test]
fn a_run_that_is_to_blame_is_linked() {
    let mut facts = all_at_once();
    troubles().into_iter().take(2).for_each(|(_, take_away)| take_away(&mut facts));
    let act = verdict_of(&facts, Language::En).act.unwrap();
    assert_eq!((act.label.as_str(), act.href.as_deref()), ("View the run", Some("/app/runs/0193")));
}

#[test]
fn without_any_good_run_no_hour_is_made_up() {
    let mut facts = Facts { as_of: None, ..all_at_once() };
    troubles().into_iter().take(3).for_each(|(_, take_away)| take_away(&mut facts));
    assert_eq!(verdict_of(&facts, Language::En).sentence, "No sync has succeeded yet.");
}
