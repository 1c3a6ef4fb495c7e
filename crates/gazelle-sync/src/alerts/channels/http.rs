//! POST to an address that is a secret: no redirect is followed, and no error repeats it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Response, header, redirect};

use super::letter::SendError;
use crate::display::{Document, Line};
use crate::loopback;

/// For one request with its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(5);
/// A wait beyond this is not asked for in earnest.
const LONGEST_RETRY_AFTER: u64 = 900;

/// The clients of the process: which one an address gets depends on how it is reached alone.
static CLIENTS: Mutex<BTreeMap<Reached, Client>> = Mutex::new(BTreeMap::new());

/// How an address is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reached {
    /// On this machine.
    loopback: bool,
    /// Without TLS.
    plain: bool,
}

/// The client for an address. One is made once: that reads all certificates of the machine.
///
/// # Errors
/// It cannot be made.
pub fn client(url: &str) -> Result<Client, SendError> {
    let reached = Reached { loopback: loopback::is_text(url), plain: url.starts_with("http://") };
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&reached) {
        return Ok(client.clone());
    }
    let client = made(reached)?;
    clients.insert(reached, client.clone());
    Ok(client)
}

fn made(reached: Reached) -> Result<Client, SendError> {
    let builder = Client::builder()
        .timeout(TIMEOUT)
        // Messages are seldom: a connection that the other side has closed meanwhile would cost one attempt.
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("gazelle-sync/", env!("CARGO_PKG_VERSION")));
    // What listens on this machine is asked directly, whatever proxy the environment names.
    let builder = if reached.loopback { builder.no_proxy() } else { builder };
    // Where no certificate is looked at, none has to be installed.
    let builder = if reached.plain { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|_| {
        SendError::new("no HTTPS client could be made: does this machine have CA certificates (package ca-certificates)?")
    })
}

/// Posts a document.
///
/// # Errors
/// It was not taken.
pub async fn post(url: &str, named: Option<&str>, document: Document) -> Result<(), SendError> {
    let mut request = client(url)?.post(url).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = named {
        request = request.header("Idempotency-Key", key);
    }
    read(request.body(document.into_string()).send().await)
}

/// What an answer means: 2xx is taken.
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

/// The innermost cause: the outer ones repeat the address.
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
        let kept = |reached| CLIENTS.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&reached);
        let plain = Reached { loopback: true, plain: true };
        assert!(!kept(plain));
        client("http://127.0.0.1/a").unwrap();
        assert!(kept(plain));
        let encrypted = Reached { plain: false, ..plain };
        client("https://127.0.0.1/a").unwrap();
        assert!(kept(encrypted));
    }
}
