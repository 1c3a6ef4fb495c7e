//! The credential in use at Gazelle, and the account it belongs to.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Settings;
use crate::credentials;
use crate::source::{GazelleClient, GraphqlRequest, Tokens};
use crate::states::words;

words! {
    /// The kinds of credentials.
    CredentialMethod {
        /// An API key.
        ApiKey = "api_key",
        /// OAuth tokens.
        Oauth = "oauth",
    }
}

words! {
    /// Where tokens come from.
    TokenOrigin {
        /// The place where refreshed tokens are stored.
        Store = "store",
        /// The environment.
        Environment = "environment",
    }
}

/// The credential in use, as JSON. Holds no secret.
#[derive(Serialize)]
pub struct CredentialStatus {
    /// The kind of credential.
    pub method: CredentialMethod,
    /// Where tokens are stored; absent for an API key.
    pub kept_in: Option<String>,
    /// Where the tokens in use come from; absent without tokens.
    pub tokens_from: Option<TokenOrigin>,
    pub access_until: Option<Timestamp>,
    pub renewable: Option<bool>,
    /// The company and user at Gazelle, if Gazelle was asked.
    pub who: Option<Identity>,
    pub ok: bool,
    pub problem: Option<String>,
}

#[derive(Serialize)]
pub struct Identity {
    pub company: Option<String>,
    pub user: Option<String>,
}

impl CredentialStatus {
    /// Reads the credential and, unless `offline`, asks Gazelle for the company and user.
    pub async fn of(settings: &Settings, client: GazelleClient, offline: bool) -> CredentialStatus {
        let mut status = CredentialStatus {
            method: if settings.api_key.is_some() {
                CredentialMethod::ApiKey
            } else {
                CredentialMethod::Oauth
            },
            kept_in: None,
            tokens_from: None,
            access_until: None,
            renewable: None,
            who: None,
            ok: true,
            problem: None,
        };
        if !offline {
            match who(&client).await {
                Ok(who) => status.who = Some(who),
                Err(problem) => status.problem = Some(problem),
            }
        }
        // The role may be allowed only one connection, which the client holds.
        drop(client);
        // Read afterwards: the request may have refreshed the tokens.
        if settings.api_key.is_none()
            && let Err(problem) = look_at_tokens(settings, &mut status, offline).await
        {
            status.problem.get_or_insert(problem);
        }
        status.ok = status.problem.is_none();
        status
    }
}

async fn look_at_tokens(
    settings: &Settings,
    status: &mut CredentialStatus,
    offline: bool,
) -> Result<(), String> {
    let store = credentials::store(settings).map_err(|error| error.to_string())?;
    status.kept_in = Some(store.place());
    let stored = store.load().await.map_err(|error| error.to_string())?.tokens();
    let (from, tokens): (_, Tokens) = match (stored, credentials::first_tokens(settings)) {
        (Some(tokens), _) => (TokenOrigin::Store, tokens),
        (None, Some(tokens)) => (TokenOrigin::Environment, tokens),
        (None, None) => {
            let place = store.place();
            return Err(format!("no tokens in {place}: run `gazelle-sync auth login`"));
        }
    };
    status.tokens_from = Some(from);
    status.renewable = Some(tokens.refresh_token.is_some());
    // The expiry of tokens from the environment is not known; they are refreshed at first use.
    status.access_until = tokens.expires_at.filter(|at| *at > Timestamp::UNIX_EPOCH);
    if offline && tokens.is_over(Timestamp::now()) && tokens.refresh_token.is_none() {
        return Err(
            "the access token has expired and cannot be renewed: run `gazelle-sync auth login`".to_owned()
        );
    }
    Ok(())
}

/// Asks Gazelle for the company and user of the credential.
async fn who(client: &GazelleClient) -> Result<Identity, String> {
    let question = GraphqlRequest::new("WhoAmI", include_str!("../../credentials/who.graphql"), json!({}));
    let answer = client.post(&question).await.map_err(|error| error.to_string())?;
    let read = |field: &str| -> Result<Value, String> {
        let found = answer.object(field).map_err(|error| error.to_string())?;
        Ok(found.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default())
    };
    let (user, company) = (read("user")?, read("company")?);
    let names: Vec<&str> = ["firstName", "lastName"].iter().filter_map(|name| user[name].as_str()).collect();
    Ok(Identity {
        company: company["name"].as_str().map(str::to_owned),
        user: (!names.is_empty()).then(|| names.join(" ")),
    })
}
