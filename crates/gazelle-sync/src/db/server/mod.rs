//! What the server tells of itself: its clock, who holds locks, and whether Citus runs on it; the type in which
//! times are sent to it, and columns whose text stands for a variant of an enum.

pub mod citus;
pub(in crate::db) mod clock;
pub(in crate::db) mod lock_holders;
pub(in crate::db) mod locks;
pub(in crate::db) mod utc;
pub(in crate::db) mod words;
