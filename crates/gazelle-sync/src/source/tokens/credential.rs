//! Credentials: an API key, or an application with OAuth tokens.

use std::sync::Arc;

use secrecy::SecretString;

use super::store::{TokenStore, Tokens};

/// How the client authenticates. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Sent in the header `x-gazelle-api-key`. Surrounding white space is ignored.
    ApiKey(SecretString),
    /// Sent as `Authorization: Bearer`, refreshed before it expires and once after a 401.
    Oauth(OauthCredential),
}

/// OAuth with tokens that were obtained before.
#[derive(Debug, Clone)]
pub struct OauthCredential {
    /// The id of the registered application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The token store. Its tokens take precedence over `first_tokens`.
    pub store: Arc<dyn TokenStore>,
    /// Used while the store is empty; the first refresh fills the store.
    pub first_tokens: Option<Tokens>,
}
