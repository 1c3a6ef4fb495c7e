//! Servers started, attached to, killed and mistaken.

mod common;
mod crashes;
mod mistakes;
mod prepared;
mod starting;
mod test_servers;
