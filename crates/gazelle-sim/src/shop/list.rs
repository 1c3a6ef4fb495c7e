//! Filtered and sorted lists of a table, cached until the shop changes.

use std::sync::Arc;

use super::kind::RecordKind;
use super::row::{NO_TIME, Row, key_of};
use super::table::Table;
use crate::fault_choices::Undated;

/// The query of a list. Equal queries have equal results until the shop changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ListQuery {
    pub kind: RecordKind,
    /// Bounds in seconds since 1970: the first included, the second excluded.
    pub start: Bounds,
    pub created: Bounds,
    /// Keys of the allowed values; `None` allows all.
    pub clients: Option<Vec<u64>>,
    pub users: Option<Vec<u64>>,
    pub pianos: Option<Vec<u64>>,
    pub types: Option<Vec<u64>>,
    pub statuses: Option<Vec<u64>>,
    /// A status that is excluded although no filter requests that.
    pub without_status: Option<&'static str>,
    pub archived: Option<bool>,
    pub order: Order,
    /// Where rows without the sort time are placed.
    pub undated: Undated,
}

/// Half-open bounds in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Bounds {
    pub from: Option<i64>,
    pub until: Option<i64>,
}

impl Bounds {
    fn admit(self, time: i64) -> bool {
        if self.from.is_none() && self.until.is_none() {
            return true;
        }
        time != NO_TIME
            && self.from.is_none_or(|from| time >= from)
            && self.until.is_none_or(|until| time < until)
    }
}

/// The order of a list; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    /// As the records were created in the shop.
    Natural,
    StartAscending,
    StartDescending,
    CreatedAscending,
    CreatedDescending,
}

/// The places of a list's rows, and the count that the API reports.
pub(crate) struct List {
    pub places: Vec<u32>,
    /// Number of rows; a row that is listed twice counts once.
    pub total: usize,
}

impl ListQuery {
    pub(crate) fn all(kind: RecordKind) -> Self {
        Self {
            kind,
            start: Bounds::default(),
            created: Bounds::default(),
            clients: None,
            users: None,
            pianos: None,
            types: None,
            statuses: None,
            without_status: None,
            archived: None,
            order: Order::Natural,
            undated: Undated::default(),
        }
    }

    pub(crate) fn admits(&self, row: &Row) -> bool {
        let one_of = |allowed: &Option<Vec<u64>>, value: u64| {
            allowed.as_ref().is_none_or(|keys| keys.contains(&value))
        };
        self.start.admit(row.start)
            && self.created.admit(row.created)
            && one_of(&self.clients, row.client)
            && one_of(&self.users, row.user)
            && one_of(&self.types, row.type_key)
            && one_of(&self.statuses, row.status_key)
            && self.archived.is_none_or(|wanted| row.archived == wanted)
            && self.pianos.as_ref().is_none_or(|keys| row.pianos.iter().any(|piano| keys.contains(piano)))
            && self.without_status.is_none_or(|status| row.status_key != key_of(status))
    }

    /// Scans the table once: the only work that grows with the shop, done once per query and change.
    pub(crate) fn build(&self, table: &Table) -> List {
        let mut chosen: Vec<(u32, &Row)> = table.rows().filter(|(_, row)| self.admits(row)).collect();
        let undated = self.undated;
        // The first part of the key places rows without a time before or after the others.
        let ascending = |time: i64| (time == NO_TIME && undated != Undated::Smallest, time);
        let descending = |time: i64| {
            let is_last = time == NO_TIME && undated != Undated::Largest;
            let is_first = time == NO_TIME && undated == Undated::Largest;
            (is_last, !is_first, std::cmp::Reverse(time))
        };
        match self.order {
            Order::Natural => {}
            Order::StartAscending => chosen.sort_unstable_by(|(_, a), (_, b)| {
                (ascending(a.start), &a.id).cmp(&(ascending(b.start), &b.id))
            }),
            Order::StartDescending => chosen.sort_unstable_by(|(_, a), (_, b)| {
                (descending(a.start), &a.id).cmp(&(descending(b.start), &b.id))
            }),
            Order::CreatedAscending => chosen.sort_unstable_by(|(_, a), (_, b)| {
                (ascending(a.created), &a.id).cmp(&(ascending(b.created), &b.id))
            }),
            Order::CreatedDescending => chosen.sort_unstable_by(|(_, a), (_, b)| {
                (descending(a.created), &a.id).cmp(&(descending(b.created), &b.id))
            }),
        }
        let total = chosen.iter().filter(|(_, row)| row.times_listed() > 0).count();
        let places = chosen
            .into_iter()
            .flat_map(|(place, row)| std::iter::repeat_n(place, row.times_listed()))
            .collect();
        List { places, total }
    }
}

/// The lists cached since the last change.
#[derive(Default)]
pub(crate) struct ListCache(std::sync::Mutex<std::collections::HashMap<ListQuery, Arc<List>>>);

impl ListCache {
    pub(crate) fn get(&self, query: &ListQuery, table: &Table) -> Arc<List> {
        if let Some(list) = self.lock().get(query) {
            return Arc::clone(list);
        }
        // Built outside the lock: concurrent requests may both build it, which does no harm.
        let list = Arc::new(query.build(table));
        self.lock().insert(query.clone(), Arc::clone(&list));
        list
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<ListQuery, Arc<List>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
