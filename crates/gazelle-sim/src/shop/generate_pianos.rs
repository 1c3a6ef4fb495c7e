//! Pianos: most clients have none or one, institutions have dozens.

use super::Shop;
use super::generate::{Generation, note};
use super::json::{ObjectWriter, quoted};
use super::kind::RecordKind;
use super::moments::{DAY, date_text, utc_text};
use super::names::{MAKES, PIANO_TYPES, ROOMS, TAGS};
use super::random::Random;

/// Number of pianos of each of the two smaller institutions.
const LESSER_INSTITUTION: usize = 24;

impl Shop {
    pub(super) fn generate_pianos(&mut self, generation: &mut Generation<'_>) {
        if generation.clients.is_empty() {
            return;
        }
        let mut random = generation.random(3);
        let owners: Vec<usize> =
            (0..generation.spec.pianos).map(|number| owner_of(generation, &mut random, number)).collect();
        for (number, owner) in owners.into_iter().enumerate() {
            let id = generation.id("ins_", number);
            let client = &generation.clients[owner];
            let json = piano_json(generation, &mut random, &id, &client.id, number, client.created);
            self.put(RecordKind::Piano, json);
            generation.clients[owner].pianos.push(id);
        }
    }
}

fn owner_of(generation: &Generation<'_>, random: &mut Random, number: usize) -> usize {
    let clients = generation.clients.len();
    let big = if generation.spec.oddities { generation.spec.big_event_pianos } else { 0 };
    let lesser = if generation.spec.oddities && generation.spec.pianos > 10 * LESSER_INSTITUTION {
        2 * LESSER_INSTITUTION
    } else {
        0
    };
    match number {
        _ if number < big => 0,
        _ if number < big + lesser => (8 + number % 2) % clients,
        _ => random.below(clients),
    }
}

fn piano_json(
    generation: &Generation<'_>,
    random: &mut Random,
    id: &str,
    client_id: &str,
    number: usize,
    client_created: i64,
) -> String {
    let (make, models) = MAKES[random.below(MAKES.len())];
    let serial = serial_number(random);
    let chaser = random.one_in(8);
    let tags: Vec<String> =
        (0..random.below(4).saturating_sub(2)).map(|_| quoted(random.pick(TAGS))).collect();
    let created = client_created + random.below((generation.now - client_created).max(1) as usize) as i64;
    let last = generation.now - random.below(900) as i64 * DAY;
    let served = random.chance(60);
    let notes = note(random);
    let status = status(random);
    let year = random.chance(60).then(|| 1880 + random.below(140) as i64);
    let mut json = ObjectWriter::new()
        .text("id", id)
        .reference("client", client_id)
        .text("make", make)
        .text_if("model", random.chance(80).then(|| random.pick(models)))
        .text_if("serialNumber", serial.as_deref())
        .text("type", random.pick(PIANO_TYPES))
        .text("status", status)
        .text_if("location", random.chance(50).then(|| random.pick(ROOMS)))
        .list("tags", &tags)
        .text_if("notes", notes.as_deref())
        .bool("damppChaserInstalled", chaser)
        .text_if("damppChaserHumidistatModel", chaser.then_some("H-4"))
        .text_if("damppChaserMfgDate", chaser.then(|| date_text(created - 400 * DAY)).as_deref())
        .text_if("caseColor", random.chance(30).then_some("Ébène"))
        .text_if("caseFinish", random.one_in(5).then_some("Satiné"))
        .text_if("size", random.one_in(4).then_some("5'3\""))
        .text_if("useType", random.one_in(5).then_some("Enseignement"))
        .raw("hasIvory", ["true", "false", "null"][random.below(3)])
        .bool("rental", random.one_in(40))
        .bool("consignment", false)
        .bool("totalLoss", random.one_in(300))
        .text_if("calculatedLastService", served.then(|| date_text(last)).as_deref())
        .text_if("eventLastService", served.then(|| date_text(last)).as_deref())
        .text_if("calculatedNextService", served.then(|| date_text(last + 365 * DAY)).as_deref())
        .text_if("referenceId", random.one_in(25).then(|| format!("P{number}")).as_deref());
    if let Some(year) = year {
        json = json.int("year", year);
    }
    if served {
        json = json.int("serviceIntervalMonths", [6, 12, 12, 24][random.below(4)]);
    }
    json.text("createdAt", &utc_text(created))
        .text("updatedAt", &utc_text(super::generate_clients::later(generation, random, created)))
        .finish()
}

fn serial_number(random: &mut Random) -> Option<String> {
    match random.below(100) {
        0..13 => None,
        13..16 => Some(String::new()),
        16..18 => Some("   ".to_owned()),
        // The same number on several pianos: a placeholder.
        18..24 => Some(random.pick(&["123456", "A-1", "inconnu"]).to_owned()),
        _ => Some(format!("{}", 10_000 + random.below(6_000_000))),
    }
}

fn status(random: &mut Random) -> &'static str {
    match random.below(100) {
        0..92 => "ACTIVE",
        92..97 => "INACTIVE",
        97..99 => "TEMPORARY_STORAGE",
        _ => "UNDER_RESTORATION",
    }
}
