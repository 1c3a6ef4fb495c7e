use proptest::prelude::*;
use serde_json::json;

use super::*;

fn words(language: Language, schema: Option<&str>) -> Words {
    let zone = time::zone(time::MONTREAL).unwrap();
    Words { language, zone, schema: schema.map(str::to_owned) }
}

fn context(occasion: Occasion) -> MessageContext {
    let at = |text: &str| text.parse().unwrap();
    MessageContext { occasion, opened_at: at("2026-07-09T14:00:00Z"), at: at("2026-07-09T20:00:00Z") }
}

fn names(template: &str) -> Vec<&str> {
    let inside =
        template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(inside, _)| inside);
    // Of a number, the words for one and for many follow.
    let mut names: Vec<&str> = inside.map(|inside| inside.split(':').next().unwrap_or_default()).collect();
    names.sort_unstable();
    names
}

#[test]
fn both_languages_say_the_same_facts() {
    for &kind in Kind::ALL {
        let [english, french] = all_sentences(kind);
        for (one, other) in [
            (english.title, french.title),
            (english.now, french.now),
            (english.advice, french.advice),
            (english.over, french.over),
        ] {
            assert_eq!(names(one), names(other), "{kind:?}");
            assert_ne!(one, other, "{kind:?}");
        }
        assert_eq!(names(english.title).len(), 0, "a title is the same from first word to last: {kind:?}");
    }
}

#[test]
fn a_message_is_filled_with_local_times_and_says_when_it_began() {
    let facts = json!({"last_good_at": "2026-07-09T13:00:00Z", "limit": 45});
    let facts = facts.as_object().unwrap();
    let english = words(Language::En, None);
    let started = english.message(Kind::Stale, facts, context(Occasion::Started));
    assert_eq!(started.title.as_str(), "[gazelle-sync] The data is out of date");
    assert_eq!(
        started.body.as_str().lines().next().unwrap(),
        "The last complete sync: 2026-07-09 09:00:00 EDT. That is more than 45 minutes ago."
    );
    let french = words(Language::Fr, Some("montreal"));
    let reminder = french.message(Kind::Stale, facts, context(Occasion::Reminder));
    assert_eq!(
        reminder.title.as_str(),
        "[gazelle-sync montreal] Toujours\u{a0}: Les données ne sont plus à jour"
    );
    assert!(
        reminder
            .body
            .as_str()
            .ends_with("Début\u{a0}: 2026-07-09 10:00:00 EDT; message écrit le 2026-07-09 16:00:00 EDT.")
    );
    let over = french.message(Kind::Stale, facts, context(Occasion::Over));
    assert_eq!(over.title.as_str(), "[gazelle-sync montreal] Réglé\u{a0}: Les données ne sont plus à jour");
}

#[test]
fn numbers_and_entities_are_told_in_the_language_of_the_message() {
    for (language, count, by_entity, told) in [
        (Language::En, 12, "appointments 12", "12 records no longer exist in Gazelle (appointments 12),"),
        (Language::En, 1, "clients 1", "1 record no longer exists in Gazelle (clients 1),"),
        (Language::Fr, 1, "appointments 1", "1 fiche a disparu de Gazelle (rendez-vous : 1),"),
        (
            Language::Fr,
            3,
            "appointments 2, users 1",
            "3 fiches ont disparu de Gazelle (rendez-vous : 2, techniciens : 1),",
        ),
    ] {
        let facts = json!({"count": count, "by_entity": by_entity});
        let facts = facts.as_object().unwrap();
        let message =
            words(language, None).message(Kind::DeletionsWithheld, facts, context(Occasion::Started));
        let body = message.body.as_str().replace('\u{a0}', " ");
        assert!(body.starts_with(told), "{body}");
    }
    let facts = json!({"entities": "appointments, pianos", "run_at": "2026-07-09T13:00:00Z"});
    let facts = facts.as_object().unwrap();
    let message = words(Language::Fr, None).message(Kind::NothingFetched, facts, context(Occasion::Started));
    assert!(message.body.as_str().contains("pour\u{a0}: rendez-vous, pianos."), "{}", message.body);
}

#[test]
fn french_is_set_as_in_quebec() {
    let frame = templates::frame(Language::Fr);
    let of_frame = [
        frame.started,
        frame.reminder,
        frame.over,
        frame.since,
        frame.never,
        frame.unknown,
        frame.test_title,
        frame.test_body,
        frame.invitation_title,
        frame.invitation_before,
        frame.invitation_after,
    ];
    let of_kinds = Kind::ALL.iter().flat_map(|kind| {
        let [_, french] = all_sentences(*kind);
        [french.title, french.now, french.advice, french.over]
    });
    for source in of_frame.into_iter().chain(of_kinds) {
        // The words within braces are separated by signs of ours.
        let mut sentence = source.to_owned();
        while let Some((before, after)) = sentence.split_once('{') {
            let (_, after) = after.split_once('}').unwrap();
            sentence = format!("{before}…{after}");
        }
        for wrong in [" ;", " !", " ?", "...", "  ", "\u{a0}", "\""] {
            assert!(!sentence.contains(wrong), "{wrong:?}: {sentence}");
        }
        assert_eq!(sentence.matches(" :").count(), sentence.matches(':').count(), "{sentence}");
        assert!(
            !source.to_lowercase().contains("synchronisation") || source.contains("service de sync"),
            "{source}"
        );
    }
}

#[test]
fn what_is_not_known_is_said_to_be() {
    let facts = json!({"last_good_at": null});
    let message = words(Language::En, None).message(
        Kind::Stale,
        facts.as_object().unwrap(),
        context(Occasion::Started),
    );
    assert!(
        message.body.as_str().contains("sync: never. That is more than unknown minutes"),
        "{}",
        message.body
    );
}

#[test]
fn a_reason_cannot_break_out_of_its_line_nor_fill_itself() {
    let facts =
        json!({"run_at": "2026-07-09T13:00:00Z", "reason": "HTTP 500\r\nBcc: x {run_id}", "run_id": "1"});
    let message = words(Language::En, None).message(
        Kind::RunFailed,
        facts.as_object().unwrap(),
        context(Occasion::Started),
    );
    assert!(message.body.as_str().contains("failed: HTTP 500  Bcc: x {run_id}\n"), "{}", message.body);
    assert_eq!(message.body.as_str().lines().count(), 2, "{}", message.body);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn any_fact_makes_a_title_of_one_line_and_no_line_of_the_body(
        chars in proptest::collection::vec(any::<char>(), 0..40),
        times in prop_oneof![Just(1_usize), Just(250)],
        schema in any::<String>(),
    ) {
        let text: String = chars.into_iter().chain("\u{9b}\u{202e}\u{200b}\u{2028}\r\nforged\u{1b}".chars()).collect();
        let text = text.repeat(times);
        for &kind in Kind::ALL {
            let names = all_sentences(kind).into_iter().flat_map(|of| [of.now, of.advice, of.over]).flat_map(names);
            let facts: Facts = names.map(|name| (name.to_owned(), json!(text))).collect();
            for &occasion in Occasion::ALL {
                let message = words(Language::Fr, Some(&schema)).message(kind, &facts, context(occasion));
                for part in [message.title.as_str(), message.body.as_str()] {
                    prop_assert!(!part.chars().any(|c| c != '\n' && crate::display::acts(c)), "{part:?}");
                }
                prop_assert_eq!(message.title.as_str().lines().count(), 1);
                let lines = if occasion == Occasion::Reminder { 3 } else { 2 };
                prop_assert_eq!(message.body.as_str().lines().count(), lines, "{}", message.body);
                // The outbox gives back what was written into it.
                let stored = Text::stored(message.title.as_str(), message.body.as_str());
                prop_assert_eq!(stored.title, message.title);
                prop_assert_eq!(stored.body.as_str(), message.body.as_str());
            }
        }
    }
}
