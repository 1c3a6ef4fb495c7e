//! How the program shows Gazelle who it is, and where it keeps what it shows.

mod auth;
mod auth_tokens;
mod sealed_tokens;
