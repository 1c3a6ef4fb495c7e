//! What lets us in: an API key, or OAuth tokens that renew themselves.

use std::sync::Arc;

use reqwest::{RequestBuilder, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::{
    error::{Fault, SourceError},
    oauth::{OauthSession, Renewal},
    settings::bad_setting,
    target::Endpoint,
    token_store::{TokenStore, Tokens},
};

const API_KEY_HEADER: &str = "x-gazelle-api-key";

/// How the client proves who it is. Debug shows no secret.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Sent in the header `x-gazelle-api-key`. White space around it is ignored.
    ApiKey(SecretString),
    /// Sent as `Authorization: Bearer`, refreshed before its end and once after a 401.
    Oauth(OauthCredential),
}

/// OAuth with tokens that were obtained before.
#[derive(Debug, Clone)]
pub struct OauthCredential {
    /// The registered application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Where the tokens live. What is stored there goes before `first_tokens`.
    pub store: Arc<dyn TokenStore>,
    /// Used while the store is empty; the first refresh fills the store.
    pub first_tokens: Option<Tokens>,
}

/// A credential made ready for requests.
#[derive(Debug)]
pub(super) enum Access {
    Key(HeaderValue),
    Oauth(Arc<OauthSession>),
}

/// What authorizes one attempt.
#[derive(Debug, Clone)]
pub(super) enum Authorization {
    Key(HeaderValue),
    Token(Arc<Tokens>),
}

impl Access {
    /// Errors: class `Setup` for a key that is empty or that no header can hold.
    pub(super) fn from_key(key: &SecretString) -> Result<Self, SourceError> {
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
    pub(super) async fn authorization(&self) -> Result<Authorization, Fault> {
        match self {
            Self::Key(key) => Ok(Authorization::Key(key.clone())),
            Self::Oauth(session) => session.tokens().await.map(Authorization::Token),
        }
    }

    /// A newer authorization in place of one that was refused; `None` where there cannot be one.
    pub(super) async fn renew(&self, refused: &Authorization) -> Option<Result<Renewal, Fault>> {
        match (self, refused) {
            (Self::Oauth(session), Authorization::Token(tokens)) => Some(session.renew(tokens.clone()).await),
            _ => None,
        }
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Key(_) => Endpoint::GraphqlWithKey,
            Self::Oauth(_) => Endpoint::GraphqlWithToken,
        }
    }
}

impl Authorization {
    pub(super) fn show(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Key(key) => request.header(API_KEY_HEADER, key.clone()),
            // Marks the header as sensitive by itself.
            Self::Token(tokens) => request.bearer_auth(tokens.access_token.expose_secret()),
        }
    }

    /// Whether a text holds the secret itself.
    pub(super) fn is_quoted_in(&self, text: &str) -> bool {
        match self {
            Self::Key(key) => key.to_str().is_ok_and(|key| text.contains(key)),
            Self::Token(tokens) => text.contains(tokens.access_token.expose_secret()),
        }
    }
}
