//! Broken records, as real services sometimes send them.

use super::Shop;
use super::json::ObjectWriter;
use super::kind::RecordKind;
use super::moments::{DAY, utc_text};
use super::random::make_id;
use super::row::{Row, Traits};
use super::spec::BadRecord;
use super::user::user_json;

impl Shop {
    /// Adds the broken record, near `now` (seconds since 1970). Returns the ids of the added records, the event's
    /// first; an event without an id is not included.
    pub(crate) fn add_bad_record(&mut self, bad: BadRecord, now: i64) -> Vec<String> {
        let mut number = self.table(RecordKind::Event).rows().count() as u64;
        // After a deletion, the count may repeat.
        while self.find(RecordKind::Event, &make_id(self.seed ^ 0xBAD, "evt_", number)).is_some() {
            number += 1;
        }
        let id = |prefix: &str| make_id(self.seed ^ 0xBAD, prefix, number);
        let (event_id, client, piano, user) = (id("evt_"), id("cli_"), id("ins_"), id("usr_"));
        let name = serde_json::to_value(bad).ok();
        let name = name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        let mut json = ObjectWriter::new();
        let mut traits = Traits { lenient: true, start: Some(now), ..Traits::default() };
        if bad != BadRecord::NullId {
            json = json.text("id", &event_id);
        }
        json = json
            .text("type", if bad == BadRecord::UnknownEnum { "HOLOGRAM" } else { "APPOINTMENT" })
            .text("status", "ACTIVE")
            .text("title", &format!("Bad record: {name}"))
            .text(
                "start",
                &if bad == BadRecord::UnreadableStart { "demain matin".to_owned() } else { utc_text(now) },
            )
            .int("duration", 60)
            .bool("isAllDay", false)
            .text("createdAt", &utc_text(now - 2 * DAY))
            .text("updatedAt", &utc_text(now - DAY));
        let mut added = vec![event_id];
        match bad {
            BadRecord::UnlistedClient | BadRecord::GhostClient => json = json.reference("client", &client),
            BadRecord::UnlistedUser | BadRecord::GhostUser => json = json.reference("user", &user),
            BadRecord::UnlistedPiano | BadRecord::GhostPiano => {
                let item = ObjectWriter::new().reference("piano", &piano).bool("isTuning", true).finish();
                json = json.list("allEventPianos", &[item]);
            }
            BadRecord::DuplicateId => traits.listed_twice = true,
            _ => {}
        }
        match bad {
            BadRecord::UnlistedClient => added.push(self.add_unlisted(RecordKind::Client, client, now)),
            BadRecord::UnlistedPiano => added.push(self.add_unlisted(RecordKind::Piano, piano, now)),
            BadRecord::UnlistedUser => added.push(self.add_unlisted(RecordKind::User, user, now)),
            BadRecord::NullId | BadRecord::NullNode => added.clear(),
            _ => {}
        }
        let text = if bad == BadRecord::NullNode { "null".to_owned() } else { json.finish() };
        self.table_mut(RecordKind::Event).insert(Row::new(text, traits));
        self.changed();
        added
    }

    fn add_unlisted(&mut self, kind: RecordKind, id: String, now: i64) -> String {
        let json = match kind {
            RecordKind::User => user_json(&id, "Absente", "de la Liste", 99),
            RecordKind::Piano => ObjectWriter::new().text("id", &id).text("make", "Introuvable"),
            _ => ObjectWriter::new().text("id", &id).text("companyName", "Absent de la liste"),
        };
        let json = json
            .text("status", "ACTIVE")
            .text("createdAt", &utc_text(now - 3 * DAY))
            .text("updatedAt", &utc_text(now - 2 * DAY))
            .finish();
        let traits = Traits { unlisted: true, ..Traits::default() };
        self.table_mut(kind).insert(Row::new(json, traits));
        id
    }
}
