//! A request, as the routes get it.

use hyper::body::Bytes;

/// A request with its body read.
pub(super) struct FullRequest {
    pub parts: hyper::http::request::Parts,
    pub body: Bytes,
}

impl FullRequest {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The path without a trailing slash.
    pub(super) fn path(&self) -> &str {
        self.parts.uri.path().trim_end_matches('/')
    }
}
