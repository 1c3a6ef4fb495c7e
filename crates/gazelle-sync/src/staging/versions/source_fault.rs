//! The fault of a version that the API could not return whole, as its staging row stores it.
//!
//! It has a column of its own, apart from the outcome (`error_code`, `error_message`), since it belongs to the
//! version: whatever processes the version again (a retry, another reconciler, a rebuild) must not take it for the
//! record's content.

use serde::{Deserialize, Serialize};

use crate::entities::read::{ErrorCode, RecordError};

/// Why a version is not its record's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFault {
    /// The field that the API fails at, as a path inside the record; empty for the record as such.
    pub field: String,
    /// The API's message, in one line; for bytes that are not text, their position. May hold personal data.
    pub said: String,
    /// What kind of fault it is.
    pub kind: SourceFaultKind,
}

/// The kinds of faults that a version can come with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFaultKind {
    /// The API fails at the record, in a list and when it is asked for by its id.
    Incomplete,
    /// It holds bytes that are not UTF-8.
    NotText,
    /// The list that it came in fails at it; it was not asked for by its id yet.
    NotAsked,
}

#[derive(Serialize, Deserialize)]
struct Column {
    code: String,
    field: String,
    said: String,
}

impl SourceFault {
    /// The error under which the version is quarantined.
    pub fn error(&self) -> RecordError {
        RecordError::at_source(self.code(), self.field.clone(), &self.said)
    }

    /// The error's code.
    pub fn code(&self) -> ErrorCode {
        match self.kind {
            SourceFaultKind::Incomplete => ErrorCode::IncompleteAtSource,
            SourceFaultKind::NotText => ErrorCode::NotText,
            SourceFaultKind::NotAsked => ErrorCode::NotAskedYet,
        }
    }

    /// As the column `source_fault` holds it.
    pub(in crate::staging) fn to_json(&self) -> String {
        let column = Column {
            code: self.code().as_str().to_owned(),
            field: self.field.replace('\0', ""),
            said: self.said.replace('\0', ""),
        };
        // Three texts always serialise.
        serde_json::to_string(&column).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Parses the column; what a user wrote there in another shape is a fault all the same.
    pub(in crate::staging) fn of_json(json: &str) -> SourceFault {
        match serde_json::from_str::<Column>(json) {
            Ok(Column { code, field, said }) => {
                let kinds = [SourceFaultKind::NotText, SourceFaultKind::NotAsked];
                let of_kind = |kind| SourceFault { field: field.clone(), said: said.clone(), kind };
                let known = kinds.map(of_kind).into_iter().find(|fault| fault.code().as_str() == code);
                known.unwrap_or_else(|| of_kind(SourceFaultKind::Incomplete))
            }
            Err(_) => SourceFault {
                field: String::new(),
                said: "a fault that was noted in another way".to_owned(),
                kind: SourceFaultKind::Incomplete,
            },
        }
    }
}
