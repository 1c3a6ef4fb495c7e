//! HTTP responses and their bodies, including a deliberately truncated one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value as Json;

pub(super) type Answer = Response<BoxBody<Bytes, io::Error>>;

const JSON_TYPE: &str = "application/json; charset=utf-8";

/// The request gets no answer: its connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
pub(super) struct NoAnswer;

pub(super) fn json_answer(status: u16, body: &Json) -> Answer {
    bytes_answer(status, JSON_TYPE, Bytes::from(body.to_string()))
}

/// A JSON body from text.
pub(super) fn text_answer(status: u16, body: impl Into<Bytes>) -> Answer {
    bytes_answer(status, JSON_TYPE, body.into())
}

pub(super) fn html_answer(status: u16, body: &'static str) -> Answer {
    bytes_answer(status, "text/html; charset=utf-8", Bytes::from_static(body.as_bytes()))
}

pub(super) fn with_header(mut answer: Answer, name: HeaderName, value: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}

fn bytes_answer(status: u16, content_type: &'static str, body: Bytes) -> Answer {
    let body = Full::new(body).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// Announces the whole body, sends half of it and closes the connection.
pub(super) fn cut_answer(body: &Bytes) -> Answer {
    let half = body.slice(..body.len() / 2);
    let mut answer = Response::new(HalfBody { half: Some(half), paused: false }.boxed());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_TYPE));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len() as u64));
    answer
}

struct HalfBody {
    half: Option<Bytes>,
    paused: bool,
}

impl Body for HalfBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !std::mem::replace(&mut self.paused, true) {
            // Lets the connection send what it has before it sees the error.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("cut on purpose"))))
    }
}
