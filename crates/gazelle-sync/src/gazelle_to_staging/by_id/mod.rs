//! Looks up single records after the walks: [`absent`], records that a complete walk did not list, and
//! [`parents`], records for which others wait in quarantine. [`failures`] decides when the lookups stop.

pub mod absent;
pub mod failures;
pub mod parents;
