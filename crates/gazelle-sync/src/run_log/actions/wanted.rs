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
        /// Stage 2 is repeated for what a run touched.
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
pub struct WantedRetry {
    /// Of this entity; of all if none is given.
    pub entity: Option<String>,
    /// These records or versions; all that are open if there are none.
    pub ids: Vec<String>,
    /// Those with this code alone, if one is given.
    pub code: Option<String>,
}

/// A case to dismiss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedDismissal {
    /// The entity.
    pub entity: String,
    /// The record or version.
    pub id: String,
    /// The reason that the person entered.
    pub reason: String,
}

/// Withheld deletions to decide on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedDecision {
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
pub struct WantedRebuild {
    /// The run.
    pub run: Uuid,
    /// Whether the changes are only shown.
    pub dry_run: bool,
}

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A sync in this mode.
    Sync(RunMode),
    /// See [`WantedRetry`].
    Retry(WantedRetry),
    /// See [`WantedDismissal`].
    Dismiss(WantedDismissal),
    /// See [`WantedDecision`].
    Delete(WantedDecision),
    /// See [`WantedDecision`].
    Keep(WantedDecision),
    /// A verification of all entities.
    Verify,
    /// See [`WantedRebuild`].
    Replay(WantedRebuild),
    /// See [`WantedRebuild`].
    Undo(WantedRebuild),
    /// See [`WantedRebuild`]; `run` is a run that is undone, or its undo.
    Lift(WantedRebuild),
    /// The checks of `doctor`.
    Doctor,
}

/// The arguments of a sync.
#[derive(Serialize, Deserialize)]
struct Mode {
    mode: RunMode,
}

impl Wanted {
    /// What a row says; none if this program does not know it: a newer one wrote it, or it was changed by hand.
    pub fn of(kind: &str, arguments: &Value) -> Option<Wanted> {
        fn read<T: for<'de> Deserialize<'de>>(from: &Value) -> Option<T> {
            T::deserialize(from).ok()
        }
        Some(match kind.parse().ok()? {
            ActionKind::Sync => Wanted::Sync(read::<Mode>(arguments)?.mode),
            ActionKind::Retry => Wanted::Retry(read(arguments)?),
            ActionKind::Dismiss => Wanted::Dismiss(read(arguments)?),
            ActionKind::Delete => Wanted::Delete(read(arguments)?),
            ActionKind::Keep => Wanted::Keep(read(arguments)?),
            ActionKind::Verify => Wanted::Verify,
            ActionKind::Replay => Wanted::Replay(read(arguments)?),
            ActionKind::Undo => Wanted::Undo(read(arguments)?),
            ActionKind::Lift => Wanted::Lift(read(arguments)?),
            ActionKind::Doctor => Wanted::Doctor,
        })
    }

    /// The kind.
    pub fn kind(&self) -> ActionKind {
        match self {
            Wanted::Sync(_) => ActionKind::Sync,
            Wanted::Retry(_) => ActionKind::Retry,
            Wanted::Dismiss(_) => ActionKind::Dismiss,
            Wanted::Delete(_) => ActionKind::Delete,
            Wanted::Keep(_) => ActionKind::Keep,
            Wanted::Verify => ActionKind::Verify,
            Wanted::Replay(_) => ActionKind::Replay,
            Wanted::Undo(_) => ActionKind::Undo,
            Wanted::Lift(_) => ActionKind::Lift,
            Wanted::Doctor => ActionKind::Doctor,
        }
    }

    /// The column `arguments`.
    pub fn arguments(&self) -> Value {
        fn of(arguments: &impl Serialize) -> Value {
            // Structs of texts, numbers and ids: nothing in them has no JSON.
            serde_json::to_value(arguments).unwrap_or_default()
        }
        match self {
            Wanted::Sync(mode) => of(&Mode { mode: *mode }),
            Wanted::Retry(retry) => of(retry),
            Wanted::Dismiss(dismissal) => of(dismissal),
            Wanted::Delete(decision) | Wanted::Keep(decision) => of(decision),
            Wanted::Verify | Wanted::Doctor => serde_json::json!({}),
            Wanted::Replay(rebuild) | Wanted::Undo(rebuild) | Wanted::Lift(rebuild) => of(rebuild),
        }
    }

    /// The run of a replay, an undo or a lifting, and whether its changes are only shown.
    pub fn rebuild(&self) -> Option<WantedRebuild> {
        match self {
            Wanted::Replay(rebuild) | Wanted::Undo(rebuild) | Wanted::Lift(rebuild) => Some(*rebuild),
            _ => None,
        }
    }

    /// The same, applied: none for what is no dry run.
    pub fn applied(&self) -> Option<Wanted> {
        let rebuild = WantedRebuild { dry_run: false, ..self.rebuild().filter(|rebuild| rebuild.dry_run)? };
        Some(match self {
            Wanted::Replay(_) => Wanted::Replay(rebuild),
            Wanted::Undo(_) => Wanted::Undo(rebuild),
            _ => Wanted::Lift(rebuild),
        })
    }

    /// Whether it is to change data in a transaction that notes so: all but a sync, a verification, an examination and what is
    /// only shown.
    pub fn applies(&self) -> bool {
        let is_shown = self.rebuild().is_some_and(|rebuild| rebuild.dry_run);
        !is_shown && !matches!(self, Wanted::Sync(_) | Wanted::Verify | Wanted::Doctor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_read_as_it_was_written() {
        let run = Uuid::nil();
        let decision =
            WantedDecision { run, entity: "pianos".to_owned(), except: vec!["pno_1".to_owned()], shown: 12 };
        let rebuild = WantedRebuild { run, dry_run: true };
        let dismissal = WantedDismissal {
            entity: "clients".to_owned(),
            id: "cli_1".to_owned(),
            reason: "made twice".to_owned(),
        };
        for (wanted, applies) in [
            (Wanted::Sync(RunMode::Full), false),
            (Wanted::Retry(WantedRetry { ids: vec!["a".to_owned()], ..WantedRetry::default() }), true),
            (Wanted::Dismiss(dismissal), true),
            (Wanted::Delete(decision.clone()), true),
            (Wanted::Keep(decision), true),
            (Wanted::Verify, false),
            (Wanted::Doctor, false),
            (Wanted::Replay(rebuild), false),
            (Wanted::Undo(WantedRebuild { dry_run: false, ..rebuild }), true),
            (Wanted::Lift(rebuild), false),
        ] {
            assert_eq!(Wanted::of(wanted.kind().as_str(), &wanted.arguments()), Some(wanted.clone()));
            assert_eq!(wanted.applies(), applies, "{wanted:?}");
        }
        for (kind, arguments) in [("sync", "{}"), ("dance", "{}"), ("undo", "{\"run\": 1}"), ("keep", "[]")] {
            assert_eq!(Wanted::of(kind, &serde_json::from_str(arguments).unwrap()), None, "{kind}");
        }
    }

    #[test]
    fn only_a_dry_run_is_applied_and_as_what_it_was() {
        let rebuild = WantedRebuild { run: Uuid::nil(), dry_run: true };
        for dry_run in [Wanted::Replay(rebuild), Wanted::Undo(rebuild), Wanted::Lift(rebuild)] {
            let applied = dry_run.applied().unwrap();
            assert_eq!(applied.kind(), dry_run.kind());
            assert!(applied.applies() && applied.applied().is_none());
        }
        assert_eq!(Wanted::Verify.applied(), None);
    }
}
