//! The shop: every record of the simulated Gazelle, and the only code that changes them.

mod add;
mod bad_records;
pub(crate) mod change;
mod generate;
mod generate_clients;
mod generate_contacts;
mod generate_events;
mod generate_pianos;
pub(crate) mod json;
pub(crate) mod kind;
pub(crate) mod list;
mod merge;
mod moments;
mod names;
mod oddities;
pub(crate) mod random;
pub(crate) mod row;
pub(crate) mod spec;
mod table;
mod user;

use std::sync::Arc;

use jiff::tz::TimeZone;

use kind::RecordKind;
use list::{List, ListCache, ListQuery};
use row::{Row, key_of};
use table::Table;

/// The time zone of a shop.
pub(crate) const COMPANY_ZONE: &str = "America/Toronto";

pub(crate) struct Shop {
    tables: Vec<Table>,
    lists: ListCache,
    /// Incremented by each change; cached answers are valid for one version.
    version: u64,
    zone: TimeZone,
    seed: u64,
    /// Number of ids created since the shop was generated.
    added: u64,
}

impl Shop {
    pub(crate) fn empty(seed: u64, zone: TimeZone) -> Self {
        let tables = RecordKind::ALL
            .iter()
            .map(|kind| Table::new(matches!(kind, RecordKind::Contact | RecordKind::Piano)))
            .collect();
        Self { tables, lists: ListCache::default(), version: 1, zone, seed, added: 0 }
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(crate) fn table(&self, kind: RecordKind) -> &Table {
        &self.tables[kind as usize]
    }

    fn table_mut(&mut self, kind: RecordKind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    pub(crate) fn row(&self, kind: RecordKind, place: u32) -> Option<&Row> {
        self.table(kind).get(place)
    }

    pub(crate) fn find(&self, kind: RecordKind, id: &str) -> Option<&Row> {
        self.table(kind).find(id)
    }

    pub(crate) fn list(&self, query: &ListQuery) -> Arc<List> {
        self.lists.get(query, self.table(query.kind))
    }

    /// The contacts or pianos of a client, in order of creation.
    pub(crate) fn of_client(&self, kind: RecordKind, client_id: &str) -> impl Iterator<Item = (u32, &Row)> {
        let table = self.table(kind);
        table.of_client(key_of(client_id)).iter().filter_map(|place| Some((*place, table.get(*place)?)))
    }

    /// The ids in the list of a kind, in order of creation, without duplicates and nulls.
    pub(crate) fn ids(&self, kind: RecordKind) -> Vec<String> {
        self.table(kind)
            .rows()
            .filter(|(_, row)| row.times_listed() > 0 && !row.id.is_empty())
            .map(|(_, row)| row.id.to_string())
            .collect()
    }

    /// The id of the client that a contact belongs to.
    pub(crate) fn client_of_contact(&self, contact: &str) -> Option<String> {
        let row = self.find(RecordKind::Contact, contact)?;
        let id = json::Fields::parse(&row.json).reference("client")?;
        Some(id.into_owned())
    }

    /// Must be called once after any change.
    fn changed(&mut self) {
        self.version += 1;
        self.lists.clear();
    }
}
