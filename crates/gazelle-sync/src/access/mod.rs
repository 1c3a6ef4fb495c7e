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
