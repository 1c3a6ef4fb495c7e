//! Roles and rights: which role owns the tables, which one writes them and which ones read them.
//!
//! There are three roles: an owner that nobody logs in as, the role of the sync, and a group for readers.
//! `migrate --roles` creates them ([`apply`]); the SQL is in the files beside it. Their names are read back
//! from the catalogue, so that a later migration covers its new tables too ([`cover`]); a migration runs as a role
//! that has the owner's rights ([`check_owner_rights`]). The program never sets a password. Before the program uses
//! tables, [`trust`] says whether those who own them and what is attached to them can be trusted.

mod roles;
pub mod trust;

pub use roles::apply::{apply, cover, current, public_roles, script};
pub use roles::changes::{Changes, Fact};
pub use roles::close::{NonRowPrivilege, beyond_rows, close, take_beyond_rows};
pub use roles::more_than_rows::{ExcessPrivilege, more_than_rows};
pub use roles::needed_first::{Prerequisites, check_named, check_needed_first, needed_first};
pub use roles::{PUBLIC_ROLES, Roles};
pub use trust::creators::{Creator, creators};
pub use trust::embedded::take_over;
pub use trust::owner::check_owner_rights;
