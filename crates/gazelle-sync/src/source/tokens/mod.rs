//! The authorization of requests. A request passes the files in this order:
//!
//! 1. `access`: the authorization of the next attempt, and a newer one after a refusal.
//! 2. `session`: keeps an OAuth token fresh: reads the store, refreshes under its lock, saves before use.
//! 3. `request`: one request to the token URL, for any grant.
//! 4. `credential`: an API key, or the OAuth application and its token store.
//! 5. `store`: the trait of token stores; `file` implements it.
//!
//! `login` obtains the first tokens with an authorization code from a browser.

pub(super) mod access;
pub(super) mod credential;
pub(super) mod file;
pub(super) mod login;
mod request;
pub(super) mod session;
pub(super) mod store;
