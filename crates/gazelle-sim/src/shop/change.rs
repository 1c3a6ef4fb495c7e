//! The changes that can be made to a shop while it is served.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Shop;
use super::kind::RecordKind;
use super::list::ListQuery;
use super::moments::utc_text;
use super::row::Row;
use super::spec::BadRecord;

/// One change of the shop. In JSON an object with the change's name in `"change"`, for instance `{"change": "move",
/// "id": "evt_…", "start": "2026-03-01T14:00:00Z"}`.
///
/// Records are JSON objects in the shape of the API's answers: references are `{"id": …}` objects (`client`,
/// `user`, `preferredTechnician`), nested connections are lists or `{"nodes": […]}` (`allEventPianos`,
/// `allLocations`, `allEmails`, `allPhones`), a missing field is null. A contact's client is its `client` field.
/// Times are UTC text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Sets fields of a record (null clears one). Its `id` cannot be changed.
    Edit {
        /// The record's kind.
        kind: RecordKind,
        /// The record's id.
        id: String,
        /// The fields to set.
        fields: Map<String, Value>,
        /// Whether `updatedAt` is set to the simulator's current time. Default true.
        #[serde(default = "yes")]
        bump: bool,
    },
    /// Reschedules an event; `updatedAt` becomes now.
    Move {
        /// The event's id.
        id: String,
        /// The new start, UTC (`2026-03-01T14:00:00Z`), or null for none.
        start: Option<String>,
        /// The new duration in minutes, when it changes.
        #[serde(default)]
        duration: Option<i64>,
    },
    /// Gives an event to another technician, who must exist; `updatedAt` becomes now.
    Reassign {
        /// The event's id.
        id: String,
        /// The technician's id.
        user: String,
    },
    /// Sets an event's status to `CANCELED`; `updatedAt` becomes now.
    Cancel {
        /// The event's id.
        id: String,
    },
    /// Deletes a record: it is in no list and its getter returns null. Deleting a client deletes its contacts and
    /// pianos.
    Delete {
        /// The record's kind.
        kind: RecordKind,
        /// The record's id.
        id: String,
        /// Keeps references to it (ids of a missing record) instead of clearing them.
        #[serde(default)]
        keep_references: bool,
    },
    /// Merges a client into another: `from` is deleted; its contacts, pianos, events, invoices and entries move to
    /// `into`. The moved contacts are default ones only if `into` had none. `updatedAt` of all of them becomes now.
    MergeClients {
        /// The client that vanishes.
        from: String,
        /// The client that stays.
        into: String,
    },
    /// Adds a record. Missing `id`, `createdAt` and `updatedAt` are generated; the records it references must
    /// exist.
    Add {
        /// The record's kind.
        kind: RecordKind,
        /// The record.
        record: Map<String, Value>,
    },
    /// Adds an event unchanged, valid or not (any JSON, null included): nothing is checked or generated.
    AddRawEvent {
        /// The value in `nodes`.
        record: Value,
        /// The start by which lists place it if its own is unusable, UTC.
        #[serde(default)]
        listed_at: Option<String>,
    },
    /// Adds a broken record, near the current time.
    AddBadRecord {
        /// Which.
        bad_record: BadRecord,
    },
    /// Sets how often lists contain a record: 0 (its getter still returns it), 1, or 2 (in sequence; counted once).
    SetListed {
        /// The record's kind.
        kind: RecordKind,
        /// The record's id.
        id: String,
        /// 0, 1 or 2.
        times: u8,
    },
}

fn yes() -> bool {
    true
}

/// The result of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeResult {
    /// The ids of the records that the change named or added, not of all that it changed.
    pub ids: Vec<String>,
    /// The shop's version after the change.
    pub version: u64,
}

/// Why a change was refused; the shop is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such record.
    #[error("there is no {} {id}", kind.name())]
    NotFound {
        /// The kind looked for.
        kind: RecordKind,
        /// The id looked for.
        id: String,
    },
    /// The change is inconsistent; the reason.
    #[error("{0}")]
    Refused(String),
}

impl Shop {
    /// Applies a change, at `now` (seconds since 1970).
    pub(crate) fn apply(&mut self, change: Change, now: i64) -> Result<ChangeResult, ChangeError> {
        let ids = match change {
            Change::Edit { kind, id, fields, bump } => self.edit(kind, id, fields, bump.then_some(now))?,
            Change::Move { id, start, duration } => {
                if let Some(text) = &start {
                    text.parse::<jiff::Timestamp>()
                        .map_err(|error| ChangeError::Refused(format!("start {text}: {error}")))?;
                }
                let mut fields = Map::from_iter([("start".to_owned(), start.into())]);
                if let Some(minutes) = duration {
                    fields.insert("duration".to_owned(), minutes.into());
                }
                self.edit(RecordKind::Event, id, fields, Some(now))?
            }
            Change::Reassign { id, user } => {
                self.need(RecordKind::User, &user)?;
                let fields = Map::from_iter([("user".to_owned(), serde_json::json!({ "id": user }))]);
                self.edit(RecordKind::Event, id, fields, Some(now))?
            }
            Change::Cancel { id } => {
                let fields = Map::from_iter([("status".to_owned(), "CANCELED".into())]);
                self.edit(RecordKind::Event, id, fields, Some(now))?
            }
            Change::Delete { kind, id, keep_references } => self.delete(kind, id, keep_references)?,
            Change::MergeClients { from, into } => self.merge_clients(from, into, now)?,
            Change::Add { kind, record } => vec![self.add(kind, record, now)?],
            Change::AddRawEvent { record, listed_at } => self.add_raw_event(&record, listed_at.as_deref())?,
            Change::AddBadRecord { bad_record } => self.add_bad_record(bad_record, now),
            Change::SetListed { kind, id, times } => self.set_listed(kind, id, times)?,
        };
        self.changed();
        Ok(ChangeResult { ids, version: self.version() })
    }

    /// The place of a record, or the error that it does not exist.
    pub(super) fn need(&self, kind: RecordKind, id: &str) -> Result<u32, ChangeError> {
        self.table(kind).place(id).ok_or_else(|| ChangeError::NotFound { kind, id: id.to_owned() })
    }

    fn edit(
        &mut self,
        kind: RecordKind,
        id: String,
        fields: Map<String, Value>,
        bump: Option<i64>,
    ) -> Result<Vec<String>, ChangeError> {
        let place = self.need(kind, &id)?;
        if fields.get("id").is_some_and(|new| new.as_str() != Some(&id)) {
            return Err(ChangeError::Refused("an id cannot be edited".to_owned()));
        }
        self.rewrite(kind, place, |record| {
            if let Some(now) = bump {
                record.insert("updatedAt".to_owned(), utc_text(now).into());
            }
            for (name, value) in fields {
                match value {
                    Value::Null => record.remove(&name),
                    value => record.insert(name, value),
                };
            }
        });
        Ok(vec![id])
    }

    /// Lets `change` modify the record as a JSON object, and stores the result.
    pub(super) fn rewrite(
        &mut self,
        kind: RecordKind,
        place: u32,
        change: impl FnOnce(&mut Map<String, Value>),
    ) {
        let Some(row) = self.row(kind, place) else {
            return;
        };
        let mut record: Map<String, Value> = serde_json::from_str(&row.json).unwrap_or_default();
        let mut traits = row.traits;
        let before = record.get("start").cloned();
        change(&mut record);
        if record.get("start") != before.as_ref() {
            // From now on the record's own start determines its place in lists.
            traits.start = None;
        }
        let text = Value::Object(record).to_string();
        self.table_mut(kind).replace(place, Row::new(text, traits));
    }

    fn delete(
        &mut self,
        kind: RecordKind,
        id: String,
        keep_references: bool,
    ) -> Result<Vec<String>, ChangeError> {
        let place = self.need(kind, &id)?;
        let mut gone = vec![(kind, place, id.clone())];
        if kind == RecordKind::Client {
            for child in [RecordKind::Contact, RecordKind::Piano] {
                let children = self.of_client(child, &id);
                gone.extend(children.map(|(place, row)| (child, place, row.id.to_string())));
            }
        }
        for (kind, place, _) in &gone {
            self.table_mut(*kind).remove(*place);
        }
        if !keep_references {
            let ids: Vec<String> = gone.into_iter().map(|(_, _, id)| id).collect();
            self.clear_references(&ids);
        }
        Ok(vec![id])
    }

    /// Removes every reference to these ids. `updatedAt` stays.
    fn clear_references(&mut self, ids: &[String]) {
        let quoted: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
        let points_there = |value: &Value| {
            value.get("id").and_then(Value::as_str).is_some_and(|id| ids.iter().any(|gone| gone == id))
        };
        for kind in RecordKind::ALL {
            let holders: Vec<u32> = self
                .table(kind)
                .rows()
                .filter(|(_, row)| quoted.iter().any(|id| row.json.contains(id.as_str())))
                .map(|(place, _)| place)
                .collect();
            for place in holders {
                self.rewrite(kind, place, |record| {
                    record.retain(|_, value| !points_there(value));
                    for value in record.values_mut() {
                        let list = match value {
                            Value::Array(items) => Some(items),
                            Value::Object(object) => object.get_mut("nodes").and_then(Value::as_array_mut),
                            _ => None,
                        };
                        if let Some(items) = list {
                            items.retain(|item| !item.get("piano").is_some_and(points_there));
                        }
                    }
                });
            }
        }
    }

    fn set_listed(&mut self, kind: RecordKind, id: String, times: u8) -> Result<Vec<String>, ChangeError> {
        let place = self.need(kind, &id)?;
        if times > 2 {
            return Err(ChangeError::Refused(format!("a record cannot be listed {times} times")));
        }
        if let Some(row) = self.row(kind, place) {
            let mut traits = row.traits;
            traits.unlisted = times == 0;
            traits.listed_twice = times == 2;
            let row = Row::new(row.json.to_string(), traits);
            self.table_mut(kind).replace(place, row);
        }
        Ok(vec![id])
    }

    /// The total of a kind's unfiltered list.
    pub(crate) fn total(&self, kind: RecordKind) -> usize {
        self.list(&ListQuery::all(kind)).total
    }
}
