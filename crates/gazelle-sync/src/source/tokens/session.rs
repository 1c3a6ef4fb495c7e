//! Keeps an OAuth token fresh. Three risks shape it:
//! - Two processes that refresh at once would lose one of the tokens: load, refresh and save happen under the
//!   store's lock, and a process that finds a newer token there uses it instead.
//! - A rotated token that is used before it is saved is lost if the process dies: it is saved first.
//! - A caller that stops waiting in between would lose it too: the whole runs in its own task.
//!
//! After a logout, the tokens in memory are dropped as well and never written back. Only an explicit logout marker
//! in the store counts; a store that fails or lost its tokens does not.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{Client, Url};
use secrecy::ExposeSecret;
use tokio::{
    sync::{Mutex, Semaphore},
    time::Instant,
};

use super::{
    credential::OauthCredential,
    request::ask_for_tokens,
    store::{StoredTokens, TokenLock, TokenStoreError, Tokens},
};
use crate::source::{
    answers::{
        error::{AttemptFailure, ErrorClass},
        target::Endpoint,
    },
    settings::place_of,
};

/// After an early refresh failed while the old token is still valid, the next attempt waits this long.
const EARLY_REFRESH_PAUSE: Duration = Duration::from_secs(60);

/// The result of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Renewal {
    /// Another task or process had refreshed already.
    Adopted,
    Refreshed,
}

pub(in crate::source) struct OauthSession {
    pub http: Client,
    pub token_url: Url,
    pub timeout: Duration,
    /// The client's request slots; a refresh needs one too.
    pub slots: Arc<Semaphore>,
    pub credential: OauthCredential,
    pub state: Mutex<State>,
}

#[derive(Default)]
pub(in crate::source) struct State {
    current: Option<Arc<Tokens>>,
    /// Refreshed but not saved, because the store failed: the only copy of a rotated token, unused until it is
    /// saved.
    unsaved: Option<Tokens>,
    no_early_refresh_before: Option<Instant>,
    /// The store was read and had no logout marker: a later marker invalidates the tokens held here.
    logout_concerns_us: bool,
    /// The user logged out and has not logged in again.
    logged_out: bool,
}

impl State {
    /// Uses tokens from the store.
    fn adopt(&mut self, stored: Arc<Tokens>) {
        *self = Self { current: Some(stored), logout_concerns_us: true, ..Self::default() };
    }
}

impl OauthSession {
    /// Takes over the state of an earlier session of the same login: a rotated token that could not be saved, or a
    /// logout. Waits for a refresh that the earlier session has in progress.
    pub(in crate::source) async fn take_over(&self, before: &OauthSession) {
        let state = std::mem::take(&mut *before.state.lock().await);
        *self.state.lock().await = state;
    }

    /// The tokens to use now, refreshed first if they expire soon.
    pub(in crate::source) async fn tokens(self: &Arc<Self>) -> Result<Arc<Tokens>, AttemptFailure> {
        let (current, early_refresh_allowed) = {
            let mut state = self.state.lock().await;
            let current = match &state.current {
                Some(current) => current.clone(),
                None => self.first(&mut state).await?,
            };
            (current, state.no_early_refresh_before.is_none_or(|time| Instant::now() >= time))
        };
        let now = Timestamp::now();
        let is_over = current.is_over(now);
        let ends_soon = current.ends_soon(now) && current.refresh_token.is_some();
        let refresh_now = is_over || (ends_soon && early_refresh_allowed);
        if !refresh_now {
            return Ok(current);
        }
        match self.renew(current.clone()).await {
            Ok(_) => Ok(self.state.lock().await.current.clone().unwrap_or(current)),
            Err(fault) => {
                let mut state = self.state.lock().await;
                if is_over || state.logged_out {
                    return Err(fault);
                }
                tracing::warn!(
                    class = fault.class.code().as_str(),
                    "the token could not be refreshed ahead of its end; the old one still serves"
                );
                state.no_early_refresh_before = Some(Instant::now() + EARLY_REFRESH_PAUSE);
                Ok(current)
            }
        }
    }

    /// Replaces tokens that were refused or expire soon. Completes even if the caller is dropped.
    pub(in crate::source) async fn renew(
        self: &Arc<Self>,
        refused: Arc<Tokens>,
    ) -> Result<Renewal, AttemptFailure> {
        let session = self.clone();
        match tokio::spawn(async move { session.renew_to_the_end(&refused).await }).await {
            Ok(result) => result,
            Err(_) => Err(self.fault(
                ErrorClass::Setup,
                "a token refresh that stopped",
                "the process is shutting down",
            )),
        }
    }

    async fn renew_to_the_end(&self, refused: &Tokens) -> Result<Renewal, AttemptFailure> {
        // Held throughout: of many requests that are refused at once, one refreshes and the others find the new
        // token.
        let mut state = self.state.lock().await;
        if let Some(current) = state.current.as_ref().filter(|current| !current.same_access(refused)) {
            tracing::debug!(known = current.expires_at.is_some(), "the token was renewed meanwhile");
            return Ok(Renewal::Adopted);
        }
        let mut lock = self.credential.store.lock().await.map_err(|error| self.store_fault(error))?;
        let stored = lock.load().await.map_err(|error| self.store_fault(error))?;
        match &stored {
            StoredTokens::Tokens(stored) if !stored.same_access(refused) => {
                tracing::info!("another process has refreshed the token; it is taken from the store");
                state.adopt(Arc::new(stored.clone()));
                return Ok(Renewal::Adopted);
            }
            StoredTokens::LoggedOut if state.logout_concerns_us => return Err(self.forget(&mut state)),
            // The store lost its content after the logout, which does not undo the logout.
            StoredTokens::Nothing if state.logged_out => return Err(self.forget(&mut state)),
            StoredTokens::Tokens(_) | StoredTokens::LoggedOut | StoredTokens::Nothing => {}
        }
        if let Some(unsaved) = state.unsaved.clone() {
            return self.save_and_use(&mut state, lock, unsaved).await;
        }
        let stored = stored.tokens();
        let fresh = self.refresh(stored.as_ref().unwrap_or(refused)).await?;
        self.save_and_use(&mut state, lock, fresh).await
    }

    async fn save_and_use(
        &self,
        state: &mut State,
        lock: Box<dyn TokenLock>,
        fresh: Tokens,
    ) -> Result<Renewal, AttemptFailure> {
        state.unsaved = Some(fresh.clone());
        lock.save(fresh.clone()).await.map_err(|error| self.store_fault(error))?;
        tracing::info!(expires_at = ?fresh.expires_at, "the token was refreshed and saved");
        let is_usable = !fresh.access_token.expose_secret().is_empty();
        state.adopt(Arc::new(fresh));
        match is_usable {
            true => Ok(Renewal::Refreshed),
            false => {
                let what = "a token answer with a refresh token and no access token";
                let advice =
                    "the refresh token was saved; try later, and if it stays, check GAZELLE_OAUTH_URL";
                Err(self.fault(ErrorClass::BadAnswer, what, advice))
            }
        }
    }

    async fn first(&self, state: &mut State) -> Result<Arc<Tokens>, AttemptFailure> {
        let stored = self.credential.store.load().await.map_err(|error| self.store_fault(error))?;
        let first = match stored {
            StoredTokens::Tokens(tokens) => {
                let tokens = Arc::new(tokens);
                state.adopt(tokens.clone());
                return Ok(tokens);
            }
            // The tokens of the environment may be the ones that were logged out, or older.
            _ if state.logged_out => return Err(self.forget(state)),
            StoredTokens::LoggedOut => {
                self.credential.first_tokens.clone().ok_or_else(|| self.logged_out())?
            }
            StoredTokens::Nothing => {
                state.logout_concerns_us = true;
                self.credential.first_tokens.clone().ok_or_else(|| {
                    let what = format!("no OAuth token stored in {}", self.credential.store.place());
                    let advice = "run `gazelle-sync auth login`, or set GAZELLE_REFRESH_TOKEN";
                    self.fault(ErrorClass::Unauthorized, what, advice)
                })?
            }
        };
        let first = Arc::new(first);
        state.current = Some(first.clone());
        Ok(first)
    }

    /// Drops the tokens of this process after a logout, saved or not.
    fn forget(&self, state: &mut State) -> AttemptFailure {
        if !state.logged_out {
            tracing::warn!("logged out by another process: the tokens of this process are discarded");
        }
        *state = State { logout_concerns_us: true, logged_out: true, ..State::default() };
        self.logged_out()
    }

    fn logged_out(&self) -> AttemptFailure {
        let what = format!("no OAuth token stored in {}", self.credential.store.place());
        self.fault(
            ErrorClass::Unauthorized,
            what,
            "logged out by another process; run `gazelle-sync auth login`",
        )
    }

    /// Requests new tokens with the `refresh_token` grant.
    async fn refresh(&self, old: &Tokens) -> Result<Tokens, AttemptFailure> {
        let Some(refresh_token) = &old.refresh_token else {
            let what = "an access token that has ended, and no refresh token to renew it,";
            return Err(self.fault(ErrorClass::Unauthorized, what, "run `gazelle-sync auth login`"));
        };
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
            ("client_id", &self.credential.client_id),
            ("client_secret", self.credential.client_secret.expose_secret()),
        ];
        // The semaphore is never closed; if it were, the refresh would still be sent.
        let _place = self.slots.acquire().await.ok();
        let fresh = ask_for_tokens(&self.http, &self.token_url, self.timeout, &form, Endpoint::Token).await?;
        // By RFC 6749 section 6 the answer may omit it; the old one then stays valid.
        let refresh_token = fresh.refresh_token.or_else(|| old.refresh_token.clone());
        Ok(Tokens { refresh_token, ..fresh })
    }

    fn fault(&self, class: ErrorClass, what: impl Into<String>, advice: &str) -> AttemptFailure {
        AttemptFailure::new(class, place_of(&self.token_url), what, advice)
    }

    fn store_fault(&self, error: TokenStoreError) -> AttemptFailure {
        AttemptFailure::new(ErrorClass::Setup, error.place, error.what, error.advice)
    }
}

impl fmt::Debug for OauthSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthSession").field("token_url", &place_of(&self.token_url)).finish_non_exhaustive()
    }
}
