//! The simulated Gazelle in a process of its own: served by `xtask simulator`, started by the benchmark.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use gazelle_sim::{ShopSpec, SimOptions, Simulator};

/// The key that the simulation accepts.
pub const API_KEY: &str = "benchmark-key";

/// A made-up shop and how it answers.
#[derive(Debug, Clone, Args)]
pub struct Shop {
    /// Appointments
    #[arg(long)]
    pub appointments: usize,
    /// Clients
    #[arg(long)]
    pub clients: usize,
    /// Pianos
    #[arg(long)]
    pub pianos: usize,
    /// Wait before each answer
    #[arg(long, default_value_t = 0)]
    pub latency_ms: u64,
}

/// Serves the shop, prints its address on stdout, and ends when stdin does.
pub fn serve(shop: &Shop) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let spec = ShopSpec {
            events: shop.appointments,
            clients: shop.clients,
            pianos: shop.pianos,
            ..ShopSpec::default_shop(1)
        };
        let options = SimOptions {
            api_key: API_KEY.to_owned(),
            latency: Duration::from_millis(shop.latency_ms),
            answer_cache_bytes: 4 << 30,
            ..SimOptions::default()
        };
        let simulator = Simulator::start(spec, options, ([127, 0, 0, 1], 0).into()).await?;
        println!("{}", simulator.graphql_url());
        std::io::stdout().flush()?;
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        simulator.shutdown().await;
        Ok(())
    })
}

/// A running simulation; it ends with this value.
pub struct Running {
    /// Where GraphQL is asked.
    pub url: String,
    child: Child,
}

impl Running {
    /// Starts this program's `simulator` and waits until it serves.
    pub fn start(shop: &Shop) -> Result<Running> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("simulator")
            .args(["--appointments", &shop.appointments.to_string()])
            .args(["--clients", &shop.clients.to_string()])
            .args(["--pianos", &shop.pianos.to_string()])
            .args(["--latency-ms", &shop.latency_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the simulator does not start")?;
        let stdout = child.stdout.take().context("the simulator has no stdout")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        anyhow::ensure!(url.starts_with("http"), "the simulator ended before it served");
        Ok(Running { url: url.trim().to_owned(), child })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ended by itself, or it cannot be waited for: nothing is left to do either way.
        let _ = self.child.wait();
    }
}
