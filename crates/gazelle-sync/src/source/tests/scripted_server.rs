//! An HTTP/1.1 server that answers each request as scripted, well-formed or not.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};

/// A received request.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
    pub at: Instant,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// A scripted reply.
#[derive(Debug, Clone)]
pub enum Reply {
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// HTTP 200 with a body that may not be UTF-8.
    Bytes {
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// These bytes, then the connection is closed.
    Raw(String),
    /// These bytes, then nothing; the connection stays open.
    RawAndHang(String),
    /// Nothing; the connection stays open.
    Hang,
    /// The connection is closed without a byte.
    Close,
    /// The connection is reset.
    Reset,
    /// The reply after a delay of tokio's clock.
    After(Duration, Box<Reply>),
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self::Http { status, headers, body: body.into() }
    }

    pub fn json(status: u16, body: Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub fn bytes(body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Bytes { headers, body: body.into() }
    }

    pub fn html(status: u16, title: &str) -> Self {
        Self::new(
            status,
            "text/html; charset=utf-8",
            format!("<html><title>{title}</title><p>Tremblay</p></html>"),
        )
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Http { headers, .. } | Self::Bytes { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn after(self, wait: Duration) -> Self {
        Self::After(wait, Box::new(self))
    }
}

type Script = Box<dyn FnMut(&Received) -> Reply + Send>;

#[derive(Default)]
struct Seen {
    connections: usize,
    received: Vec<Received>,
    in_flight: usize,
    most_in_flight: usize,
}

/// Runs until its runtime ends.
pub struct ScriptedServer {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl ScriptedServer {
    pub async fn start(script: impl FnMut(&Received) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(script)));
        let shared = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, script.clone(), shared.clone()));
            }
        });
        Self { port, seen }
    }

    /// These replies in order, then HTTP 418.
    pub async fn replying(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        Self::start(move |_| {
            replies.pop_front().unwrap_or_else(|| Reply::new(418, "text/plain", "script over"))
        })
        .await
    }

    pub async fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn received(&self) -> Vec<Received> {
        self.seen().received.clone()
    }

    /// Number of requests to this path.
    pub fn count(&self, path: &str) -> usize {
        self.seen().received.iter().filter(|received| received.path == path).count()
    }

    pub fn most_in_flight(&self) -> usize {
        self.seen().most_in_flight
    }

    pub fn connections(&self) -> usize {
        self.seen().connections
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>, seen: Arc<Mutex<Seen>>) {
    while let Some(received) = read_request(&mut stream).await {
        let mut reply = (script.lock().unwrap())(&received);
        {
            let mut seen = seen.lock().unwrap();
            seen.received.push(received);
            seen.in_flight += 1;
            seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
        }
        if let Reply::After(wait, then) = reply {
            tokio::time::sleep(wait).await;
            reply = *then;
        }
        seen.lock().unwrap().in_flight -= 1;
        match reply {
            Reply::Http { status, headers, body } => {
                if send(&mut stream, status, &headers, body.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Bytes { headers, body } => {
                if send(&mut stream, 200, &headers, &body).await.is_err() {
                    return;
                }
            }
            Reply::Raw(text) => {
                // The client may stop reading at any time.
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
            Reply::RawAndHang(text) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                std::future::pending().await
            }
            Reply::Hang => std::future::pending().await,
            Reply::Close | Reply::After(..) => return,
            Reply::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
        }
    }
}

async fn send(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
) -> std::io::Result<()> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await
}

async fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let at = Instant::now();
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    let body = String::from_utf8(bytes[head_end + 4..].to_vec()).unwrap();
    Some(Received { path, headers, body, at })
}
