//! Accepts requests addressed to this machine or to `public_url`, and refuses cross-site requests other than followed
//! links.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use crate::dashboard::words::entry as w;
use crate::dashboard::words::sentence::Sentence;
use crate::loopback;

/// A request, as far as the guard looks at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'r> {
    pub(crate) method: &'r Method,
    pub(crate) headers: &'r HeaderMap,
    /// The client's address; none where it is not known, which counts as another machine's.
    pub(crate) peer: Option<IpAddr>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestRefusal {
    pub(crate) status: StatusCode,
    pub(crate) why: Sentence,
}

const fn refusal(status: StatusCode, why: Sentence) -> RequestRefusal {
    RequestRefusal { status, why }
}

const MISDIRECTED: RequestRefusal = refusal(StatusCode::FORBIDDEN, w::MISDIRECTED);
const ELSEWHERE: RequestRefusal = refusal(StatusCode::FORBIDDEN, w::ELSEWHERE);
const BY_PROXY: RequestRefusal = refusal(StatusCode::FORBIDDEN, w::BY_PROXY);

/// The database was another one when the request was let in.
pub(crate) const NO_DEMO: RequestRefusal = refusal(StatusCode::FORBIDDEN, w::NO_DEMO);

/// The reason to refuse a request, if there is one.
pub(crate) fn check(request: Request<'_>, public_url: Option<&Url>) -> Result<(), RequestRefusal> {
    let Request { method, headers, peer } = request;
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    // RFC 9112, 3.2: with two `Host` headers, a proxy may have checked the other one.
    if headers.get_all(header::HOST).iter().count() != 1 {
        return Err(refusal(StatusCode::BAD_REQUEST, w::HOSTS));
    }
    let host = text("host").unwrap_or_default();
    // DNS rebinding: a page whose name was made to resolve to this machine still sends that name as its host.
    // Under a name of this machine only this machine asks; another one that says so hides where it is.
    let is_near = peer.is_some_and(loopback::is_address);
    let is_own = is_public(host, public_url) || is_near && loopback::is_host(name_of(host));
    if !is_own {
        return Err(MISDIRECTED);
    }
    let is_read = [Method::GET, Method::HEAD].contains(method);
    match text("sec-fetch-site") {
        Some("same-origin") => {}
        // An address that a person typed.
        Some("none") if is_read => {}
        // Following a link from a message is no harm: the answer goes to the person, not to the page.
        Some(_) if is_read && text("sec-fetch-mode") == Some("navigate") => {}
        Some(_) => return Err(ELSEWHERE),
        // A browser that does not tell the site, on plain HTTP, tells the origin of whatever writes.
        None if is_read => {}
        None if text("origin").is_some_and(|origin| is_same_origin(origin, host, public_url)) => {}
        None => return Err(ELSEWHERE),
    }
    Ok(())
}

/// Refuses whoever may not see the demonstration: it is open without sign-in, so it is shown to this machine alone.
pub(crate) fn check_demo(request: Request<'_>) -> Result<(), RequestRefusal> {
    let is_near = request.peer.is_some_and(loopback::is_address);
    // A proxy on this machine speaks for others.
    let passed_on = ["forwarded", "x-forwarded-for", "via", "x-real-ip"];
    let is_passed_on = passed_on.iter().any(|name| request.headers.contains_key(*name));
    if is_near && !is_passed_on { Ok(()) } else { Err(BY_PROXY) }
}

/// The part of a `Host` header before the port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_public(host: &str, public_url: Option<&Url>) -> bool {
    public_url.is_some_and(|url| authority(url).is_some_and(|own| own.eq_ignore_ascii_case(host)))
}

/// Host and port as a browser sends them: without the scheme's own port.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn is_same_origin(origin: &str, host: &str, public_url: Option<&Url>) -> bool {
    let of_public_url = public_url.is_some_and(|url| url.origin().ascii_serialization() == origin);
    // The public address has the scheme of `public_url` and no other; this machine is asked by plain HTTP.
    of_public_url || !is_public(host, public_url) && origin.strip_prefix("http://") == Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, pairs: &[(&'static str, &str)], public_url: Option<&str>) -> u16 {
        asked_by("127.0.0.1", method, pairs, public_url)
    }

    fn asked_by(peer: &str, method: Method, pairs: &[(&'static str, &str)], public_url: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let url = public_url.map(|url| url.parse().unwrap());
        let request = Request { method: &method, headers: &headers, peer: peer.parse().ok() };
        check(request, url.as_ref()).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    #[test]
    fn only_names_of_this_machine_and_the_public_address_are_answered() {
        let public = Some("https://sync.example.org");
        for (host, without, with) in [
            ("127.0.0.1:8787", 200, 200),
            ("localhost", 200, 200),
            ("[::1]:8787", 200, 200),
            ("sync.example.org", 403, 200),
            ("SYNC.example.org", 403, 200),
            ("sync.example.org:8787", 403, 403),
            ("rebound.example.org", 403, 403),
            ("192.0.2.7", 403, 403),
            ("", 403, 403),
        ] {
            assert_eq!(asked(Method::GET, &[("host", host)], None), without, "{host}");
            assert_eq!(asked(Method::GET, &[("host", host)], public), with, "{host}");
        }
        assert_eq!(asked(Method::GET, &[("host", "localhost"), ("host", "localhost")], None), 400);
        assert_eq!(asked(Method::GET, &[], None), 400);
    }

    #[test]
    fn another_machine_asks_under_the_public_address_alone() {
        let public = Some("https://sync.example.org");
        for (peer, host, status) in [
            ("192.0.2.7", "127.0.0.1:8787", 403),
            ("192.0.2.7", "localhost", 403),
            ("192.0.2.7", "sync.example.org", 200),
            ("an address that is not known", "localhost", 403),
            ("::1", "localhost", 200),
        ] {
            assert_eq!(asked_by(peer, Method::GET, &[("host", host)], public), status, "{peer} {host}");
        }
    }

    #[test]
    fn a_link_from_elsewhere_is_followed_and_nothing_else_is_done_for_it() {
        let host = ("host", "127.0.0.1:8787");
        for (site, mode, get, post) in [
            ("same-origin", "navigate", 200, 200),
            ("same-origin", "no-cors", 200, 200),
            ("none", "navigate", 200, 403),
            ("cross-site", "navigate", 200, 403),
            ("same-site", "navigate", 200, 403),
            ("cross-site", "no-cors", 403, 403),
            ("cross-site", "cors", 403, 403),
        ] {
            let pairs = [host, ("sec-fetch-site", site), ("sec-fetch-mode", mode)];
            assert_eq!(asked(Method::GET, &pairs, None), get, "{site} {mode}");
            assert_eq!(asked(Method::POST, &pairs, None), post, "{site} {mode}");
        }
    }

    #[test]
    fn where_the_site_is_not_told_a_form_needs_the_own_origin() {
        let host = ("host", "127.0.0.1:8787");
        for (origin, status) in [
            ("http://127.0.0.1:8787", 200),
            ("http://127.0.0.1:9999", 403),
            ("https://127.0.0.1:8787", 403),
            ("null", 403),
            ("https://example.org", 403),
        ] {
            assert_eq!(asked(Method::POST, &[host, ("origin", origin)], None), status, "{origin}");
        }
        assert_eq!(asked(Method::POST, &[host], None), 403);
        assert_eq!(asked(Method::DELETE, &[host], None), 403);
        let pairs = [("host", "sync.example.org"), ("origin", "https://sync.example.org")];
        assert_eq!(asked(Method::POST, &pairs, Some("https://sync.example.org")), 200);
        let pairs = [("host", "sync.example.org"), ("origin", "http://sync.example.org")];
        assert_eq!(
            asked(Method::POST, &pairs, Some("https://sync.example.org")),
            403,
            "who changes plain HTTP"
        );
    }

    #[test]
    fn the_demonstration_is_shown_to_this_machine_alone() {
        let method = Method::GET;
        for (peer, header, shown) in [
            (Some("127.0.0.1"), None, true),
            (Some("::1"), None, true),
            (Some("192.0.2.7"), None, false),
            (None, None, false),
            (Some("127.0.0.1"), Some("x-forwarded-for"), false),
            (Some("127.0.0.1"), Some("forwarded"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(name) = header {
                headers.insert(name, "192.0.2.7".parse().unwrap());
            }
            let request =
                Request { method: &method, headers: &headers, peer: peer.map(|peer| peer.parse().unwrap()) };
            assert_eq!(check_demo(request).is_ok(), shown, "{peer:?} {header:?}");
        }
    }
}
