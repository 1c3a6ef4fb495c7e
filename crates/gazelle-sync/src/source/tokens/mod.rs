//! What authorizes a request. A request passes the files in this order:
//!
//! 1. `access`: the authorization of the next attempt, and a newer one in place of one that was refused.
//! 2. `session`: keeps an OAuth token fresh: reads the store, refreshes under its lock, saves before it uses.
//! 3. `request`: one question to the token URL, whatever the grant.
//! 4. `credential`: an API key, or the application and where its tokens are stored.
//! 5. `store`: what a store of tokens can do, of which `file` is one.
//!
//! `login` gets the first tokens, with a code for which a person agreed in a browser.

pub(super) mod access;
pub(super) mod credential;
pub(super) mod file;
pub(super) mod login;
mod request;
pub(super) mod session;
pub(super) mod store;
