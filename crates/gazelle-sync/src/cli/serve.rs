//! Arguments of `serve`.

use std::net::SocketAddr;

use clap::Args;

/// Flags of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Address of the HTTP server, instead of the setting; port 0 chooses a free one
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}
