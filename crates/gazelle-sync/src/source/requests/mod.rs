//! One GraphQL request, from the operation to its answer or error:
//!
//! 1. `request`: one operation with its variables.
//! 2. `client`: waits for a slot and an authorization, sends, and retries if `retry` says so.
//! 3. `retry`: what follows a failed attempt; pure functions.
//! 4. `observe`: the record of each request, however it ends.

pub(super) mod client;
pub(super) mod observe;
pub(super) mod request;
mod retry;
