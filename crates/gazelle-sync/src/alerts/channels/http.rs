//! HTTP requests to URLs that are secrets: no redirect is followed, and no error repeats the URL.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Response, header, redirect};

use super::outgoing::SendError;
use crate::display::{Document, Line};
use crate::loopback;

/// For one request with its response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(5);
/// A longer `Retry-After`, in seconds, is cut to this.
const LONGEST_RETRY_AFTER: u64 = 900;

/// The HTTP clients of the process, by what they need.
static CLIENTS: Mutex<BTreeMap<ClientKind, Client>> = Mutex::new(BTreeMap::new());

/// What distinguishes one HTTP client from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ClientKind {
    /// The address is on this machine.
    loopback: bool,
    /// Without TLS.
    plain: bool,
}

/// The client for a URL. Each kind is created once, because that reads all CA certificates of the machine.
///
/// # Errors
/// The client cannot be created.
pub fn client(url: &str) -> Result<Client, SendError> {
    let client_kind = ClientKind { loopback: loopback::is_text(url), plain: url.starts_with("http://") };
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&client_kind) {
        return Ok(client.clone());
    }
    let client = build_client(client_kind)?;
    clients.insert(client_kind, client.clone());
    Ok(client)
}

fn build_client(client_kind: ClientKind) -> Result<Client, SendError> {
    let builder = Client::builder()
        .timeout(TIMEOUT)
        // Messages are rare: a connection that the server has closed meanwhile would cost an attempt.
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("gazelle-sync/", env!("CARGO_PKG_VERSION")));
    // A receiver on this machine is called directly, whatever proxy the environment names.
    let builder = if client_kind.loopback { builder.no_proxy() } else { builder };
    // Without TLS, the machine needs no CA certificates.
    let builder = if client_kind.plain { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|_| {
        SendError::new("no HTTPS client could be made: does this machine have CA certificates (package ca-certificates)?")
    })
}

/// Posts a JSON document, with an optional `Idempotency-Key`.
///
/// # Errors
/// The request failed, or the response is not 2xx.
pub async fn post(url: &str, named: Option<&str>, document: Document) -> Result<(), SendError> {
    let mut request = client(url)?.post(url).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = named {
        request = request.header("Idempotency-Key", key);
    }
    read(request.body(document.into_string()).send().await)
}

/// Accepts a 2xx response.
///
/// # Errors
/// The request failed, or the response has any other status.
pub fn read(answer: Result<Response, reqwest::Error>) -> Result<(), SendError> {
    let response = answer.map_err(|error| SendError::new(reason(&error)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
        .map(|seconds| Duration::from_secs(seconds.min(LONGEST_RETRY_AFTER)));
    let advice = match status.as_u16() {
        300..=399 => ": the address has moved; set the new one",
        401 | 403 | 404 | 410 => ": the address is not valid any more; make a new one and set it",
        _ => "",
    };
    Err(SendError { what: format!("HTTP {}{advice}", status.as_u16()).into(), retry_after })
}

/// The innermost cause: the outer ones repeat the URL.
fn reason(error: &reqwest::Error) -> Line {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs()).into();
    }
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if std::ptr::addr_eq(deepest, error) {
        return "the request could not be sent".into();
    }
    deepest.to_string().chars().take(160).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_reached_alike_share_a_client() {
        let kept =
            |client_kind| CLIENTS.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&client_kind);
        let plain = ClientKind { loopback: true, plain: true };
        assert!(!kept(plain));
        client("http://127.0.0.1/a").unwrap();
        assert!(kept(plain));
        let encrypted = ClientKind { plain: false, ..plain };
        client("https://127.0.0.1/a").unwrap();
        assert!(kept(encrypted));
    }
}
