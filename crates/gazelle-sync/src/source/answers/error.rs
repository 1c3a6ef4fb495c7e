//! The error of a request: its class, which decides what happens next, and its text.

use std::{fmt, sync::Arc, time::Duration};

use super::partial::{IncompleteContent, Partial};
use crate::states::words;

words! {
    /// The outcomes of a request, as they are stored, counted and logged.
    OutcomeCode {
        /// A complete answer.
        Answered = "ok",
        /// The caller dropped the request before its end (a run that stops).
        Abandoned = "abandoned",
        /// [`ErrorClass::Unreachable`].
        Unreachable = "unreachable",
        /// [`ErrorClass::Unauthorized`].
        Unauthorized = "unauthorized",
        /// [`ErrorClass::Throttled`].
        Throttled = "throttled",
        /// [`ErrorClass::ServerFault`].
        ServerFault = "server_fault",
        /// [`ErrorClass::BadAnswer`].
        BadAnswer = "bad_answer",
        /// [`ErrorClass::InvalidQuery`].
        InvalidQuery = "invalid_query",
        /// [`ErrorClass::OverLimit`].
        OverLimit = "over_limit",
        /// [`ErrorClass::ClientFault`].
        ClientFault = "client_fault",
        /// [`ErrorClass::Redirected`].
        Redirected = "redirected",
        /// [`ErrorClass::TooLarge`].
        TooLarge = "too_large",
        /// [`ErrorClass::PartialData`].
        PartialData = "partial_data",
        /// [`ErrorClass::Stopped`].
        Stopped = "stopped",
        /// [`ErrorClass::Setup`].
        Setup = "setup",
    }
}

/// The kind of a failure, which decides about retries and what callers do. [`ErrorClass::code`] is stored and
/// counted. Assigned only in `classify.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// No answer: name not resolved, connection refused or reset, TLS refused, or the timeout passed.
    Unreachable,
    /// The API key, access token or refresh token was refused.
    Unauthorized,
    /// The API asks for fewer requests (HTTP 429, or a GraphQL error).
    Throttled {
        /// The wait that the API named, without our limit.
        retry_after: Option<Duration>,
    },
    /// HTTP 5xx, or an unspecific GraphQL error without data.
    ServerFault,
    /// The answer is not valid: HTML, a truncated body, no JSON, no data, or another shape.
    BadAnswer,
    /// The query requests something that the API does not know; nothing was executed.
    InvalidQuery {
        /// What it does not know: `Type.field`, `Type.field(argument)` or `type Name`. May be empty.
        fields: Vec<String>,
    },
    /// The query exceeds a limit of the API: complexity, depth, aliases, cost, records per page, bytes.
    OverLimit {
        /// The API's message, reduced to one line; may be empty.
        said: String,
    },
    /// Another HTTP 4xx.
    ClientFault,
    /// HTTP 3xx: the API has moved; credentials are not sent to the new address.
    Redirected,
    /// The answer is longer than the settings allow.
    TooLarge,
    /// An answer with both data and errors; never a complete page.
    PartialData {
        /// The paths of the errors, such as `allEvents.nodes.3.client`; at most 20.
        paths: Vec<String>,
    },
    /// Not sent or not awaited, because the program was asked to stop.
    Stopped,
    /// Not a failure of the API: a setting is unusable, or the token store cannot be read or written.
    Setup,
}

impl ErrorClass {
    /// Its name in storage, metrics and logs.
    pub fn code(&self) -> OutcomeCode {
        match self {
            Self::Unreachable => OutcomeCode::Unreachable,
            Self::Unauthorized => OutcomeCode::Unauthorized,
            Self::Throttled { .. } => OutcomeCode::Throttled,
            Self::ServerFault => OutcomeCode::ServerFault,
            Self::BadAnswer => OutcomeCode::BadAnswer,
            Self::InvalidQuery { .. } => OutcomeCode::InvalidQuery,
            Self::OverLimit { .. } => OutcomeCode::OverLimit,
            Self::ClientFault => OutcomeCode::ClientFault,
            Self::Redirected => OutcomeCode::Redirected,
            Self::TooLarge => OutcomeCode::TooLarge,
            Self::PartialData { .. } => OutcomeCode::PartialData,
            Self::Stopped => OutcomeCode::Stopped,
            Self::Setup => OutcomeCode::Setup,
        }
    }

    /// Whether another attempt may succeed: failures of the network and the server. Errors in our query, our
    /// permissions or our settings persist.
    pub fn is_retried(&self) -> bool {
        match self {
            Self::Unreachable
            | Self::Throttled { .. }
            | Self::ServerFault
            | Self::BadAnswer
            | Self::PartialData { .. } => true,
            // Not a retry: a refused token is refreshed once instead (see `retry.rs`).
            Self::Unauthorized
            | Self::InvalidQuery { .. }
            | Self::OverLimit { .. }
            | Self::ClientFault
            | Self::Redirected
            | Self::TooLarge
            | Self::Stopped
            | Self::Setup => false,
        }
    }
}

/// The failure of one attempt. Contains our own text, names and numbers; never a body, a record's content or a
/// secret.
#[derive(Debug, Clone)]
pub(in crate::source) struct AttemptFailure {
    pub class: ErrorClass,
    /// Scheme, host and path; see `settings::place_of`.
    pub place: Arc<str>,
    /// The description, completed by "from PLACE": `HTTP 401`, `no answer within 10 s`.
    pub what: Box<str>,
    /// What it means and what to do.
    pub advice: Box<str>,
    pub http_status: Option<u16>,
    /// The wait that the API named, whatever the class (also with a 503).
    pub retry_after: Option<Duration>,
    /// Whether the server says that it is busy, whatever the class (HTTP 503, a throttled part of the answer).
    pub is_busy: bool,
    /// There was no connection, so the request cannot be the cause.
    pub unconnected: bool,
    /// What can be read of an incomplete answer.
    pub remains: Option<Box<IncompleteContent>>,
    /// All GraphQL errors say that the account may not read root fields of the query, and none of these returned
    /// data.
    pub denies_roots: bool,
}

impl AttemptFailure {
    pub(in crate::source) fn new(
        class: ErrorClass,
        place: impl Into<Arc<str>>,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            class,
            place: place.into(),
            what: what.into().into_boxed_str(),
            advice: advice.into().into_boxed_str(),
            http_status: None,
            retry_after: None,
            is_busy: false,
            unconnected: false,
            remains: None,
            denies_roots: false,
        }
    }
}

/// The error of a request after its last attempt. `Display` is one line: what, where, which operation, how many
/// attempts, what to do.
#[derive(Clone, thiserror::Error)]
#[error("{}", self.line())]
pub struct SourceError {
    // Boxed, because the error is part of every Result of this module.
    inner: Box<ErrorDetails>,
}

#[derive(Debug, Clone)]
struct ErrorDetails {
    fault: AttemptFailure,
    operation: Option<String>,
    attempts: u32,
    /// It is the answer to a request for one record and is about that record.
    is_of_record: bool,
}

impl SourceError {
    pub(in crate::source) fn new(fault: AttemptFailure, operation: &str, attempts: u32) -> Self {
        Self {
            inner: Box::new(ErrorDetails {
                fault,
                operation: Some(operation.to_owned()),
                attempts,
                is_of_record: false,
            }),
        }
    }

    /// An error without any request.
    pub(in crate::source) fn before_sending(fault: AttemptFailure) -> Self {
        Self { inner: Box::new(ErrorDetails { fault, operation: None, attempts: 0, is_of_record: false }) }
    }

    /// The class of the last attempt's failure.
    pub fn class(&self) -> &ErrorClass {
        &self.inner.fault.class
    }

    /// Number of attempts; 0 if the failure came before sending or while an answer was read.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// The HTTP status of the last attempt, if it was answered.
    pub fn http_status(&self) -> Option<u16> {
        self.inner.fault.http_status
    }

    /// Whether a smaller query (fewer aliases, fewer records) may succeed. True for limits of the API, for timeouts
    /// of its server or a gateway, and for incomplete answers; false if the request as such was refused
    /// (credentials, URL, unknown fields) or no server was reached.
    pub fn may_be_too_much(&self) -> bool {
        let fault = &self.inner.fault;
        match fault.class {
            ErrorClass::OverLimit { .. }
            | ErrorClass::ServerFault
            | ErrorClass::BadAnswer
            | ErrorClass::TooLarge
            | ErrorClass::PartialData { .. } => true,
            ErrorClass::Unreachable => !fault.unconnected,
            ErrorClass::ClientFault => matches!(fault.http_status, Some(400 | 422)),
            ErrorClass::Unauthorized
            | ErrorClass::Throttled { .. }
            | ErrorClass::InvalidQuery { .. }
            | ErrorClass::Redirected
            | ErrorClass::Stopped
            | ErrorClass::Setup => false,
        }
    }

    /// Whether the server or a gateway may have given up because the answer took too long, so that a cheaper query
    /// may succeed.
    pub fn may_be_too_slow(&self) -> bool {
        let fault = &self.inner.fault;
        match fault.class {
            ErrorClass::ServerFault => matches!(fault.http_status, Some(502 | 504)),
            ErrorClass::Unreachable => !fault.unconnected,
            _ => false,
        }
    }

    /// Whether the failure shows that the query is too large, which is worth remembering: a named limit, a query
    /// refused as too large, or one that the server or a gateway failed to answer in several attempts. A broken
    /// connection, a timeout and a busy server show nothing.
    pub fn is_about_size(&self) -> bool {
        let ErrorDetails { fault, attempts, .. } = &*self.inner;
        match fault.class {
            ErrorClass::OverLimit { .. } | ErrorClass::TooLarge => true,
            ErrorClass::ClientFault => matches!(fault.http_status, Some(400 | 422)),
            ErrorClass::PartialData { .. } | ErrorClass::ServerFault => {
                // An error of the GraphQL server or of a gateway.
                *attempts > 1 && matches!(fault.http_status, Some(200..=299 | 502 | 504))
            }
            _ => false,
        }
    }

    /// Whether the API calls the query too large.
    pub fn is_over_limit(&self) -> bool {
        matches!(self.class(), ErrorClass::OverLimit { .. })
    }

    /// Whether another error has the same class and HTTP status.
    pub fn is_like(&self, other: &SourceError) -> bool {
        self.class().code() == other.class().code() && self.http_status() == other.http_status()
    }

    /// The same error as the answer to a request for one record. If it denies access to what the query names, it is
    /// about that record only; lists and other records may be readable.
    pub fn of_one_record(mut self) -> SourceError {
        self.inner.is_of_record = self.inner.fault.denies_roots;
        self
    }

    /// Whether it is about the one requested record.
    pub fn is_of_record(&self) -> bool {
        self.inner.is_of_record
    }

    /// Whether any other request would fail too: the server is unreachable or refuses us, or the program is to
    /// stop.
    pub fn concerns_any_request(&self) -> bool {
        let ErrorDetails { fault, is_of_record, .. } = &*self.inner;
        match fault.class {
            _ if *is_of_record => false,
            ErrorClass::Unauthorized | ErrorClass::Redirected | ErrorClass::Stopped | ErrorClass::Setup => {
                true
            }
            ErrorClass::Unreachable => fault.unconnected,
            _ => false,
        }
    }

    /// The readable part of an incomplete answer: one with errors beside data, or with bytes that are not UTF-8.
    pub fn partial(&self) -> Option<Partial<'_>> {
        let remains = self.inner.fault.remains.as_deref()?;
        Some(Partial::new(remains.answer.as_ref()?, remains))
    }

    /// Whether an incomplete answer came.
    pub fn is_partial(&self) -> bool {
        self.inner.fault.remains.is_some()
    }

    /// The same error without its answer, which would keep memory reserved.
    pub fn without_answer(mut self) -> SourceError {
        if let Some(remains) = &mut self.inner.fault.remains {
            (remains.answer, remains.original) = (None, None);
        }
        self
    }

    /// The line without the operation: equal for all requests that failed for the same reason.
    pub fn cause(&self) -> String {
        self.line_with("")
    }

    fn line(&self) -> String {
        let operation = self.inner.operation.as_deref();
        self.line_with(&operation.map(|name| format!(" ({name})")).unwrap_or_default())
    }

    fn line_with(&self, operation: &str) -> String {
        let ErrorDetails { fault, attempts, .. } = &*self.inner;
        let attempts = if *attempts > 1 { format!(", after {attempts} attempts") } else { String::new() };
        let advice = match self.inner.is_of_record && fault.class == ErrorClass::Unauthorized {
            true => "Gazelle refuses this record; the rights of the account may not cover it",
            false => &fault.advice,
        };
        let link = if fault.class == ErrorClass::Setup { "in" } else { "from" };
        format!("{} {link} {}{operation}{attempts}: {advice}", fault.what, fault.place)
    }
}

// The same line as `Display`, because logs often print `{:?}`.
impl fmt::Debug for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceError[{}] {}", self.class().code(), self.line())
    }
}
