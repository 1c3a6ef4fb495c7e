//! The only code that speaks HTTP to Gazelle. A request passes the folders from top to bottom, and each uses those below it:
//!
//! 1. `requests`: one GraphQL operation, sent as often as it deserves, with a record of what happened.
//! 2. `tokens`: what authorizes an attempt, an API key or OAuth tokens that renew themselves.
//! 3. `settings`: where the API is and how politely it is asked.
//! 4. `answers`: what an attempt's outcome means, its class of error, and reading an answer without interpreting a record.
//! 5. `transport`: one attempt, up to the last byte or the timeout, and how much may be held in memory at once.
//!
//! Nothing here knows a database, an entity or the content of a record; and no error, log or Debug of it holds a secret, a
//! body or a record.

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
        error::{ErrorClass, SourceError},
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
        store::{Stored, TokenLock, TokenStore, TokenStoreError, Tokens},
    },
    transport::room::most_of_answers,
};
