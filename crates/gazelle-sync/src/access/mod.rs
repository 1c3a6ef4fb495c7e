//! Roles and rights: which role owns the tables, which one writes them and which ones read them.
//!
//! There are three roles: an owner that nobody logs in as, the role of the sync, and a group for readers.
//! `migrate --roles` creates them ([`apply`]); the SQL is in the files beside this one. Their names are read back
//! from the catalogue, so that a later migration covers its new tables too ([`cover`]); a migration runs as a role
//! that has the owner's rights ([`check_owner_rights`]). The program never sets a password.

mod apply;
pub mod bound;
mod changes;
mod close;
mod creators;
mod owner;
pub mod owners;
mod roles;
mod script;
pub mod superuser;

pub use apply::{apply, cover, current, public_roles, script};
pub use changes::{Changes, Fact};
pub use close::{BeyondRows, beyond_rows, close, take_beyond_rows};
pub use creators::{Creator, creators};
pub use owner::check_owner_rights;
pub use roles::{PUBLIC_ROLES, Roles};
