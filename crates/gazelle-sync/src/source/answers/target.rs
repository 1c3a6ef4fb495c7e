//! The endpoint of an attempt, for errors: its URL, and the setting to change.

use std::sync::Arc;

use super::error::{AttemptFailure, ErrorClass};

/// The endpoint of an attempt.
#[derive(Debug, Clone)]
pub(in crate::source) struct Target {
    /// For people: scheme, host, path.
    pub place: Arc<str>,
    pub endpoint: Endpoint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Endpoint {
    GraphqlWithKey,
    GraphqlWithToken,
    /// The OAuth token URL, whose answers are JSON but not GraphQL.
    Token,
    /// The same, for the code of a login.
    Login,
}

impl Target {
    pub(in crate::source) fn fault(
        &self,
        class: ErrorClass,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> AttemptFailure {
        AttemptFailure::new(class, self.place.clone(), what, advice)
    }

    /// The setting that contains this URL.
    pub(super) fn setting(&self) -> &'static str {
        match self.endpoint {
            Endpoint::GraphqlWithKey | Endpoint::GraphqlWithToken => "GAZELLE_API_URL",
            Endpoint::Token | Endpoint::Login => "GAZELLE_OAUTH_URL",
        }
    }

    /// What to do when the credentials were refused.
    pub(super) fn credential_advice(&self) -> &'static str {
        match self.endpoint {
            Endpoint::GraphqlWithKey => "the API key was refused; check GAZELLE_API_KEY",
            Endpoint::GraphqlWithToken => "the access token was refused; run `gazelle-sync auth login`",
            Endpoint::Token => {
                "the refresh token or the client's id and secret were refused; run `gazelle-sync auth login`"
            }
            Endpoint::Login => {
                "the code or the client's id and secret were refused; check GAZELLE_CLIENT_ID and GAZELLE_CLIENT_SECRET, \
                 and log in again"
            }
        }
    }
}
