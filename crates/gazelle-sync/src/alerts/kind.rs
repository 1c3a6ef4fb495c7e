//! The kinds of alerts and the occasions of their messages.

use serde_json::{Map, Value};

use crate::states::words;

words! {
    /// The kinds of problems that are reported. At most one alert of a kind is open.
    #[derive(PartialOrd, Ord)]
    Kind {
        /// More records went into quarantine within an hour than the limit.
        RecordErrors = "record_errors",
        /// More records with an unreadable field were found within an hour than the limit.
        UnreadableFields = "unreadable_fields",
        /// The last run failed.
        RunFailed = "run_failed",
        /// The last run was `partial`.
        RunPartial = "run_partial",
        /// No good run for longer than the limit.
        Stale = "stale",
        /// A run was answered without errors and fetched no records.
        NothingFetched = "nothing_fetched",
        /// Withheld deletions wait for manual approval.
        DeletionsWithheld = "deletions_withheld",
        /// Gazelle refuses the API key or the token.
        CredentialsRefused = "credentials_refused",
        /// The OAuth token expires soon and is not refreshed.
        TokenEnding = "token_ending",
        /// The API's schema has changed.
        Drift = "drift",
        /// Many attempts to sign in to the dashboard were refused within an hour.
        SignInsRefused = "sign_ins_refused",
        /// The database is unusable. Sent directly, without the outbox.
        Database = "database",
        /// The service hangs. Sent directly, without the outbox.
        ServiceStuck = "service_stuck",
    }
}

words! {
    /// Why a message is sent.
    Occasion {
        /// The alert has begun.
        Started = "started",
        /// The problem persists.
        Reminder = "reminder",
        /// The alert is over.
        Over = "over",
    }
}

/// The kind and the occasion of a test message, which belongs to no alert and is never stored.
pub const TEST: &str = "test";

/// The values for the placeholders of a message: numbers, our own texts, and UTC timestamps (names that end in
/// `_at`). Never data of records.
pub type Facts = Map<String, Value>;

/// A problem that exists now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub kind: Kind,
    pub facts: Facts,
}
