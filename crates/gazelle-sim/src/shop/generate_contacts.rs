//! Contacts, with their e-mail addresses, phones and locations.

use super::generate::Generation;
use super::json::ObjectWriter;
use super::moments::{DAY, utc_text};
use super::names::{FIRST_NAMES, LAST_NAMES, STREETS, TOWNS};
use super::random::{Random, make_id};

impl Generation<'_> {
    /// The `number`-th contact of the shop, the `position`-th of its client.
    pub(super) fn contact_json(
        &self,
        random: &mut Random,
        client_id: &str,
        number: usize,
        position: usize,
        client_number: usize,
    ) -> String {
        let odd = self.spec.oddities;
        let locations = match (odd, client_number, position) {
            (true, 0, 0) => self.spec.big_contact_locations,
            (true, 3, 0) => 0,
            _ => match random.below(100) {
                0..4 => 0,
                4..85 => 1,
                85..96 => 2,
                _ => 3,
            },
        };
        // The second contact of client 3 is archived in every shop; elsewhere the first never is.
        let archived = position > 0 && (random.one_in(8) || (odd && client_number == 3));
        let role = [None, None, Some(""), Some("Directrice"), Some("Conjoint"), Some("Concierge")];
        let created = self.past(random, 8);
        let first = random.chance(96).then(|| random.pick(FIRST_NAMES));
        let last = random.chance(94).then(|| random.pick(LAST_NAMES));
        ObjectWriter::new()
            .text("id", &self.id("con_", number))
            .reference("client", client_id)
            .text_if("title", random.one_in(6).then(|| random.pick(&["Mme", "M.", "Dr", ""])))
            .text_if("firstName", first)
            .text_if("middleName", random.one_in(20).then_some("Marie"))
            .text_if("lastName", last)
            .text_if("suffix", random.one_in(50).then_some("Jr."))
            .text_if("role", role[random.below(role.len())])
            .bool("isDefault", position == 0)
            .bool("isBillingDefault", position == 0)
            .bool("archived", archived)
            .int("sortOrder", position as i64)
            .bool("wantsEmail", random.chance(80))
            .bool("wantsPhone", random.chance(60))
            .raw("wantsText", ["true", "false", "null"][random.below(3)])
            .list("allEmails", &emails(self.spec.seed, random, number))
            .list("allPhones", &phones(self.spec.seed, random, number, created))
            .list("allLocations", &locations_json(self, random, number, locations, created))
            .text("createdAt", &utc_text(created))
            .text("updatedAt", &utc_text(created + DAY.min(self.now - created)))
            .finish()
    }
}

fn emails(seed: u64, random: &mut Random, contact: usize) -> Vec<String> {
    let count = [0, 1, 1, 1, 1, 1, 2][random.below(7)];
    (0..count)
        .map(|position| {
            let domain = if position == 0 { "example.com" } else { "example.org" };
            ObjectWriter::new()
                .text("id", &make_id(seed, "eml_", (contact * 4 + position) as u64))
                .text("email", &format!("contact{contact}@{domain}"))
                .bool("isDefault", position == 0)
                .finish()
        })
        .collect()
}

fn phones(seed: u64, random: &mut Random, contact: usize, created: i64) -> Vec<String> {
    let count = [0, 1, 1, 1, 2, 3][random.below(6)];
    (0..count)
        .map(|position| {
            let confirmed = random.chance(30);
            let area = ["514", "438", "450", "819"][random.below(4)];
            ObjectWriter::new()
                .text("id", &make_id(seed, "pho_", (contact * 4 + position) as u64))
                .text("phoneNumber", &format!("{area}-555-01{:02}", random.below(100)))
                .text_if("extension", random.one_in(15).then_some("204"))
                .text("type", random.pick(&["MOBILE", "HOME", "WORK", "UNKNOWN"]))
                .bool("isDefault", position == 0)
                .text_if("confirmedAt", confirmed.then(|| utc_text(created)).as_deref())
                .text_if("confirmedClass", confirmed.then(|| random.pick(&["MOBILE", "LANDLINE", "VOIP"])))
                .text("createdAt", &utc_text(created))
                .text("updatedAt", &utc_text(created))
                .finish()
        })
        .collect()
}

fn locations_json(
    generation: &Generation<'_>,
    random: &mut Random,
    contact: usize,
    count: usize,
    created: i64,
) -> Vec<String> {
    (0..count)
        .map(|position| {
            let (town, postal, latitude, longitude) = TOWNS[random.below(TOWNS.len())];
            let usage = match position {
                0 if random.chance(95) => "STREET",
                _ => random.pick(&["MAILING", "BILLING", "STREET"]),
            };
            let degrees = |thousandths: i32, spread: usize| {
                format!("{:.6}", f64::from(thousandths) / 1_000.0 + spread as f64 / 100_000.0)
            };
            let mapped = random.chance(85);
            let street = format!("{} {}", 10 + random.below(9_900), random.pick(STREETS));
            ObjectWriter::new()
                .text("id", &make_id(generation.spec.seed, "loc_", (contact * 64 + position) as u64))
                .text("usageType", usage)
                .text("locationType", if random.one_in(200) { "COORDINATES" } else { "ADDRESS" })
                .text("street1", &street)
                .text_if("street2", random.one_in(6).then(|| random.pick(&["app. 4", "", "bureau 200"])))
                .text("municipality", town)
                .text("region", "QC")
                .text("postalCode", &format!("{postal} 1A{}", position % 10))
                .text("countryCode", "CA")
                .text_if("latitude", mapped.then(|| degrees(latitude, random.below(900))).as_deref())
                .text_if("longitude", mapped.then(|| degrees(longitude, random.below(900))).as_deref())
                .text_if("what3words", random.one_in(300).then_some("clavier.feutre.corde"))
                .text_if("geocodeType", mapped.then_some("ROOFTOP"))
                .bool("isBadAddress", false)
                .text("createdAt", &utc_text(created))
                .text("updatedAt", &utc_text(created))
                .finish()
        })
        .collect()
}
