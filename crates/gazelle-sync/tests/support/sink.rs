//! An HTTP server on loopback that notes what it gets and answers as told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub body: String,
    pub idempotency_key: Option<String>,
    /// What it was answered.
    pub status: u16,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// A running sink; ends when dropped.
pub struct WebhookReceiver {
    pub address: SocketAddr,
    noted: Arc<SinkState>,
    task: JoinHandle<()>,
}

struct SinkState {
    received: Mutex<Vec<Received>>,
    status: Mutex<u16>,
}

impl WebhookReceiver {
    pub async fn start() -> WebhookReceiver {
        let noted = Arc::new(SinkState { received: Mutex::default(), status: Mutex::new(200) });
        let router = Router::new().fallback(note).with_state(noted.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        WebhookReceiver { address, noted, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on answers with this status.
    pub fn answer(&self, status: u16) {
        *self.noted.status.lock().unwrap() = status;
    }

    pub fn received(&self) -> Vec<Received> {
        self.noted.received.lock().unwrap().clone()
    }

    /// The requests that were answered with a status of success.
    pub fn accepted(&self) -> Vec<Received> {
        self.received().into_iter().filter(|it| (200..300).contains(&it.status)).collect()
    }
}

impl Drop for WebhookReceiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn note(State(noted): State<Arc<SinkState>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let status = *noted.status.lock().unwrap();
    noted.received.lock().unwrap().push(Received {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        body: String::from_utf8(body.to_vec()).unwrap(),
        idempotency_key: parts.headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned()),
        status,
    });
    StatusCode::from_u16(status).unwrap().into_response()
}
