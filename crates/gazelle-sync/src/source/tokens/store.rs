//! Where OAuth tokens live between runs, and the lock that keeps two processes from refreshing at once.

use std::fmt;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
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
    /// From when on they are refreshed ahead of their end, UTC, by our clock; `None`: some minutes before it.
    pub refresh_from: Option<Timestamp>,
}

/// A token that ends sooner than this is refreshed before it is used, unless it is known to live hardly longer.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// A token that lives long is refreshed this long before its end: time for a person where that fails.
const LONGEST_MARGIN: SignedDuration = SignedDuration::from_hours(72);

impl Tokens {
    /// Tokens of which only the refresh token is known: the first use refreshes.
    pub fn from_refresh_token(refresh_token: SecretString) -> Self {
        Self {
            access_token: SecretString::default(),
            refresh_token: Some(refresh_token),
            expires_at: Some(Timestamp::UNIX_EPOCH),
            refresh_from: None,
        }
    }

    /// Tokens that were handed out at an instant, for so many seconds: refreshed when a tenth of that is left, at least
    /// five minutes and at most three days before their end. Those that live less than ten minutes serve for half of it: with
    /// five minutes to spare, each request would refresh them.
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

    /// True when the access token is over; false when its end is unknown.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// True when it is time to refresh; false when the end is unknown.
    pub(super) fn ends_soon(&self, now: Timestamp) -> bool {
        match self.refresh_from {
            Some(from) => from <= now || self.is_over(now),
            None => self.expires_at.is_some_and(|end| end.duration_since(now) <= EXPIRY_MARGIN),
        }
    }
}

/// What a store holds.
#[derive(Debug, Clone)]
pub enum Stored {
    /// Tokens.
    Tokens(Tokens),
    /// None, since somebody logged out: whoever still has the tokens from before forgets them.
    LoggedOut,
    /// None, and nobody logged out: never any, or they were lost.
    Nothing,
}

impl Stored {
    /// The tokens, where there are some.
    pub fn tokens(self) -> Option<Tokens> {
        match self {
            Self::Tokens(tokens) => Some(tokens),
            Self::LoggedOut | Self::Nothing => None,
        }
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

    /// What is stored. Takes no lock; what it sees is never half-written.
    fn load(&self) -> BoxFuture<'_, Result<Stored, TokenStoreError>>;

    /// Waits, within bounds, for the sole right to change the tokens, against other processes too.
    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn TokenLock>, TokenStoreError>>;
}

/// The sole right to change the tokens of a store; ends when it is saved or dropped.
pub trait TokenLock: Send {
    /// What is stored now, under the lock.
    fn load(&mut self) -> BoxFuture<'_, Result<Stored, TokenStoreError>>;

    /// Replaces the tokens, whole or not at all; when it returns they survive a crash. Ends the lock.
    fn save(self: Box<Self>, tokens: Tokens) -> BoxFuture<'static, Result<(), TokenStoreError>>;

    /// Removes the tokens and leaves a marker of the logout ([`Stored::LoggedOut`]); says whether there were any. Ends the lock.
    fn remove(self: Box<Self>) -> BoxFuture<'static, Result<bool, TokenStoreError>>;
}
