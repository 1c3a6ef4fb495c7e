//! One attempt: send, wait, read the answer up to its limit. Says what was seen and judges nothing; see `classify.rs`.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{RequestBuilder, Response, header};
use tokio::time::Instant;

use super::compression::{Decoded, Turn, decompressed};
use super::room::{SMALL, Taken};
use crate::display::acts;

/// Bytes read of an answer that is an error by its status: enough for a GraphQL error or the title of a page.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// What one attempt met.
pub(in crate::source) struct Attempt {
    pub seen: Seen,
    /// From sending to the last byte, or to the failure.
    pub latency: Duration,
    /// UTC, by our clock.
    pub started_at: Timestamp,
}

pub(in crate::source) enum Seen {
    /// The time was over before the last byte was there.
    TimedOut {
        after: Duration,
    },
    /// No status line came. The reason is the network's own (`Connection refused`).
    NoAnswer {
        reason: String,
        /// Whether there was a connection: one that breaks under a request may have broken because of it.
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
    /// All of it; of an answer that is an error by its status, at most the first `ERROR_BODY_LIMIT` bytes.
    Whole(Bytes),
    /// The connection ended before the body did.
    Cut {
        after: usize,
    },
    TooLarge {
        limit: usize,
    },
    /// There is no room for it now; what came of it was let go.
    NoRoom,
    /// Compressed in a way that we did not offer and cannot read, or broken: how it was said to be encoded.
    Undecoded {
        encoding: String,
    },
}

impl Attempt {
    pub(in crate::source) fn http_status(&self) -> Option<u16> {
        match &self.seen {
            Seen::Reply(reply) => Some(reply.status),
            _ => None,
        }
    }

    /// Bytes of body received.
    pub(in crate::source) fn bytes(&self) -> u64 {
        let bytes = match &self.seen {
            Seen::Reply(Reply { body: Body::Whole(body), .. }) => body.len(),
            Seen::Reply(Reply { body: Body::Cut { after }, .. }) => *after,
            Seen::Reply(Reply { body: Body::TooLarge { limit }, .. }) => *limit,
            _ => 0,
        };
        bytes as u64
    }
}

/// Sends once. `timeout` covers everything up to the last byte; `max_bytes` bounds the body, and so does the `room` for it.
pub(in crate::source) async fn attempt(
    request: RequestBuilder,
    timeout: Duration,
    max_bytes: usize,
    room: &mut Taken,
) -> Attempt {
    let started_at = Timestamp::now();
    let begun = Instant::now();
    let seen = match tokio::time::timeout(timeout, send_and_read(request, max_bytes, room)).await {
        Ok(seen) => seen,
        Err(_) => Seen::TimedOut { after: timeout },
    };
    Attempt { seen, latency: begun.elapsed(), started_at }
}

async fn send_and_read(request: RequestBuilder, max_bytes: usize, room: &mut Taken) -> Seen {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            return Seen::NoAnswer { reason: deepest_reason(&error), connected: !error.is_connect() };
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
            // The status has decided; what cannot be read says nothing.
            Body::Undecoded { .. } | Body::TooLarge { .. } | Body::NoRoom => Body::Whole(Bytes::new()),
            body => body,
        }
    };
    Seen::Reply(Reply { status, content_type, location, retry_after, server_date, body })
}

async fn read_body(mut response: Response, limit: usize, room: &mut Taken) -> Body {
    // A length announced beforehand spares reading what will be refused, and growing the buffer step by step.
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

/// Here the status has already decided; what cannot be read of the body does not matter.
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

/// The body as it was before it was compressed. Some servers and gateways compress unasked, and some do not say so.
fn decoded(body: Body, encoding: Option<&str>, limit: usize, room: &mut Taken) -> Body {
    // Declared before the packed bytes, so that those are gone when it is given back.
    let turn = Turn::wait();
    let Body::Whole(bytes) = body else { return body };
    let mut allowed = limit.min(SMALL);
    let decoded = loop {
        match decompressed(&turn, &bytes, encoding, allowed) {
            Decoded::TooLong if allowed < limit => {
                // Unpacked once more, with room for all of it.
                if !room.is_room_for(limit) {
                    return Body::NoRoom;
                }
                allowed = limit;
            }
            decoded => break decoded,
        }
    };
    match decoded {
        Decoded::AsItCame => Body::Whole(bytes),
        Decoded::Plain(plain) => Body::Whole(plain.into()),
        Decoded::TooLong => Body::TooLarge { limit },
        Decoded::Unknown(encoding) => Body::Undecoded { encoding },
    }
}

fn text_header(response: &Response, name: header::HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the only form HTTP/1.1 still sends.
fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// Seconds, or an HTTP date, which is measured against `now` of the API's own clock where it is known. A date that is
/// over means: now. Anything else is no wish at all.
pub(in crate::source) fn read_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<f64>() {
        // Whole seconds by the standard; some send fractions.
        return Duration::try_from_secs_f64(seconds.ceil()).ok().or((seconds > 0.0).then_some(Duration::MAX));
    }
    let wait = http_date(value)?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// The innermost cause, which is where the system says what happened; the outer ones repeat the URL.
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
