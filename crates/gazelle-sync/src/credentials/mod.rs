//! The credentials for Gazelle's API, and where they are stored.
//!
//! An API key, or OAuth tokens. `login` obtains tokens through a browser (`callback` receives the redirect), and
//! `source` refreshes them. They are stored in a file of mode 0600, or in the database (`database`), encrypted
//! (`seal`) with a key from the environment; this machine remembers the newest version it has seen (`last_seen`).

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

/// The settings name no credential: wrong use, which no repetition fixes.
#[derive(Debug, thiserror::Error)]
#[error("no Gazelle credentials: {0}")]
pub struct NoCredentials(&'static str);

/// The credential of the settings.
///
/// `open` is a database that is open already: tokens in the database are then read and refreshed through it,
/// because the role may have few connections.
///
/// # Errors
/// [`NoCredentials`], or a setting that a credential needs is missing.
pub fn of(settings: &Settings, open: Option<&Db>) -> Result<Credential> {
    if let Some(key) = &settings.api_key {
        return Ok(Credential::ApiKey(key.clone()));
    }
    let (Some(client_id), Some(client_secret)) = (&settings.client_id, &settings.client_secret) else {
        if settings.access_token.is_some() || settings.refresh_token.is_some() {
            return Err(NoCredentials(
                "GAZELLE_ACCESS_TOKEN and GAZELLE_REFRESH_TOKEN are not enough alone, since tokens end and only the \
                 application can renew them: set GAZELLE_CLIENT_ID and GAZELLE_CLIENT_SECRET too, or GAZELLE_API_KEY \
                 instead",
            )
            .into());
        }
        return Err(NoCredentials(
            "set GAZELLE_API_KEY, or GAZELLE_CLIENT_ID and GAZELLE_CLIENT_SECRET and run `gazelle-sync auth login` (to \
             try the program without any: gazelle-sync demo)",
        )
        .into());
    };
    Ok(Credential::Oauth(OauthCredential {
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
        store: store_with(settings, open)?,
        first_tokens: first_tokens(settings),
    }))
}

/// The token store: the database if there is an encryption key, otherwise a file in the data folder. The database
/// is opened when it is first needed.
///
/// # Errors
/// The key or the database URL is unusable.
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

/// The tokens of the environment, for a store without tokens. An access token without a refresh token is used until
/// it expires.
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

/// Tokens that expire soon and are not refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// When the access token expires, UTC.
    pub at: Timestamp,
    /// Whether there is a refresh token.
    pub renewable: bool,
}

/// Whether tokens are about to expire. Without a refresh token: they expire within two days. With one: half of the
/// period in which they should have been refreshed has passed, if the period is long enough for a refresh to have
/// been attempted. `None` otherwise, and if the expiry is unknown.
pub fn expiry(tokens: &Tokens, now: Timestamp) -> Option<Expiry> {
    let at = tokens.expires_at?;
    let left = at.duration_since(now);
    if tokens.refresh_token.is_none() {
        let soon = left <= jiff::SignedDuration::from_hours(48);
        return soon.then_some(Expiry { at, renewable: false });
    }
    let margin = at.duration_since(tokens.refresh_from?);
    let long = margin >= jiff::SignedDuration::from_hours(24);
    (long && left <= margin / 2).then_some(Expiry { at, renewable: true })
}

/// The same for the stored tokens, read through the open database. `None` also if they cannot be read, because
/// whoever needs them reports that.
pub async fn stored_expiry(settings: &Settings, db: &Db, now: Timestamp) -> Option<Expiry> {
    if settings.api_key.is_some() || settings.client_id.is_none() {
        return None;
    }
    let tokens = store_with(settings, Some(db)).ok()?.load().await.ok()?.tokens()?;
    expiry(&tokens, now)
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
        let ends = |tokens: Tokens| expiry(&tokens, now).map(|expiry| expiry.renewable);
        assert_eq!(ends(tokens(49, false, None)), None);
        assert_eq!(ends(tokens(48, false, None)), Some(false));
        assert_eq!(ends(tokens(37, true, Some(72))), None, "there is time");
        assert_eq!(ends(tokens(36, true, Some(72))), Some(true));
        assert_eq!(ends(tokens(-5, true, Some(72))), Some(true), "over");
        assert_eq!(ends(tokens(0, true, Some(1))), None, "an hour's token is renewed when it is used");
        assert_eq!(ends(tokens(0, true, None)), None, "nothing is known");
    }
}
