//! Headers of requests: whose page they come from, whose session they carry, and what they claim.

use super::values::{Known, MARKUP, hostile, random_token};
use super::wire::{Attempt, Request};
use crate::support::random::Random;

/// Whose page it comes from, as a browser would say it, or as one that lies.
pub fn origin(random: &mut Random, known: &Known, made: &mut Attempt) {
    let own = format!("http://{}", known.host);
    let request = &mut made.request;
    if made.is_from_own_page {
        request.header("Host", known.host.as_str());
        match random.percent(50) {
            true => request.header("Origin", own),
            false => request.header("Sec-Fetch-Site", "same-origin"),
        }
        return;
    }
    let of_others: [&[(&str, &str)]; 13] = [
        &[("Host", "rebound.example.org"), ("Origin", "http://rebound.example.org")],
        &[("Host", "localhost.example.org"), ("Sec-Fetch-Site", "same-origin")],
        &[("Host", "{host}@evil.example.org"), ("Origin", "{own}")],
        &[("Host", "{host}"), ("Host", "evil.example.org"), ("Origin", "{own}")],
        &[("Host", ""), ("Origin", "{own}")],
        &[("Origin", "{own}")],
        &[("Host", "{host}"), ("Origin", "https://example.org")],
        &[("Host", "{host}"), ("Origin", "null")],
        &[("Host", "{host}"), ("Origin", "https://{host}")],
        &[("Host", "{host}"), ("Referer", "{own}/app/")],
        &[
            ("Host", "{host}"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Origin", "{own}"),
        ],
        &[("Host", "{host}"), ("Sec-Fetch-Site", "Same-Origin"), ("Origin", "{own}")],
        &[("Host", "evil.example.org"), ("X-Forwarded-Host", "{host}"), ("Origin", "{own}")],
    ];
    for (name, value) in *random.pick(&of_others) {
        request.header(name, value.replace("{own}", &own).replace("{host}", &known.host));
    }
}

/// A session: the own one, none, or what is none.
pub fn cookie(random: &mut Random, known: &Known, made: &mut Attempt) {
    let own = known.cookies[made.rank].clone();
    let forged = format!("gazelle={}", random_token(random));
    let stale = if known.stale.is_empty() { forged.clone() } else { random.pick(&known.stale).clone() };
    let no_session = made.rank;
    made.rank = 0;
    let text = match (own, random.below(14)) {
        (Some(own), 0..=5) => {
            made.rank = no_session;
            own
        }
        (Some(own), 6) => {
            made.rank = no_session;
            format!("gazelle_language=de; {own}; {forged}; gazelle_live=x7")
        }
        // The first counts.
        (Some(own), 7) => format!("{forged}; {own}"),
        (Some(own), 8) => own.replace("gazelle=", "__Host-gazelle="),
        (Some(own), 9) => {
            let (name, token) = own.split_once('=').unwrap_or_default();
            let first = if token.starts_with('A') { 'B' } else { 'A' };
            format!("{name}={first}{}", token.get(1..).unwrap_or_default())
        }
        (Some(own), 10) => format!("{own}="),
        (_, 0..=3) => return,
        (_, 4..=8) => stale,
        (_, 9) => format!("gazelle={}", hostile(random).replace(['\0', '\r', '\n'], "")),
        (_, 10) => "gazelle=; gazelle".to_owned(),
        (_, 11) => format!("a={}; {forged}", "b".repeat(8_000)),
        _ => forged,
    };
    made.request.header("Cookie", text.replace(|c: char| c.is_ascii_control(), ""));
}

/// Headers that claim something.
pub fn noise(random: &mut Random, request: &mut Request) {
    let claims = [
        ("X-HTTP-Method-Override", "POST"),
        ("X-Method-Override", "DELETE"),
        ("X-Original-URL", "/app/people"),
        ("X-Rewrite-URL", "/app/settings"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-For", "192.0.2.7, 198.51.100.3"),
        ("Forwarded", "for=127.0.0.1;host=evil.example.org"),
        ("X-Forwarded-Proto", "https"),
        ("X-Real-IP", "::1"),
        ("Authorization", "Basic b3BlcmF0b3I6b3BlcmF0b3I="),
        ("Authorization", "Bearer operator"),
        ("X-CSRF-Token", "x7"),
        ("X-Role", "operator"),
        ("Accept-Language", "de, *;q=0, fr-CA;q=nan, en;q=99"),
        ("Accept", "*/*;q=x7"),
        ("If-None-Match", "*"),
        ("If-None-Match", "\"x7\", W/\"0\""),
        ("If-Modified-Since", "x7"),
        ("Range", "bytes=0-,-1,5-2"),
        ("Accept-Encoding", "gzip, br, zstd, identity;q=0"),
        ("Expect", "100-continue"),
        ("TE", "trailers, x7"),
        ("User-Agent", MARKUP),
        ("Referer", "http://evil.example.org/"),
        ("X-Gazelle-Live", "1"),
        ("Last-Event-ID", "-1"),
    ];
    for _ in 0..random.below(4) {
        let (name, value) = *random.pick(&claims);
        request.header(name, value);
    }
    match random.below(20) {
        0 => request.header("X-Long", "x".repeat(random.below(30_000))),
        1 => (0..60).for_each(|number| request.header(&format!("X-{number}"), "x")),
        2 => {
            request.is_broken = true;
            (0..300).for_each(|number| request.header(&format!("X-{number}"), "x"));
        }
        3 => {
            request.is_broken = true;
            request.header("X-Odd", random.pick(&["a\rb", "a\0b", "a\n b"]).as_bytes());
        }
        4 => request.header("X-Bytes", [0xff, 0xfe, 0x80]),
        _ => {}
    }
}
