//! Where the browser comes back to after a person agreed: an address of this machine alone, for the time of one login.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const PATH: &str = "/callback";

/// The address of a port; it has to be registered with Gazelle.
pub(super) fn uri(port: u16) -> String {
    format!("http://127.0.0.1:{port}{PATH}")
}

/// What came back.
pub(super) enum CallbackResult {
    /// The code to exchange.
    Code(SecretString),
    /// The person, or Gazelle, said no: the word of the standard (`access_denied`).
    Refused(String),
}

/// An address that waits.
pub(super) struct Callback {
    listener: TcpListener,
    address: SocketAddr,
}

struct Waiting {
    state: String,
    came: mpsc::Sender<CallbackResult>,
    strangers: std::sync::atomic::AtomicU32,
}

impl Callback {
    /// Listens on a port of this machine; 0 takes a free one.
    pub async fn open(port: u16) -> Result<Callback> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.with_context(|| {
            format!(
                "port {port} of this machine is taken (choose another with --port, registered with Gazelle)"
            )
        })?;
        let address = listener.local_addr()?;
        Ok(Callback { listener, address })
    }

    /// What the browser is sent back to.
    pub fn redirect_uri(&self) -> String {
        uri(self.address.port())
    }

    /// Waits for an answer that carries `state`; others are refused and waited beyond.
    pub async fn answer(self, state: &str, patience: Duration) -> Result<CallbackResult> {
        let (sender, mut receiver) = mpsc::channel(1);
        let waiting = Arc::new(Waiting {
            state: state.to_owned(),
            came: sender,
            strangers: std::sync::atomic::AtomicU32::new(0),
        });
        let router = Router::new().route(PATH, get(come)).with_state(waiting.clone());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            // Answers under way are sent to their end, so that the browser shows them.
            let until = async move { drop(stopped.await) };
            axum::serve(self.listener, router).with_graceful_shutdown(until).await
        });
        let came = tokio::time::timeout(patience, receiver.recv()).await;
        drop(stop);
        let _ = tokio::time::timeout(Duration::from_secs(2), serving).await;
        match came {
            Ok(Some(came)) => Ok(came),
            _ => {
                let strangers = waiting.strangers.load(std::sync::atomic::Ordering::Relaxed);
                let more = match strangers {
                    0 => String::new(),
                    n => format!(
                        " ({n} answer(s) with a wrong state, of another login or of a stranger, were refused)"
                    ),
                };
                bail!(
                    "nobody came back from Gazelle within {} s{more}: run `gazelle-sync auth login` again and open the \
                     address it prints",
                    patience.as_secs()
                )
            }
        }
    }
}

async fn come(State(waiting): State<Arc<Waiting>>, Query(query): Query<HashMap<String, String>>) -> Response {
    match read(&query, &waiting.state) {
        Ok(came) => {
            let text = match &came {
                CallbackResult::Code(_) => {
                    "gazelle-sync has got its answer. You can close this page; the terminal says the rest."
                }
                CallbackResult::Refused(_) => "Gazelle did not let gazelle-sync in. The terminal says more.",
            };
            let _ = waiting.came.try_send(came);
            page(StatusCode::OK, text)
        }
        Err(why) => {
            waiting.strangers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tracing::warn!("an answer from a browser was refused: {why}");
            page(StatusCode::BAD_REQUEST, why)
        }
    }
}

/// What an address that the browser was sent to says, if it belongs to this login.
pub(super) fn read(query: &HashMap<String, String>, state: &str) -> Result<CallbackResult, &'static str> {
    let given = query.get("state").map(String::as_bytes).unwrap_or_default();
    // Compared in constant time, so that nobody can find it out letter by letter.
    if aws_lc_rs::constant_time::verify_slices_are_equal(given, state.as_bytes()).is_err() {
        return Err(
            "This answer has a wrong state: it belongs to another login, or to none. Open the address that \
                    `gazelle-sync auth login` printed last.",
        );
    }
    match (query.get("code"), query.get("error")) {
        (_, Some(error)) => Ok(CallbackResult::Refused(plain_word(error))),
        (Some(code), None) if !code.is_empty() => Ok(CallbackResult::Code(code.clone().into())),
        _ => Err("This answer holds neither a code nor an error."),
    }
}

/// The errors of the standard are words; anything else is not repeated.
fn plain_word(error: &str) -> String {
    let plain =
        !error.is_empty() && error.len() <= 40 && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { error.to_owned() } else { "an error without a name".to_owned() }
}

fn page(status: StatusCode, text: &'static str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}
