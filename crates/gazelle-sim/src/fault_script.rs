//! The faults that wait for their requests, and what they say of one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::faults::{Fault, FaultKind};
use crate::graphql::schema::{Edit, Edits};
use crate::graphql::tweak::{Tweak, What};
use crate::requests::Asked;
use crate::shop::change::Change;

/// A function called after an answer was made.
pub(crate) type Callback = Arc<dyn Fn() + Send + Sync>;

/// A fault as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultState {
    /// What `SimControl::add_fault` returned.
    pub id: u64,
    /// The fault as it was added.
    pub fault: Fault,
    /// Matching requests so far, those that it let pass included.
    pub seen: u64,
    /// Requests that it spoiled.
    pub fired: u64,
}

impl FaultState {
    fn has_more(&self) -> bool {
        self.fault.times.is_none_or(|times| self.fired < times)
    }
}

#[derive(Default)]
pub(crate) struct Script {
    entries: Mutex<Entries>,
    /// Lets requests pass without the lock while there is nothing to do.
    any: AtomicBool,
}

#[derive(Default)]
struct Entries {
    states: Vec<(FaultState, Option<Callback>)>,
    next_id: u64,
}

/// What the faults do to one request.
#[derive(Default)]
pub(crate) struct Verdict {
    pub names: Vec<&'static str>,
    pub slow_milliseconds: u64,
    pub instead: Option<FaultKind>,
    pub tweaks: Vec<Tweak>,
    pub edits: Edits,
    pub padding: usize,
    /// Limits of a query, each a `QueryLimit`.
    pub limits: Vec<FaultKind>,
    /// Whether the answer is packed, and if so whether that is said.
    pub gzip: Option<bool>,
    pub changes: Vec<Change>,
    pub calls: Vec<Callback>,
}

impl Verdict {
    /// Whether the answer is the shop's own, so that a prepared one may serve.
    pub(crate) fn leaves_answer(&self) -> bool {
        self.tweaks.is_empty() && self.edits.is_empty() && self.limits.is_empty()
    }
}

impl Script {
    pub(crate) fn add(&self, fault: Fault, callback: Option<Callback>) -> u64 {
        let mut entries = self.lock();
        entries.next_id += 1;
        let id = entries.next_id;
        let state = FaultState { id, fault, seen: 0, fired: 0 };
        entries.states.push((state, callback));
        self.any.store(true, Ordering::SeqCst);
        id
    }

    pub(crate) fn list(&self) -> Vec<FaultState> {
        self.lock().states.iter().map(|(state, _)| state.clone()).collect()
    }

    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut entries = self.lock();
        let before = entries.states.len();
        entries.states.retain(|(state, _)| state.id != id);
        self.any.store(!entries.states.is_empty(), Ordering::SeqCst);
        entries.states.len() < before
    }

    pub(crate) fn clear(&self) {
        let mut entries = self.lock();
        entries.states.clear();
        self.any.store(false, Ordering::SeqCst);
    }

    /// What the faults do to this request; those that do something are used up by one.
    pub(crate) fn judge(&self, asked: &Asked) -> Verdict {
        let mut verdict = Verdict::default();
        if !self.any.load(Ordering::SeqCst) {
            return verdict;
        }
        let introspects = asked.introspects();
        for (state, callback) in &mut self.lock().states {
            if introspects && state.has_more() && state.seen >= state.fault.skip {
                // Introspection shows the schema as it is now, and uses nothing up.
                verdict.edits.extend(Edit::of(&state.fault.kind));
            }
            let taken = verdict.instead.is_some() && state.fault.kind.replaces_answer();
            if taken || !state.has_more() || !asked.matches(&state.fault) {
                continue;
            }
            state.seen += 1;
            if state.seen > state.fault.skip {
                state.fired += 1;
                verdict.take(&state.fault, callback.as_ref());
            }
        }
        verdict
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verdict {
    /// Takes over what a fault does to the request.
    fn take(&mut self, fault: &Fault, callback: Option<&Callback>) {
        self.names.push(fault.kind.name());
        if let Some(edit) = Edit::of(&fault.kind) {
            self.edits.insert(edit);
            return;
        }
        if let Some(what) = tweak_of(&fault.kind) {
            self.tweaks.push(Tweak { root_field: fault.root_field.clone(), what });
            return;
        }
        match &fault.kind {
            kind if kind.replaces_answer() => self.instead = Some(kind.clone()),
            FaultKind::Slow { milliseconds } => self.slow_milliseconds += milliseconds,
            FaultKind::Padding { bytes } => self.padding = self.padding.max(*bytes),
            FaultKind::QueryLimit { .. } => self.limits.push(fault.kind.clone()),
            FaultKind::Gzip { announced } => self.gzip = Some(*announced),
            FaultKind::ChangeAfter { changes } => self.changes.extend(changes.iter().cloned()),
            _ => self.calls.extend(callback.cloned()),
        }
    }
}

/// What a fault changes in an answer while it is written, if it is one of those.
fn tweak_of(kind: &FaultKind) -> Option<What> {
    Some(match kind {
        FaultKind::RecordFault { id, field, message, takes } => What::RecordFault {
            id: id.clone(),
            field: field.clone(),
            message: message.clone(),
            takes: *takes,
        },
        FaultKind::RecordRefused { id, code } => What::RecordRefused { id: id.clone(), code: code.clone() },
        FaultKind::RawByte { id, field } => What::RawByte { id: id.clone(), field: field.clone() },
        FaultKind::UndatedOrder { order } => What::Undated(*order),
        FaultKind::RepeatCursor => What::RepeatCursor,
        FaultKind::OverlappingPages { at } => What::OverlappingPages { at: *at },
        FaultKind::ShortPage { most } => What::ShortPage { most: *most },
        FaultKind::EmptyList => What::EmptyList,
        FaultKind::TotalOff { by } => What::TotalOff { by: *by },
        FaultKind::PartialData { message, null_nodes, missing_nodes } => {
            What::Partial { message: message.clone(), null_nodes: *null_nodes, missing_nodes: *missing_nodes }
        }
        FaultKind::FieldValue { field, type_name, value, nodes } => What::Value {
            type_name: type_name.clone(),
            field: field.clone(),
            json: value.to_string(),
            times: *nodes,
        },
        _ => return None,
    })
}
