//! The visits and changes of a day in words.

use super::read::{Piano, Today, Visit};
use crate::dashboard::changed::ChangedAppointment;
use crate::dashboard::changed::lines::{self, ChangeLine};
use crate::dashboard::links;
use crate::dashboard::page::ShownTime;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::sentence::Sentence;
use crate::dashboard::words::today as w;

/// Pianos of a visit that are listed.
const MOST_PIANOS: usize = 5;

/// A visit, as the page shows it.
pub(super) struct VisitCard {
    pub(super) start: Option<ShownTime>,
    pub(super) end: Option<ShownTime>,
    /// `All day`, or from when and until when it lasts.
    pub(super) span: Option<String>,
    pub(super) title: String,
    /// The page of its record.
    pub(super) record: String,
    pub(super) client: Option<String>,
    pub(super) contact: Option<String>,
    pub(super) technician: Option<String>,
    pub(super) address: Option<MappedAddress>,
    pub(super) phone: Option<Phone>,
    pub(super) pianos: Vec<String>,
    pub(super) more_pianos: Option<String>,
    pub(super) notes: Option<String>,
    /// What is to be noticed.
    pub(super) flags: Vec<String>,
    /// What is good to know.
    pub(super) marks: Vec<String>,
    /// Not an appointment with a client.
    pub(super) is_quiet: bool,
}

/// An address with its map.
pub(super) struct MappedAddress {
    pub(super) text: String,
    pub(super) map: String,
}

/// A number to call.
pub(super) struct Phone {
    pub(super) text: String,
    pub(super) href: String,
}

/// The visits of a day, by how they are shown.
pub(super) struct Cards {
    pub(super) all_day: Vec<VisitCard>,
    pub(super) visits: Vec<VisitCard>,
    pub(super) cancelled: Vec<VisitCard>,
}

/// All visits of a day.
pub(super) fn cards(facts: &Today, map_url: &str, t: &Locale) -> Cards {
    let mut cards = Cards { all_day: Vec::new(), visits: Vec::new(), cancelled: Vec::new() };
    for visit in &facts.visits {
        let lasts_days = visit.first_day != visit.last_day && visit.first_day != Some(facts.day);
        let card = card(visit, facts, map_url, t);
        match visit.status.as_deref() {
            Some("CANCELED") => cards.cancelled.push(card),
            _ if visit.is_all_day || lasts_days => cards.all_day.push(card),
            _ => cards.visits.push(card),
        }
    }
    cards
}

fn card(visit: &Visit, facts: &Today, map_url: &str, t: &Locale) -> VisitCard {
    let say = |said: Sentence| t.say(said).into_owned();
    let kind = match visit.event_type.as_deref() {
        Some("PERSONAL") => Some(w::PERSONAL),
        Some("MEMO") => Some(w::MEMO),
        Some("SYNCED") => Some(w::SYNCED),
        _ => None,
    };
    let is_quiet = kind.is_some();
    let hour = |at: Option<jiff::Timestamp>| at.map(|at| ShownTime::hour(at, t));
    let mut flags = Vec::new();
    let flag_if = |holds: bool, said: Sentence, flags: &mut Vec<String>| {
        if holds {
            flags.push(say(said));
        }
    };
    flag_if(visit.overlaps, w::OVERLAPS, &mut flags);
    flag_if(!is_quiet && visit.client.is_none() && visit.contact.is_none(), w::NO_CLIENT, &mut flags);
    flag_if(!is_quiet && visit.address.is_empty(), w::NO_ADDRESS, &mut flags);
    flag_if(!is_quiet && visit.status.as_deref() == Some("NO_SHOW"), w::NO_SHOW, &mut flags);
    let marks = [
        kind,
        visit.confirmed.then_some(w::CONFIRMED),
        (visit.status.as_deref() == Some("COMPLETE")).then_some(w::COMPLETE),
    ];
    let shown = visit.pianos.iter().take(MOST_PIANOS).map(|piano| piano_text(piano, t));
    let more = visit.piano_count - visit.pianos.len().min(MOST_PIANOS) as i64;
    let is_timed = !visit.is_all_day;
    VisitCard {
        // An hour of another day is none of this one: its day is named instead.
        start: hour(visit.start_at).filter(|_| is_timed && visit.first_day == Some(facts.day)),
        end: hour(visit.end_at).filter(|_| is_timed && visit.last_day == Some(facts.day)),
        span: span(visit, facts, t),
        title: visit.title.clone().unwrap_or_else(|| say(w::UNTITLED)),
        record: links::record("appointments", &visit.external_id),
        client: visit.client.clone(),
        contact: visit.contact.clone().filter(|contact| Some(contact) != visit.client.as_ref()),
        technician: facts
            .technician
            .is_none()
            .then(|| visit.technician.clone().unwrap_or_else(|| say(w::NOBODY))),
        address: place(&visit.address, map_url),
        phone: visit.phone.as_deref().map(phone),
        pianos: shown.collect(),
        more_pianos: (more > 0).then(|| t.count(w::MORE_PIANOS, more)),
        notes: visit.notes.clone(),
        flags,
        marks: marks.into_iter().flatten().map(say).collect(),
        is_quiet,
    }
}

/// How long a visit lasts, where hours do not say it.
fn span(visit: &Visit, facts: &Today, t: &Locale) -> Option<String> {
    let mut parts = Vec::new();
    if visit.is_all_day {
        parts.push(t.say(w::ALL_DAY).into_owned());
    }
    if let Some(first) = visit.first_day.filter(|first| *first < facts.day) {
        parts.push(t.fill(w::SINCE, &[("day", &t.day_and_month(first))]));
    }
    if let Some(last) = visit.last_day.filter(|last| *last > facts.day) {
        parts.push(t.fill(w::UNTIL, &[("day", &t.day_and_month(last))]));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn place(lines: &[String], map_url: &str) -> Option<MappedAddress> {
    let text = lines.join(", ");
    (!text.is_empty())
        .then(|| MappedAddress { map: map_url.replace("{address}", &links::encoded(&text)), text })
}

fn phone(text: &str) -> Phone {
    let digits: String = text.chars().filter(|letter| letter.is_ascii_digit() || *letter == '+').collect();
    Phone { href: format!("tel:{digits}"), text: text.to_owned() }
}

/// `Yamaha C3 · salon · no. 5412338 · Dampp-Chaser`
pub(crate) fn piano_text(piano: &Piano, t: &Locale) -> String {
    let made = [&piano.make, &piano.model].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let made = if made.is_empty() { t.say(w::PIANO).into_owned() } else { made };
    let serial =
        piano.serial.as_ref().map(|number| t.fill(w::SERIAL, &[("number", number)]).replace(' ', "\u{a0}"));
    let dampp_chaser = piano.dampp_chaser.then(|| t.say(w::DAMPP_CHASER).into_owned());
    let parts = [Some(made), piano.room.clone(), serial, dampp_chaser];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Why the list is empty: the day is always named.
pub(super) fn empty(facts: &Today, t: &Locale) -> String {
    let day = t.day(facts.day);
    let chosen = facts.technicians.iter().find(|one| Some(&one.external_id) == facts.technician.as_ref());
    match chosen {
        Some(one) => t.fill(w::NO_VISIT_OF, &[("technician", &one.name), ("day", &day)]),
        None => t.fill(w::NO_VISIT, &[("day", &day)]),
    }
}

/// The changes of a day in words.
pub(super) fn changes(changes: &[ChangedAppointment], facts: &Today, t: &Locale) -> Vec<ChangeLine> {
    let name_of =
        |id: &str| facts.technicians.iter().find(|one| one.external_id == id).map(|one| one.name.clone());
    lines::of(changes, &name_of, Some(facts.day), t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_link_that_it_cannot_break() {
        let lines = ["2348 av. des Trois-Marteaux, \"app. 5\"".to_owned(), "Montréal H2X 1Y4".to_owned()];
        let place = place(&lines, "https://maps.example.org/?q={address}&z=1").unwrap();
        assert_eq!(
            place.map,
            "https://maps.example.org/?q=2348%20av.%20des%20Trois-Marteaux%2C%20%22app.%205%22%2C%20Montr%C3%A9al%20H2X%201Y4&z=1"
        );
        assert!(super::place(&[], "https://maps.example.org/?q={address}").is_none());
    }

    #[test]
    fn a_number_is_dialled_by_its_digits() {
        for (text, href) in [("514 555-0142", "tel:5145550142"), ("+1 (438) 555.0199", "tel:+14385550199")] {
            assert_eq!(phone(text).href, href);
        }
    }
}
