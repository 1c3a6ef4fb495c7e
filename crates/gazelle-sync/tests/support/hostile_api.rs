//! An API that answers each request as it pleases, byte by byte.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// The request line and the headers.
    pub head: String,
    pub body: Vec<u8>,
}

/// A running one; ends when dropped.
pub struct HostileApi {
    pub address: SocketAddr,
    asked: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl HostileApi {
    /// Answers each request, one a connection, with what this writes.
    pub fn start(answer: impl Fn(&ReceivedRequest, &mut TcpStream) + Send + Sync + 'static) -> HostileApi {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, ended) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (answer, count, end) = (Arc::new(answer), asked.clone(), ended.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, count) = (answer.clone(), count.clone());
                std::thread::spawn(move || {
                    let Some(asked) = read(&mut stream) else { return };
                    count.fetch_add(1, Ordering::SeqCst);
                    answer(&asked, &mut stream);
                });
            }
        });
        HostileApi { address, asked, ended }
    }

    /// Answers every request with this body.
    pub fn with_body(body: Vec<u8>) -> HostileApi {
        HostileApi::start(move |_, stream| {
            let _ =
                stream.write_all(&complete_response("200 OK", &body)).and_then(|()| stream.write_all(&body));
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql/private", self.address)
    }

    /// How many requests there were.
    pub fn request_count(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for HostileApi {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // What it waits for.
        drop(TcpStream::connect(self.address));
    }
}

/// The head of an answer whose length is true.
pub fn complete_response(status: &str, body: &[u8]) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes()
}

/// Reads one request, or one answer that gives its length.
pub fn read(stream: &mut TcpStream) -> Option<ReceivedRequest> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if bytes.len() - end - 4 >= length.unwrap_or_default() {
            return Some(ReceivedRequest { head, body: bytes.split_off(end + 4) });
        }
    }
}

/// Bodies of this length that would take much memory from who makes a value of each of their parts, with their names.
pub fn memory_heavy_bodies(long: usize) -> Vec<(&'static str, Vec<u8>)> {
    let filled = |before: &str, repeated: &str, after: &str| {
        let times = (long - before.len() - after.len()) / repeated.len();
        format!("{before}{}{after}", repeated.repeat(times)).into_bytes()
    };
    vec![
        ("errors", filled(r#"{"data":null,"errors":["#, r#"{"message":"x","path":["a"]},"#, "1]}")),
        ("errors of nothing", filled(r#"{"data":null,"errors":["#, "1,", "1]}")),
        ("one long message", filled(r#"{"data":null,"errors":[{"message":""#, "'a' ", r#""}]}"#)),
        ("one long path", filled(r#"{"data":null,"errors":[{"message":"x","path":["#, "0,", "0]}]}")),
        ("one long code", filled(r#"{"errors":[{"extensions":{"code":["#, "0,", "0]}}]}")),
        ("root fields", filled(r#"{"errors":[1],"data":{"#, r#""a":1,"#, r#""b":1}}"#)),
        ("counts", filled(r#"{"data":{"#, r#""a":{"totalCount":1},"#, r#""b":{"totalCount":1}}}"#)),
        ("users of nothing", filled(r#"{"data":{"allUsers":["#, "null,", "null]}}")),
        ("users without content", filled(r#"{"data":{"allUsers":["#, "{},", "{}]}}")),
        ("lists in lists", filled(r#"{"data":{"allUsers":["#, "[", "")),
        ("objects in objects", filled(r#"{"data":{"allUsers":["#, r#"{"a":"#, "")),
        ("no JSON", filled("", "x", "")),
        (
            "bytes that are no text",
            [b"{\"data\":\"".to_vec(), vec![0xff; long - 20], b"\"}".to_vec()].concat(),
        ),
    ]
}
