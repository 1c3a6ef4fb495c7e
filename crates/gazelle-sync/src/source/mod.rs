//! The only module that sends HTTP requests to Gazelle. A request passes the folders in this order, and each uses
//! only those below it:
//!
//! 1. `requests`: one GraphQL operation, with its retries and a record of what happened.
//! 2. `tokens`: the authorization of an attempt, an API key or OAuth tokens that are refreshed.
//! 3. `settings`: the URL of the API, timeouts, retries and concurrency.
//! 4. `answers`: classifies the outcome of an attempt and reads an answer without interpreting its records.
//! 5. `transport`: one attempt, until its last byte or the timeout, and the memory for large answers.
//!
//! This module knows no database, no entity and no record's content. Its errors, logs and `Debug` output contain no
//! secret, no response body and no record.

mod answers;
mod requests;
mod settings;
mod tokens;
mod transport;

#[cfg(test)]
mod tests;

pub use self::{
    answers::{
        answer::Answer,
        error::{ErrorClass, OutcomeCode, SourceError},
        page::{ListShape, Page},
        partial::{NodeFault, Partial},
        reading::Lookup,
    },
    requests::{
        client::GazelleClient,
        observe::{AttemptRecord, Outcome, RequestRecord},
        request::GraphqlRequest,
    },
    settings::SourceSettings,
    tokens::{
        credential::{Credential, OauthCredential},
        file::{FileTokenStore, tokens_from_json, tokens_to_json},
        login::OauthLogin,
        store::{StoredTokens, TokenLock, TokenStore, TokenStoreError, Tokens},
    },
    transport::room::most_of_answers,
};
