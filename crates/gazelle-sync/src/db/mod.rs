//! Access to Postgres: the connection pool, transactions, and classification of errors.
//!
//! Everything works behind a transaction pooler: statements are sent whole (`query_typed`, never a named prepared
//! statement), nothing is kept in a session, and names of tables carry their schema. Functions, operators and types
//! without a schema resolve to `pg_catalog`: every transaction sets `search_path` accordingly.

mod answers;
mod connection;
mod database;
mod error;
mod pool;
mod server;
pub mod statements;
mod transaction;

pub use answers::budget::most_of_answers;
pub use answers::limits::Limits;
pub use answers::other_columns::other_columns;
pub use connection::libpq::{LIBPQ_VARIABLES, libpq_environment};
pub use connection::timeouts::Timeout;
pub use connection::{
    ConnectSettings, Route, check_url, connect, connect_to_read, connect_within, host_and_database, route,
};
pub use database::{Db, quote};
pub use error::{DbError, DbErrorClass, Outage, sqlstate};
pub use pool::BESIDE_WORK;
pub use pool::sent::Param;
pub use server::citus;
pub use server::lock_holders::holders;
pub use server::locks::{Blocker, LockWait, lock_waits};
pub use server::utc::Utc;
pub use server::words::{optional_word, word};
pub use statements::template::Template;
pub use transaction::bisect::Bisect;
pub use transaction::conflicts::{CONFLICT_ATTEMPTS, retry_conflicts};
pub use transaction::refusals::{MOST_REFUSALS, Refusals};
pub use transaction::write::WriteTx;
pub use transaction::{Begin, Connection, Tx};
