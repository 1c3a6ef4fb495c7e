//! Who owns the tables, who writes them, who reads them.
//!
//! Three roles: an owner that nobody logs in as, the role of the sync, and a group for readers. `migrate --roles`
//! makes them ([`apply`]); the SQL is in the files beside this one. The catalogue keeps their names, so that a later
//! migration covers its new tables too ([`cover`]); it runs as whoever has the owner's rights ([`check_owner_rights`]).
//! Passwords are nobody's business here: the program never sets one.

mod apply;
pub mod bound;
mod changes;
mod close;
mod creators;
pub mod hung;
mod owner;
pub mod owners;
mod script;

use serde::Serialize;

pub use apply::{apply, cover, current, public_roles, script};
pub use changes::{Changes, Fact};
pub use close::{BeyondRows, beyond_rows, close};
pub use creators::{Creator, creators};
pub use owner::check_owner_rights;

/// The roles that Supabase lets in from outside: without a login, and with one.
pub const PUBLIC_ROLES: [&str; 2] = ["anon", "authenticated"];

/// The roles' names. Those that [`apply`] is given are plain identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Roles {
    /// Owns every table and view; nobody logs in as it.
    pub owner: String,
    /// What the sync logs in as.
    pub sync: String,
    /// A group: grant it to those who read.
    pub reader: String,
}

impl Default for Roles {
    fn default() -> Self {
        Roles {
            owner: "gazelle_owner".to_owned(),
            sync: "gazelle_sync".to_owned(),
            reader: "gazelle_reader".to_owned(),
        }
    }
}
