//! The scripted faults, and which of them apply to a request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::faults::{Fault, FaultKind};
use crate::graphql::schema::{Edit, Edits};
use crate::graphql::tweak::{AnswerChange, Tweak};
use crate::requests::ParsedRequest;
use crate::shop::change::Change;

/// A function called after an answer was made.
pub(crate) type Callback = Arc<dyn Fn() + Send + Sync>;

/// A fault and its counters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultState {
    /// What `SimControl::add_fault` returned.
    pub id: u64,
    /// The fault as it was added.
    pub fault: Fault,
    /// Number of matching requests so far, including skipped ones.
    pub seen: u64,
    /// Number of requests that it affected.
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
    /// Avoids the lock while there are no faults.
    any: AtomicBool,
}

#[derive(Default)]
struct Entries {
    states: Vec<(FaultState, Option<Callback>)>,
    next_id: u64,
}

/// The effects of the faults on one request.
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
    /// Whether the answer is compressed, and if so whether `Content-Encoding` says so.
    pub gzip: Option<bool>,
    pub changes: Vec<Change>,
    pub calls: Vec<Callback>,
}

impl Verdict {
    /// Whether the answer is unchanged, so that a cached one can be used.
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

    /// The effects on this request; each fault that has one is used up by one.
    pub(crate) fn judge(&self, asked: &ParsedRequest) -> Verdict {
        let mut verdict = Verdict::default();
        if !self.any.load(Ordering::SeqCst) {
            return verdict;
        }
        let introspects = asked.introspects();
        for (state, callback) in &mut self.lock().states {
            if introspects && state.has_more() && state.seen >= state.fault.skip {
                // Introspection shows the current schema and uses up no fault.
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
    /// Adds the effects of a fault.
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

/// The change of an answer while it is written, for faults that make one.
fn tweak_of(kind: &FaultKind) -> Option<AnswerChange> {
    Some(match kind {
        FaultKind::RecordFault { id, field, message, takes } => AnswerChange::RecordFault {
            id: id.clone(),
            field: field.clone(),
            message: message.clone(),
            takes: *takes,
        },
        FaultKind::RecordRefused { id, code } => {
            AnswerChange::RecordRefused { id: id.clone(), code: code.clone() }
        }
        FaultKind::RawByte { id, field } => AnswerChange::RawByte { id: id.clone(), field: field.clone() },
        FaultKind::UndatedOrder { order } => AnswerChange::Undated(*order),
        FaultKind::RepeatCursor => AnswerChange::RepeatCursor,
        FaultKind::OverlappingPages { at } => AnswerChange::OverlappingPages { at: *at },
        FaultKind::ShortPage { most } => AnswerChange::ShortPage { most: *most },
        FaultKind::EmptyList => AnswerChange::EmptyList,
        FaultKind::TotalOff { by } => AnswerChange::TotalOff { by: *by },
        FaultKind::PartialData { message, null_nodes, missing_nodes } => AnswerChange::Partial {
            message: message.clone(),
            null_nodes: *null_nodes,
            missing_nodes: *missing_nodes,
        },
        FaultKind::FieldValue { field, type_name, value, nodes } => AnswerChange::Value {
            type_name: type_name.clone(),
            field: field.clone(),
            json: value.to_string(),
            times: *nodes,
        },
        _ => return None,
    })
}
