//! The fault of a version that the API could not give whole, as its staging row keeps it.
//!
//! It is a column of its own and not the outcome (`error_code`, `error_message`), since it belongs to the version: whatever
//! takes the version up again (a retry, another reconciler, a rebuild) must not take it for the record's content.

use serde::{Deserialize, Serialize};

use crate::entities::read::{ErrorCode, RecordError};

#[derive(Serialize, Deserialize)]
struct SourceFault {
    code: String,
    field: String,
    message: String,
}

/// As the column `source_fault` holds it.
pub(super) fn to_json(error: &RecordError) -> String {
    let RecordError { code, field, message, .. } = error;
    let fault = SourceFault {
        code: code.as_str().to_owned(),
        field: field.clone(),
        message: message.replace('\0', ""),
    };
    // Three texts always serialise.
    serde_json::to_string(&fault).unwrap_or_else(|_| "{}".to_owned())
}

/// Reads the column; one that a person wrote in another shape is a fault all the same.
pub(super) fn of_json(json: &str) -> RecordError {
    match serde_json::from_str::<SourceFault>(json) {
        Ok(SourceFault { code, field, message }) => {
            let is_text = code != ErrorCode::NotText.as_str();
            let code = if is_text { ErrorCode::IncompleteAtSource } else { ErrorCode::NotText };
            RecordError { code, field, message, waits_for: None }
        }
        Err(_) => RecordError::at_source("", "a fault that was noted in another way", false),
    }
}
