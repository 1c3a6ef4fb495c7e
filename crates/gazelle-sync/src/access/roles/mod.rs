//! Names of roles: those that `migrate --roles` creates, and Supabase's public ones.

pub(in crate::access) mod apply;
pub(in crate::access) mod changes;
pub(in crate::access) mod close;
pub(in crate::access) mod more_than_rows;
pub(in crate::access) mod needed_first;
pub(in crate::access) mod script;

use serde::Serialize;

/// The roles of Supabase's public API: without a login, and with one.
pub const PUBLIC_ROLES: [&str; 2] = ["anon", "authenticated"];

/// The beginning of the comment of the owner's role, which the name of the database follows: it proves nothing in another one. A role
/// cannot give it to itself, unlike what it writes on its tables. Earlier versions wrote no more than this.
pub const MARK_OF_OWNER: &str = "owner of the tables of gazelle-sync";

/// The names of the three roles. The ones that `apply` is given are plain identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Roles {
    /// Owns every table and view; has no password, and may not log in except with Citus.
    pub owner: String,
    /// The role that the sync logs in as.
    pub sync: String,
    /// A group without a login, to be granted to readers.
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
