//! The HTTP server that receives the OAuth redirect: on the loopback address, for the duration of one login.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const PATH: &str = "/callback";

/// The redirect URI for a port; it must be registered with Gazelle.
pub(super) fn uri(port: u16) -> String {
    format!("http://127.0.0.1:{port}{PATH}")
}

/// The result of a redirect.
pub(super) enum CallbackResult {
    /// The authorization code.
    Code(SecretString),
    /// The user or Gazelle refused; the OAuth error code (`access_denied`).
    Refused(String),
}

/// A server that waits for the redirect.
pub(super) struct Callback {
    listener: TcpListener,
    address: SocketAddr,
}

struct RedirectState {
    state: String,
    received: mpsc::Sender<CallbackResult>,
    rejected: std::sync::atomic::AtomicU32,
}

impl Callback {
    /// Listens on a loopback port; 0 chooses a free one.
    ///
    /// # Errors
    /// The port is in use.
    pub async fn open(port: u16) -> Result<Callback> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.with_context(|| {
            format!(
                "port {port} of this machine is taken (choose another with --port, registered with Gazelle)"
            )
        })?;
        let address = listener.local_addr()?;
        Ok(Callback { listener, address })
    }

    /// The URI for the browser to return to.
    pub fn redirect_uri(&self) -> String {
        uri(self.address.port())
    }

    /// Waits for a redirect with this `state`; others are refused.
    ///
    /// # Errors
    /// None came within `patience`.
    pub async fn answer(self, state: &str, patience: Duration) -> Result<CallbackResult> {
        let (sender, mut receiver) = mpsc::channel(1);
        let waiting = Arc::new(RedirectState {
            state: state.to_owned(),
            received: sender,
            rejected: std::sync::atomic::AtomicU32::new(0),
        });
        let router = Router::new()
            .route(PATH, get(handle_redirect))
            .with_state(waiting.clone())
            .layer(map_response(async |answer: Response| protected(answer)));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            // Responses in progress are completed, so that the browser shows them.
            let until = async move { drop(stopped.await) };
            axum::serve(self.listener, router).with_graceful_shutdown(until).await
        });
        let received = tokio::time::timeout(patience, receiver.recv()).await;
        drop(stop);
        let _ = tokio::time::timeout(Duration::from_secs(2), serving).await;
        match received {
            Ok(Some(received)) => Ok(received),
            _ => {
                let rejected = waiting.rejected.load(std::sync::atomic::Ordering::Relaxed);
                let more = match rejected {
                    0 => String::new(),
                    n => format!(
                        " ({n} answer(s) with a wrong state, of another login or another sender, were refused)"
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

async fn handle_redirect(
    State(waiting): State<Arc<RedirectState>>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    match read(&query, &waiting.state) {
        Ok(received) => {
            let text = match &received {
                CallbackResult::Code(_) => {
                    "gazelle-sync received the authorization. You can close this page and return to the terminal."
                }
                CallbackResult::Refused(_) => "Gazelle did not let gazelle-sync in. The terminal says more.",
            };
            let _ = waiting.received.try_send(received);
            page(StatusCode::OK, text)
        }
        Err(why) => {
            waiting.rejected.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tracing::warn!("an answer from a browser was refused: {why}");
            page(StatusCode::BAD_REQUEST, why)
        }
    }
}

/// Reads the query of a redirect, if it belongs to this login.
pub(super) fn read(query: &[(String, String)], state: &str) -> Result<CallbackResult, &'static str> {
    for (at, (name, _)) in query.iter().enumerate() {
        // Which of two is meant, another reader of the same address could see otherwise.
        if ["state", "code", "error"].contains(&name.as_str())
            && query[..at].iter().any(|(other, _)| other == name)
        {
            return Err("This answer says something twice.");
        }
    }
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let given = value("state").map(|value| value.as_bytes()).unwrap_or_default();
    // In constant time, so that the value cannot be guessed byte by byte.
    if aws_lc_rs::constant_time::verify_slices_are_equal(given, state.as_bytes()).is_err() {
        return Err(
            "This answer has a wrong state: it belongs to another login, or to none. Open the address that \
                    `gazelle-sync auth login` printed last.",
        );
    }
    match (value("code"), value("error")) {
        (_, Some(error)) => Ok(CallbackResult::Refused(plain_word(error))),
        (Some(code), None) if !code.is_empty() => Ok(CallbackResult::Code(code.clone().into())),
        _ => Err("This answer holds neither a code nor an error."),
    }
}

/// OAuth error codes are plain words; anything else is not repeated.
fn plain_word(error: &str) -> String {
    let plain =
        !error.is_empty() && error.len() <= 40 && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { error.to_owned() } else { "an error without a name".to_owned() }
}

/// Whatever is answered, an unknown path too: plain text that no browser takes for something else, or keeps.
fn protected(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn page(status: StatusCode, text: &'static str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}
