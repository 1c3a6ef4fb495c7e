//! Adds records to a shop, checked or unchanged.

use serde_json::{Map, Value};

use super::Shop;
use super::change::ChangeError;
use super::kind::RecordKind;
use super::moments::utc_text;
use super::random::make_id;
use super::row::{Row, Traits};
use super::user::user_json;

impl Shop {
    /// Adds a valid record; missing fields are generated. Returns its id.
    pub(super) fn add(
        &mut self,
        kind: RecordKind,
        mut record: Map<String, Value>,
        now: i64,
    ) -> Result<String, ChangeError> {
        let id = match record.get("id") {
            Some(Value::String(id)) if !id.is_empty() => id.clone(),
            None | Some(Value::Null) => self.new_id(kind),
            Some(other) => return Err(ChangeError::Refused(format!("{other} is no id"))),
        };
        if self.find(kind, &id).is_some() {
            return Err(ChangeError::Refused(format!("{id} exists already")));
        }
        self.check_references(&record)?;
        for (name, value) in self.defaults(kind, &id, &record) {
            record.entry(name).or_insert(value);
        }
        record.insert("id".to_owned(), id.clone().into());
        if kind != RecordKind::Timeline {
            // Timeline entries have neither timestamp.
            for name in ["createdAt", "updatedAt"] {
                record.entry(name).or_insert_with(|| utc_text(now).into());
            }
        }
        record.retain(|_, value| !value.is_null());
        self.put(kind, Value::Object(record).to_string());
        Ok(id)
    }

    fn new_id(&mut self, kind: RecordKind) -> String {
        self.added += 1;
        make_id(self.seed ^ 0xADD, kind.id_prefix(), self.added)
    }

    /// Fields that the schema requires or the real application fills in.
    fn defaults(&self, kind: RecordKind, id: &str, record: &Map<String, Value>) -> Map<String, Value> {
        let text = match kind {
            RecordKind::User => user_json(id, "Nouvelle", "Personne", 1).text("status", "ACTIVE").finish(),
            RecordKind::Client | RecordKind::Piano => r#"{"status":"ACTIVE","tags":[]}"#.to_owned(),
            RecordKind::Contact => {
                let client = record.get("client").and_then(|client| client.get("id")?.as_str());
                let alone =
                    client.is_some_and(|client| self.of_client(RecordKind::Contact, client).next().is_none());
                format!(r#"{{"archived":false,"isDefault":{alone},"isBillingDefault":{alone}}}"#)
            }
            RecordKind::Event => {
                r#"{"type":"APPOINTMENT","status":"ACTIVE","isAllDay":false,"duration":60}"#.to_owned()
            }
            RecordKind::Invoice => r#"{"status":"OPEN","tags":[]}"#.to_owned(),
            RecordKind::Estimate | RecordKind::Timeline => "{}".to_owned(),
        };
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn check_references(&self, record: &Map<String, Value>) -> Result<(), ChangeError> {
        let id_of = |value: &Value| value.get("id").and_then(Value::as_str).map(str::to_owned);
        let mut needed: Vec<(RecordKind, String)> = Vec::new();
        let fields = [
            ("client", RecordKind::Client),
            ("user", RecordKind::User),
            ("createdBy", RecordKind::User),
            ("preferredTechnician", RecordKind::User),
            ("piano", RecordKind::Piano),
        ];
        for (name, kind) in fields {
            needed.extend(record.get(name).and_then(id_of).map(|id| (kind, id)));
        }
        let pianos = record.get("allEventPianos").map(|list| list.get("nodes").unwrap_or(list));
        for item in pianos.and_then(Value::as_array).into_iter().flatten() {
            needed.extend(item.get("piano").and_then(id_of).map(|id| (RecordKind::Piano, id)));
        }
        for (kind, id) in needed {
            self.need(kind, &id)?;
        }
        Ok(())
    }

    /// Adds an event unchecked. Returns its id if it has one.
    pub(super) fn add_raw_event(
        &mut self,
        record: &Value,
        listed_at: Option<&str>,
    ) -> Result<Vec<String>, ChangeError> {
        let start = match listed_at {
            None => None,
            Some(text) => {
                let time: jiff::Timestamp = text
                    .parse()
                    .map_err(|error| ChangeError::Refused(format!("listed_at {text}: {error}")))?;
                Some(time.as_second())
            }
        };
        let traits = Traits { lenient: true, start, ..Traits::default() };
        let row = Row::new(record.to_string(), traits);
        let ids = if row.id.is_empty() { Vec::new() } else { vec![row.id.to_string()] };
        self.table_mut(RecordKind::Event).insert(row);
        Ok(ids)
    }
}
