//! Whether what stands in the database can be trusted: who owns our tables ([`owners`], [`owner`]), who else may create
//! objects beside them ([`creators`]), and what is attached to them that would run with our rights ([`bound`],
//! [`superuser`]).

pub mod bound;
pub(in crate::access) mod creators;
pub(in crate::access) mod owner;
pub mod owners;
pub mod superuser;
