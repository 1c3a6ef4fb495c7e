//! Starts and stops the simulator.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::control::SimControl;
use crate::http::server::serve;
use crate::http::validators::Validators;
use crate::options::SimOptions;
use crate::shop::Shop;
use crate::shop::spec::ShopSpec;
use crate::state::State;

/// A running simulated Gazelle. Dropping it stops it.
pub struct Simulator {
    control: SimControl,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Simulator {
    /// Generates the shop and serves it on `listen` (port 0 chooses a free one), in tasks of the current Tokio
    /// runtime.
    ///
    /// # Errors
    /// `InvalidInput` if `spec.today` is not a date; otherwise the error of binding the address.
    pub async fn start(spec: ShopSpec, options: SimOptions, listen: SocketAddr) -> io::Result<Simulator> {
        let introspection = options.introspection;
        // Generating a large shop takes seconds, so it must not block an async thread.
        let making = tokio::task::spawn_blocking(move || {
            let shop = Shop::generate(&spec)?;
            let validators = Validators::new(introspection).map_err(io::Error::other)?;
            Ok::<_, io::Error>((shop, validators))
        });
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (shop, validators) = making.await.map_err(io::Error::other)??;
        let control = SimControl { state: Arc::new(State::new(options, shop, validators)) };
        let server = tokio::spawn(serve(listener, control.clone()));
        Ok(Simulator { control, address, server })
    }

    /// The GraphQL endpoint: `http://…/graphql/private`.
    pub fn graphql_url(&self) -> String {
        format!("http://{}/graphql/private", self.address)
    }

    /// The base of `/authorize` and `/token`: `http://…/developer/oauth`.
    pub fn oauth_url(&self) -> String {
        format!("http://{}/developer/oauth", self.address)
    }

    /// The address served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API key that is accepted.
    pub fn api_key(&self) -> &str {
        &self.control.state.options.api_key
    }

    /// The control handle; it may outlive the simulator.
    pub fn control(&self) -> SimControl {
        self.control.clone()
    }

    /// Serves until `SimControl::stop` is called.
    pub async fn wait(&mut self) {
        // A panic of the server task counts as stopped.
        let _ = (&mut self.server).await;
    }

    /// Stops: open connections are closed, and unanswered requests get no answer.
    pub async fn shutdown(mut self) {
        self.control.stop();
        self.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.control.stop();
    }
}
