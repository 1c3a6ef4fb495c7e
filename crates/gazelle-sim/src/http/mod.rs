//! The HTTP server: connections, routes and endpoints.

mod answer;
mod control_routes;
mod graphql_route;
mod instead;
mod oauth_routes;
mod request;
pub(crate) mod server;
mod stream;
pub(crate) mod validators;
