//! The roles by their names: those that `migrate --roles` makes, and Supabase's.

use serde::Serialize;

/// The roles that Supabase lets in from outside: without a login, and with one.
pub const PUBLIC_ROLES: [&str; 2] = ["anon", "authenticated"];

/// The roles' names. Those that [`apply`](super::apply) is given are plain identifiers.
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
