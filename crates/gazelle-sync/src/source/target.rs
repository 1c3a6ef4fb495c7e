//! Whom an attempt asked, and with what: a fault's place, and the setting a person would have to change.

use std::sync::Arc;

use super::error::{ErrorClass, Fault};

/// The other end of an attempt.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// For people: scheme, host, path.
    pub place: Arc<str>,
    pub door: Door,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    GraphqlWithKey,
    GraphqlWithToken,
    /// The OAuth token URL; its answers are JSON but not GraphQL.
    Token,
    /// The same, asked with the code of a login.
    Login,
}

impl Target {
    pub(super) fn fault(
        &self,
        class: ErrorClass,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Fault {
        Fault::new(class, self.place.clone(), what, advice)
    }

    /// The setting that holds this address.
    pub(super) fn setting(&self) -> &'static str {
        match self.door {
            Door::GraphqlWithKey | Door::GraphqlWithToken => "GAZELLE_API_URL",
            Door::Token | Door::Login => "GAZELLE_OAUTH_URL",
        }
    }

    /// What to do about credentials that were refused.
    pub(super) fn credential_advice(&self) -> &'static str {
        match self.door {
            Door::GraphqlWithKey => "the API key was refused; check GAZELLE_API_KEY",
            Door::GraphqlWithToken => "the access token was refused; run `gazelle-sync auth login`",
            Door::Token => {
                "the refresh token or the client's id and secret were refused; run `gazelle-sync auth login`"
            }
            Door::Login => {
                "the code or the client's id and secret were refused; check GAZELLE_CLIENT_ID and GAZELLE_CLIENT_SECRET, \
                 and log in again"
            }
        }
    }
}
