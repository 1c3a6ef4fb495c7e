//! The only code that speaks HTTP to Gazelle. A request's way through it, top to bottom:
//!
//! 1. `request`: what is asked, one GraphQL operation with variables.
//! 2. `client`: takes a place among the requests in flight and an authorization from `credential`, sends, repeats where `retry` says
//!    so, and leaves a record for `observe`. `settings` says where and how politely, `room` how much may be held at once.
//! 3. `attempt`: one sending, up to the last byte or the timeout; judges nothing. `compression` unpacks what came.
//! 4. `classify`: the one table that says what an attempt's outcome means, with `graphql_error` for errors in a good HTTP
//!    answer. Its classes are in `error`; `target` and `wording` put what is said about a fault.
//! 5. `answer`, `page`, `pick`: read lists, single objects and counts out of the answer without interpreting a record;
//!    `partial` does so with an answer that is not whole, for those who ask for it.
//!
//! `oauth` keeps a token fresh in a `token_store`, of which `token_file` is one; `oauth_login` gets the first one;
//! `token_request` is what both ask.
//!
//! Nothing here knows a database, an entity or the content of a record; and no error, log or Debug of it holds a secret, a
//! body or a record.

mod answer;
mod attempt;
mod classify;
mod client;
mod compression;
mod credential;
mod error;
mod first_of;
mod graphql_error;
mod oauth;
mod oauth_login;
mod observe;
mod page;
mod partial;
mod pick;
mod request;
mod retry;
mod room;
mod settings;
mod target;
mod token_file;
mod token_request;
mod token_store;
mod wording;

#[cfg(test)]
mod tests;

pub use self::{
    answer::{Answer, Lookup},
    client::GazelleClient,
    credential::{Credential, OauthCredential},
    error::{ErrorClass, SourceError},
    oauth_login::OauthLogin,
    observe::{AttemptRecord, Outcome, RequestRecord},
    page::{ListShape, Page},
    partial::{NodeFault, Partial},
    request::GraphqlRequest,
    room::most_of_answers,
    settings::SourceSettings,
    token_file::{FileTokenStore, tokens_from_json, tokens_to_json},
    token_store::{Stored, TokenLock, TokenStore, TokenStoreError, Tokens},
};
