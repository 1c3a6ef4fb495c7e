//! The pages of one window. [`window`] asks for the next page while the last one is handed on; [`read`] reads a page in whatever
//! steps it takes. A page that cannot be read whole is taken apart: where the API says which of its records fail, the others are
//! taken as they are ([`partial`]); where it does not, smaller pages are asked for, down to one record, which is then walked around
//! by its id ([`alone`]). [`in_parts`] asks for some of the fields at a time, [`plain_list`] for a list that one failing record
//! empties. [`queue`] queues what was read.

pub(crate) mod alone;
pub(crate) mod failing;
mod in_parts;
pub(crate) mod page;
mod partial;
mod plain_list;
pub(crate) mod queue;
mod read;
pub(crate) mod reader;
pub(crate) mod seen;
pub(crate) mod window;
