//! Requests as bytes, so that no library between the attacker and the service fixes them, and the answers to them.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer takes longer: the service gives up a page earlier than that.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read of an answer, in bytes; no page is as long.
const LONGEST: usize = 8 * 1024 * 1024;

/// A request as it is sent.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    pub target: Vec<u8>,
    /// Names and values, in order; a name may stand there twice.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// Whether it is no HTTP, or longer than the service reads: the HTTP library may refuse it without a word of ours, or close
    /// the connection before all was sent.
    pub is_broken: bool,
}

/// A request, and what it must not be given.
#[derive(Debug)]
pub struct Attempt {
    pub request: Request,
    /// Every value in it as it was meant: an answer may repeat them.
    pub said: String,
    /// Whose session it carries: 0 nobody's, 1 a technician's, 2 one of the office.
    pub rank: usize,
    /// Whether it could come from a page of ours.
    pub is_from_own_page: bool,
    /// Whether its path and method are exactly those of the route.
    pub is_of_route: bool,
}

/// What was answered.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// Adds a header.
    pub fn header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// What it is, in one line.
    pub fn line(&self) -> String {
        let shown = |bytes: &[u8]| -> String {
            String::from_utf8_lossy(bytes).escape_debug().to_string().chars().take(300).collect()
        };
        let headers: Vec<String> =
            self.headers.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
        format!(
            "{} {} [{}] {}",
            shown(self.method.as_bytes()),
            shown(&self.target),
            headers.join("; "),
            shown(&self.body)
        )
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} ", self.method).into_bytes();
        bytes.extend_from_slice(&self.target);
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"Connection: close\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Response {
    /// The value of a header, empty without it.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All values of a header.
    pub fn all<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What it is, cut.
    pub fn line(&self) -> String {
        let body: String = self.text().chars().take(2_000).collect();
        format!("{} {:?} {body}", self.status, self.headers)
    }
}

/// Sends a request on a connection of its own. None if the connection ends without an answer.
pub async fn send(address: &str, request: &Request) -> Option<Response> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let (mut from, mut to) = stream.split();
    let bytes = request.bytes();
    let exchange = async {
        // The service may have answered, and have closed, before it has read all.
        let (_, answered) = tokio::join!(to.write_all(&bytes), received(&mut from));
        answered
    };
    let answered = tokio::time::timeout(PATIENCE, exchange).await;
    let bytes =
        answered.unwrap_or_else(|_| panic!("no answer within {} s: {}", PATIENCE.as_secs(), request.line()));
    parsed(&bytes, request.method == "HEAD")
}

/// All bytes until the connection ends; of a stream, which goes on, its head.
async fn received(from: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        bytes.extend_from_slice(&piece[..read]);
        let is_stream = head_end(&bytes).is_some_and(|end| {
            String::from_utf8_lossy(&bytes[..end])
                .to_ascii_lowercase()
                .contains("content-type: text/event-stream")
        });
        if is_stream {
            break;
        }
        assert!(bytes.len() <= LONGEST, "an answer of more than {LONGEST} bytes");
    }
    bytes
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

fn parsed(bytes: &[u8], is_head: bool) -> Option<Response> {
    let end = head_end(bytes)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    if (100..200).contains(&status) {
        return parsed(&bytes[end..], is_head);
    }
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<(String, String)> =
        pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let is_chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if is_chunked { unchunked(&bytes[end..]) } else { bytes[end..].to_vec() };
    assert!(!is_head || body.is_empty(), "an answer to HEAD with a body: {head}");
    Some(Response { status, headers, body })
}

/// The content of chunks.
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(at) = memchr::memmem::find(bytes, b"\r\n") {
        let size =
            std::str::from_utf8(&bytes[..at]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(size @ 1..) = size else { break };
        let begin = at + 2;
        let end = (begin + size).min(bytes.len());
        content.extend_from_slice(&bytes[begin..end]);
        bytes = &bytes[(end + 2).min(bytes.len())..];
    }
    content
}
