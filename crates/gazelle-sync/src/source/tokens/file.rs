//! Tokens in a file of mode 0600. The lock is a second file: each save replaces the first, and a lock on a replaced
//! file would protect nothing.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::store::{StoredTokens, TokenLock, TokenStore, TokenStoreError, Tokens};
use crate::private_files::{self, NotOurs, beside};

/// A refresh takes seconds; a process that holds the lock longer hangs.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
const LOCK_POLL: Duration = Duration::from_millis(50);

/// Stores tokens in one JSON file that only its owner can read. A save writes a new file and renames it, so that
/// readers see either the old or the new tokens, even after a crash.
#[derive(Debug, Clone)]
pub struct FileTokenStore {
    path: PathBuf,
}

impl FileTokenStore {
    /// A store at `path`. File and folder are created when first needed.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn error(&self, what: &str, error: &io::Error) -> TokenStoreError {
        if let Some(NotOurs { what, advice }) = NotOurs::in_error(error) {
            return TokenStoreError { what: what.clone(), place: self.place(), advice: advice.clone() };
        }
        TokenStoreError {
            what: format!("{what} ({})", error.kind()),
            place: self.place(),
            advice: "check the folder, its owner and its free space".to_owned(),
        }
    }

    fn lock_path(&self) -> PathBuf {
        beside(&self.path, ".lock")
    }
}

impl TokenStore for FileTokenStore {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn load(&self) -> BoxFuture<'_, Result<StoredTokens, TokenStoreError>> {
        let store = self.clone();
        Box::pin(async move {
            let path = store.path.clone();
            match blocking(move || private_files::read(&path)).await {
                Ok(None) => Ok(StoredTokens::Nothing),
                Ok(Some(bytes)) => stored_in(&bytes).ok_or_else(|| TokenStoreError {
                    what: "no readable tokens".to_owned(),
                    place: store.place(),
                    advice: "remove the file and run `gazelle-sync auth login`".to_owned(),
                }),
                Err(error) => Err(store.error("the tokens cannot be read", &error)),
            }
        })
    }

    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn TokenLock>, TokenStoreError>> {
        let store = self.clone();
        Box::pin(async move {
            let path = store.lock_path();
            let file = blocking(move || private_files::open_lock(&path))
                .await
                .map_err(|error| store.error("the lock file cannot be opened", &error))?;
            let begun = Instant::now();
            // Polled instead of awaited, because a blocked thread could not be cancelled.
            loop {
                match file.try_lock() {
                    Ok(()) => {
                        return Ok(Box::new(FileLock { store, _file: file }) as Box<dyn TokenLock>);
                    }
                    Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
                        tokio::time::sleep(LOCK_POLL).await;
                    }
                    Err(TryLockError::WouldBlock) => {
                        return Err(TokenStoreError {
                            what: format!(
                                "the lock is held by another process for {} s",
                                LOCK_PATIENCE.as_secs()
                            ),
                            place: store.place(),
                            advice: "see whether another gazelle-sync hangs, and end it".to_owned(),
                        });
                    }
                    Err(TryLockError::Error(error)) => {
                        return Err(store.error("the lock cannot be taken", &error));
                    }
                }
            }
        })
    }
}

/// The operating system's lock on the lock file; it ends when the file is closed, also by a crash.
struct FileLock {
    store: FileTokenStore,
    _file: File,
}

impl TokenLock for FileLock {
    fn load(&mut self) -> BoxFuture<'_, Result<StoredTokens, TokenStoreError>> {
        self.store.load()
    }

    fn save(self: Box<Self>, tokens: Tokens) -> BoxFuture<'static, Result<(), TokenStoreError>> {
        Box::pin(async move {
            let store = self.store.clone();
            // The lock moves into the thread, so that a caller that stops waiting does not free it during the
            // write.
            blocking(move || replace(&self.store.path, &tokens))
                .await
                .map_err(|error| store.error("the tokens cannot be saved", &error))
        })
    }

    fn remove(self: Box<Self>) -> BoxFuture<'static, Result<bool, TokenStoreError>> {
        Box::pin(async move {
            let store = self.store.clone();
            // As in `save`, the lock moves into the thread.
            blocking(move || remove(&self.store.path))
                .await
                .map_err(|error| store.error("the tokens cannot be removed", &error))
        })
    }
}

/// The format of the file. Without `expires_at` the expiry is unknown.
#[derive(Serialize, Deserialize)]
struct TokenFile {
    access_token: String,
    refresh_token: Option<String>,
    expires_at: Option<Timestamp>,
    #[serde(default)]
    refresh_from: Option<Timestamp>,
}

/// Parses tokens from [`tokens_to_json`]; `None` for any other bytes.
pub fn tokens_from_json(bytes: &[u8]) -> Option<Tokens> {
    let stored: TokenFile = serde_json::from_slice(bytes).ok()?;
    Some(Tokens {
        access_token: stored.access_token.into(),
        refresh_token: stored.refresh_token.map(SecretString::from),
        expires_at: stored.expires_at,
        refresh_from: stored.refresh_from,
    })
}

/// Tokens as JSON, including the secrets, for stores that protect it.
///
/// # Errors
/// Only serialisation errors.
pub fn tokens_to_json(tokens: &Tokens) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec_pretty(&TokenFile {
        access_token: tokens.access_token.expose_secret().to_owned(),
        refresh_token: tokens.refresh_token.as_ref().map(|token| token.expose_secret().to_owned()),
        expires_at: tokens.expires_at,
        refresh_from: tokens.refresh_from,
    })
}

fn replace(path: &Path, tokens: &Tokens) -> io::Result<()> {
    private_files::replace(path, &tokens_to_json(tokens)?)
}

/// Replaces the tokens at a logout.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoggedOut {
    logged_out: bool,
}

fn stored_in(bytes: &[u8]) -> Option<StoredTokens> {
    match serde_json::from_slice(bytes) {
        Ok(LoggedOut { logged_out: true }) => Some(StoredTokens::LoggedOut),
        _ => tokens_from_json(bytes).map(StoredTokens::Tokens),
    }
}

/// Replaces the file with a logout marker instead of removing it, because a lost file is not a logout. If the
/// marker cannot be written, the file is removed.
fn remove(path: &Path) -> io::Result<bool> {
    let before = private_files::read(path);
    let marker = serde_json::to_vec(&LoggedOut { logged_out: true })?;
    if let Err(error) = private_files::replace(path, &marker) {
        match std::fs::remove_file(path) {
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        tracing::warn!(%error, "processes that run with these tokens do not notice the logout: end them");
    }
    Ok(match before {
        Ok(None) => false,
        Ok(Some(bytes)) => !matches!(stored_in(&bytes), Some(StoredTokens::LoggedOut)),
        // The old file was unreadable; its content is gone now.
        Err(_) => true,
    })
}

/// Runs file operations on a blocking thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
