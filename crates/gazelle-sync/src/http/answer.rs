//! The answers of the HTTP server. Routes and the guard return an [`Answer`]: a JSON document whose texts are
//! shortened and escaped, or metrics.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::display::{self, Document, Lines};
use crate::metrics;

/// The longest text in an answer, in characters: reasons may be any text that a past run recorded.
pub(super) const LONGEST_TEXT: usize = 2_000;

/// A response.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: String,
}

impl Answer {
    /// A JSON document.
    pub(super) fn document(status: StatusCode, mut document: Value) -> Answer {
        display::bounded(&mut document, LONGEST_TEXT);
        let body = format!("{}\n", Document::in_one_line(&document));
        Answer { status, content_type: "application/json", body }
    }

    /// An error with its reason.
    pub(super) fn problem(status: StatusCode, why: impl Into<String>) -> Answer {
        Answer::document(status, json!({ "error": why.into() }))
    }

    /// Metrics in Prometheus' text format.
    pub(super) fn metrics(text: &str) -> Answer {
        let body = format!("{}\n", Lines::with_breaks(text));
        Answer { status: StatusCode::OK, content_type: metrics::CONTENT_TYPE, body }
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Response {
        answer.into_response()
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, self.content_type)], self.body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_text() -> impl Strategy<Value = String> {
        proptest::collection::vec(any::<char>(), 0..40)
            .prop_map(|chars| chars.into_iter().chain("\u{9b}\u{202e}\u{200b}\n\u{1b}".chars()).collect())
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was_and_no_byte_of_it_acts(text in any_text(), name in any_text()) {
            let document = json!({ "runs": [{ "reason": text, &name: [&text] }] });
            let answer = Answer::document(StatusCode::OK, document.clone());
            let body = answer.body.strip_suffix('\n').unwrap();
            prop_assert!(!body.chars().any(display::acts), "{body:?}");
            prop_assert_eq!(serde_json::from_str::<Value>(body).unwrap(), document);
            let problem = Answer::problem(StatusCode::BAD_REQUEST, text);
            prop_assert!(!problem.body.trim_end_matches('\n').chars().any(display::acts));
            prop_assert!(problem.body.lines().count() == 1);
        }

        #[test]
        fn no_text_is_longer_than_the_bound(text in any_text(), times in 1_usize..2_000) {
            let long = text.repeat(times);
            let answer = Answer::document(StatusCode::OK, json!({ "a": [long], "b": { &long: long } }));
            // One character takes at most twelve bytes.
            prop_assert!(answer.body.len() <= 12 * 3 * (LONGEST_TEXT + 10), "{}", answer.body.len());
        }
    }
}
