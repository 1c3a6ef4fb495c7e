//! Runs a private PostgreSQL server from the binaries installed on this machine, or from downloaded ones.
//!
//! ```no_run
//! # async fn example() -> Result<(), embedded_postgres::Error> {
//! use embedded_postgres::{Options, Server, default_data_dir};
//!
//! let server = Server::start_or_attach(Options::new(default_data_dir())).await?;
//! println!("psql {}", server.connection_string());
//! server.leave().await?;
//! # Ok(())
//! # }
//! ```
//!
//! One data folder has one server, however many programs use it at once: the first starts it, the others attach,
//! and the last to leave stops it ([`Server::leave`], or dropping the [`Server`]). [`Server::leave_running`] keeps
//! it running for later programs and for `psql`. No committed data is lost if either side is killed: the next start
//! recovers.
//!
//! The server listens on a Unix socket in a folder that only its owner can enter, never on the network. As root it
//! runs under an unprivileged account, since PostgreSQL refuses to run as root: `gazelle-sync` if it exists,
//! otherwise `postgres`, `_postgres` or `nobody`.
//!
//! The modules in the order of a start: `options`, `folder`, `account` and `trust` (where, as which account, and
//! whether another account could replace the folder), `attach` (is one running?), `find` and `download` (binaries;
//! `pinned` lists the known archives, `unpack` unpacks them), `initdb`, `claims` (left-overs of a dead server),
//! `start`, and `server`, which combines them. `handle` lets root work safely in folders of the server's account.

#[cfg(not(unix))]
compile_error!("embedded-postgres needs unix sockets and unix processes");

mod binaries;
mod error;
mod folder;
mod options;
mod process;
mod server;
#[cfg(feature = "testing")]
pub mod testing;

pub use binaries::version::{MINIMUM_MAJOR, Version};
pub use error::Error;
pub use folder::group::has_no_other_member;
pub use options::{Options, default_data_dir};
pub use process::initdb::has_cluster;
pub use server::Server;

type Result<T, E = Error> = std::result::Result<T, E>;
