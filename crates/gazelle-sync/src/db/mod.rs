//! Access to Postgres: the connection pool, transactions, and classification of errors.
//!
//! Everything works behind a transaction pooler: statements are sent whole (`query_typed`, never a named prepared
//! statement), nothing is kept in a session, and names of tables carry their schema. Functions, operators and types
//! without a schema resolve to `pg_catalog`: every transaction sets `search_path` accordingly.

mod answered;
mod bisect;
pub mod citus;
mod clock;
mod conflicts;
mod connect;
mod database;
mod dial;
mod encryption;
mod error;
mod headline;
mod limits;
mod locks;
mod measured;
mod observer;
mod pool;
mod refused;
mod room;
mod rows;
mod sent;
mod session;
mod single;
pub mod sqlstate;
pub mod statements;
mod template;
mod timeouts;
mod tls;
mod transaction;
mod utc;
mod watch;

pub use bisect::Bisect;
pub use conflicts::{CONFLICT_ATTEMPTS, retry_conflicts};
pub use connect::{ConnectSettings, Route, check_url, connect, connect_to_read, connect_within, route};
pub use database::{Db, quote};
pub use error::{DbError, Fault};
pub use limits::Limits;
pub use locks::{Blocker, LockWait, lock_waits};
pub use pool::BESIDE_WORK;
pub use room::most_of_answers;
pub use sent::Param;
pub use template::Template;
pub use timeouts::Timeout;
pub use transaction::{Begin, Connection, Tx};
pub use utc::Utc;
