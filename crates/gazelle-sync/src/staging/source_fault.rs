//! The fault of a version that the API could not give whole, as its staging row keeps it.
//!
//! It is a column of its own and not the outcome (`error_code`, `error_message`), since it belongs to the version: whatever
//! takes the version up again (a retry, another reconciler, a rebuild) must not take it for the record's content.

use serde::{Deserialize, Serialize};

use crate::entities::read::{ErrorCode, RecordError};

/// Why a version is not its record's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFault {
    /// The field that the API fails at, as a path inside the record; empty for the record as such.
    pub field: String,
    /// What the API said of it, in one line; of bytes that are no text, where they are. May hold personal data.
    pub said: String,
    /// Whether it is about bytes that are no UTF-8.
    pub is_not_text: bool,
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
        RecordError::at_source(self.field.clone(), &self.said, self.is_not_text)
    }

    /// The error's code.
    pub fn code(&self) -> ErrorCode {
        if self.is_not_text { ErrorCode::NotText } else { ErrorCode::IncompleteAtSource }
    }

    /// As the column `source_fault` holds it.
    pub(super) fn to_json(&self) -> String {
        let column = Column {
            code: self.code().as_str().to_owned(),
            field: self.field.replace('\0', ""),
            said: self.said.replace('\0', ""),
        };
        // Three texts always serialise.
        serde_json::to_string(&column).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Reads the column; what a person wrote there in another shape is a fault all the same.
    pub(super) fn of_json(json: &str) -> SourceFault {
        match serde_json::from_str::<Column>(json) {
            Ok(Column { code, field, said }) => {
                SourceFault { field, said, is_not_text: code == ErrorCode::NotText.as_str() }
            }
            Err(_) => SourceFault {
                field: String::new(),
                said: "a fault that was noted in another way".to_owned(),
                is_not_text: false,
            },
        }
    }
}
