//! Applies a credential: the authorization of each attempt, and its renewal after a refusal.

use std::sync::Arc;

use reqwest::{RequestBuilder, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::{
    session::{OauthSession, Renewal},
    store::Tokens,
};
use crate::source::{
    answers::{
        error::{AttemptFailure, SourceError},
        target::Endpoint,
    },
    settings::bad_setting,
};

const API_KEY_HEADER: &str = "x-gazelle-api-key";

/// A credential prepared for requests.
#[derive(Debug)]
pub(in crate::source) enum Access {
    Key(HeaderValue),
    Oauth(Arc<OauthSession>),
}

/// The authorization of one attempt.
#[derive(Debug, Clone)]
pub(in crate::source) enum Authorization {
    Key(HeaderValue),
    Token(Arc<Tokens>),
}

impl Access {
    /// # Errors
    /// Class `Setup` for a key that is empty or not a valid header value.
    pub(in crate::source) fn from_key(key: &SecretString) -> Result<Self, SourceError> {
        let key = key.expose_secret().trim();
        if key.is_empty() {
            return Err(bad_setting(
                "the API key (GAZELLE_API_KEY)",
                "is empty",
                "set it, or configure OAuth",
            ));
        }
        let mut value = HeaderValue::from_str(key).map_err(|_| {
            let what = "holds characters that no header can carry";
            bad_setting("the API key (GAZELLE_API_KEY)", what, "copy it again from Gazelle")
        })?;
        value.set_sensitive(true);
        Ok(Self::Key(value))
    }

    /// The authorization of the next attempt; may read the store or refresh the token first.
    ///
    /// # Errors
    /// The store cannot be read, or a token that has expired cannot be refreshed.
    pub(in crate::source) async fn authorization(&self) -> Result<Authorization, AttemptFailure> {
        match self {
            Self::Key(key) => Ok(Authorization::Key(key.clone())),
            Self::Oauth(session) => session.tokens().await.map(Authorization::Token),
        }
    }

    /// A newer authorization after a refusal; `None` for an API key.
    pub(in crate::source) async fn renew(
        &self,
        refused: &Authorization,
    ) -> Option<Result<Renewal, AttemptFailure>> {
        match (self, refused) {
            (Self::Oauth(session), Authorization::Token(tokens)) => Some(session.renew(tokens.clone()).await),
            _ => None,
        }
    }

    pub(in crate::source) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Key(_) => Endpoint::GraphqlWithKey,
            Self::Oauth(_) => Endpoint::GraphqlWithToken,
        }
    }
}

impl Authorization {
    pub(in crate::source) fn show(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Key(key) => request.header(API_KEY_HEADER, key.clone()),
            // `bearer_auth` marks the header as sensitive.
            Self::Token(tokens) => request.bearer_auth(tokens.access_token.expose_secret()),
        }
    }

    /// Whether a text contains the secret.
    pub(in crate::source) fn is_quoted_in(&self, text: &str) -> bool {
        match self {
            Self::Key(key) => key.to_str().is_ok_and(|key| text.contains(key)),
            Self::Token(tokens) => text.contains(tokens.access_token.expose_secret()),
        }
    }
}
