//! POST to an address that is a secret: no redirect is followed, and no error repeats it.

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, Response, header, redirect};

use super::SendError;

/// For one request with its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A wait beyond this is not asked for in earnest.
const LONGEST_RETRY_AFTER: u64 = 900;

/// A client for one address.
pub fn client(url: &str) -> Result<Client, SendError> {
    let builder = Client::builder()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("gazelle-sync/", env!("CARGO_PKG_VERSION")));
    // What listens on this machine is asked directly, whatever proxy the environment names.
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    // Where no certificate is looked at, none has to be installed.
    let builder = if url.starts_with("http://") { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|_| {
        SendError::new("no HTTPS client could be made: does this machine have CA certificates (package ca-certificates)?")
    })
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
    Err(SendError { what: format!("HTTP {}{advice}", status.as_u16()), retry_after })
}

/// The innermost cause: the outer ones repeat the address.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if std::ptr::addr_eq(deepest, error) {
        return "the request could not be sent".to_owned();
    }
    deepest.to_string().chars().filter(|letter| !letter.is_control()).take(160).collect()
}

fn is_loopback(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
