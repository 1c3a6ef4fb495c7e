//! Arguments of `demo` and `simulate`, which use a made-up shop.

use std::net::SocketAddr;

use clap::Args;

/// The size of the made-up shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopSize {
    /// Clients.
    pub clients: u32,
    /// Pianos.
    pub pianos: u32,
    /// Appointments.
    pub appointments: u32,
    /// Technicians.
    pub users: u32,
}

impl ShopSize {
    /// The size of one real shop.
    pub const REAL: Self = Self { clients: 4_010, pianos: 1_031, appointments: 11_460, users: 4 };
    /// Small, but with every kind of data.
    pub const SMALL: Self = Self { clients: 40, pianos: 30, appointments: 200, users: 4 };
}

/// The made-up shop; the same numbers give the same shop.
#[derive(Debug, Clone, Default, Args)]
pub struct ShopFlags {
    /// Seed of the made-up data
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Clients [default: 4010]
    #[arg(long, value_name = "N")]
    pub clients: Option<u32>,
    /// Pianos [default: 1031]
    #[arg(long, value_name = "N")]
    pub pianos: Option<u32>,
    /// Appointments [default: 11460]
    #[arg(long, value_name = "N")]
    pub appointments: Option<u32>,
    /// Technicians [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub users: Option<u32>,
    /// A small shop: 40 clients, 30 pianos, 200 appointments, unless given otherwise
    #[arg(long)]
    pub small: bool,
    /// Wait before each answer, in milliseconds (the real API: about 240)
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub latency_ms: u64,
}

impl ShopFlags {
    /// The size that the flags give.
    pub fn size(&self) -> ShopSize {
        let base = if self.small { ShopSize::SMALL } else { ShopSize::REAL };
        ShopSize {
            clients: self.clients.unwrap_or(base.clients),
            pianos: self.pianos.unwrap_or(base.pianos),
            appointments: self.appointments.unwrap_or(base.appointments),
            users: self.users.unwrap_or(base.users),
        }
    }
}

/// Flags of `demo`.
#[derive(Debug, Clone, Default, Args)]
pub struct DemoArgs {
    /// The made-up shop.
    #[command(flatten)]
    pub shop: ShopFlags,
    /// Stop the embedded database at the end, even if it was running before, instead of leaving it running for psql
    #[arg(long, conflicts_with = "open")]
    pub stop: bool,
    /// Leave the dashboard running over the demo's data until Ctrl-C, and open it in a browser if there is one
    #[arg(long)]
    pub open: bool,
    /// With --open: address of the dashboard; absent: that of the setting listen, or a free port where that is taken
    #[arg(long, value_name = "ADDRESS", requires = "open")]
    pub listen: Option<SocketAddr>,
}

/// Flags of `simulate`.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// Address to listen on; port 0 chooses a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8788")]
    pub listen: SocketAddr,
    /// The made-up shop.
    #[command(flatten)]
    pub shop: ShopFlags,
    /// Key that the simulated API accepts; never pass a real one
    #[arg(long, value_name = "KEY", default_value = "simulated-key")]
    pub api_key: String,
    /// Maximum number of records in one answer, however many are requested
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub page_cap: u32,
}
