//! The whole program against a Postgres of its own and the simulated Gazelle: one binary, so that what the tests share is
//! compiled and linked once and they run side by side.
//!
//! `cargo test --workspace --test program replay::` runs the tests of one file.

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod database;
mod fetch;
mod login;
mod rebuild;
mod reconcile;
mod runs;
mod service;
