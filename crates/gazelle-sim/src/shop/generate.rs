//! Generates a shop from its specification, parents first.

use std::io;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::json::ObjectWriter;
use super::kind::RecordKind;
use super::moments::{DAY, date_text, utc_text};
use super::names::{FIRST_NAMES, LAST_NAMES, NOTES};
use super::random::{Random, make_id};
use super::row::{Row, Traits};
use super::spec::ShopSpec;
use super::user::user_json;
use super::{COMPANY_ZONE, Shop};

/// The state shared by the steps of the generation.
pub(super) struct Generation<'a> {
    pub spec: &'a ShopSpec,
    pub zone: TimeZone,
    pub today: Date,
    /// Noon UTC of `today`, in seconds since 1970: nothing was created or updated later.
    pub now: i64,
    pub user_ids: Vec<String>,
    pub clients: Vec<GeneratedClient>,
}

/// The properties of a client that later steps need.
pub(super) struct GeneratedClient {
    pub id: String,
    pub created: i64,
    pub pianos: Vec<String>,
}

impl Generation<'_> {
    pub(super) fn random(&self, stream: u64) -> Random {
        Random::new(self.spec.seed, stream)
    }

    pub(super) fn id(&self, prefix: &str, number: usize) -> String {
        make_id(self.spec.seed, prefix, number as u64)
    }

    /// A time between `years` ago and now.
    pub(super) fn past(&self, random: &mut Random, years: usize) -> i64 {
        self.now - 3_600 - random.below(years * 365 * DAY as usize) as i64
    }
}

/// A note, sometimes with awkward characters.
pub(super) fn note(random: &mut Random) -> Option<String> {
    match random.below(100) {
        0..30 => Some(random.pick(NOTES).to_owned()),
        30..34 => Some(format!("{} {}", random.pick(NOTES), random.pick(NOTES))),
        _ => None,
    }
}

impl Shop {
    /// Generates a shop. An unreadable `today` is an `InvalidInput` error.
    pub(crate) fn generate(spec: &ShopSpec) -> io::Result<Shop> {
        let bad = |error: jiff::Error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
        let zone = TimeZone::get(COMPANY_ZONE).map_err(bad)?;
        let today: Date = spec.today.parse().map_err(bad)?;
        let noon = today.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).map_err(bad)?;
        let mut shop = Shop::empty(spec.seed, zone.clone());
        let mut generation = Generation {
            spec,
            zone,
            today,
            now: noon.timestamp().as_second(),
            user_ids: Vec::new(),
            clients: Vec::new(),
        };
        shop.generate_users(&mut generation);
        shop.generate_clients(&mut generation);
        shop.generate_pianos(&mut generation);
        shop.generate_events(&generation);
        shop.generate_books(&generation);
        for bad_record in &spec.bad_records {
            shop.add_bad_record(*bad_record, generation.now);
        }
        Ok(shop)
    }

    pub(super) fn put(&mut self, kind: RecordKind, json: String) {
        self.table_mut(kind).insert(Row::new(json, Traits::default()));
    }

    fn generate_users(&mut self, generation: &mut Generation<'_>) {
        let mut random = generation.random(1);
        for number in 0..generation.spec.users {
            let id = generation.id("usr_", number);
            let first = FIRST_NAMES[(number * 5 + 3) % FIRST_NAMES.len()];
            let last = LAST_NAMES[(number * 7 + 1) % LAST_NAMES.len()];
            let created = generation.now - (9 * 365 - number as i64) * DAY;
            let active = number == 0 || number % 4 != 3;
            let json = user_json(&id, first, last, number)
                .text("status", if active { "ACTIVE" } else { "INACTIVE" })
                .text("createdAt", &utc_text(created))
                .text("updatedAt", &utc_text(generation.past(&mut random, 2)))
                .finish();
            generation.user_ids.push(id);
            self.put(RecordKind::User, json);
        }
    }

    /// Invoices and timeline entries: enough to page through, linked to clients, pianos and users.
    fn generate_books(&mut self, generation: &Generation<'_>) {
        const TYPES: &[&str] =
            &["APPOINTMENT", "SERVICE_ENTRY_MANUAL", "USER_COMMENT", "INVOICE", "CONTACT_EMAIL_AUTOMATED"];
        const STATUSES: &[&str] = &["PAID", "PAID", "PAID", "OPEN", "OVERDUE", "DRAFT", "CANCELED"];
        let mut random = generation.random(8);
        if generation.clients.is_empty() {
            return;
        }
        for number in 0..generation.spec.invoices {
            let client = &generation.clients[random.below(generation.clients.len())];
            let at = generation.past(&mut random, 8);
            let total = 15_000 + 500 * random.below(60) as i64;
            let json = ObjectWriter::new()
                .text("id", &generation.id("inv_", number))
                .int("number", number as i64 + 1)
                .text("status", random.pick(STATUSES))
                .reference("client", &client.id)
                .int("subTotal", total)
                .int("taxTotal", total * 14_975 / 100_000)
                .int("total", total + total * 14_975 / 100_000)
                .text("dueOn", &date_text(at + 30 * DAY))
                .bool("archived", random.one_in(50))
                .text("createdAt", &utc_text(at))
                .text("updatedAt", &utc_text(at))
                .finish();
            self.put(RecordKind::Invoice, json);
        }
        for number in 0..generation.spec.timeline_entries {
            let client = &generation.clients[random.below(generation.clients.len())];
            let user = generation.user_ids.get(random.below(generation.user_ids.len()));
            let json = ObjectWriter::new()
                .text("id", &generation.id("tme_", number))
                .text("type", random.pick(TYPES))
                .text("occurredAt", &utc_text(generation.past(&mut random, 9)))
                .reference("client", &client.id)
                .reference_if("piano", client.pianos.first().map(String::as_str))
                .reference_if("user", user.map(String::as_str))
                .text_if("summary", note(&mut random).as_deref())
                .finish();
            self.put(RecordKind::Timeline, json);
        }
    }
}
