//! One attempt: sends, waits and reads the answer up to its limit. Reports what happened; `classify.rs` judges it.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{RequestBuilder, Response, header};
use tokio::time::Instant;

use super::compression::{Decompressed, DecompressionPermit, decompressed};
use super::room::{MemoryReservation, SMALL};
use crate::display::acts;

/// Bytes read of an answer with an error status: enough for a GraphQL error or the title of a page.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// The outcome of one attempt.
pub(in crate::source) struct Attempt {
    pub seen: AttemptOutcome,
    /// From sending to the last byte, or to the failure.
    pub latency: Duration,
    /// UTC, by our clock.
    pub started_at: Timestamp,
}

pub(in crate::source) enum AttemptOutcome {
    /// The timeout passed before the last byte.
    TimedOut {
        after: Duration,
    },
    /// No status line came. The reason is the operating system's (`Connection refused`).
    NoAnswer {
        reason: String,
        /// Whether there was a connection: one that breaks during a request may have broken because of it.
        connected: bool,
    },
    Reply(Reply),
}

pub(in crate::source) struct Reply {
    pub status: u16,
    pub content_type: Option<String>,
    pub location: Option<String>,
    pub retry_after: Option<Duration>,
    /// The API's clock, to the second.
    pub server_date: Option<Timestamp>,
    pub body: Body,
}

pub(in crate::source) enum Body {
    /// The complete body; for an error status at most the first `ERROR_BODY_LIMIT` bytes.
    Whole(Bytes),
    /// The connection ended before the body.
    Cut {
        after: usize,
    },
    TooLarge {
        limit: usize,
    },
    /// No memory is available for it now; what was received was dropped.
    NoRoom,
    /// Compressed with a method that we did not offer and do not support, or corrupt; the stated encoding.
    Undecoded {
        encoding: String,
    },
}

impl Attempt {
    pub(in crate::source) fn http_status(&self) -> Option<u16> {
        match &self.seen {
            AttemptOutcome::Reply(reply) => Some(reply.status),
            _ => None,
        }
    }

    /// Bytes of body received.
    pub(in crate::source) fn bytes(&self) -> u64 {
        let bytes = match &self.seen {
            AttemptOutcome::Reply(Reply { body: Body::Whole(body), .. }) => body.len(),
            AttemptOutcome::Reply(Reply { body: Body::Cut { after }, .. }) => *after,
            AttemptOutcome::Reply(Reply { body: Body::TooLarge { limit }, .. }) => *limit,
            _ => 0,
        };
        bytes as u64
    }
}

/// Sends once. `timeout` covers everything until the last byte; `max_bytes` limits the body, and so does the memory
/// in `room`.
pub(in crate::source) async fn attempt(
    request: RequestBuilder,
    timeout: Duration,
    max_bytes: usize,
    room: &mut MemoryReservation,
) -> Attempt {
    let started_at = Timestamp::now();
    let begun = Instant::now();
    let seen = match tokio::time::timeout(timeout, send_and_read(request, max_bytes, room)).await {
        Ok(seen) => seen,
        Err(_) => AttemptOutcome::TimedOut { after: timeout },
    };
    Attempt { seen, latency: begun.elapsed(), started_at }
}

async fn send_and_read(
    request: RequestBuilder,
    max_bytes: usize,
    room: &mut MemoryReservation,
) -> AttemptOutcome {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            return AttemptOutcome::NoAnswer {
                reason: deepest_reason(&error),
                connected: !error.is_connect(),
            };
        }
    };
    let status = response.status().as_u16();
    let server_date = text_header(&response, header::DATE).and_then(|date| http_date(&date));
    let retry_after = text_header(&response, header::RETRY_AFTER)
        .and_then(|value| read_retry_after(&value, server_date.unwrap_or_else(Timestamp::now)));
    let content_type = text_header(&response, header::CONTENT_TYPE);
    let location = text_header(&response, header::LOCATION);
    let encoding = text_header(&response, header::CONTENT_ENCODING);
    let body = if response.status().is_success() {
        let body = read_body(response, max_bytes, room).await;
        match decoded(body, encoding.as_deref(), max_bytes, room) {
            Body::Whole(body) => Body::Whole(room.keep(body)),
            body => body,
        }
    } else {
        match decoded(read_error_body(response).await, encoding.as_deref(), ERROR_BODY_LIMIT, room) {
            // The status decides; an unreadable body does not matter.
            Body::Undecoded { .. } | Body::TooLarge { .. } | Body::NoRoom => Body::Whole(Bytes::new()),
            body => body,
        }
    };
    AttemptOutcome::Reply(Reply { status, content_type, location, retry_after, server_date, body })
}

async fn read_body(mut response: Response, limit: usize, room: &mut MemoryReservation) -> Body {
    // With an announced length, a body over the limit need not be read, and the buffer need not grow in steps.
    let announced =
        response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced > limit {
        return Body::TooLarge { limit };
    }
    if !room.is_room_for(announced) {
        return Body::NoRoom;
    }
    let mut body = Vec::with_capacity(announced);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Body::TooLarge { limit },
            Ok(Some(chunk)) if !room.is_room_for(body.len() + chunk.len()) => return Body::NoRoom,
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(body.into()),
            Err(_) => return Body::Cut { after: body.len() },
        }
    }
}

/// The status has decided already; what cannot be read of the body does not matter.
async fn read_error_body(mut response: Response) -> Body {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ERROR_BODY_LIMIT - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == ERROR_BODY_LIMIT {
            break;
        }
    }
    Body::Whole(body.into())
}

/// The decompressed body. Some servers and gateways compress without being asked, and some without saying so.
fn decoded(body: Body, encoding: Option<&str>, limit: usize, room: &mut MemoryReservation) -> Body {
    // Declared before the compressed bytes, so that those are freed before the turn ends.
    let turn = DecompressionPermit::wait();
    let Body::Whole(bytes) = body else { return body };
    let mut allowed = limit.min(SMALL);
    let decoded = loop {
        match decompressed(&turn, &bytes, encoding, allowed) {
            Decompressed::TooLong if allowed < limit => {
                // Decompressed again with memory for the whole result.
                if !room.is_room_for(limit) {
                    return Body::NoRoom;
                }
                allowed = limit;
            }
            decoded => break decoded,
        }
    };
    match decoded {
        Decompressed::AsItCame => Body::Whole(bytes),
        Decompressed::Plain(plain) => Body::Whole(plain.into()),
        Decompressed::TooLong => Body::TooLarge { limit },
        Decompressed::Unknown(encoding) => Body::Undecoded { encoding },
    }
}

fn text_header(response: &Response, name: header::HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the only format that HTTP/1.1 still sends.
fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// Seconds, or an HTTP date relative to `now`, the API's own clock where known. A date in the past means zero.
/// `None` for anything else.
pub(in crate::source) fn read_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<f64>() {
        // Integers by the standard; some servers send fractions.
        return Duration::try_from_secs_f64(seconds.ceil()).ok().or((seconds > 0.0).then_some(Duration::MAX));
    }
    let wait = http_date(value)?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// The innermost cause, which has the operating system's message; the outer ones repeat the URL.
fn deepest_reason(error: &reqwest::Error) -> String {
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if std::ptr::addr_eq(deepest, error) {
        return "the request could not be sent".to_owned();
    }
    deepest.to_string().chars().filter(|c| !acts(*c)).take(120).collect()
}
