//! A trustworthy copy of a piano-service company's Gazelle data in its own Postgres.
//!
//! ```text
//! Gazelle API --stage 1: fetch, store raw--> staging tables --stage 2: reconcile--> production tables --> views
//! ```
//!
//! `ARCHITECTURE.md` walks one appointment through these modules.

// A future that awaits a large one is larger still, and each call puts both on the stack, which holds 2 MiB in most threads.
// What is large or seldom used is boxed.
#![warn(clippy::large_futures)]

pub mod access;
pub mod additions;
pub mod alerts;
pub mod cli;
pub mod commands;
pub mod config;
pub mod crash;
pub mod credentials;
pub mod dashboard;
pub mod db;
mod delay;
pub mod display;
pub mod doctor;
pub mod drift;
pub mod entities;
pub mod explain;
pub mod from_v5;
pub mod gazelle_to_staging;
pub mod http;
pub mod lease;
mod log_throttle;
pub mod loopback;
pub mod metrics;
pub mod migrate;
pub mod migrations;
pub mod orchestrator;
pub mod people;
pub mod private_files;
pub mod rebuild;
pub mod run_log;
pub mod service;
pub mod source;
pub mod staging;
pub mod staging_to_production;
pub mod states;
pub mod stop;
pub mod time;
mod words;
