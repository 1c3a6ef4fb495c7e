//! GraphQL: validates a query against the schema, plans it, and writes its answer from the shop.

mod computed;
mod connection;
mod error_codes;
pub(crate) mod execute;
pub(crate) mod filters;
pub(crate) mod limits;
pub(crate) mod paging;
pub(crate) mod plan;
mod root;
pub(crate) mod schema;
pub(crate) mod sdl;
pub(crate) mod tweak;
