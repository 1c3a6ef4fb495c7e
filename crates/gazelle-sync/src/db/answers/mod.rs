//! Waiting for answers of the server: how long ([`limits`], [`watch`]), what the server says of a statement meanwhile
//! ([`observer`]), and how much memory answers may take ([`measured`], [`budget`]). [`answered`] joins
//! them; [`other_columns`] recognizes answers that are not those of the statement.

pub(in crate::db) mod answered;
pub(in crate::db) mod budget;
pub(in crate::db) mod limits;
pub(in crate::db) mod measured;
pub(in crate::db) mod observer;
pub(in crate::db) mod other_columns;
pub(in crate::db) mod watch;
