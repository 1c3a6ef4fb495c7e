//! The macro `words!`, which defines an enum together with the text by which each variant is stored, printed and
//! parsed, and the enums of states and modes. SQL statements that ask for a single state contain that text literally.

use std::fmt;

use clap::ValueEnum;
use clap::builder::PossibleValue;

/// A text that no variant of an enum has: written by a newer version of the program, or changed by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// The text.
    pub(crate) value: String,
    /// The texts of the enum's variants.
    pub(crate) expected: &'static [&'static str],
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown value {:?}, expected one of: {}", self.value, self.expected.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

/// Defines an enum whose variants each have a text. The text is written once: `as_str`, `Display`, `FromStr` and
/// both directions of JSON use it.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:expr,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// All variants.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The text by which it is stored and printed.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::states::UnknownWord;

            fn from_str(word: &str) -> Result<$name, Self::Err> {
                const EXPECTED: &[&str] = &[$($word),*];
                let known = $name::ALL.iter().copied().find(|known| known.as_str() == word);
                known.ok_or_else(|| $crate::states::UnknownWord {
                    value: word.to_owned(),
                    expected: EXPECTED,
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(from)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use words;

words! {
    /// The state of a quarantine case.
    CaseState {
        /// The version is not in production, and waits for nothing that is known.
        Open = "open",
        /// The record waits for its parent.
        Waiting = "waiting",
        /// Closed: this version was reconciled on a later try.
        Released = "released",
        /// Closed: a newer version of the reconciler can read it.
        Reread = "reread",
        /// Closed: a newer version of the record was reconciled.
        Superseded = "superseded",
        /// Closed: the run that staged the version was undone.
        Withdrawn = "withdrawn",
        /// Closed manually; the record stays out of production.
        Dismissed = "dismissed",
    }
}

impl CaseState {
    /// Whether the case still keeps its version out of production.
    pub fn is_open(self) -> bool {
        matches!(self, CaseState::Open | CaseState::Waiting)
    }
}

words! {
    /// The state of a version in staging.
    VersionStatus {
        /// Stage 2 has not processed it yet.
        Pending = "pending",
        /// It was written to production, or superseded by a newer version.
        Processed = "processed",
        /// It could not be reconciled; its reason is in quarantine.
        Error = "error",
    }
}

words! {
    /// What a version in staging says of its record.
    VersionOperation {
        /// The record has this content.
        Upsert = "upsert",
        /// The record is gone: a tombstone.
        Delete = "delete",
    }
}

words! {
    /// The state of the finding that a record is gone at the source.
    DeletionState {
        /// A tombstone was staged.
        Deleted = "deleted",
        /// The guard withheld it: it waits for manual approval.
        Withheld = "withheld",
        /// It was approved manually.
        Approved = "approved",
        /// It was dismissed manually: the record is kept.
        Dismissed = "dismissed",
        /// The record was seen at the source again, or found gone once more.
        Superseded = "superseded",
    }
}

words! {
    /// What a person may see and do in the dashboard; each role may what the one before it may.
    #[derive(PartialOrd, Ord, ValueEnum)]
    Role {
        /// The own day and nothing else
        Technician = "technician",
        /// All screens of the data
        Office = "office",
        /// Everything, people and settings included
        Operator = "operator",
    }
}

words! {
    /// How much of the account is read.
    #[derive(Default)]
    RunMode {
        /// What may have changed since the bookmark; only changed content is staged.
        #[default]
        Incremental = "incremental",
        /// Everything.
        Full = "full",
    }
}

impl ValueEnum for RunMode {
    fn value_variants<'a>() -> &'a [RunMode] {
        RunMode::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            RunMode::Incremental => {
                "What may have changed since the bookmark; only changed content is staged"
            }
            RunMode::Full => "Everything",
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

words! {
    /// The state of a run, as `sync_runs` holds it.
    RunState {
        /// It ended with this [`RunOutcome`].
        Success = RunOutcome::Success.as_str(),
        /// As above.
        Partial = RunOutcome::Partial.as_str(),
        /// As above.
        Failed = RunOutcome::Failed.as_str(),
        /// As above.
        Interrupted = RunOutcome::Interrupted.as_str(),
        /// It has not ended.
        Running = "running",
    }
}

impl RunState {
    /// How the run ended; none while it is running.
    pub fn ended(self) -> Option<RunOutcome> {
        match self {
            RunState::Running => None,
            RunState::Success => Some(RunOutcome::Success),
            RunState::Partial => Some(RunOutcome::Partial),
            RunState::Failed => Some(RunOutcome::Failed),
            RunState::Interrupted => Some(RunOutcome::Interrupted),
        }
    }
}

words! {
    /// The verdict of a verification.
    VerifyVerdict {
        /// No difference.
        Equal = "equal",
        /// No difference found, but the API could not answer everything, or records are still to be asked for by id.
        Incomplete = "incomplete",
        /// At least one difference.
        Different = "different",
    }
}

words! {
    /// How a run ended.
    RunOutcome {
        /// Every walk was complete and the counts agree.
        Success = "success",
        /// Something is incomplete or withheld; what was written is right.
        Partial = "partial",
        /// The run failed: it could not do its work.
        Failed = "failed",
        /// The program was asked to stop before the end; the next run goes on.
        Interrupted = "interrupted",
    }
}

impl RunOutcome {
    /// The exit status of the program.
    pub fn exit_code(self) -> u8 {
        match self {
            RunOutcome::Success => 0,
            RunOutcome::Partial | RunOutcome::Interrupted => 3,
            RunOutcome::Failed => 1,
        }
    }

    /// The worse of two, in the order failed, interrupted, partial, success.
    pub fn and(self, other: RunOutcome) -> RunOutcome {
        match (self, other) {
            (RunOutcome::Failed, _) | (_, RunOutcome::Failed) => RunOutcome::Failed,
            (RunOutcome::Interrupted, _) | (_, RunOutcome::Interrupted) => RunOutcome::Interrupted,
            (RunOutcome::Partial, _) | (_, RunOutcome::Partial) => RunOutcome::Partial,
            _ => RunOutcome::Success,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_read_as_what_it_stands_for_and_no_other_is() {
        for state in CaseState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for status in VersionStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        for state in DeletionState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for state in RunState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
            assert_eq!(state.ended().map(RunOutcome::as_str).unwrap_or("running"), state.as_str());
        }
        for word in ["", "Open", "open ", "pending"] {
            assert!(word.parse::<CaseState>().is_err(), "{word:?}");
        }
        let unknown = "done".parse::<VersionStatus>().unwrap_err();
        assert_eq!(
            unknown.to_string(),
            r#"unknown value "done", expected one of: pending, processed, error"#
        );
    }

    #[test]
    fn a_mode_is_one_word_wherever_it_is_typed_sent_or_stored() {
        for mode in RunMode::ALL {
            let word = mode.as_str();
            assert_eq!(word.parse(), Ok(*mode));
            assert_eq!(mode.to_possible_value().unwrap().get_name(), word);
            assert_eq!(serde_json::to_value(mode).unwrap(), word);
            assert_eq!(serde_json::from_value::<RunMode>(word.into()).unwrap(), *mode);
        }
    }
}

words! {
    /// The command of a run.
    RunCommand {
        /// `sync`, also by the service.
        Sync = "sync",
        /// `fetch`.
        Fetch = "fetch",
        /// `reconcile`.
        Reconcile = "reconcile",
        /// `errors retry`.
        ErrorsRetry = "errors retry",
        /// `deletions approve`.
        DeletionsApprove = "deletions approve",
        /// `replay`.
        Replay = "replay",
        /// `replay --dry-run`.
        ReplayDryRun = "replay --dry-run",
        /// `undo`.
        Undo = "undo",
        /// `undo --lift`.
        UndoLift = "undo --lift",
        /// `demo`.
        Demo = "demo",
    }
}

words! {
    /// How a request for a run (`sync_wanted_runs`) ended.
    RequestOutcome {
        /// As its run.
        Success = RunOutcome::Success.as_str(),
        /// As its run.
        Partial = RunOutcome::Partial.as_str(),
        /// As its run.
        Failed = RunOutcome::Failed.as_str(),
        /// It was not served, for the reason that the row holds.
        Refused = "refused",
    }
}

words! {
    /// What started a run.
    RunTrigger {
        /// A command, typed by a user or from a script.
        Command = "command",
        /// The service, by its schedule.
        Schedule = "schedule",
        /// The service, for a row of `sync_wanted_runs`.
        Request = "request",
        /// The demo.
        Demo = "demo",
    }
}
