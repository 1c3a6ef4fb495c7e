//! One GraphQL operation, as it is sent.

use bytes::Bytes;
use serde::Serialize;

/// One GraphQL operation with its variables, sent as JSON with the keys `operationName`, `query` and `variables`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphqlRequest {
    /// The operation of `query` to run; also its name in logs and records.
    pub operation_name: String,
    /// The GraphQL document.
    pub query: String,
    /// A JSON object of ids, page cursors and dates, never a secret: it is recorded.
    pub variables: serde_json::Value,
}

impl GraphqlRequest {
    /// A request from its three parts.
    pub fn new(
        operation_name: impl Into<String>,
        query: impl Into<String>,
        variables: serde_json::Value,
    ) -> Self {
        Self { operation_name: operation_name.into(), query: query.into(), variables }
    }

    pub(super) fn to_body(&self) -> Bytes {
        // Strings and a `Value` always serialise.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}
