//! The service's HTTP side: whether it lives, whether it is ready, its metrics, and runs on demand.
//!
//! `listener` takes connections, `connection` bounds their time by what `head` sees, and `places` says for whom they are;
//! `guard` decides who may ask, and `tries` remembers wrong tokens; `routes` answers, with nothing but `answer`s.

mod answer;
mod connection;
mod guard;
mod head;
mod listener;
mod places;
mod routes;
mod tries;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use listener::{Bounded, Peer};
use places::Places;

use crate::service::state::Shared;

/// Shorter tokens could be guessed by trying.
const SHORTEST_TOKEN: usize = 16;

/// A socket that listens, by the rules of who may reach it.
pub struct HttpSocket {
    listener: TcpListener,
    token: Option<SecretString>,
}

impl HttpSocket {
    /// Listens.
    ///
    /// Errors: an address that others can reach, without a token; one that is taken or is not of this machine.
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

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Answers until asked to stop.
    pub async fn serve(self, shared: Arc<Shared>, stop: CancellationToken) -> std::io::Result<()> {
        let metrics = shared.metrics.clone();
        let routes = guard::guarded(routes::router(shared), self.token, metrics.clone());
        let listener = Bounded::new(self.listener, Places::new(places::is_near), metrics);
        let routes = routes.into_make_service_with_connect_info::<Peer>();
        axum::serve(listener, routes).with_graceful_shutdown(async move { stop.cancelled().await }).await
    }
}
