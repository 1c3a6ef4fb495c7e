//! What lets us in: an API key, or an application with OAuth tokens.

use std::sync::Arc;

use secrecy::SecretString;

use super::store::{TokenStore, Tokens};

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
