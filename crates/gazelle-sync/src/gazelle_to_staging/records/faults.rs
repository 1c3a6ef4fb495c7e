//! Attaches the API's errors to the records that they are about.

use bytes::Bytes;
use serde_json::json;

use crate::source::{ErrorClass, NodeFault, SourceError};
use crate::staging::versions::Received;
use crate::staging::versions::source_fault::{SourceFault, SourceFaultKind};

/// Whether an error, given to the request for one record, would meet requests for other records too. An error
/// that names a place in the answer is about that place, even if the API answers it with a throttling error
/// every time. A limit that the smallest query for one record exceeds is about the contents of that record.
pub(crate) fn concerns_all_records(error: &SourceError) -> bool {
    error.concerns_any_request()
        || !error.is_of_record()
            && !error.is_partial()
            && matches!(error.class(), ErrorClass::Throttled { .. } | ErrorClass::InvalidQuery { .. })
}

/// Whether the API asks for fewer requests, whatever they are for, so that none is to follow. An error that names a
/// place in the answer is about that place.
pub(crate) fn asks_to_wait(error: &SourceError) -> bool {
    !error.is_of_record() && !error.is_partial() && matches!(error.class(), ErrorClass::Throttled { .. })
}

/// Whether an error ends the reading of a list in other ways: any request would meet it, or none is to follow.
pub(crate) fn ends_the_list(error: &SourceError) -> bool {
    error.concerns_any_request() || asks_to_wait(error)
}

/// The record with a fault.
pub(crate) fn with_fault(record: Received, fault: &NodeFault) -> Received {
    let NodeFault { field, message, is_not_text } = fault.clone();
    let kind = if is_not_text { SourceFaultKind::NotText } else { SourceFaultKind::Incomplete };
    Received { fault: Some(Box::new(SourceFault { field, said: message, kind })), ..record }
}

/// The record with a fault of a list inside it that could not be read to its end.
pub(crate) fn with_list_fault(record: Received, error: &SourceError, field: &str) -> Received {
    let said = match error.partial().and_then(|partial| partial.object(&[]).1.into_iter().next()) {
        Some(fault) => fault.message,
        None => error.to_string(),
    };
    let fault = SourceFault { field: field.to_owned(), said, kind: SourceFaultKind::Incomplete };
    Received { fault: Some(Box::new(fault)), ..record }
}

/// A fault of the record as a whole, not of one field.
pub(crate) fn record_fault(said: String) -> SourceFault {
    SourceFault { field: String::new(), said, kind: SourceFaultKind::Incomplete }
}

/// The bytes of a record of which only the id is known.
pub(crate) fn bare(id: &str) -> Bytes {
    Bytes::from(json!({ "id": id }).to_string())
}
