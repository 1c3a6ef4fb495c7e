//! What can go wrong with a request, as one type: its class decides, its line informs.

use std::{fmt, sync::Arc, time::Duration};

use super::partial::{Partial, Remains};

/// The kind of a failure. Decides whether it is tried again and what callers do; [`ErrorClass::name`] is what is stored
/// and counted. Assigned in one place, `classify.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// No answer: name not resolved, connection refused or reset, TLS refused, or nothing within the timeout.
    Unreachable,
    /// The API key, access token or refresh token was refused.
    Unauthorized,
    /// The API asks for fewer requests (HTTP 429, or a GraphQL error that says so).
    Throttled {
        /// The wait the API named, not bounded.
        retry_after: Option<Duration>,
    },
    /// HTTP 5xx, or a GraphQL error of no better known kind and no data.
    ServerFault,
    /// Something answered that is not the API speaking whole sentences: HTML, a cut body, no JSON, no data, another shape.
    BadAnswer,
    /// The API does not know what the query asks for; nothing was executed.
    InvalidQuery {
        /// What it does not know, where it says so: `Type.field`, `Type.field(argument)` or `type Name`. May be empty.
        fields: Vec<String>,
    },
    /// The query is larger than the API allows: complexity, depth, aliases, cost, records a page, bytes.
    OverLimit {
        /// What the API said of it, cut down to one plain line; may be empty.
        said: String,
    },
    /// Another HTTP 4xx.
    ClientFault,
    /// HTTP 3xx: the API lives elsewhere, and credentials are not carried there silently.
    Redirected,
    /// The answer is longer than the settings allow.
    TooLarge,
    /// An answer with data and errors at once; never a complete page.
    PartialData {
        /// Where the errors are, such as `allEvents.nodes.3.client`; at most 20.
        paths: Vec<String>,
    },
    /// Not sent, or not waited for: the program was asked to end.
    Stopped,
    /// Nothing was wrong with the API: a setting is unusable, or the token store cannot be read or written.
    Setup,
}

impl ErrorClass {
    /// A stable snake_case word for storage, metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Throttled { .. } => "throttled",
            Self::ServerFault => "server_fault",
            Self::BadAnswer => "bad_answer",
            Self::InvalidQuery { .. } => "invalid_query",
            Self::OverLimit { .. } => "over_limit",
            Self::ClientFault => "client_fault",
            Self::Redirected => "redirected",
            Self::TooLarge => "too_large",
            Self::PartialData { .. } => "partial_data",
            Self::Stopped => "stopped",
            Self::Setup => "setup",
        }
    }

    /// True for what another attempt may cure: faults of the network and of the server. What is wrong with our question,
    /// our rights or our settings stays wrong.
    pub fn is_retried(&self) -> bool {
        match self {
            Self::Unreachable
            | Self::Throttled { .. }
            | Self::ServerFault
            | Self::BadAnswer
            | Self::PartialData { .. } => true,
            // Unauthorized is no retry but has a remedy of its own: one refresh of the token (see `retry.rs`).
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

/// What went wrong in one attempt. Holds words of ours, names and numbers; never a body, record content or a secret.
#[derive(Debug, Clone)]
pub(in crate::source) struct Fault {
    pub class: ErrorClass,
    /// Scheme, host and path; see `settings::place_of`.
    pub place: Arc<str>,
    /// Complete with "from PLACE" behind it: `HTTP 401`, `no answer within 10 s`.
    pub what: Box<str>,
    /// What it means and what to do.
    pub advice: Box<str>,
    pub http_status: Option<u16>,
    /// The wait the API named with this answer, whatever the class (a 503 carries one as well).
    pub retry_after: Option<Duration>,
    /// Whatever the class: the server says that it is busy (HTTP 503, a part of the answer that it put off).
    pub is_busy: bool,
    /// There was no connection at all, so that nothing can be said of the request.
    pub unconnected: bool,
    /// What can be read of an answer that is not whole.
    pub remains: Option<Box<Remains>>,
    /// GraphQL errors say nothing but that the account has no right to root fields of the query, none of which has come.
    pub denies_roots: bool,
}

impl Fault {
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

/// A request that failed for good. Display is one line: what, where, which operation, after how many attempts, what to do.
#[derive(Clone, thiserror::Error)]
#[error("{}", self.line())]
pub struct SourceError {
    // Boxed: the error travels in every Result of this module and should cost one pointer there.
    inner: Box<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    fault: Fault,
    operation: Option<String>,
    attempts: u32,
    /// It answers the question for one record, and speaks of that record.
    is_of_record: bool,
}

impl SourceError {
    pub(in crate::source) fn new(fault: Fault, operation: &str, attempts: u32) -> Self {
        Self {
            inner: Box::new(Inner {
                fault,
                operation: Some(operation.to_owned()),
                attempts,
                is_of_record: false,
            }),
        }
    }

    /// A failure in which no request had a part.
    pub(in crate::source) fn before_sending(fault: Fault) -> Self {
        Self { inner: Box::new(Inner { fault, operation: None, attempts: 0, is_of_record: false }) }
    }

    /// The kind of the last attempt's failure.
    pub fn class(&self) -> &ErrorClass {
        &self.inner.fault.class
    }

    /// Attempts that were made; 0 when the failure came before sending or while an answer was read.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// HTTP status of the last attempt, where there was an answer.
    pub fn http_status(&self) -> Option<u16> {
        self.inner.fault.http_status
    }

    /// Whether a smaller question may fare better: fewer aliases, fewer records. True for limits of the API, for what its
    /// server or a gateway before it could not do in time, and for answers with a gap; false where the request as such was
    /// refused (credentials, address, unknown fields) or nobody was reached.
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

    /// Whether the server, or a gateway before it, may have given up since the answer took too long: then a question that costs it
    /// less may be answered.
    pub fn may_be_too_slow(&self) -> bool {
        let fault = &self.inner.fault;
        match fault.class {
            ErrorClass::ServerFault => matches!(fault.http_status, Some(502 | 504)),
            ErrorClass::Unreachable => !fault.unconnected,
            _ => false,
        }
    }

    /// Whether the failure is an answer about the size of the question, which is worth remembering: a limit that is named, a
    /// query that is refused as such, or one that the server or a gateway before it could not do in any of several attempts.
    /// A connection that breaks, a timeout, and a server that is busy say nothing of it.
    pub fn is_about_size(&self) -> bool {
        let Inner { fault, attempts, .. } = &*self.inner;
        match fault.class {
            ErrorClass::OverLimit { .. } | ErrorClass::TooLarge => true,
            ErrorClass::ClientFault => matches!(fault.http_status, Some(400 | 422)),
            ErrorClass::PartialData { .. } | ErrorClass::ServerFault => {
                // An error of GraphQL's own, or a gateway's.
                *attempts > 1 && matches!(fault.http_status, Some(200..=299 | 502 | 504))
            }
            _ => false,
        }
    }

    /// Whether another failure is of the same kind.
    pub fn is_like(&self, other: &SourceError) -> bool {
        self.class().name() == other.class().name() && self.http_status() == other.http_status()
    }

    /// The same error as the answer to the question for one record. One that denies the right to what it names is about that record:
    /// lists and other records may be given all the same.
    pub fn of_one_record(mut self) -> SourceError {
        self.inner.is_of_record = self.inner.fault.denies_roots;
        self
    }

    /// Whether it speaks of the one record that was asked for.
    pub fn is_of_record(&self) -> bool {
        self.inner.is_of_record
    }

    /// Whether no other request would fare better: nobody answers there, or not to us, or the program is to end.
    pub fn concerns_any_request(&self) -> bool {
        let Inner { fault, is_of_record, .. } = &*self.inner;
        match fault.class {
            _ if *is_of_record => false,
            ErrorClass::Unauthorized | ErrorClass::Redirected | ErrorClass::Stopped | ErrorClass::Setup => {
                true
            }
            ErrorClass::Unreachable => fault.unconnected,
            _ => false,
        }
    }

    /// What can be read of the answer, where one came that is not whole: errors beside data, or bytes that are no text.
    pub fn partial(&self) -> Option<Partial<'_>> {
        let remains = self.inner.fault.remains.as_deref()?;
        Some(Partial::new(remains.answer.as_ref()?, remains))
    }

    /// Whether an answer came that is not whole.
    pub fn is_partial(&self) -> bool {
        self.inner.fault.remains.is_some()
    }

    /// The same error, to be kept: without the answer, which takes room that others may wait for.
    pub fn without_answer(mut self) -> SourceError {
        if let Some(remains) = &mut self.inner.fault.remains {
            (remains.answer, remains.original) = (None, None);
        }
        self
    }

    /// The same line without the operation: equal where several requests failed for one reason.
    pub fn cause(&self) -> String {
        self.line_with("")
    }

    fn line(&self) -> String {
        let operation = self.inner.operation.as_deref();
        self.line_with(&operation.map(|name| format!(" ({name})")).unwrap_or_default())
    }

    fn line_with(&self, operation: &str) -> String {
        let Inner { fault, attempts, .. } = &*self.inner;
        let attempts = if *attempts > 1 { format!(", after {attempts} attempts") } else { String::new() };
        let advice = match self.inner.is_of_record && fault.class == ErrorClass::Unauthorized {
            true => "Gazelle refuses this record; the rights of the account may not cover it",
            false => &fault.advice,
        };
        let link = if fault.class == ErrorClass::Setup { "in" } else { "from" };
        format!("{} {link} {}{operation}{attempts}: {advice}", fault.what, fault.place)
    }
}

// The same line as Display: the parts hold nothing more, and logs often print `{:?}`.
impl fmt::Debug for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceError[{}] {}", self.class().name(), self.line())
    }
}
