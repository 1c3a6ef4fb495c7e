//! Records that are looked up one by one after the walks: [`absent`], those that a complete walk did not list, and [`parents`],
//! those that others in quarantine wait for. [`failures`] decides when the API is asked for no more of them.

pub mod absent;
pub mod failures;
pub mod parents;
