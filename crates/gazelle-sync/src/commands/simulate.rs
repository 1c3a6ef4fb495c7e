//! `simulate`: serves a simulated Gazelle API.

use std::time::Duration;

use anyhow::{Context as _, Result};
use gazelle_sim::{SimOptions, Simulator};
use serde_json::json;

use super::shared::context::Context;
use super::shop;
use crate::cli::SimulateArgs;
use crate::display::Lines;

/// Serves until interrupted.
///
/// # Errors
/// The address cannot be opened; a signal handler cannot be installed.
pub async fn run(context: &Context, args: SimulateArgs) -> Result<u8> {
    let options = SimOptions {
        api_key: args.api_key.clone(),
        latency: Duration::from_millis(args.shop.latency_ms),
        page_cap: args.page_cap as usize,
        ..SimOptions::default()
    };
    let sim = Simulator::start(shop::spec(&args.shop), options, args.listen).await.with_context(|| {
        format!("the simulated Gazelle cannot listen on {} (choose another with --listen)", args.listen)
    })?;
    let document = json!({
        "graphql_url": sim.graphql_url(), "oauth_url": sim.oauth_url(), "api_key": sim.api_key(),
    });
    context.print(&document, || {
        let (url, base) = (sim.graphql_url(), format!("http://{}", sim.address()));
        let mut text = Lines::new();
        text.line(format!("simulated Gazelle at {url}")).blank().line("In another terminal:").blank();
        text.line(format!("  export GAZELLE_API_URL={url}"));
        text.line(format!("  export GAZELLE_API_KEY={}", sim.api_key()));
        text.line("  gazelle-sync sync --mode full").blank();
        text.line(format!(
            "Change its shop with POST {base}/_sim/change, break it with POST {base}/_sim/fault. Ctrl-C ends it."
        ));
        text
    })?;
    interrupted().await?;
    sim.shutdown().await;
    Ok(0)
}

/// Waits for SIGINT (Ctrl-C) or SIGTERM.
async fn interrupted() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        signal = tokio::signal::ctrl_c() => signal?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
