//! Reads the pages of one window. [`window`] requests the next page while the records of the last one are
//! queued; [`read`] reads one page, in smaller requests where the API fails. If the API names the records that
//! fail, the others are taken as they are ([`partial`]). If it does not, smaller pages are requested, down to
//! one record, which is then skipped and looked up by its id ([`alone`]). [`in_parts`] requests some of the
//! fields at a time, [`plain_list`] reads a list without pages in which one failing record makes the whole
//! answer null, [`plain_groups`] requests such a list with some of its fields. [`completed_page`] completes the lists
//! inside their records, and [`queue`] passes pages on to staging.

pub(crate) mod alone;
mod completed_page;
mod elsewhere;
pub(crate) mod failing;
mod in_parts;
pub(crate) mod page;
mod partial;
mod plain_groups;
mod plain_list;
pub(crate) mod queue;
mod read;
pub(crate) mod reader;
pub(crate) mod seen;
pub(crate) mod window;
