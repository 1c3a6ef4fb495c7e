//! Counts what is in staging: versions that wait ([`backlog`]), records here and in production ([`balance`]), versions as
//! the dashboard views count them ([`dashboard`]), and bytes ([`size`]).

pub mod backlog;
pub mod balance;
pub mod dashboard;
pub mod size;
