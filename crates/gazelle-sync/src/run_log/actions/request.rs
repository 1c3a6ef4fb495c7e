//! What can be asked for in the dashboard, as the columns `kind` and `arguments` hold it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::states::{RunMode, words};

words! {
    /// The kind of an action.
    ActionKind {
        /// A sync.
        Sync = "sync",
        /// Records in quarantine are tried again.
        Retry = "retry",
        /// A case of the quarantine is dismissed.
        Dismiss = "dismiss",
        /// Withheld deletions are carried out.
        Delete = "delete",
        /// The records of withheld deletions are kept.
        Keep = "keep",
        /// Production is compared with staging and Gazelle.
        Verify = "verify",
        /// Stage 2 is repeated for what a run touched, or for one record.
        Replay = "replay",
        /// A run is undone.
        Undo = "undo",
        /// The undo of a run is lifted.
        Lift = "lift",
        /// The checks of `doctor` are run.
        Doctor = "doctor",
    }
}

words! {
    /// How an action ended.
    ActionOutcome {
        /// It was done.
        Done = "done",
        /// It was done in part, and the reason says what was not.
        Partial = "partial",
        /// It failed, and changed nothing.
        Failed = "failed",
        /// It was not done, because that would have changed other or more than what was shown.
        Refused = "refused",
    }
}

/// Which records of the quarantine to try again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequest {
    /// Of this entity; of all if none is given.
    pub entity: Option<String>,
    /// These records or versions; all that are open if there are none.
    pub ids: Vec<String>,
    /// Those with this code alone, if one is given.
    pub code: Option<String>,
}

/// A case to dismiss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DismissalRequest {
    /// The entity.
    pub entity: String,
    /// The record or version.
    pub id: String,
    /// The reason that the person entered.
    pub reason: String,
}

/// Withheld deletions to decide on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRequest {
    /// The run that withheld them.
    pub run: Uuid,
    /// Their entity.
    pub entity: String,
    /// Records that are left as they are.
    pub except: Vec<String>,
    /// How many were shown: no more is decided.
    pub shown: u64,
}

/// A run to replay, undo or restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebuildRequest {
    /// The run.
    pub run: Uuid,
    /// Whether the changes are only shown.
    pub dry_run: bool,
}

/// A record to replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRequest {
    /// Its entity.
    pub entity: String,
    /// Its id at Gazelle.
    pub id: String,
    /// Whether the changes are only shown.
    pub dry_run: bool,
}

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionRequest {
    /// A sync in this mode.
    Sync(RunMode),
    /// See [`RetryRequest`].
    Retry(RetryRequest),
    /// See [`DismissalRequest`].
    Dismiss(DismissalRequest),
    /// See [`DecisionRequest`].
    Delete(DecisionRequest),
    /// See [`DecisionRequest`].
    Keep(DecisionRequest),
    /// A verification of all entities.
    Verify,
    /// See [`RebuildRequest`].
    Replay(RebuildRequest),
    /// See [`RecordRequest`].
    ReplayRecord(RecordRequest),
    /// See [`RebuildRequest`].
    Undo(RebuildRequest),
    /// See [`RebuildRequest`]; `run` is a run that is undone, or its undo.
    Lift(RebuildRequest),
    /// The checks of `doctor`.
    Doctor,
}

/// The arguments of a sync.
#[derive(Serialize, Deserialize)]
struct Mode {
    mode: RunMode,
}

impl ActionRequest {
    /// What a row says; none if this program does not know it: a newer one wrote it, or it was changed by hand.
    pub fn of(kind: &str, arguments: &Value) -> Option<ActionRequest> {
        fn read<T: for<'de> Deserialize<'de>>(from: &Value) -> Option<T> {
            T::deserialize(from).ok()
        }
        Some(match kind.parse().ok()? {
            ActionKind::Sync => ActionRequest::Sync(read::<Mode>(arguments)?.mode),
            ActionKind::Retry => ActionRequest::Retry(read(arguments)?),
            ActionKind::Dismiss => ActionRequest::Dismiss(read(arguments)?),
            ActionKind::Delete => ActionRequest::Delete(read(arguments)?),
            ActionKind::Keep => ActionRequest::Keep(read(arguments)?),
            ActionKind::Verify => ActionRequest::Verify,
            ActionKind::Replay => match read(arguments) {
                Some(of_run) => ActionRequest::Replay(of_run),
                None => ActionRequest::ReplayRecord(read(arguments)?),
            },
            ActionKind::Undo => ActionRequest::Undo(read(arguments)?),
            ActionKind::Lift => ActionRequest::Lift(read(arguments)?),
            ActionKind::Doctor => ActionRequest::Doctor,
        })
    }

    /// The kind.
    pub fn kind(&self) -> ActionKind {
        match self {
            ActionRequest::Sync(_) => ActionKind::Sync,
            ActionRequest::Retry(_) => ActionKind::Retry,
            ActionRequest::Dismiss(_) => ActionKind::Dismiss,
            ActionRequest::Delete(_) => ActionKind::Delete,
            ActionRequest::Keep(_) => ActionKind::Keep,
            ActionRequest::Verify => ActionKind::Verify,
            ActionRequest::Replay(_) | ActionRequest::ReplayRecord(_) => ActionKind::Replay,
            ActionRequest::Undo(_) => ActionKind::Undo,
            ActionRequest::Lift(_) => ActionKind::Lift,
            ActionRequest::Doctor => ActionKind::Doctor,
        }
    }

    /// The column `arguments`.
    pub fn arguments(&self) -> Value {
        fn of(arguments: &impl Serialize) -> Value {
            // Structs of texts, numbers and ids: nothing in them has no JSON.
            serde_json::to_value(arguments).unwrap_or_default()
        }
        match self {
            ActionRequest::Sync(mode) => of(&Mode { mode: *mode }),
            ActionRequest::Retry(retry) => of(retry),
            ActionRequest::Dismiss(dismissal) => of(dismissal),
            ActionRequest::Delete(decision) | ActionRequest::Keep(decision) => of(decision),
            ActionRequest::Verify | ActionRequest::Doctor => serde_json::json!({}),
            ActionRequest::ReplayRecord(record) => of(record),
            ActionRequest::Replay(rebuild) | ActionRequest::Undo(rebuild) | ActionRequest::Lift(rebuild) => {
                of(rebuild)
            }
        }
    }

    /// The run that is replayed, undone or restored.
    pub fn run(&self) -> Option<Uuid> {
        match self {
            ActionRequest::Replay(rebuild) | ActionRequest::Undo(rebuild) | ActionRequest::Lift(rebuild) => {
                Some(rebuild.run)
            }
            _ => None,
        }
    }

    /// Whether its changes are only shown.
    pub fn is_dry_run(&self) -> bool {
        match self {
            ActionRequest::Replay(rebuild) | ActionRequest::Undo(rebuild) | ActionRequest::Lift(rebuild) => {
                rebuild.dry_run
            }
            ActionRequest::ReplayRecord(record) => record.dry_run,
            _ => false,
        }
    }

    /// The same, applied: none for what is no dry run.
    pub fn applied(&self) -> Option<ActionRequest> {
        let of = |rebuild: &RebuildRequest| RebuildRequest { dry_run: false, ..*rebuild };
        let applied = match self {
            ActionRequest::Replay(rebuild) => ActionRequest::Replay(of(rebuild)),
            ActionRequest::Undo(rebuild) => ActionRequest::Undo(of(rebuild)),
            ActionRequest::Lift(rebuild) => ActionRequest::Lift(of(rebuild)),
            ActionRequest::ReplayRecord(record) => {
                ActionRequest::ReplayRecord(RecordRequest { dry_run: false, ..record.clone() })
            }
            _ => return None,
        };
        self.is_dry_run().then_some(applied)
    }

    /// Whether it is to change data in a transaction that notes so: all but a sync, a verification, an examination and what is
    /// only shown.
    pub fn applies(&self) -> bool {
        !self.is_dry_run()
            && !matches!(self, ActionRequest::Sync(_) | ActionRequest::Verify | ActionRequest::Doctor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_read_as_it_was_written() {
        let run = Uuid::nil();
        let decision =
            DecisionRequest { run, entity: "pianos".to_owned(), except: vec!["pno_1".to_owned()], shown: 12 };
        let rebuild = RebuildRequest { run, dry_run: true };
        let record = RecordRequest { entity: "pianos".to_owned(), id: "pno_1".to_owned(), dry_run: true };
        let dismissal = DismissalRequest {
            entity: "clients".to_owned(),
            id: "cli_1".to_owned(),
            reason: "made twice".to_owned(),
        };
        for (request, applies) in [
            (ActionRequest::Sync(RunMode::Full), false),
            (
                ActionRequest::Retry(RetryRequest { ids: vec!["a".to_owned()], ..RetryRequest::default() }),
                true,
            ),
            (ActionRequest::Dismiss(dismissal), true),
            (ActionRequest::Delete(decision.clone()), true),
            (ActionRequest::Keep(decision), true),
            (ActionRequest::Verify, false),
            (ActionRequest::Doctor, false),
            (ActionRequest::Replay(rebuild), false),
            (ActionRequest::ReplayRecord(record.clone()), false),
            (ActionRequest::ReplayRecord(RecordRequest { dry_run: false, ..record.clone() }), true),
            (ActionRequest::Undo(RebuildRequest { dry_run: false, ..rebuild }), true),
            (ActionRequest::Lift(rebuild), false),
        ] {
            assert_eq!(
                ActionRequest::of(request.kind().as_str(), &request.arguments()),
                Some(request.clone())
            );
            assert_eq!(request.applies(), applies, "{request:?}");
        }
        for (kind, arguments) in [("sync", "{}"), ("dance", "{}"), ("undo", "{\"run\": 1}"), ("keep", "[]")] {
            assert_eq!(ActionRequest::of(kind, &serde_json::from_str(arguments).unwrap()), None, "{kind}");
        }
    }

    #[test]
    fn only_a_dry_run_is_applied_and_as_what_it_was() {
        let rebuild = RebuildRequest { run: Uuid::nil(), dry_run: true };
        let record = RecordRequest { entity: "pianos".to_owned(), id: "pno_1".to_owned(), dry_run: true };
        for dry_run in [
            ActionRequest::Replay(rebuild),
            ActionRequest::ReplayRecord(record),
            ActionRequest::Undo(rebuild),
            ActionRequest::Lift(rebuild),
        ] {
            let applied = dry_run.applied().unwrap();
            assert_eq!(applied.kind(), dry_run.kind());
            assert!(applied.applies() && applied.applied().is_none());
        }
        assert_eq!(ActionRequest::Verify.applied(), None);
    }
}
