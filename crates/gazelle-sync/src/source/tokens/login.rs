//! An OAuth login: the URL where the user agrees, and the exchange of the authorization code for tokens.
//!
//! The code is bound to this login by PKCE (RFC 7636, S256), so that it is useless to anybody who intercepts it. A
//! server without PKCE ignores its parameters (RFC 6749, 3.1).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};

use super::{request::ask_for_tokens, store::Tokens};
use crate::source::{
    answers::{error::SourceError, target::Endpoint},
    settings::{CheckedSettings, SourceSettings},
};

/// The login of one application.
pub struct OauthLogin {
    http: Client,
    token_url: Url,
    timeout: Duration,
    client_id: String,
    client_secret: SecretString,
}

impl OauthLogin {
    /// A login with these settings. Sends nothing yet.
    ///
    /// # Errors
    /// Class `Setup`, naming the unusable setting.
    pub fn new(
        settings: SourceSettings,
        client_id: String,
        client_secret: SecretString,
    ) -> Result<Self, SourceError> {
        let settings = CheckedSettings::from(settings)?;
        settings.check_protected()?;
        let http = settings.http_client()?;
        let CheckedSettings { token_url, timeout, .. } = settings;
        Ok(Self { http, token_url, timeout, client_id, client_secret })
    }

    /// The authorization URL, next to the token URL. It contains no secret; `state` and `verifier` belong to this
    /// login only, and of the verifier it contains just the digest.
    pub fn address(&self, redirect_uri: &str, state: &str, verifier: &SecretString) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose_secret().as_bytes()));
        let mut url = self.token_url.clone();
        let path = url.path().trim_end_matches("/token").to_owned();
        url.set_path(&format!("{path}/authorize"));
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        url.into()
    }

    /// Exchanges the code, which works once and only with its verifier, for tokens.
    ///
    /// # Errors
    /// As for requests; `Unauthorized` if the code or the application was refused.
    pub async fn tokens(
        &self,
        code: &SecretString,
        redirect_uri: &str,
        verifier: &SecretString,
    ) -> Result<Tokens, SourceError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.expose_secret()),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
        ];
        let asked = ask_for_tokens(&self.http, &self.token_url, self.timeout, &form, Endpoint::Login).await;
        asked.map_err(|fault| SourceError::new(fault, "login", 1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Client, OauthLogin, SecretString, Url};

    #[test]
    fn every_parameter_of_the_address_is_encoded() {
        let odd = "a b&state=0#é%2F+\r\n\"<";
        let login = OauthLogin {
            http: Client::new(),
            token_url: Url::parse("https://gazelle.example.org/oauth/token").unwrap(),
            timeout: Duration::from_secs(1),
            client_id: odd.to_owned(),
            client_secret: SecretString::from("made-up"),
        };
        let address = login.address(odd, odd, &SecretString::from("verifier"));
        assert!(address.is_ascii() && !address.contains(['"', '<', ' ', '#', '\r', '\n']), "{address}");
        let url = Url::parse(&address).unwrap();
        let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        let all = [
            "client_id",
            "response_type",
            "redirect_uri",
            "state",
            "code_challenge",
            "code_challenge_method",
        ];
        assert_eq!(names, all, "nothing is added by a value");
        for name in ["client_id", "redirect_uri", "state"] {
            let (_, value) = url.query_pairs().find(|(known, _)| known == name).unwrap();
            assert_eq!(value, odd, "{name}");
        }
        assert!(!address.contains("verifier") && !address.contains("made-up"), "{address}");
    }
}
