//! What lets us into Gazelle, and where it is kept.
//!
//! An API key, or OAuth tokens, which `login` gets through a browser (`callback` is where that comes back), and which
//! `source` keeps fresh. They live in a file of mode 0600, or in the database (`database`), sealed (`seal`) with a key
//! from the environment, and this machine remembers which were the newest (`last_seen`).

mod callback;
mod database;
mod last_seen;
mod login;
mod seal;

use std::sync::Arc;

use anyhow::{Result, bail};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::config::Settings;
use crate::db::{ConnectSettings, Db};
use crate::source::{Credential, FileTokenStore, OauthCredential, TokenStore, Tokens};

pub use login::{Login, login};

/// The credential of the settings.
///
/// Tokens in the database are read and refreshed through `open`, where the database is open already: a role that may
/// open few connections needs no more of them for its tokens.
///
/// Errors: there is none, or what it needs is missing.
pub fn of(settings: &Settings, open: Option<&Db>) -> Result<Credential> {
    if let Some(key) = &settings.api_key {
        return Ok(Credential::ApiKey(key.clone()));
    }
    let (Some(client_id), Some(client_secret)) = (&settings.client_id, &settings.client_secret) else {
        if settings.access_token.is_some() || settings.refresh_token.is_some() {
            bail!(
                "no Gazelle credentials: GAZELLE_ACCESS_TOKEN and GAZELLE_REFRESH_TOKEN are not enough alone, since \
                 tokens end and only the application can renew them: set GAZELLE_CLIENT_ID and GAZELLE_CLIENT_SECRET \
                 too, or GAZELLE_API_KEY instead"
            )
        }
        bail!(
            "no Gazelle credentials: set GAZELLE_API_KEY, or GAZELLE_CLIENT_ID and GAZELLE_CLIENT_SECRET and run \
             `gazelle-sync auth login` (to try the program without any: gazelle-sync demo)"
        )
    };
    Ok(Credential::Oauth(OauthCredential {
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
        store: store_with(settings, open)?,
        first_tokens: first_tokens(settings),
    }))
}

/// Where tokens are kept: in the database when there is a key to seal them with, else in a file of the data folder.
/// The database is opened when it is first needed.
pub fn store(settings: &Settings) -> Result<Arc<dyn TokenStore>> {
    store_with(settings, None)
}

fn store_with(settings: &Settings, open: Option<&Db>) -> Result<Arc<dyn TokenStore>> {
    let Some(key) = &settings.token_key else {
        return Ok(Arc::new(FileTokenStore::new(settings.data_dir.join("tokens.json"))));
    };
    let Some(url) = &settings.database_url else {
        bail!(
            "GAZELLE_SYNC_TOKEN_KEY keeps tokens in the database of DATABASE_URL, which is not set: set it, or remove the \
             key and tokens are kept in a file of the data folder"
        )
    };
    let connect = ConnectSettings {
        url: url.expose_secret().to_owned(),
        ca_file: settings.database_ca_file.clone(),
        schema: settings.schema.clone(),
        connections: 1,
    };
    let client_id = settings.client_id.clone().unwrap_or_default();
    let data_dir = settings.data_dir.clone();
    Ok(Arc::new(database::DatabaseTokenStore::new(connect, open, seal::Key::new(key)?, client_id, data_dir)))
}

/// The tokens of the environment, for a store that holds none. An access token without a refresh token serves until it
/// ends.
pub fn first_tokens(settings: &Settings) -> Option<Tokens> {
    let access_token = settings.access_token.clone();
    let Some(refresh_token) = settings.refresh_token.clone() else {
        let access_token = access_token?;
        return Some(Tokens { access_token, refresh_token: None, expires_at: None, refresh_from: None });
    };
    let mut tokens = Tokens::from_refresh_token(refresh_token);
    tokens.access_token = access_token.unwrap_or_default();
    Some(tokens)
}

/// Tokens that end soon and that nobody could renew: `None` where all is well or nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// When the access token ends, UTC.
    pub at: Timestamp,
    /// Whether it can be renewed at all.
    pub renewable: bool,
}

/// Judges tokens. Without a refresh token: they end within two days. With one: half of the time in which they should
/// have been renewed is over, where that is long enough for somebody to have tried.
pub fn ending(tokens: &Tokens, now: Timestamp) -> Option<Ending> {
    let at = tokens.expires_at?;
    let left = at.duration_since(now);
    if tokens.refresh_token.is_none() {
        let soon = left <= jiff::SignedDuration::from_hours(48);
        return soon.then_some(Ending { at, renewable: false });
    }
    let margin = at.duration_since(tokens.refresh_from?);
    let long = margin >= jiff::SignedDuration::from_hours(24);
    (long && left <= margin / 2).then_some(Ending { at, renewable: true })
}

/// Looks at the stored tokens, in the database by the connections that are open. What cannot be read is left to those who need it, and say so.
pub async fn stored_ending(settings: &Settings, db: &Db, now: Timestamp) -> Option<Ending> {
    if settings.api_key.is_some() || settings.client_id.is_none() {
        return None;
    }
    let tokens = store_with(settings, Some(db)).ok()?.load().await.ok()?.tokens()?;
    ending(&tokens, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_end_soon_when_nobody_renews_them() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let hours = |n: i64| jiff::SignedDuration::from_hours(n);
        let tokens = |left: i64, refresh: bool, margin: Option<i64>| Tokens {
            access_token: "a".into(),
            refresh_token: refresh.then(|| "r".into()),
            expires_at: Some(now + hours(left)),
            refresh_from: margin.map(|margin| now + hours(left) - hours(margin)),
        };
        let ends = |tokens: Tokens| ending(&tokens, now).map(|ending| ending.renewable);
        assert_eq!(ends(tokens(49, false, None)), None);
        assert_eq!(ends(tokens(48, false, None)), Some(false));
        assert_eq!(ends(tokens(37, true, Some(72))), None, "there is time");
        assert_eq!(ends(tokens(36, true, Some(72))), Some(true));
        assert_eq!(ends(tokens(-5, true, Some(72))), Some(true), "over");
        assert_eq!(ends(tokens(0, true, Some(1))), None, "an hour's token is renewed when it is used");
        assert_eq!(ends(tokens(0, true, None)), None, "nothing is known");
    }
}
