//! Describes an action in sentences: what it does, its progress, and how to reverse it.

use uuid::Uuid;

use crate::dashboard::page::{Frame, PageRequest, entity_name};
use crate::dashboard::screens::quarantine::description::Facts;
use crate::dashboard::words::actions as w;
use crate::dashboard::words::locale::Locale;
use crate::run_log::actions::{
    Action, ActionKind, ActionOutcome, ActionRequest, DecisionRequest, RetryRequest,
};
use crate::states::CaseState;

/// A state with its shape, its colour and its words.
pub(super) struct State {
    pub(super) class: &'static str,
    pub(super) shape: &'static str,
    pub(super) word: String,
}

/// A form with one button.
pub(super) struct Button {
    pub(super) action: &'static str,
    pub(super) label: String,
    /// Names and values of hidden fields.
    pub(super) fields: Vec<(&'static str, String)>,
}

/// What was asked for.
pub(super) fn action_title(action: &Action, t: &Locale) -> String {
    let Some(request) = action.request() else { return t.fill(w::UNKNOWN, &[("kind", &action.kind)]) };
    let said = match &request {
        ActionRequest::Sync(mode) if *mode == crate::states::RunMode::Full => {
            t.say(w::SYNC_FULL).into_owned()
        }
        ActionRequest::Sync(_) => t.say(w::SYNC).into_owned(),
        ActionRequest::Retry(retry) => retried(retry, t),
        ActionRequest::Dismiss(dismissal) => {
            let entity = entity_name(&dismissal.entity, t);
            t.fill(w::DISMISS_ONE, &[("id", &dismissal.id), ("entity", &entity)])
        }
        ActionRequest::Delete(decision) => decided(decision, w::DELETE_SOME, t),
        ActionRequest::Keep(decision) => decided(decision, w::KEEP_SOME, t),
        ActionRequest::Verify => t.say(w::VERIFY).into_owned(),
        ActionRequest::Replay(_) => t.say(w::REPLAY).into_owned(),
        ActionRequest::ReplayRecord(record) => {
            let entity = entity_name(&record.entity, t);
            t.fill(w::REPLAY_ONE, &[("id", &record.id), ("entity", &entity)])
        }
        ActionRequest::Undo(_) => t.say(w::UNDO).into_owned(),
        ActionRequest::Lift(_) => t.say(w::LIFT).into_owned(),
        ActionRequest::Doctor => t.say(w::DOCTOR).into_owned(),
    };
    match request.is_dry_run() {
        true => t.fill(w::DRY_RUN_OF, &[("what", &said)]),
        false => said,
    }
}

fn retried(retry: &RetryRequest, t: &Locale) -> String {
    let entity = retry.entity.as_deref().map(|entity| entity_name(entity, t));
    if let [id] = retry.ids.as_slice() {
        return t.fill(w::RETRY_ONE, &[("id", id), ("entity", &entity.unwrap_or_default())]);
    }
    let reason = retry.code.as_deref().map(|code| {
        Facts { state: CaseState::Open, code, field: Some("…"), external_id: "", parent: None }.reason(t)
    });
    let parts: Vec<String> = entity.into_iter().chain(reason).collect();
    let what = if parts.is_empty() { t.say(w::ALL_CODES).into_owned() } else { parts.join(", ") };
    t.fill(w::RETRY_ALL, &[("what", &what)])
}

fn decided(
    decision: &DecisionRequest,
    counted: crate::dashboard::words::sentence::CountedSentence,
    t: &Locale,
) -> String {
    let shown = i64::try_from(decision.shown).unwrap_or(i64::MAX);
    let entity = entity_name(&decision.entity, t);
    t.fill(counted.of(shown, t.language), &[("n", &t.number(shown)), ("entity", &entity)])
}

/// How far it came.
pub(super) fn state(action: &Action, t: &Locale) -> State {
    let (class, shape, word) = match action.outcome {
        None if action.taken_at.is_none() => ("off", "○", w::WAITING),
        None => ("run", "◐", w::AT_WORK),
        Some(ActionOutcome::Done) => ("ok", "●", w::DONE),
        Some(ActionOutcome::Partial) => ("warn", "▲", w::PARTIAL),
        Some(ActionOutcome::Refused) => ("warn", "◇", w::REFUSED),
        Some(ActionOutcome::Failed) => ("bad", "■", w::FAILED),
    };
    State { class, shape, word: t.say(word).into_owned() }
}

/// How far it came, in sentences.
pub(super) fn sentences(action: &Action, t: &Locale) -> Vec<String> {
    let mut told = Vec::new();
    match (action.taken_at, action.ended_at, action.applied_at) {
        (None, None, _) => told.push(t.say(w::WAITING_HOW).into_owned()),
        (Some(_), None, Some(at)) => told.push(t.fill(w::APPLIED_NOT_ENDED, &[("at", &t.when(at))])),
        (Some(at), None, None) => told.push(t.fill(w::AT_WORK_HOW, &[("at", &t.when(at))])),
        (_, Some(_), Some(at)) => told.push(t.fill(w::CHANGED_AT, &[("at", &t.when(at))])),
        (_, Some(_), None) => {
            let is_sync = kind(action) == Some(ActionKind::Sync);
            if !is_sync && matches!(action.outcome, Some(ActionOutcome::Failed | ActionOutcome::Refused)) {
                told.push(t.say(w::NOTHING_CHANGED).into_owned());
            }
        }
    }
    // What has changed the data is never begun again: the times before changed nothing.
    if action.times_taken > 1 {
        told.push(t.count(w::BEGUN_AGAIN, action.times_taken - 1));
    }
    told
}

/// What the engine says, in English.
pub(super) fn reasons(action: &Action) -> Vec<String> {
    action.reason.as_deref().map(|text| text.split("; ").map(str::to_owned).collect()).unwrap_or_default()
}

/// The run that did it, or that it is about.
pub(super) fn run_of(action: &Action) -> Option<Uuid> {
    let about = match action.request() {
        Some(ActionRequest::Delete(decision) | ActionRequest::Keep(decision)) => Some(decision.run),
        Some(request) => request.run(),
        None => None,
    };
    // A run that never began is not recorded.
    let own = action.run_id.filter(|_| action.applied_at.is_some() || kind(action) == Some(ActionKind::Sync));
    own.or(about)
}

/// A sentence about the way back, and what leads there; none where there is nothing to take back.
pub(super) fn way_back(action: &Action, frame: &Frame) -> Option<(Option<String>, Option<Button>)> {
    let t = frame.locale();
    let request = action.request()?;
    action.ended_at?;
    let is_sync = matches!(request, ActionRequest::Sync(_));
    if action.applied_at.is_none() && !is_sync {
        return None;
    }
    let button = |action, label, run: Uuid| {
        let label = t.say(label).into_owned();
        Button { action, label, fields: vec![("run", run.to_string())] }
    };
    let say = |said| Some(t.say(said).into_owned());
    let (sentence, button) = match request {
        ActionRequest::Sync(_) => {
            (None, action.run_id.map(|run| button("/app/actions/undo", w::BACK_UNDO, run)))
        }
        ActionRequest::Undo(_) => {
            (None, action.run_id.map(|run| button("/app/actions/lift", w::LIFT_THIS, run)))
        }
        ActionRequest::Lift(_) => {
            (None, action.run_id.map(|run| button("/app/actions/undo", w::BACK_UNDO, run)))
        }
        ActionRequest::Delete(_) => {
            (say(w::BACK_OF_DELETE), action.run_id.map(|run| button("/app/actions/undo", w::BACK_UNDO, run)))
        }
        ActionRequest::Keep(_) => (say(w::BACK_OF_KEEP), None),
        ActionRequest::Replay(_) | ActionRequest::ReplayRecord(_) => (say(w::BACK_OF_REPLAY), None),
        ActionRequest::Dismiss(dismissal) => {
            let fields = vec![("entity", dismissal.entity), ("id", dismissal.id)];
            let label = t.say(w::TRY_AGAIN).into_owned();
            (None, Some(Button { action: "/app/actions/retry", label, fields }))
        }
        ActionRequest::Retry(_) | ActionRequest::Verify | ActionRequest::Doctor => return None,
    };
    // The office may try again; everything else is the operator's.
    let may = |button: &Button| match button.action {
        "/app/actions/retry" => frame.may_office(),
        _ => frame.may_operator(),
    };
    let button = button.filter(may);
    (sentence.is_some() || button.is_some()).then_some((sentence, button))
}

/// Whether an action is a dry run that has ended well, and that this viewer asked for.
pub(super) fn may_apply(action: &Action, asked: &PageRequest) -> bool {
    is_applicable(action) && is_own(action, asked)
}

/// Whether an action is a dry run that has ended well.
pub(super) fn is_applicable(action: &Action) -> bool {
    let is_dry_run = action.request().and_then(|request| request.applied()).is_some();
    is_dry_run && action.outcome == Some(ActionOutcome::Done)
}

/// Whether this viewer asked for it.
pub(super) fn is_own(action: &Action, asked: &PageRequest) -> bool {
    action.asked_by == asked.viewer.person().map(|person| person.id)
}

/// The kind of an action, if this program knows it.
pub(super) fn kind(action: &Action) -> Option<ActionKind> {
    action.kind.parse().ok()
}
