//! What commands print for people, in English and French: the sentences, one file for each kind of report, declared as
//! [`crate::words`] says. Names of entities, commands, states that a flag takes, settings and columns are the same in both
//! languages. `recorded` says in French what runs and checks record in English.

pub(crate) mod demo;
pub(crate) mod lists;
pub(crate) mod recorded;
pub(crate) mod report;
pub(crate) mod status;
#[cfg(test)]
mod tests;
pub(crate) mod verify;
