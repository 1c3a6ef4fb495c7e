//! The errors that we raise ourselves, one function for each class.

use super::{DbError, DbErrorClass, LOCK_NOT_AVAILABLE, LONGEST_NAME, Outage, cut};
use crate::states::UnknownWord;

impl DbError {
    /// Nothing can be read, for a reason that we found out ourselves.
    pub fn of_outage(which: Outage, what: impl Into<String>) -> DbError {
        DbError { outage: Some(which), ..DbError::infrastructure(what) }
    }

    /// The database is read-only.
    pub(in crate::db) fn read_only(what: impl Into<String>) -> DbError {
        DbError { state: Some("25006".to_owned()), ..DbError::infrastructure(what) }
    }

    /// A lock was not granted in time.
    pub(in crate::db) fn lock_not_available(what: impl Into<String>) -> DbError {
        DbError { state: Some(LOCK_NOT_AVAILABLE.to_owned()), ..DbError::infrastructure(what) }
    }

    /// Another process holds the lease.
    pub fn busy(what: impl Into<String>) -> DbError {
        DbError { fault: DbErrorClass::Busy, ..DbError::infrastructure(what) }
    }

    /// Another run has taken over the lease.
    pub fn lease_lost(what: impl Into<String>) -> DbError {
        DbError { fault: DbErrorClass::LeaseLost, ..DbError::infrastructure(what) }
    }

    /// The program ends before the work is done.
    pub fn stopped(what: impl Into<String>) -> DbError {
        DbError { fault: DbErrorClass::Stopped, ..DbError::infrastructure(what) }
    }

    /// What was asked for cannot be done as things are; `what` says what to change.
    pub fn refused(what: impl Into<String>) -> DbError {
        DbError { fault: DbErrorClass::Refused, ..DbError::infrastructure(what) }
    }

    /// The API failed in a way that stops the run.
    pub fn of_source(what: impl Into<String>) -> DbError {
        DbError { fault: DbErrorClass::Source, ..DbError::infrastructure(what) }
    }

    /// Rows were not written although the database reported no error: a trigger returned NULL, or a rule or policy
    /// skipped them. `suspects` are the table's triggers, rules and policies; `named` is what the quarantine case
    /// names.
    pub fn suppressed(table: &str, what: &str, suspects: &[String], named: String) -> DbError {
        let cause = match suspects {
            [] => "a trigger that returns NULL, a rule or a policy keeps us from them".to_owned(),
            some => format!("what can do that without an error is {}", some.join(", ")),
        };
        DbError {
            fault: DbErrorClass::Record,
            named: Some(named),
            ..DbError::infrastructure(format!(
                "the database left rows of {table} as they were: {what}; {cause} (gazelle-sync doctor lists what was added \
                 to our tables)"
            ))
        }
    }

    /// A column holds a text that no variant of its enum has.
    pub(in crate::db) fn unknown_word(column: &str, unknown: &UnknownWord) -> DbError {
        let value = cut(&unknown.value, LONGEST_NAME);
        let expected = unknown.expected.join(", ");
        DbError::infrastructure(format!(
            "the column {column} holds an unknown value {value:?}, expected one of: {expected}; a newer gazelle-sync wrote it, \
             or it was changed by hand"
        ))
    }

    /// An error that we raise: the database does not do what it is there for. What a user or an operator has to change is
    /// [`DbError::refused`].
    pub fn infrastructure(what: impl Into<String>) -> DbError {
        DbError {
            what: what.into(),
            fault: DbErrorClass::Infrastructure,
            named: None,
            function: None,
            state: None,
            is_too_much: false,
            outage: None,
            cause: None,
        }
    }
}
