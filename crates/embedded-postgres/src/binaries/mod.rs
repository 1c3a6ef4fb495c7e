//! The PostgreSQL programs that run the server: those installed ([`find`]), or a downloaded archive ([`download`],
//! [`unpack`]) whose hash is known ([`pinned`]).

pub(crate) mod download;
pub(crate) mod find;
pub(crate) mod install_hint;
pub(crate) mod pinned;
pub(crate) mod unpack;
pub(crate) mod version;
