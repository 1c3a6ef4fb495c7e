//! Using a credential: the authorization of each attempt, and its renewal after a refusal.

use std::sync::Arc;

use reqwest::{RequestBuilder, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::{
    session::{OauthSession, Renewal},
    store::Tokens,
};
use crate::source::{
    answers::{
        error::{Fault, SourceError},
        target::Endpoint,
    },
    settings::bad_setting,
};

const API_KEY_HEADER: &str = "x-gazelle-api-key";

/// A credential made ready for requests.
#[derive(Debug)]
pub(in crate::source) enum Access {
    Key(HeaderValue),
    Oauth(Arc<OauthSession>),
}

/// What authorizes one attempt.
#[derive(Debug, Clone)]
pub(in crate::source) enum Authorization {
    Key(HeaderValue),
    Token(Arc<Tokens>),
}

impl Access {
    /// Errors: class `Setup` for a key that is empty or that no header can hold.
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

    /// The authorization for the next attempt; may read the store or refresh the token first.
    pub(in crate::source) async fn authorization(&self) -> Result<Authorization, Fault> {
        match self {
            Self::Key(key) => Ok(Authorization::Key(key.clone())),
            Self::Oauth(session) => session.tokens().await.map(Authorization::Token),
        }
    }

    /// A newer authorization in place of one that was refused; `None` where there cannot be one.
    pub(in crate::source) async fn renew(&self, refused: &Authorization) -> Option<Result<Renewal, Fault>> {
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
            // Marks the header as sensitive by itself.
            Self::Token(tokens) => request.bearer_auth(tokens.access_token.expose_secret()),
        }
    }

    /// Whether a text holds the secret itself.
    pub(in crate::source) fn is_quoted_in(&self, text: &str) -> bool {
        match self {
            Self::Key(key) => key.to_str().is_ok_and(|key| text.contains(key)),
            Self::Token(tokens) => text.contains(tokens.access_token.expose_secret()),
        }
    }
}
