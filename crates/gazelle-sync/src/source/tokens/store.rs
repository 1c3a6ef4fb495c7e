//! The trait of token stores, and the lock that keeps two processes from refreshing at once.

use std::fmt;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

/// The tokens of one account. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Sent as `Authorization: Bearer`.
    pub access_token: SecretString,
    /// Exchanged for new tokens; `None` if the API gave none, so that no refresh is possible.
    pub refresh_token: Option<SecretString>,
    /// When the access token expires, UTC, by our clock; `None` if unknown.
    pub expires_at: Option<Timestamp>,
    /// When to start refreshing, UTC, by our clock; `None`: a few minutes before the expiry.
    pub refresh_from: Option<Timestamp>,
}

/// A token that expires sooner than this is refreshed before use, unless its whole lifetime is about as short.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// A long-lived token is refreshed this long before its expiry, which leaves time to intervene if that fails.
const LONGEST_MARGIN: SignedDuration = SignedDuration::from_hours(72);

impl Tokens {
    /// Tokens with only a refresh token: the first use refreshes.
    pub fn from_refresh_token(refresh_token: SecretString) -> Self {
        Self {
            access_token: SecretString::default(),
            refresh_token: Some(refresh_token),
            expires_at: Some(Timestamp::UNIX_EPOCH),
            refresh_from: None,
        }
    }

    /// Tokens issued at `at` with a lifetime in seconds. They are refreshed when a tenth of it is left, but at
    /// least five minutes and at most three days before the expiry. Lifetimes under ten minutes are used to their
    /// half, because otherwise each request would refresh.
    pub(in crate::source) fn handed_out(
        access_token: SecretString,
        refresh_token: Option<SecretString>,
        at: Timestamp,
        seconds: Option<u64>,
    ) -> Self {
        let life = seconds.and_then(|seconds| Some(SignedDuration::from_secs(seconds.try_into().ok()?)));
        let expires_at = life.and_then(|life| at.checked_add(life).ok());
        let margin = life.map(|life| (life / 10).max(EXPIRY_MARGIN.min(life / 2)).min(LONGEST_MARGIN));
        let refresh_from = expires_at.zip(margin).and_then(|(end, margin)| end.checked_sub(margin).ok());
        Self { access_token, refresh_token, expires_at, refresh_from }
    }

    pub(in crate::source) fn same_access(&self, other: &Self) -> bool {
        self.access_token.expose_secret() == other.access_token.expose_secret()
    }

    /// Whether the access token has expired; false if the expiry is unknown.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it is time to refresh; false if the expiry is unknown.
    pub(super) fn ends_soon(&self, now: Timestamp) -> bool {
        match self.refresh_from {
            Some(from) => from <= now || self.is_over(now),
            None => self.expires_at.is_some_and(|end| end.duration_since(now) <= EXPIRY_MARGIN),
        }
    }
}

/// The content of a store.
#[derive(Debug, Clone)]
pub enum StoredTokens {
    /// Tokens.
    Tokens(Tokens),
    /// No tokens, because the user logged out: processes that still hold earlier tokens drop them.
    LoggedOut,
    /// No tokens and no logout: there never were any, or they were lost.
    Nothing,
}

impl StoredTokens {
    /// The tokens, if there are any.
    pub fn tokens(self) -> Option<Tokens> {
        match self {
            Self::Tokens(tokens) => Some(tokens),
            Self::LoggedOut | Self::Nothing => None,
        }
    }
}

/// A store could not be read, locked or written. `Display` is one line without secrets: what, where, what to do.
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

/// A store of tokens: a file or a table. Tokens are written only under [`TokenStore::lock`], so that no process
/// overwrites what another has just refreshed.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The store's name in messages (a path, "the database"), without secrets.
    fn place(&self) -> String;

    /// The stored content. Takes no lock; never sees a partial write.
    fn load(&self) -> BoxFuture<'_, Result<StoredTokens, TokenStoreError>>;

    /// Waits, with a time limit, for the exclusive right to change the tokens, also against other processes.
    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn TokenLock>, TokenStoreError>>;
}

/// The exclusive right to change the tokens; ends with `save`, `remove` or drop.
pub trait TokenLock: Send {
    /// The stored content, under the lock.
    fn load(&mut self) -> BoxFuture<'_, Result<StoredTokens, TokenStoreError>>;

    /// Replaces the tokens atomically; when it returns they survive a crash. Ends the lock.
    fn save(self: Box<Self>, tokens: Tokens) -> BoxFuture<'static, Result<(), TokenStoreError>>;

    /// Removes the tokens and leaves a logout marker ([`StoredTokens::LoggedOut`]). Returns whether there were any. Ends
    /// the lock.
    fn remove(self: Box<Self>) -> BoxFuture<'static, Result<bool, TokenStoreError>>;
}
