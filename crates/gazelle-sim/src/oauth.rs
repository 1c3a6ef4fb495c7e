//! OAuth tokens: issued for a code or a refresh token, each with a lifetime.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::options::SimOptions;
use crate::shop::random::make_id;

/// A pair of valid tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// For the token endpoint.
    pub refresh_token: String,
}

/// Tokens and codes, with their expiry in seconds since 1970.
#[derive(Default)]
pub(crate) struct TokenStore {
    access: HashMap<String, i64>,
    refresh: HashMap<String, i64>,
    codes: HashMap<String, Authorization>,
    made: u64,
}

/// A user's authorization.
pub(crate) struct Authorization {
    /// The redirect URI of the code.
    pub(crate) redirect_uri: String,
    /// The S256 challenge of PKCE, if there was one: the code then requires its verifier.
    pub(crate) challenge: Option<String>,
}

impl Authorization {
    fn allows(&self, redirect_uri: Option<&str>, verifier: Option<&str>) -> bool {
        let proven =
            |challenge: &String| verifier.is_some_and(|verifier| challenge_of(verifier) == *challenge);
        redirect_uri == Some(&self.redirect_uri) && self.challenge.as_ref().is_none_or(proven)
    }
}

/// RFC 7636, section 4.2.
fn challenge_of(verifier: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

/// A refused token request: its HTTP status and the OAuth error.
pub(crate) type Refusal = (u16, &'static str);

impl TokenStore {
    fn make(&mut self, prefix: &str) -> String {
        self.made += 1;
        make_id(0x70CE, prefix, self.made)
    }

    pub(crate) fn issue(&mut self, options: &SimOptions, now: i64) -> Tokens {
        let tokens = Tokens {
            access_token: self.issue_access(options, now),
            refresh_token: self.make("sim_refresh_"),
        };
        let life = options.refresh_token_life.as_secs() as i64;
        self.refresh.insert(tokens.refresh_token.clone(), now + life);
        tokens
    }

    fn issue_access(&mut self, options: &SimOptions, now: i64) -> String {
        let token = self.make("sim_access_");
        self.access.insert(token.clone(), now + options.access_token_life.as_secs() as i64);
        token
    }

    pub(crate) fn accepts(&self, access_token: &str, now: i64) -> bool {
        self.access.get(access_token).is_some_and(|end| now < *end)
    }

    /// Invalidates every access token; refresh tokens stay valid.
    pub(crate) fn expire_access(&mut self) {
        self.access.clear();
    }

    /// Invalidates every token.
    pub(crate) fn revoke_all(&mut self) {
        self.access.clear();
        self.refresh.clear();
    }

    /// Creates a code for an authorization.
    pub(crate) fn authorize(&mut self, authorization: Authorization) -> String {
        let code = self.make("sim_code_");
        self.codes.insert(code.clone(), authorization);
        code
    }

    /// Answers a token request with these form fields.
    pub(crate) fn grant(
        &mut self,
        form: &HashMap<String, String>,
        options: &SimOptions,
        now: i64,
    ) -> Result<Json, Refusal> {
        let field = |name: &str| form.get(name).map(String::as_str);
        let known = field("client_id") == Some(&options.client_id)
            && field("client_secret") == Some(&options.client_secret);
        if !known {
            return Err((401, "invalid_client"));
        }
        match field("grant_type") {
            Some("authorization_code") => {
                let authorization = field("code").and_then(|code| self.codes.remove(code));
                match authorization {
                    Some(authorization)
                        if authorization.allows(field("redirect_uri"), field("code_verifier")) =>
                    {
                        let tokens = self.issue(options, now);
                        Ok(answer(tokens.access_token, Some(tokens.refresh_token), options, now))
                    }
                    _ => Err((400, "invalid_grant")),
                }
            }
            Some("refresh_token") => self.refresh(field("refresh_token").unwrap_or_default(), options, now),
            Some("client_credentials") => Err((400, "unauthorized_client")),
            Some(_) => Err((400, "unsupported_grant_type")),
            None => Err((400, "invalid_request")),
        }
    }

    fn refresh(&mut self, token: &str, options: &SimOptions, now: i64) -> Result<Json, Refusal> {
        if self.refresh.get(token).is_none_or(|end| now >= *end) {
            return Err((400, "invalid_grant"));
        }
        if !options.rotate_refresh_tokens {
            let access = self.issue_access(options, now);
            return Ok(answer(access, None, options, now));
        }
        self.refresh.remove(token);
        let tokens = self.issue(options, now);
        Ok(answer(tokens.access_token, Some(tokens.refresh_token), options, now))
    }
}

fn answer(access: String, refresh: Option<String>, options: &SimOptions, now: i64) -> Json {
    let mut answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": options.access_token_life.as_secs(),
        "scope": "",
        "created_at": now,
    });
    if let Some(refresh) = refresh {
        answer["refresh_token"] = refresh.into();
    }
    answer
}
