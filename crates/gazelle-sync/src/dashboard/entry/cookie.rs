//! The cookie of a session.

use axum::http::HeaderMap;
use url::Url;

use crate::people::secrets::Token;
use crate::states::Role;

/// How long a technician's browser keeps the cookie, in seconds; the session ends earlier without requests.
const KEPT: u32 = 400 * 24 * 3600;

/// The name: where people come by HTTPS, one that no other site of the same domain can set and plain HTTP never sends.
fn name(public_url: Option<&Url>) -> &'static str {
    if is_secure(public_url) { "__Host-gazelle" } else { "gazelle" }
}

/// Whether people come by HTTPS.
pub(crate) fn is_secure(public_url: Option<&Url>) -> bool {
    public_url.is_some_and(|url| url.scheme() == "https")
}

/// The value of a cookie in a request; the first of several.
pub(crate) fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(of, _)| *of == name).map(|(_, value)| value)
}

/// The session that a request names.
pub(crate) fn session(headers: &HeaderMap, public_url: Option<&Url>) -> Option<Token> {
    Token::read(value(headers, name(public_url))?)
}

/// The header that gives a browser its session. An office computer forgets it when the browser is closed.
pub(crate) fn set(session: &Token, role: Role, public_url: Option<&Url>) -> String {
    let age = match role {
        Role::Technician => format!("; Max-Age={KEPT}"),
        Role::Office | Role::Operator => String::new(),
    };
    format!(
        "{}={}; Path=/{age}; HttpOnly; SameSite=Lax{}",
        name(public_url),
        session.text(),
        secure(public_url)
    )
}

/// The header that takes it away.
pub(crate) fn clear(public_url: Option<&Url>) -> String {
    format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{}", name(public_url), secure(public_url))
}

/// The attribute by which a cookie is sent by HTTPS alone.
pub(crate) fn secure(public_url: Option<&Url>) -> &'static str {
    if is_secure(public_url) { "; Secure" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_kept_from_scripts_from_other_sites_and_from_plain_http() {
        let session = Token::random().unwrap();
        let public: Url = "https://sync.example.org/".parse().unwrap();
        assert_eq!(
            set(&session, Role::Operator, Some(&public)),
            format!("__Host-gazelle={}; Path=/; HttpOnly; SameSite=Lax; Secure", session.text())
        );
        assert_eq!(
            set(&session, Role::Technician, None),
            format!("gazelle={}; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax", session.text())
        );
        assert_eq!(
            clear(Some(&public)),
            "__Host-gazelle=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        );
    }

    #[test]
    fn the_session_is_read_from_the_cookie_of_the_address() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        let public: Url = "https://sync.example.org/".parse().unwrap();
        let mut headers = HeaderMap::new();
        let cookies = format!("a=b; gazelle={}; __Host-gazelle={}", one.text(), other.text());
        headers.append("cookie", cookies.parse().unwrap());
        assert_eq!(session(&headers, None), Some(one));
        assert_eq!(session(&headers, Some(&public)), Some(other));
        for text in ["gazelle=", "gazelle=x", "xgazelle=y", "gazelle"] {
            let mut headers = HeaderMap::new();
            headers.append("cookie", text.parse().unwrap());
            assert_eq!(session(&headers, None), None, "{text}");
        }
    }
}
