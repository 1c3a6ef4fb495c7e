//! A login: the address where a person agrees, and the code that comes back exchanged for tokens.

use std::time::Duration;

use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};

use super::{
    client::http_client,
    error::SourceError,
    settings::{CheckedSettings, SourceSettings},
    target::Door,
    token_request::ask_for_tokens,
    token_store::Tokens,
};

/// One application that a person lets in.
pub struct OauthLogin {
    http: Client,
    token_url: Url,
    timeout: Duration,
    client_id: String,
    client_secret: SecretString,
}

impl OauthLogin {
    /// A login for these settings. Sends nothing yet.
    ///
    /// Errors: class `Setup`, naming the setting that is unusable.
    pub fn new(
        settings: SourceSettings,
        client_id: String,
        client_secret: SecretString,
    ) -> Result<Self, SourceError> {
        let settings = CheckedSettings::from(settings)?;
        if settings.is_exposed() {
            tracing::warn!("credentials will cross the network unencrypted; use https");
        }
        let http = http_client(&settings)?;
        let CheckedSettings { token_url, timeout, .. } = settings;
        Ok(Self { http, token_url, timeout, client_id, client_secret })
    }

    /// Where a person agrees: the neighbour of the token URL. Holds no secret; `state` is one of this login alone.
    pub fn address(&self, redirect_uri: &str, state: &str) -> String {
        let mut url = self.token_url.clone();
        let path = url.path().trim_end_matches("/token").to_owned();
        url.set_path(&format!("{path}/authorize"));
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state);
        url.into()
    }

    /// Exchanges the code, which is good for once, for tokens.
    ///
    /// Errors: as of requests; `Unauthorized` when the code or the application was refused.
    pub async fn tokens(&self, code: &SecretString, redirect_uri: &str) -> Result<Tokens, SourceError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect_uri),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
        ];
        let asked = ask_for_tokens(&self.http, &self.token_url, self.timeout, &form, Door::Login).await;
        asked.map_err(|fault| SourceError::new(fault, "login", 1))
    }
}
