//! What can be wrong, and what can be said of it.

use serde_json::{Map, Value};

/// What people are told of. Each has a single alert at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Many records that cannot be reconciled.
    RecordErrors,
    /// Many records with a field that cannot be read.
    UnreadableFields,
    /// The last run failed.
    RunFailed,
    /// The last run left something undone.
    RunPartial,
    /// No good run for long.
    Stale,
    /// A run was answered and nothing came.
    NothingFetched,
    /// Records gone at the source await manual approval.
    DeletionsWithheld,
    /// Gazelle refuses the key or the token.
    CredentialsRefused,
    /// The token is about to end, and nobody renews it.
    TokenEnding,
    /// The API's schema has changed.
    Drift,
    /// The database takes no alerts; told past it.
    Database,
    /// The service hangs; told past the database.
    ServiceStuck,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 12] = [
        Kind::RecordErrors,
        Kind::UnreadableFields,
        Kind::RunFailed,
        Kind::RunPartial,
        Kind::Stale,
        Kind::NothingFetched,
        Kind::DeletionsWithheld,
        Kind::CredentialsRefused,
        Kind::TokenEnding,
        Kind::Drift,
        Kind::Database,
        Kind::ServiceStuck,
    ];

    /// The word that is stored, and that programs see.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::RecordErrors => "record_errors",
            Kind::UnreadableFields => "unreadable_fields",
            Kind::RunFailed => "run_failed",
            Kind::RunPartial => "run_partial",
            Kind::Stale => "stale",
            Kind::NothingFetched => "nothing_fetched",
            Kind::DeletionsWithheld => "deletions_withheld",
            Kind::CredentialsRefused => "credentials_refused",
            Kind::TokenEnding => "token_ending",
            Kind::Drift => "drift",
            Kind::Database => "database",
            Kind::ServiceStuck => "service_stuck",
        }
    }

    /// The kind of a stored word; absent for one of another release.
    pub fn from_stored(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// When something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It begins.
    Started,
    /// It is still so.
    Reminder,
    /// It has ended.
    Over,
}

impl Occasion {
    /// The word that is stored, and that programs see.
    pub fn as_str(self) -> &'static str {
        match self {
            Occasion::Started => "started",
            Occasion::Reminder => "reminder",
            Occasion::Over => "over",
        }
    }
}

/// What the words of a message are filled with: numbers, texts of ours, and instants (names that end in `_at`), no data
/// of records.
pub type Facts = Map<String, Value>;

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub kind: Kind,
    pub facts: Facts,
}
