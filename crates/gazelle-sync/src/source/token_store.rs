//! Where OAuth tokens live between runs, and the lock that keeps two processes from refreshing at once.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

/// The tokens of one account. Debug shows no secret.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Sent as `Authorization: Bearer`.
    pub access_token: SecretString,
    /// Exchanged for new tokens; `None` when the API gave none: then nothing can be refreshed.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends, UTC, by our clock; `None` when unknown.
    pub expires_at: Option<Timestamp>,
}

impl Tokens {
    /// Tokens of which only the refresh token is known: the first use refreshes.
    pub fn from_refresh_token(refresh_token: SecretString) -> Self {
        Self {
            access_token: SecretString::default(),
            refresh_token: Some(refresh_token),
            expires_at: Some(Timestamp::UNIX_EPOCH),
        }
    }

    pub(super) fn same_access(&self, other: &Self) -> bool {
        self.access_token.expose_secret() == other.access_token.expose_secret()
    }

    /// True when the access token ends within `margin`; false when its end is unknown.
    pub(super) fn ends_within(&self, margin: Duration) -> bool {
        self.expires_at
            .is_some_and(|end| end.duration_since(Timestamp::now()) <= margin.try_into().unwrap_or_default())
    }
}

/// A store that could not be read, locked or written. Display is one line without secrets: what, where, what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} in {place}: {advice}")]
pub struct TokenStoreError {
    /// What was wrong.
    pub what: String,
    /// The store, as [`TokenStore::place`] names it.
    pub place: String,
    /// What to do.
    pub advice: String,
}

/// A place that keeps tokens: a file, a table. Tokens are written only through [`TokenStore::lock`], so that nobody can
/// overwrite what another process has just refreshed.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// How messages name the store (a file's path, "the database"); without secrets.
    fn place(&self) -> String;

    /// The stored tokens, `None` when there are none yet. Takes no lock; what it sees is never half-written.
    fn load(&self) -> BoxFuture<'_, Result<Option<Tokens>, TokenStoreError>>;

    /// Waits, within bounds, for the sole right to change the tokens, against other processes too.
    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn TokenLock>, TokenStoreError>>;
}

/// The sole right to change the tokens of a store; ends when it is saved or dropped.
pub trait TokenLock: Send {
    /// The tokens as they are now, under the lock.
    fn load(&mut self) -> BoxFuture<'_, Result<Option<Tokens>, TokenStoreError>>;

    /// Replaces the tokens, whole or not at all; when it returns they survive a crash. Ends the lock.
    fn save(self: Box<Self>, tokens: Tokens) -> BoxFuture<'static, Result<(), TokenStoreError>>;
}
