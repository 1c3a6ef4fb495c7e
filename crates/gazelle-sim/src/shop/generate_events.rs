//! Events: nine years of past ones; about a tenth is from last week or later; in local working hours.

use jiff::civil::DateTime;

use super::generate::{Generation, note};
use super::json::ObjectWriter;
use super::kind::RecordKind;
use super::moments::{DAY, utc_text};
use super::names::{PRIVATE_TITLES, TITLES};
use super::random::Random;
use super::{COMPANY_ZONE, Shop};

/// An event before it is written.
pub(super) struct Draft {
    pub kind: &'static str,
    pub status: &'static str,
    pub title: Option<String>,
    pub notes: Option<String>,
    /// Seconds since 1970.
    pub start: Option<i64>,
    /// Minutes.
    pub duration: i64,
    pub all_day: bool,
    /// The number of the client in the generation.
    pub client: Option<usize>,
    pub pianos: Vec<(String, bool)>,
    /// The id shared by the occurrences of a series.
    pub recurrence: Option<String>,
}

impl Draft {
    /// An active appointment of one hour without client.
    pub(super) fn at(start: Option<i64>, title: &str) -> Draft {
        Draft {
            kind: "APPOINTMENT",
            status: "ACTIVE",
            title: Some(title.to_owned()),
            notes: None,
            start,
            duration: 60,
            all_day: false,
            client: None,
            pianos: Vec::new(),
            recurrence: None,
        }
    }
}

impl Shop {
    pub(super) fn generate_events(&mut self, generation: &Generation<'_>) {
        let mut random = generation.random(4);
        let total = generation.spec.events;
        let mut drafts = if generation.spec.oddities { generation.odd_events() } else { Vec::new() };
        drafts.truncate(total);
        let rest = total - drafts.len();
        let live = rest / 10;
        let mut made: Vec<(i64, String)> = Vec::with_capacity(total);
        for (number, draft) in drafts.into_iter().enumerate() {
            made.push(generation.event_json(&mut random, number, draft));
        }
        for number in 0..rest {
            let draft = generation.ordinary_event(&mut random, number < live);
            let number = total - rest + number;
            made.push(generation.event_json(&mut random, number, draft));
        }
        // The order of the table is that of creation.
        made.sort_unstable();
        self.table_mut(RecordKind::Event).reserve(total);
        for (_, json) in made {
            self.put(RecordKind::Event, json);
        }
    }
}

impl Generation<'_> {
    /// A local civil time as seconds since 1970; a time skipped by DST moves forward, a repeated one is the first.
    pub(super) fn local(&self, time: DateTime) -> i64 {
        time.to_zoned(self.zone.clone()).map_or(self.now, |zoned| zoned.timestamp().as_second())
    }

    fn ordinary_event(&self, random: &mut Random, live: bool) -> Draft {
        let days = if live {
            // Most future events are near.
            let span = if random.chance(80) { 100 } else { 400 };
            random.below(span) as i64 - 7
        } else {
            -8 - random.below(9 * 365 - 30) as i64
        };
        let half_hours = if random.chance(4) { 41 } else { 16 + random.below(20) };
        let day = self.today.saturating_add(jiff::Span::new().days(days));
        let start = self.local(day.at((half_hours / 2) as i8, (half_hours % 2 * 30) as i8, 0, 0));
        let kind = match random.below(100) {
            0..86 => "APPOINTMENT",
            86..92 => "PERSONAL",
            92..96 => "MEMO",
            _ => "SYNCED",
        };
        let status = match (start < self.now, random.below(100)) {
            (_, 0..6) => "CANCELED",
            (true, 6..8) => "NO_SHOW",
            (true, 8..90) => "COMPLETE",
            _ => "ACTIVE",
        };
        let with_client = kind == "APPOINTMENT" && !random.chance(3) && !self.clients.is_empty();
        let client = with_client.then(|| random.below(self.clients.len()));
        let pianos = client.map(|client| self.some_pianos(random, client)).unwrap_or_default();
        let title = match kind {
            "APPOINTMENT" => random.chance(90).then(|| random.pick(TITLES).to_owned()),
            _ => Some(random.pick(PRIVATE_TITLES).to_owned()),
        };
        Draft {
            kind,
            status,
            title,
            notes: note(random),
            start: Some(start),
            duration: [30, 45, 60, 60, 90, 90, 120, 240][random.below(8)],
            all_day: kind != "APPOINTMENT" && random.one_in(50),
            client,
            pianos,
            recurrence: None,
        }
    }

    fn some_pianos(&self, random: &mut Random, client: usize) -> Vec<(String, bool)> {
        let pianos = &self.clients[client].pianos;
        if pianos.is_empty() || random.chance(10) {
            return Vec::new();
        }
        let first = random.below(pianos.len());
        let count = 1 + random.below(pianos.len().min(4));
        pianos.iter().cycle().skip(first).take(count).map(|id| (id.clone(), random.chance(85))).collect()
    }

    /// The JSON of an event, with its creation time (in seconds) to sort by.
    pub(super) fn event_json(&self, random: &mut Random, number: usize, draft: Draft) -> (i64, String) {
        let id = self.id("evt_", number);
        let around = draft.start.unwrap_or(self.now).min(self.now);
        let created = around - 3_600 - random.below(90 * DAY as usize) as i64;
        let updated = created + random.below((self.now - created) as usize) as i64;
        let client = draft.client.and_then(|client| self.clients.get(client));
        let users = self.user_ids.len();
        // The first technician does half of the work.
        let user = self.user_ids.get(random.below(users * 2).saturating_sub(users));
        let confirmed = random.chance(40);
        let mut json = ObjectWriter::new()
            .text("id", &id)
            .text("type", draft.kind)
            .text("status", draft.status)
            .text_if("title", draft.title.as_deref())
            .text_if("notes", draft.notes.as_deref())
            .text_if("start", draft.start.map(utc_text).as_deref())
            .int("duration", draft.duration)
            .bool("isAllDay", draft.all_day)
            .text("timezone", COMPANY_ZONE)
            .reference_if("client", client.map(|client| client.id.as_str()))
            .reference_if("user", user.map(String::as_str))
            .reference_if("createdBy", user.map(String::as_str))
            .raw("confirmedByClient", ["true", "false", "null"][random.below(3)])
            .text_if("confirmedAt", confirmed.then(|| utc_text(updated)).as_deref())
            .text("createdAt", &utc_text(created))
            .text("updatedAt", &utc_text(updated));
        if random.chance(50) {
            json = json.int("buffer", 15);
        }
        if let Some(recurrence) = &draft.recurrence {
            json = json
                .text("recurrenceId", recurrence)
                .text("recurrenceType", "WEEKLY")
                .int("recurrenceInterval", 1);
        }
        if !draft.pianos.is_empty() {
            let items: Vec<String> = draft
                .pianos
                .iter()
                .map(|(piano, tuning)| {
                    ObjectWriter::new().reference("piano", piano).bool("isTuning", *tuning).finish()
                })
                .collect();
            json = json.list("allEventPianos", &items);
        }
        (created, json.finish())
    }
}
