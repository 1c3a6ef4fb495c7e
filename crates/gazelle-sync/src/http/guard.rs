//! Authorisation: requests need the token if one is set, and otherwise must come from this machine. Requests that a
//! web page makes in a browser on this machine are refused.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};

use super::answer::Answer;
use super::listener::Peer;
use super::tries::{PAUSE, WrongTokens};
use crate::log_throttle::LogThrottle;
use crate::loopback;
use crate::metrics::{HttpRefusal, Metrics};

/// The longest request body, in bytes.
const LONGEST_BODY: usize = 16 * 1024;
/// A route that takes longer is aborted.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// The token as a digest: digests have equal lengths, so comparing them reveals nothing about the token's length.
type Digest = [u8; 32];

/// The state of the guard.
struct Rules {
    secret: Option<Digest>,
    wrong_tokens: WrongTokens,
    /// Limits log lines about right tokens, which a supervisor sends several times a minute.
    accepted_tokens: LogThrottle,
    metrics: Metrics,
}

/// Puts the routes behind the guard.
pub(super) fn guarded(routes: Router, token: Option<SecretString>, metrics: Metrics) -> Router {
    let secret = token.map(|token| digest(token.expose_secret().as_bytes()));
    let accepted_tokens = LogThrottle::every(Duration::from_secs(3600));
    let rules = Arc::new(Rules { secret, wrong_tokens: WrongTokens::new(), accepted_tokens, metrics });
    routes
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(rules, authorise))
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LONGEST_ANSWER, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            Answer::problem(StatusCode::SERVICE_UNAVAILABLE, "no answer in time; is the database slow?")
                .into()
        }
    }
}

async fn authorise(State(rules): State<Arc<Rules>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    // Without a peer address, no other machine could be told from this one: treat it as this machine.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.0);
    let refused = match rules.wrong_tokens.is_paused(peer) {
        true => {
            rules.metrics.http_refused(HttpRefusal::Paused);
            Some((StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens from this address: wait a minute"))
        }
        false => refusal(rules.secret.as_ref(), request.method(), request.headers()),
    };
    let Some((status, why)) = refused else {
        if let Some(accepted) = rules.secret.as_ref().and_then(|_| rules.accepted_tokens.count()) {
            tracing::info!(%peer, accepted, "requests with the right token at the HTTP side (logged at most once an hour)");
        }
        return with_headers(next.run(request).await);
    };
    if status == StatusCode::UNAUTHORIZED {
        rules.note_wrong(peer, request.headers());
    }
    let mut response: Response = Answer::problem(status, why).into();
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(PAUSE.as_secs()));
        }
        _ => {}
    }
    // An unauthorised client must not keep its slot.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    with_headers(response)
}

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

impl Rules {
    /// Counts a missing or wrong token, and logs wrong ones from time to time.
    fn note_wrong(&self, peer: IpAddr, headers: &HeaderMap) {
        if !headers.contains_key(header::AUTHORIZATION) {
            return self.metrics.http_refused(HttpRefusal::NoToken);
        }
        self.metrics.http_refused(HttpRefusal::WrongToken);
        if let Some(wrong) = self.wrong_tokens.wrong(peer) {
            tracing::warn!(%peer, wrong, "requests with a wrong token at the HTTP side (logged at most once a minute)");
        }
    }
}

fn refusal(
    secret: Option<&Digest>,
    method: &Method,
    headers: &HeaderMap,
) -> Option<(StatusCode, &'static str)> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST.as_str()).unwrap_or_default();
    // RFC 9112, 3.2: with two `Host` headers, a proxy may have checked the other one.
    if headers.get_all(header::HOST).iter().count() > 1 {
        return Some((StatusCode::BAD_REQUEST, "one Host header, not several"));
    }
    match secret {
        Some(secret) => {
            let shown = text(header::AUTHORIZATION.as_str())
                .and_then(|value| value.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map(|(_, token)| token)
                .unwrap_or_default();
            if aws_lc_rs::constant_time::verify_slices_are_equal(&digest(shown.trim().as_bytes()), secret)
                .is_err()
            {
                return Some((
                    StatusCode::UNAUTHORIZED,
                    "the token is missing or wrong (Authorization: Bearer …)",
                ));
            }
        }
        // DNS rebinding: a page whose name was made to resolve to this machine still sends that name as its host.
        None if !is_this_machine(host) => {
            return Some((StatusCode::FORBIDDEN, "ask for this address by 127.0.0.1 or localhost"));
        }
        None => {}
    }
    // Browsers tell which site a request comes from. Another site could not read the answer, but would cause load.
    if text("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site") {
        return Some((StatusCode::FORBIDDEN, "a page of another address may not ask"));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let own = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        if own != Some(host) {
            return Some((StatusCode::FORBIDDEN, "a page of another address may not ask"));
        }
    }
    let is_json = text(header::CONTENT_TYPE.as_str()).is_some_and(|kind| {
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    });
    if *method == Method::POST && !is_json {
        return Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "send JSON, with Content-Type: application/json"));
    }
    None
}

/// Whether a `Host` header names this machine's loopback.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    loopback::is_host(name)
}

fn digest(text: &[u8]) -> Digest {
    *blake3::hash(text).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn status(secret: Option<&str>, method: Method, pairs: &[(&'static str, &str)]) -> u16 {
        let secret = secret.map(|secret| digest(secret.as_bytes()));
        refusal(secret.as_ref(), &method, &headers(pairs)).map_or(200, |(status, _)| status.as_u16())
    }

    #[test]
    fn two_hosts_and_pages_elsewhere_are_refused_with_the_token_too() {
        let token = "correct-horse-battery";
        for (authorization, expected) in [
            (format!("Bearer {token}"), 200),
            (format!("bearer {token}"), 200),
            (format!("BEARER  {token}"), 200),
            (format!("Basic {token}"), 401),
            (token.to_owned(), 401),
        ] {
            assert_eq!(status(Some(token), Method::GET, &[("authorization", &authorization)]), expected);
        }
        let bearer = format!("Bearer {token}");
        for (secret, pairs) in [(None, vec![]), (Some(token), vec![("authorization", bearer.as_str())])] {
            let with = |more: &[(&'static str, &'static str)]| {
                let pairs: Vec<_> = pairs.iter().copied().chain(more.iter().copied()).collect();
                status(secret, Method::GET, &pairs)
            };
            let host = ("host", "127.0.0.1:8787");
            for (site, expected) in
                [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
            {
                assert_eq!(with(&[host, ("sec-fetch-site", site)]), expected, "{site}");
            }
            assert_eq!(with(&[host, ("host", "evil.example.org")]), 400);
        }
    }

    #[test]
    fn without_a_token_only_this_machine_by_its_own_name_may_ask() {
        for host in
            ["localhost", "localhost:8787", "127.0.0.1:8787", "[::1]:8787", "127.1.2.3", "LOCALHOST:1"]
        {
            assert_eq!(status(None, Method::GET, &[("host", host)]), 200, "{host}");
        }
        for host in [
            "rebound.example.org:8787",
            "192.0.2.7:8787",
            "",
            "localhost.example.org",
            "127.0.0.1.example.org",
        ] {
            assert_eq!(status(None, Method::GET, &[("host", host)]), 403, "{host}");
        }
    }

    #[test]
    fn the_token_is_asked_for_and_no_other_will_do() {
        let token = Some("0123456789abcdef");
        let ask = |value: &str| {
            status(token, Method::GET, &[("host", "sync.example.org"), ("authorization", value)])
        };
        assert_eq!(ask("Bearer 0123456789abcdef"), 200);
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Basic 0123456789abcdef",
        ] {
            assert_eq!(ask(wrong), 401, "{wrong:?}");
        }
    }

    #[test]
    fn a_page_of_elsewhere_can_start_nothing() {
        let post = |pairs: &[(&'static str, &str)]| status(None, Method::POST, pairs);
        let host = ("host", "localhost:8787");
        let json = ("content-type", "application/json; charset=utf-8");
        assert_eq!(post(&[host, json]), 200);
        assert_eq!(post(&[host, json, ("origin", "http://localhost:8787")]), 200);
        for origin in ["https://example.org", "http://localhost:9999", "null", "https://localhost:8787"] {
            assert_eq!(post(&[host, json, ("origin", origin)]), 403, "{origin}");
        }
        // What a form or a simple script can send without a CORS preflight.
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            assert_eq!(post(&[host, ("content-type", kind)]), 415, "{kind}");
        }
        assert_eq!(post(&[host]), 415);
    }
}
