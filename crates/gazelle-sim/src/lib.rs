//! A simulated Gazelle: a GraphQL server with the data of a made-up piano shop, for tests, demonstrations and
//! benchmarks.
//!
//! It answers what `gazelle-api.graphql` allows (an unknown field is the validation error `undefinedField`, and
//! nothing is executed). It pages, filters and sorts like the real service, its shop can change during a walk,
//! and it makes scripted errors. It shares no code with the synchronisation that it tests.
//!
//! A request passes these files: `http/` (connection, routes, authentication), `fault_script.rs` (faults),
//! `graphql/schema.rs` (validation), `graphql/plan.rs` (planning), `graphql/execute.rs` (writes the answer from
//! the records in `shop/`).
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use gazelle_sim::{Change, Fault, FaultKind, RecordKind, ShopSpec, SimOptions, Simulator};
//!
//! let sim = Simulator::start(ShopSpec::small(7), SimOptions::default(), ([127, 0, 0, 1], 0).into()).await?;
//! let control = sim.control();
//! control.add_fault(Fault::new(FaultKind::ServerError).on_field("allEventsBatched").skip(1).times(2));
//! let event = control.ids(RecordKind::Event)[0].clone();
//! control.apply(Change::Cancel { id: event }).map_err(std::io::Error::other)?;
//! println!("{} with the key {}", sim.graphql_url(), sim.api_key());
//! sim.shutdown().await;
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod answers;
mod control;
mod fault_choices;
mod fault_script;
mod faults;
mod graphql;
mod http;
mod oauth;
mod options;
mod requests;
mod shop;
mod simulator;
mod state;

pub use control::SimControl;
pub use fault_choices::{Takes, Undated};
pub use fault_script::FaultState;
pub use faults::{Fault, FaultKind};
pub use oauth::Tokens;
pub use options::SimOptions;
pub use requests::{RequestCounts, RequestEntry};
pub use shop::change::{Change, ChangeError, ChangeResult};
pub use shop::kind::RecordKind;
pub use shop::spec::{BadRecord, ShopSpec};
pub use simulator::Simulator;
