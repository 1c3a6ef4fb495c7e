//! One GraphQL request, from the operation to its answer or its error:
//!
//! 1. `request`: what is asked, one operation with variables.
//! 2. `client`: takes a place among the requests in flight and an authorization, sends, and sends again where `retry` says so.
//! 3. `retry`: what follows a failed attempt. Pure.
//! 4. `observe`: the record that each request leaves, whatever its end.

pub(super) mod client;
pub(super) mod observe;
pub(super) mod request;
mod retry;
