//! Clients, with their contacts.

use super::Shop;
use super::generate::{GeneratedClient, Generation, note};
use super::json::{ObjectWriter, quoted};
use super::kind::RecordKind;
use super::moments::{DAY, date_text, utc_text};
use super::names::{COMPANIES, REGIONS, TAGS};
use super::random::Random;

impl Shop {
    pub(super) fn generate_clients(&mut self, generation: &mut Generation<'_>) {
        let spec = generation.spec;
        let mut random = generation.random(2);
        // Older clients first: the order of the table is that of creation.
        let mut created: Vec<i64> = (0..spec.clients).map(|_| generation.past(&mut random, 9)).collect();
        created.sort_unstable();
        let mut contact_number = 0;
        for (number, created) in created.into_iter().enumerate() {
            let id = generation.id("cli_", number);
            let json = client_json(generation, &mut random, &id, number, created);
            self.put(RecordKind::Client, json);
            let contacts = contacts_of(generation, &mut random, number);
            for position in 0..contacts {
                let json = generation.contact_json(&mut random, &id, contact_number, position, number);
                self.put(RecordKind::Contact, json);
                contact_number += 1;
            }
            generation.clients.push(GeneratedClient { id, created, pianos: Vec::new() });
        }
    }
}

/// Client 0 is the institution, client 1 the one with very many contacts, client 2 has none.
fn contacts_of(generation: &Generation<'_>, random: &mut Random, number: usize) -> usize {
    if generation.spec.oddities {
        match number {
            1 => return generation.spec.big_client_contacts,
            2 => return 0,
            3 => return 2,
            _ => {}
        }
    }
    match random.below(100) {
        0 => 0,
        1..85 => 1,
        85..96 => 2,
        _ => 3,
    }
}

fn client_json(
    generation: &Generation<'_>,
    random: &mut Random,
    id: &str,
    number: usize,
    created: i64,
) -> String {
    let status = status(random, number);
    let company = company(random, number);
    let client_type = match random.below(100) {
        0..55 => Some("Résidentiel"),
        55..70 => Some("Institution"),
        70..80 => Some(""),
        _ => None,
    };
    let tags: Vec<String> =
        (0..random.below(6).saturating_sub(2)).map(|_| quoted(random.pick(TAGS))).collect();
    let technician =
        random.chance(40).then(|| generation.user_ids.get(random.below(generation.user_ids.len()))).flatten();
    let inactive = status == "INACTIVE";
    let paused = random.one_in(60);
    let preference = note(random);
    let personal = note(random);
    ObjectWriter::new()
        .text("id", id)
        .text("status", status)
        .text_if("companyName", company.as_deref())
        .text_if("clientType", client_type)
        .list("tags", &tags)
        .text_if("region", random.chance(70).then(|| random.pick(REGIONS)))
        .text_if("referenceId", random.one_in(20).then(|| format!("QB-{number}")).as_deref())
        .text_if("locale", random.chance(90).then(|| random.pick(&["fr_CA", "fr_CA", "fr_CA", "en_CA"])))
        .reference_if("preferredTechnician", technician.map(String::as_str))
        .text_if("noContactUntil", paused.then(|| date_text(generation.now + 90 * DAY)).as_deref())
        .text_if("noContactReason", paused.then_some("En voyage jusqu'au printemps"))
        .text_if("reasonInactiveCode", inactive.then_some("MOVED"))
        .text_if("reasonInactiveDetails", inactive.then_some("Déménagé ; piano vendu"))
        .text_if("preferenceNotes", preference.as_deref())
        .text_if("personalNotes", personal.as_deref())
        .text_if("lifecycleState", random.chance(50).then_some("ACTIVE"))
        .text_if("custom1", random.one_in(30).then_some(""))
        .text("createdAt", &utc_text(created))
        .text("updatedAt", &utc_text(later(generation, random, created)))
        .finish()
}

fn status(random: &mut Random, number: usize) -> &'static str {
    match number {
        4 => "INACTIVE",
        5 => "PROSPECT",
        6 => "NEW",
        _ => match random.below(100) {
            0..80 => "ACTIVE",
            80..92 => "INACTIVE",
            92..96 => "PROSPECT",
            _ => "NEW",
        },
    }
}

fn company(random: &mut Random, number: usize) -> Option<String> {
    match number {
        0 => Some("Conservatoire des Cent Pianos".to_owned()),
        1 => Some("Chorale \"Les Cent Vingt Voix\"".to_owned()),
        7 => Some(String::new()),
        _ => match random.below(100) {
            0..12 => Some(format!("{} {number}", random.pick(COMPANIES))),
            12..20 => Some(String::new()),
            _ => None,
        },
    }
}

/// When something created then was last updated: at creation, or any time between then and now.
pub(super) fn later(generation: &Generation<'_>, random: &mut Random, created: i64) -> i64 {
    if random.chance(30) {
        return created;
    }
    created + random.below((generation.now - created).max(1) as usize) as i64
}
