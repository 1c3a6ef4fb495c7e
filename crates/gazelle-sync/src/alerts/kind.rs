//! The kinds of alerts and the occasions of their messages.

use serde_json::{Map, Value};

/// The kinds of problems that are reported. At most one alert of a kind is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// More records went into quarantine within an hour than the limit.
    RecordErrors,
    /// More records with an unreadable field were found within an hour than the limit.
    UnreadableFields,
    /// The last run failed.
    RunFailed,
    /// The last run was `partial`.
    RunPartial,
    /// No good run for longer than the limit.
    Stale,
    /// A run was answered without errors and fetched no records.
    NothingFetched,
    /// Withheld deletions wait for manual approval.
    DeletionsWithheld,
    /// Gazelle refuses the API key or the token.
    CredentialsRefused,
    /// The OAuth token expires soon and is not refreshed.
    TokenEnding,
    /// The API's schema has changed.
    Drift,
    /// The database is unusable. Sent directly, without the outbox.
    Database,
    /// The service hangs. Sent directly, without the outbox.
    ServiceStuck,
}

impl Kind {
    /// Every kind.
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

    /// The word in the database and in JSON output.
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

    /// The kind of a stored word; `None` for a kind that only another release knows.
    pub fn from_stored(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The alert has begun.
    Started,
    /// The problem persists.
    Reminder,
    /// The alert is over.
    Over,
}

impl Occasion {
    /// The word in the database and in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Occasion::Started => "started",
            Occasion::Reminder => "reminder",
            Occasion::Over => "over",
        }
    }
}

/// The values for the placeholders of a message: numbers, our own texts, and UTC timestamps (names that end in
/// `_at`). Never data of records.
pub type Facts = Map<String, Value>;

/// A problem that exists now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub kind: Kind,
    pub facts: Facts,
}
