//! What the server tells of itself: its clock, who holds locks, and whether Citus runs on it; and the type in which
//! times are sent to it.

pub mod citus;
pub(in crate::db) mod clock;
pub(in crate::db) mod lock_holders;
pub(in crate::db) mod locks;
pub(in crate::db) mod utc;
