//! What a run could not list: records that name a parent which may exist, and was not listed, wait for a later run.
//!
//! They stay pending, since neither they nor the parent can be blamed for the list. Some of the parents are asked for by
//! their ids all the same; a record whose parent the API then denies waits in quarantine as usual.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entities::Entity;
use crate::entities::read::RecordError;
use crate::staging::missing_parents::MissingParent;

/// Most parents of unread lists that a run asks for by their ids. Each costs a request, and the list, once it is
/// well again, brings all of them.
pub const MOST_ASKED: usize = 200;

/// How much of an entity cannot be read in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The rest of its list.
    List,
    /// Records by their ids neither.
    Everything,
}

/// The entities that this run could not read whole. A row that production lacks there may exist at the source.
#[derive(Debug, Default)]
pub struct Unread(Mutex<UnreadState>);

#[derive(Debug, Default)]
struct UnreadState {
    /// By table.
    extent: HashMap<&'static str, Extent>,
    /// Parents that may be asked for by their ids, by the hash of table and id. Every process hashes differently, so
    /// that the next run asks for other parents.
    wanted: BTreeMap<u64, MissingParent>,
    /// Those that were taken to be asked for.
    taken: HashSet<u64>,
    hasher: RandomState,
    /// Parents that were asked for, by table and id, and that explain why a record cannot be written.
    denied: HashSet<(String, String)>,
    /// Records that stay pending, by the hash of table and id, with their entities: what names them stays pending too.
    left: HashMap<u64, &'static str>,
    /// Which entities have such records, with the tables of their parents that were not listed.
    waiting: BTreeSet<(&'static str, &'static str)>,
}

/// The records of an entity that stay pending, because they name parents that were not listed.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOfEntity {
    /// The entity.
    pub entity: &'static str,
    /// How many; no more than are remembered.
    pub records: usize,
    /// The tables of the parents that were not listed; none if all of them name records that stay pending themselves.
    pub tables: Vec<&'static str>,
}

/// Most records that are remembered as pending. What names another one waits in quarantine.
const MOST_LEFT: usize = 500_000;

impl Unread {
    /// Notes that nothing of an entity can be read.
    pub fn note(&self, entity: &Entity) {
        self.note_extent(entity, Extent::Everything);
    }

    /// Notes that the list of an entity could not be read to its end.
    pub fn note_unlisted(&self, entity: &Entity) {
        self.note_extent(entity, Extent::List);
    }

    fn note_extent(&self, entity: &Entity, extent: Extent) {
        let mut state = self.state();
        for table in entity.tables {
            state.extent.insert(table.name, extent);
        }
    }

    /// Whether the parent that a record waits for could not be listed in this run, so that the record stays
    /// pending.
    pub(super) fn excuses(&self, entity: &Entity, external_id: &str, error: &RecordError) -> bool {
        let Some((table, parent)) = &error.waits_for else { return false };
        let mut state = self.state();
        if state.extent.is_empty() {
            return false;
        }
        let own = state.hasher.hash_one((entity.tables[0].name, external_id));
        if !state.may_exist(table, parent) {
            state.left.remove(&own);
            return false;
        }
        if state.left.len() < MOST_LEFT {
            state.left.insert(own, entity.name);
        }
        let extent = state.extent.get(table).copied();
        if extent.is_some() {
            state.waiting.insert((entity.name, table));
        }
        if extent == Some(Extent::List) {
            state.want(table, parent, entity, external_id);
        }
        true
    }

    /// Notes that a record stays pending, since its parent does.
    pub(super) fn note_left(&self, entity: &Entity, external_id: &str) {
        let mut state = self.state();
        let own = state.hasher.hash_one((entity.tables[0].name, external_id));
        if state.left.len() < MOST_LEFT {
            state.left.insert(own, entity.name);
        }
    }

    /// Notes that these records do not stay pending any longer.
    pub(super) fn note_settled<'i>(&self, entity: &Entity, ids: impl Iterator<Item = &'i str>) {
        let mut state = self.state();
        if state.left.is_empty() {
            return;
        }
        for id in ids {
            let own = state.hasher.hash_one((entity.tables[0].name, id));
            state.left.remove(&own);
        }
    }

    /// Whether the list of the entity with this table could not be read to its end.
    pub fn is_unlisted(&self, table: &str) -> bool {
        self.state().extent.contains_key(table)
    }

    /// Takes the parents to ask for by their ids next: `MOST_ASKED` at most in all.
    pub fn take_wanted(&self) -> Vec<MissingParent> {
        let mut state = self.state();
        let wanted = std::mem::take(&mut state.wanted);
        state.taken.extend(wanted.keys());
        wanted.into_values().collect()
    }

    /// Notes parents that were asked for and are not to be had: what names them waits in quarantine. Returns whether
    /// any of them is of a list that could not be read.
    pub fn note_denied<'p>(&self, parents: impl IntoIterator<Item = &'p MissingParent>) -> bool {
        let mut state = self.state();
        let denied = parents.into_iter().filter(|parent| state.extent.contains_key(parent.table.as_str()));
        let denied: Vec<(String, String)> =
            denied.map(|parent| (parent.table.clone(), parent.external_id.clone())).collect();
        let has_any = !denied.is_empty();
        state.denied.extend(denied);
        has_any
    }

    /// The records that stay pending, by entity.
    pub fn left(&self) -> Vec<LeftOfEntity> {
        let state = self.state();
        let mut records: BTreeMap<&'static str, usize> = BTreeMap::new();
        state.left.values().for_each(|entity| *records.entry(entity).or_default() += 1);
        let tables =
            |entity| state.waiting.iter().filter(move |(of, _)| *of == entity).map(|(_, table)| *table);
        records
            .into_iter()
            .map(|(entity, records)| LeftOfEntity { entity, records, tables: tables(entity).collect() })
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, UnreadState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnreadState {
    /// Whether a parent that production lacks may exist: it was not listed, or stays pending itself.
    fn may_exist(&self, table: &str, parent: &str) -> bool {
        let is_denied = || self.denied.contains(&(table.to_owned(), parent.to_owned()));
        self.left.contains_key(&self.hasher.hash_one((table, parent)))
            || self.extent.contains_key(table) && !is_denied()
    }

    fn want(&mut self, table: &str, parent: &str, entity: &Entity, external_id: &str) {
        let hash = self.hasher.hash_one((table, parent));
        let room = MOST_ASKED.saturating_sub(self.taken.len());
        let is_late = || self.wanted.last_key_value().is_none_or(|(last, _)| *last < hash);
        let is_known = self.taken.contains(&hash) || self.wanted.contains_key(&hash);
        if is_known || self.wanted.len() >= room && is_late() {
            return;
        }
        let wanted = MissingParent {
            table: table.to_owned(),
            external_id: parent.to_owned(),
            child_entity: entity.name.to_owned(),
            child_external_id: external_id.to_owned(),
            asks: 0,
        };
        self.wanted.insert(hash, wanted);
        if self.wanted.len() > room {
            self.wanted.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::entity;

    fn names(id: &str) -> RecordError {
        RecordError::missing_parent("piano.id", "gazelle_pianos", id)
    }

    #[test]
    fn however_many_parents_were_not_listed_a_run_asks_for_a_few_of_them() {
        let (pianos, appointments) = (entity("pianos").unwrap(), entity("appointments").unwrap());
        let unread = Unread::default();
        assert!(!unread.excuses(appointments, "e", &names("p")), "they were listed");
        unread.note_unlisted(pianos);
        for n in 0..MOST_ASKED * 3 {
            assert!(unread.excuses(appointments, "e", &names(&format!("p{n}"))));
            assert!(unread.excuses(appointments, "f", &names(&format!("p{n}"))));
        }
        let wanted = unread.take_wanted();
        let distinct: HashSet<&str> = wanted.iter().map(|parent| parent.external_id.as_str()).collect();
        assert_eq!((wanted.len(), distinct.len()), (MOST_ASKED, MOST_ASKED));
        for n in 0..MOST_ASKED * 4 {
            assert!(unread.excuses(appointments, "e", &names(&format!("p{n}"))));
        }
        assert_eq!(unread.take_wanted(), [], "of the next round too");
        let left = || {
            unread.left().into_iter().map(|left| (left.entity, left.records, left.tables)).collect::<Vec<_>>()
        };
        assert_eq!(left(), [("appointments", 2, vec!["gazelle_pianos"])], "however often each was looked at");
        unread.note_settled(appointments, ["f"].into_iter());
        assert_eq!(left(), [("appointments", 1, vec!["gazelle_pianos"])], "one of them was written");
        assert!(unread.note_denied(&wanted[..1]));
        assert!(!unread.excuses(appointments, "e", &names(&wanted[0].external_id)));
        assert!(unread.excuses(appointments, "e", &names(&wanted[1].external_id)));
    }

    #[test]
    fn what_names_a_record_that_stays_pending_does_so_too() {
        let of = |name| entity(name).unwrap();
        let (clients, pianos, appointments) = (of("clients"), of("pianos"), of("appointments"));
        let unread = Unread::default();
        unread.note_unlisted(clients);
        let of_client = RecordError::missing_parent("client.id", "gazelle_clients", "c");
        assert!(!unread.excuses(appointments, "e", &names("p")), "pianos were listed");
        assert!(unread.excuses(pianos, "p", &of_client));
        assert!(unread.excuses(appointments, "e", &names("p")));
        let tables: Vec<_> = unread.left().into_iter().map(|left| (left.entity, left.tables)).collect();
        assert_eq!(
            tables,
            [("appointments", vec![]), ("pianos", vec!["gazelle_clients"])],
            "pianos were listed"
        );
        let wanted = unread.take_wanted();
        assert_eq!(wanted.iter().map(|parent| parent.external_id.as_str()).collect::<Vec<_>>(), ["c"]);
        // Now the client is known not to exist: both wait in quarantine.
        assert!(unread.note_denied(&wanted));
        assert!(!unread.excuses(pianos, "p", &of_client));
        assert!(!unread.excuses(appointments, "e", &names("p")));
    }

    #[test]
    fn nobody_is_asked_for_where_nothing_can_be_read() {
        let (pianos, appointments) = (entity("pianos").unwrap(), entity("appointments").unwrap());
        let unread = Unread::default();
        unread.note(pianos);
        assert!(unread.excuses(appointments, "e", &names("p")));
        assert_eq!(unread.take_wanted(), []);
    }
}
