//! Records with what the API says is wrong with them.

use bytes::Bytes;
use serde_json::json;

use crate::source::{ErrorClass, NodeFault, SourceError};
use crate::staging::source_fault::{SourceFault, SourceFaultKind};
use crate::staging::versions::Received;

/// Whether an error about one record says nothing of that record: it would meet others too. One that names a place in the
/// answer is about that place, also where the API puts it off for ever. A limit that the smallest query for one record exceeds
/// is about what that record holds.
pub(crate) fn is_about_all(error: &SourceError) -> bool {
    error.concerns_any_request()
        || !error.is_of_record()
            && !error.is_partial()
            && matches!(error.class(), ErrorClass::Throttled { .. } | ErrorClass::InvalidQuery { .. })
}

/// A record with what is wrong with it.
pub(crate) fn faulty_one(record: Received, fault: &NodeFault) -> Received {
    let NodeFault { field, message, is_not_text } = fault.clone();
    let kind = if is_not_text { SourceFaultKind::NotText } else { SourceFaultKind::Incomplete };
    Received { fault: Some(Box::new(SourceFault { field, said: message, kind })), ..record }
}

/// A record of which one list could not be read to its end.
pub(crate) fn faulty_inside(record: Received, error: &SourceError, field: &str) -> Received {
    let said = match error.partial().and_then(|partial| partial.object(&[]).1.into_iter().next()) {
        Some(fault) => fault.message,
        None => error.to_string(),
    };
    let fault = SourceFault { field: field.to_owned(), said, kind: SourceFaultKind::Incomplete };
    Received { fault: Some(Box::new(fault)), ..record }
}

/// A fault of the record as such.
pub(crate) fn of_record(said: String) -> SourceFault {
    SourceFault { field: String::new(), said, kind: SourceFaultKind::Incomplete }
}

/// The bytes of a record of which nothing but the id is known.
pub(crate) fn bare(id: &str) -> Bytes {
    Bytes::from(json!({ "id": id }).to_string())
}
