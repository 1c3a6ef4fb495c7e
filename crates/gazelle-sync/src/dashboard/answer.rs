//! The answers of the dashboard: pages made by templates, documents, redirections and assets, each with the headers
//! that keep a page to itself.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::display::{self, Document};

/// On every answer. Nothing is loaded from elsewhere, nothing runs that is not ours, and nobody frames a page.
const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    // Other sites learn nothing. With `no-referrer`, a browser sends `Origin: null` with our own forms.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    // A cached answer of one language is none of the other.
    ("vary", "Cookie, Accept-Language"),
];

/// The content security policy.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const NOT_STORED: &str = "no-store";
/// Kept by the client that asked alone, which asks each time whether it is still so.
const ASKED_AGAIN: &str = "private, no-cache";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What a browser calls a document that is saved, whatever its address ends with.
const DOCUMENT_FILE: &str = "inline; filename=\"gazelle-sync.json\"";
/// What a browser calls a calendar that is saved: its address ends with the link, which opens it.
const CALENDAR_FILE: &str = "attachment; filename=\"visits.ics\"";

/// The same of a feed of changes.
const CHANGES_FILE: &str = "attachment; filename=\"changes.atom\"";

/// Characters of a text, and items of a list, in a bounded document.
const LONGEST: usize = 2 * 1024;

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    cache: &'static str,
    body: Body,
    more: Vec<(HeaderName, String)>,
}

impl Answer {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Answer {
        Answer { status, content_type, cache: NOT_STORED, body: body.into(), more: Vec::new() }
    }

    /// A page. Its template escapes every value.
    pub(super) fn page(status: StatusCode, page: &impl Template) -> Answer {
        match page.render() {
            Ok(html) => Answer::new(status, "text/html; charset=utf-8", html),
            Err(error) => {
                tracing::error!(%error, "a page could not be made");
                Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "this page could not be made")
            }
        }
    }

    /// A JSON document.
    pub(super) fn document(status: StatusCode, document: &impl Serialize) -> Answer {
        match Document::indented(document) {
            Ok(document) => {
                let answer = Answer::new(status, "application/json", format!("{document}\n"));
                answer.with(header::CONTENT_DISPOSITION, DOCUMENT_FILE.to_owned())
            }
            Err(_) => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "this document could not be made"),
        }
    }

    /// A JSON document of records, whatever they hold: no text and no list of it is longer than [`LONGEST`].
    pub(super) fn bounded(status: StatusCode, document: &impl Serialize) -> Answer {
        match serde_json::to_value(document) {
            Ok(mut document) => {
                display::bounded(&mut document, LONGEST);
                Answer::document(status, &document)
            }
            Err(_) => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "this document could not be made"),
        }
    }

    /// A line of our own words.
    pub(super) fn text(status: StatusCode, line: &'static str) -> Answer {
        Answer::new(status, "text/plain; charset=utf-8", format!("{line}\n"))
    }

    /// Leads elsewhere on this site, with GET.
    pub(super) fn see(path: &str) -> Answer {
        let answer = Answer::text(StatusCode::SEE_OTHER, "see the address in Location");
        answer.with(header::LOCATION, path.to_owned())
    }

    /// A file that never changes under its address.
    pub(super) fn asset(content_type: &'static str, bytes: &'static [u8]) -> Answer {
        Answer { cache: FOR_EVER, ..Answer::new(StatusCode::OK, content_type, bytes) }
    }

    /// A calendar, which a client may keep.
    pub(super) fn calendar(text: String) -> Answer {
        Answer::kept("text/calendar; charset=utf-8", text, CALENDAR_FILE)
    }

    /// A feed of changes, which a client may keep.
    pub(super) fn atom(text: String) -> Answer {
        Answer::kept("application/atom+xml; charset=utf-8", text, CHANGES_FILE)
    }

    fn kept(content_type: &'static str, text: String, file: &str) -> Answer {
        let kept = Answer::new(StatusCode::OK, content_type, text);
        Answer { cache: ASKED_AGAIN, ..kept }.with(header::CONTENT_DISPOSITION, file.to_owned())
    }

    /// The client has it already.
    pub(super) fn not_modified(self) -> Answer {
        Answer { status: StatusCode::NOT_MODIFIED, body: Body::empty(), ..self }
    }

    /// What a page asked for is as it was when it got this tag.
    pub(super) fn unchanged(tag: String) -> Answer {
        Answer::new(StatusCode::NOT_MODIFIED, "application/json", Body::empty()).with(header::ETAG, tag)
    }

    /// Server-sent events.
    pub(super) fn stream(events: Body) -> Answer {
        Answer::new(StatusCode::OK, "text/event-stream", events)
    }

    /// With one more header.
    pub(super) fn with(mut self, name: HeaderName, value: String) -> Answer {
        self.more.push((name, value));
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        for (name, value) in HEADERS {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        for (name, value) in self.more {
            // Paths and cookies are our own; what could end a header is none.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// Adds the headers of every answer to one that the HTTP library made, such as that to a query it cannot read.
pub(super) fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(NOT_STORED));
    for (name, value) in HEADERS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    response
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Response {
        answer.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_keeps_to_itself() {
        let answers = [
            (Answer::text(StatusCode::NOT_FOUND, "there is no such page"), "no-store"),
            (Answer::see("/app/"), "no-store"),
            (Answer::document(StatusCode::OK, &serde_json::json!({})), "no-store"),
            (Answer::asset("text/css", b"body{}"), "public, max-age=31536000, immutable"),
        ];
        for (answer, cache) in answers {
            let response = answer.into_response();
            let header = |name: &str| {
                response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
            };
            assert_eq!(header("cache-control"), cache);
            assert!(header("content-security-policy").starts_with("default-src 'none'; "));
            assert!(!header("content-security-policy").contains("unsafe"));
            assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("referrer-policy"), "same-origin");
            assert_eq!(header("cross-origin-opener-policy"), "same-origin");
            assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        }
        for (answer, file) in [
            (
                Answer::document(StatusCode::OK, &serde_json::json!({})),
                "inline; filename=\"gazelle-sync.json\"",
            ),
            (Answer::calendar("BEGIN:VCALENDAR\r\n".to_owned()), "attachment; filename=\"visits.ics\""),
            (Answer::atom("<feed/>".to_owned()), "attachment; filename=\"changes.atom\""),
        ] {
            assert_eq!(answer.into_response().headers()["content-disposition"], file);
        }
    }

    #[test]
    fn a_path_cannot_add_a_header() {
        let response = Answer::see("/app/\r\nset-cookie: a=b").into_response();
        assert!(
            !response.headers().contains_key("set-cookie") && !response.headers().contains_key("location")
        );
    }
}
