//! The records of one kind, by id, by client, or in order of creation.

use std::collections::HashMap;

use super::row::{Row, key_of};

#[derive(Default)]
pub(crate) struct Table {
    /// Places are never reused, which keeps the order of creation.
    rows: Vec<Option<Row>>,
    by_id: HashMap<u64, u32>,
    by_client: HashMap<u64, Vec<u32>>,
    /// Whether `by_client` is maintained (only for contacts and pianos).
    keeps_clients: bool,
}

impl Table {
    pub(crate) fn new(keeps_clients: bool) -> Self {
        Self { keeps_clients, ..Self::default() }
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.rows.reserve_exact(more);
        self.by_id.reserve(more);
    }

    pub(crate) fn get(&self, place: u32) -> Option<&Row> {
        self.rows.get(place as usize)?.as_ref()
    }

    pub(crate) fn place(&self, id: &str) -> Option<u32> {
        self.by_id.get(&key_of(id)).copied()
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Row> {
        self.get(self.place(id)?)
    }

    /// All rows with their places, in order of creation.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u32, &Row)> {
        self.rows.iter().enumerate().filter_map(|(place, row)| Some((place as u32, row.as_ref()?)))
    }

    pub(crate) fn of_client(&self, client: u64) -> &[u32] {
        self.by_client.get(&client).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn insert(&mut self, row: Row) -> u32 {
        let place = self.rows.len() as u32;
        if !row.id.is_empty() {
            self.by_id.insert(key_of(&row.id), place);
        }
        self.link(&row, place);
        self.rows.push(Some(row));
        place
    }

    /// Replaces a row in its place; its id stays the same.
    pub(crate) fn replace(&mut self, place: u32, row: Row) {
        self.unlink(place);
        self.link(&row, place);
        if let Some(slot) = self.rows.get_mut(place as usize) {
            *slot = Some(row);
        }
    }

    pub(crate) fn remove(&mut self, place: u32) -> Option<Row> {
        self.unlink(place);
        let row = self.rows.get_mut(place as usize)?.take()?;
        if !row.id.is_empty() {
            self.by_id.remove(&key_of(&row.id));
        }
        Some(row)
    }

    fn link(&mut self, row: &Row, place: u32) {
        if self.keeps_clients && row.client != 0 {
            let places = self.by_client.entry(row.client).or_default();
            let at = places.partition_point(|other| *other < place);
            places.insert(at, place);
        }
    }

    fn unlink(&mut self, place: u32) {
        if !self.keeps_clients {
            return;
        }
        let Some(client) = self.get(place).map(|row| row.client) else {
            return;
        };
        if let Some(places) = self.by_client.get_mut(&client) {
            places.retain(|other| *other != place);
        }
    }
}
