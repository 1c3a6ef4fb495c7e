//! Requests that no browser of ours would send, random from a seed: methods, paths, parameters, headers, cookies and forms.

use gazelle_sync::dashboard::Route;

use super::headers::{cookie, noise, origin};
use super::values::{Known, MARKUP, encoded, plausible, value};
use super::wire::{Attempt, Request};
use crate::support::random::Random;

/// Names of parameters and of fields of forms.
const PARAMETERS: [&str; 14] = [
    "day",
    "technician",
    "before",
    "after",
    "status",
    "state",
    "entity",
    "code",
    "q",
    "next",
    "version",
    "compare",
    "explain",
    "any",
];
/// What a path may end with besides.
const ENDINGS: [&str; 3] = [".json", ".ics", "%2ejson"];
/// The fields of the forms that the pages post.
const FORMS: [&[&str]; 11] = [
    &["name", "passphrase", "next"],
    &["passphrase", "again"],
    &["language", "back"],
    &["live"],
    &["technician"],
    &["mode"],
    &["entity", "id", "code", "reason", "back"],
    &["run", "entity", "word", "shown", "except", "except"],
    &["run"],
    &["name", "role", "technician", "language"],
    &["role", "technician"],
];

/// Requests that each case makes: a form as our page sends it, but from a page of another site, and markup in a text that
/// its page repeats; with method and path of their routes.
pub fn certain(known: &Known, rank: usize) -> [(Attempt, &'static str, &'static str); 2] {
    let form = "application/x-www-form-urlencoded";
    let made = |method: &str, target: &str, origin: String, is_from_own_page| {
        let mut request = Request { method: method.to_owned(), target: target.into(), ..Request::default() };
        request.header("Host", known.host.as_str());
        request.header("Origin", origin);
        if let Some(cookie) = &known.cookies[rank] {
            request.header("Cookie", cookie.as_str());
        }
        Attempt { request, said: String::new(), rank, is_from_own_page, is_of_route: true }
    };
    let mut posted = made("POST", "/app/language", "https://example.org".to_owned(), false);
    posted.request.body = b"language=fr&back=%2Fapp%2F".to_vec();
    posted.request.header("Content-Type", form);
    posted.request.header("Content-Length", posted.request.body.len().to_string());
    let search = format!("/app/search?q={}", encoded(MARKUP));
    let mut asked = made("GET", &search, format!("http://{}", known.host), true);
    asked.said = MARKUP.to_owned();
    [(posted, "POST", "/app/language"), (asked, "GET", "/app/search")]
}

/// A request for a route, by one of this rank.
pub fn attempt(random: &mut Random, known: &Known, route: &Route, rank: usize) -> Attempt {
    let mut made = Attempt {
        request: Request { method: route.method.to_owned(), ..Request::default() },
        said: String::new(),
        rank,
        is_from_own_page: random.percent(50),
        is_of_route: true,
    };
    path(random, known, route, &mut made);
    if random.percent(60) {
        query(random, known, &mut made);
    }
    if random.percent(20) {
        method(random, &mut made);
    }
    origin(random, known, &mut made);
    cookie(random, known, &mut made);
    noise(random, &mut made.request);
    if made.request.method != "GET" && made.request.method != "HEAD" || random.percent(10) {
        body(random, known, &mut made);
    }
    made
}

fn path(random: &mut Random, known: &Known, route: &Route, made: &mut Attempt) {
    let mut path = String::new();
    for part in route.path.split('/').skip(1) {
        path.push('/');
        match part.starts_with('{') {
            false => path.push_str(part),
            true => {
                let value = value(random, known);
                // An empty part is another path.
                made.is_of_route &= !value.is_empty();
                path.push_str(&encoded(&value));
                made.said.push_str(&value);
                if random.percent(10) {
                    let ending = *random.pick(&ENDINGS);
                    path.push_str(ending);
                }
            }
        }
    }
    made.request.target = path.into_bytes();
    if random.percent(30) {
        spoilt(random, made);
    }
}

/// Makes another path of it, or none.
fn spoilt(random: &mut Random, made: &mut Attempt) {
    made.is_of_route = false;
    let path = String::from_utf8_lossy(&made.request.target).into_owned();
    let at = path.char_indices().nth(random.below(path.len())).map_or(0, |(at, _)| at);
    let (before, after) = path.split_at(at);
    let inserted = [
        "/../",
        "/./",
        "//",
        "%2e%2e/",
        "%2E%2E%2F",
        "..%2f",
        "%5c..%5c",
        "%252e%252e%252f",
        ";x=1",
        "%00",
        "%ff%fe",
        "%c0%ae",
        "%e2%80%ae",
        "%0d%0aset-cookie:%20gazelle=x7",
        "%",
        "%2",
        "\\",
        "*",
        "|",
        "~",
    ];
    made.request.target = match random.below(10) {
        0 => path.to_uppercase().into_bytes(),
        1 => format!("{path}/").into_bytes(),
        2 => format!("{path}.json").into_bytes(),
        3 => format!("http://evil.example.org{path}").into_bytes(),
        // No HTTP: bytes that no target may hold, or more of them than are read.
        4 => {
            made.request.is_broken = true;
            let odd = random.pick(&[" ", "\u{202e}", "\r\nX-Injected: x7\r\n", "\0", "\t", "\u{1b}[2J"]);
            format!("{before}{odd}{after}").into_bytes()
        }
        5 => {
            made.request.is_broken = true;
            format!("{path}/{}", "a".repeat(20_000 + random.below(500_000))).into_bytes()
        }
        _ => format!("{before}{}{after}", random.pick(&inserted)).into_bytes(),
    };
    if !made.request.target.starts_with(b"/") && !made.request.target.starts_with(b"http") {
        made.request.is_broken = true;
    }
}

fn query(random: &mut Random, known: &Known, made: &mut Attempt) {
    let mut text = String::from("?");
    for _ in 0..=random.below(4) {
        let name = *random.pick(&PARAMETERS);
        let value = if random.percent(40) { plausible(random, known, name) } else { value(random, known) };
        made.said.push_str(&value);
        match random.below(10) {
            0 => text.push_str(&format!("{name}&")),
            1 => text.push_str(&format!("{name}[]={}&", encoded(&value))),
            2 => text.push_str(&format!("{name}=%ff%zz{}&", encoded(&value))),
            _ => text.push_str(&format!("{name}={}&", encoded(&value))),
        }
    }
    made.request.target.extend_from_slice(text.as_bytes());
}

fn method(random: &mut Random, made: &mut Attempt) {
    let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get",
        "X", "PO ST", "GE\tT",
    ];
    let method = *random.pick(&methods);
    // A target of CONNECT is a host; a space ends a method.
    made.request.is_broken |= method == "CONNECT" || method.contains([' ', '\t']);
    made.is_of_route &= method == made.request.method;
    made.request.method = method.to_owned();
}

fn body(random: &mut Random, known: &Known, made: &mut Attempt) {
    let fields = *random.pick(&FORMS);
    let mut pairs = String::new();
    for field in fields {
        let value = if random.percent(65) { plausible(random, known, field) } else { value(random, known) };
        made.said.push_str(&value);
        pairs.push_str(&format!("{field}={}&", encoded(&value)));
    }
    let form = "application/x-www-form-urlencoded";
    let (kind, text) = match random.below(16) {
        0 => ("application/json", format!("{{\"{}\": {}}}", fields[0], "[".repeat(3_000))),
        1 => (
            "multipart/form-data; boundary=x7",
            format!("--x7\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\nx\r\n--x7--", fields[0]),
        ),
        2 => ("text/plain", pairs),
        3 => ("", pairs),
        4 => (form, format!("{pairs}{0}=a&{0}=b", fields[0])),
        5 => (form, format!("{}={}", fields[0], "%00".repeat(5))),
        6 => (form, format!("{}=%ff%fe%zz&=&&&%", fields[0])),
        7 => (form, "x7[a][b][c]=1&".repeat(500)),
        8 => (form, String::new()),
        _ => (form, pairs),
    };
    let request = &mut made.request;
    if !kind.is_empty() {
        request.header("Content-Type", kind);
    }
    request.body = text.into_bytes();
    length(random, request);
}

/// How long the body is, and how long it is said to be.
fn length(random: &mut Random, request: &mut Request) {
    let mut said = request.body.len();
    match random.below(16) {
        // More than is read: it may be refused before all was sent.
        0 => {
            request.body.resize(20_000 + random.below(2_000_000), b'x');
            said = request.body.len();
            request.is_broken = true;
        }
        // The rest would be a request of its own.
        1 => said /= 2,
        2 => {
            let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", said, String::from_utf8_lossy(&request.body));
            request.body = chunk.into_bytes();
            request.header("Transfer-Encoding", "chunked");
            return;
        }
        3 => {
            request.is_broken = true;
            request.header(
                "Transfer-Encoding",
                random.pick(&["chunked", "identity", "x7", "chunked, chunked"]).as_bytes(),
            );
        }
        4 => {
            request.is_broken = true;
            request.header(
                "Content-Length",
                random.pick(&["-1", "x7", "99999999999999999999", "1, 2"]).as_bytes(),
            );
        }
        _ => {}
    }
    request.header("Content-Length", said.to_string());
}
