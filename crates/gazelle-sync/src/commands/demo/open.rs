//! `demo --open`: the service and its dashboard over the demo's data, while the made-up shop goes on changing.

use std::io::{IsTerminal, stdout};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use gazelle_sim::{SimControl, Simulator};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::changes::upcoming;
use super::report::DemoReport;
use crate::commands::shared::context::Context;
use crate::commands::shared::opened;
use crate::commands::shared::serving::{self, Signals};
use crate::commands::text;
use crate::config::{Settings, Switch};
use crate::http::HttpSocket;

/// How often an appointment of the made-up shop is moved.
const MOVES_EVERY: Duration = Duration::from_secs(60);
/// How often the service looks: half a minute after a move.
const SYNCS: &str = "30 * * * * *";
/// How far an appointment is moved, forth and back.
const MOVED_BY: SignedDuration = SignedDuration::from_mins(30);
/// The appointments that are moved in turn, from the next one on.
const MOVED: usize = 6;

/// Serves until Ctrl-C.
///
/// # Errors
/// A schedule or a credential cannot be used; no address can be opened; a signal handler cannot be installed.
pub async fn run(
    context: &Context,
    listen: Option<SocketAddr>,
    mut report: DemoReport,
    sim: Simulator,
) -> Result<u8> {
    let settings = Arc::new(settings(&context.settings, &sim)?);
    let timetable = serving::timetable(&settings)?;
    opened::client(&settings, None)?;
    let socket = socket(listen, settings.listen).await?;
    let address = format!("http://{}/app/", socket.address()?);
    let signals = Signals::new()?;
    report.dashboard = Some(address.clone());
    context.print(&report, || text::demo::text(&report, false, &context.settings, &context.locale()))?;
    if stdout().is_terminal() {
        open_browser(&address);
    }
    let moving = tokio::spawn(keep_moving(sim.control()));
    let code = serving::serve(settings, timetable, socket, signals).await;
    moving.abort();
    sim.shutdown().await;
    code
}

/// The settings of the service: the simulated Gazelle, the embedded database, and nobody to tell.
fn settings(given: &Settings, sim: &Simulator) -> Result<Settings> {
    let mut settings = given.clone();
    settings.database_url = None;
    settings.api_url = Url::parse(&sim.graphql_url())?;
    settings.api_key = Some(sim.api_key().to_owned().into());
    (settings.access_token, settings.refresh_token) = (None, None);
    settings.http_token = None;
    settings.public_url = None;
    settings.dashboard = Switch::On;
    settings.incremental_schedule = SYNCS.to_owned();
    settings.slack_webhook_url = None;
    (settings.smtp_url, settings.alert_email_from, settings.alert_email_to) = (None, None, None);
    settings.alert_webhook_url = None;
    settings.deadman_url = None;
    Ok(settings)
}

/// Listens on the address that was asked for, else on that of the setting, else, where it is taken or is not this
/// machine's own, on a free port of this machine.
async fn socket(asked: Option<SocketAddr>, setting: SocketAddr) -> Result<HttpSocket> {
    if let Some(asked) = asked {
        return HttpSocket::open(asked, None).await;
    }
    match HttpSocket::open(setting, None).await {
        Ok(socket) => Ok(socket),
        Err(_) => HttpSocket::open(([127, 0, 0, 1], 0).into(), None).await,
    }
}

/// Moves an appointment of the next ones every minute, forth and, once all were moved, back.
async fn keep_moving(shop: SimControl) {
    let chosen: Vec<(String, Option<Timestamp>)> = upcoming(&shop)
        .into_iter()
        .take(MOVED)
        .map(|(id, event)| (id, event["start"].as_str().and_then(|start| start.parse().ok())))
        .collect();
    for turn in 0_usize.. {
        tokio::time::sleep(MOVES_EVERY).await;
        let Some((id, Some(start))) = chosen.get(turn % chosen.len().max(1)) else { continue };
        let is_back = turn / chosen.len() % 2 == 1;
        let to = if is_back { Some(*start) } else { start.checked_add(MOVED_BY).ok() };
        if let Some(to) = to
            && let Err(error) = shop.move_event(id, Some(&to.to_string()))
        {
            tracing::warn!(%error, "the made-up shop could not move an appointment");
        }
    }
}

/// Opens the address with the program that the desktop has for it, if it has one.
fn open_browser(address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = [Stdio::null(), Stdio::null(), Stdio::null()];
    let [stdin, stdout, stderr] = quiet;
    // Without one, the printed address is enough.
    let _ = Command::new(program).arg(address).stdin(stdin).stdout(stdout).stderr(stderr).spawn();
}
