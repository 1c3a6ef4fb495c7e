//! The HTTP server of `serve`: liveness, readiness, metrics, and requests for runs.
//!
//! `listener` accepts connections within the limits of `slots`; `connection` enforces the timeouts, using `head` to
//! find the end of a request's head. `guard` authorises requests, and `tries` slows down guessing. `routes` answers
//! them, always with an `answer::Answer`.

mod answer;
mod connection;
mod guard;
mod head;
mod listener;
mod routes;
mod slots;
mod tries;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use listener::{BoundedListener, Peer};
use slots::Slots;

use crate::dashboard::{self, ClientAddress};
use crate::service::state::Shared;

/// Shorter tokens could be guessed by trying.
const SHORTEST_TOKEN: usize = 16;

/// A listening socket, with the token that its clients need.
pub struct HttpSocket {
    listener: TcpListener,
    token: Option<SecretString>,
}

impl HttpSocket {
    /// Listens.
    ///
    /// # Errors
    /// The address can be reached from other machines and there is no token, the token is too short, or the address
    /// is in use or not of this machine.
    pub async fn open(address: SocketAddr, token: Option<SecretString>) -> Result<HttpSocket> {
        match &token {
            None if !address.ip().is_loopback() => bail!(
                "{address} can be reached by other machines, and no token is set: set GAZELLE_SYNC_HTTP_TOKEN, or listen \
                 on 127.0.0.1"
            ),
            Some(token) if token.expose_secret().len() < SHORTEST_TOKEN => bail!(
                "the token (GAZELLE_SYNC_HTTP_TOKEN) is too short: {SHORTEST_TOKEN} characters or more are needed"
            ),
            _ => {}
        }
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "the service cannot listen on {address} (does another one run? choose another address with --listen or \
                 GAZELLE_SYNC_LISTEN)"
            )
        })?;
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "the HTTP side is not encrypted: put a proxy with TLS before it");
        }
        Ok(HttpSocket { listener, token })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// The operating system does not tell.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Answers requests until asked to stop.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(self, shared: Arc<Shared>, stop: CancellationToken) -> std::io::Result<()> {
        let metrics = shared.metrics.clone();
        let mut routes = guard::guarded(routes::router(shared.clone()), self.token, metrics.clone());
        if shared.settings.shows_dashboard() {
            // The dashboard has a guard of its own: browsers send it no token.
            routes =
                routes.merge(dashboard::router(shared, stop.clone()).layer(from_fn(with_client_address)));
        }
        let listener = BoundedListener::new(self.listener, Slots::new(slots::is_near), metrics);
        let routes = routes.into_make_service_with_connect_info::<Peer>();
        axum::serve(listener, routes).with_graceful_shutdown(async move { stop.cancelled().await }).await
    }
}

/// Adds the address of the client and its connection, for the guard of the dashboard.
async fn with_client_address(mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(Peer(address, wire))) = request.extensions().get::<ConnectInfo<Peer>>().cloned() {
        request.extensions_mut().insert(ClientAddress(address));
        request.extensions_mut().insert(wire);
    }
    next.run(request).await
}
