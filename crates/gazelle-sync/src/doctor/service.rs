//! Checks that runs happen and are monitored: the last good run, the service, its metrics.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{Lines, Subject};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display;
use crate::run_log::runs as recorded;

/// Prometheus scrapes every 15 or 30 seconds by default, and never more rarely than this.
const SCRAPED_WITHIN: Duration = Duration::from_secs(300);
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer of the service; a real one takes a few hundred bytes. Whoever listens in its place may send
/// without end.
const LONGEST_ANSWER: usize = 64 * 1024;
const SCRAPE: &str =
    "a scrape job for /metrics in Prometheus (docs/runbook.md), with the rules of ops/prometheus";

pub(super) async fn runs(db: &Db, settings: &Settings) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let check = "runs";
    let there = db.query("SELECT to_regclass(format('%I.sync_runs', {schema_text}))::text", &[]).await?;
    if there.first().is_none_or(|row| row.get::<_, Option<String>>(0).is_none()) {
        return Ok(lines);
    }
    let past = recorded::past(db).await?;
    let of_demo = "SELECT 1 FROM {schema}.sync_notes WHERE key = 'shop' AND value = 'demo'";
    if past.last_good.is_none() && !db.query(of_demo, &[]).await?.is_empty() {
        let said = "this database holds the made-up shop of `demo`, which is not kept up to date; a company's data go into \
                    a database of their own (DATABASE_URL)";
        lines.ok(check, said);
        return Ok(lines);
    }
    let Some(at) = past.last_good else {
        lines.warning(check, "none was good yet", "gazelle-sync sync --mode full");
        return Ok(lines);
    };
    let age = past.asked_at.duration_since(at).unsigned_abs();
    let said = format!("the last good one ended {} ago", display::duration(age));
    match age.as_secs() > u64::from(settings.stale_after_minutes) * 60 {
        true => lines.warning(
            check,
            said,
            "gazelle-sync status (why not since), gazelle-sync serve (runs by itself)",
        ),
        false => lines.ok(check, said),
    }
    Ok(lines)
}

/// Requests the state of the service on this machine, at the configured address, unless it is the service that asks.
pub(super) async fn check(subject: &Subject<'_>) -> Lines {
    let mut lines = Lines::default();
    if let Some(own) = subject.own_service {
        lines.ok("service", "runs: it has run these checks");
        monitored(&mut lines, own.last_scraped_at);
        return lines;
    }
    let settings = subject.settings;
    let address = local_address(settings.listen);
    let answer = match ask(settings, address).await {
        Ok(answer) => answer,
        Err(ServiceUnreachable::NoListener) => {
            lines.warning(
                "service",
                format!("none answers at {address}: nothing syncs by itself"),
                "systemctl start gazelle-sync, or gazelle-sync serve",
            );
            return lines;
        }
        Err(ServiceUnreachable::Refused) => {
            let fix = "the same GAZELLE_SYNC_HTTP_TOKEN for doctor and the service";
            lines.warning("service", format!("the one at {address} refuses our token"), fix);
            return lines;
        }
        Err(ServiceUnreachable::OtherService) => {
            lines.problem(
                "service",
                format!("something else answers at {address}"),
                "another address: GAZELLE_SYNC_LISTEN",
            );
            return lines;
        }
    };
    let stuck = answer["reason"].as_str().filter(|_| answer["status"] == "stuck");
    match stuck.or(answer["activity"]["problem"].as_str()) {
        Some(stuck) if answer["status"] == "stuck" => lines.problem(
            "service",
            format!("the one at {address} hangs: {stuck}"),
            "its log (journalctl -u gazelle-sync), then systemctl restart gazelle-sync, which is safe",
        ),
        Some(problem) => lines.warning(
            "service",
            format!("it says: {problem}"),
            "what it says; journalctl -u gazelle-sync",
        ),
        None => {
            let state = answer["activity"]["state"].as_str().unwrap_or("running");
            lines.ok("service", format!("runs at {address}: {state}"));
        }
    }
    monitored(&mut lines, answer["last_scraped_at"].as_str().and_then(|at| at.parse().ok()));
    lines
}

/// Whether the metrics of the service are read.
fn monitored(lines: &mut Lines, last_scraped_at: Option<Timestamp>) {
    let now = Timestamp::now();
    match last_scraped_at.map(|at| now.duration_since(at).unsigned_abs()) {
        None => lines.warning("monitoring", "nobody has read the metrics since the service started", SCRAPE),
        Some(age) if age > SCRAPED_WITHIN => {
            let said = format!("nobody has read the metrics for {}", display::duration(age));
            lines.warning("monitoring", said, SCRAPE);
        }
        Some(age) => lines.ok("monitoring", format!("the metrics were read {} ago", display::duration(age))),
    }
}

enum ServiceUnreachable {
    NoListener,
    Refused,
    OtherService,
}

async fn ask(settings: &Settings, address: SocketAddr) -> Result<Value, ServiceUnreachable> {
    let client = reqwest::Client::builder()
        .no_proxy()
        // The token is meant for this address only.
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .tls_certs_only([])
        .build()
        .map_err(|_| ServiceUnreachable::NoListener)?;
    let mut request = client.get(format!("http://{address}/healthz"));
    if let Some(token) = &settings.http_token {
        request = request.bearer_auth(token.expose_secret());
    }
    let mut response =
        request.send().await.map_err(|error| match error.is_connect() || error.is_timeout() {
            true => ServiceUnreachable::NoListener,
            false => ServiceUnreachable::OtherService,
        })?;
    if response.status() == reqwest::StatusCode::UNAUTHORIZED {
        return Err(ServiceUnreachable::Refused);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| ServiceUnreachable::OtherService)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(ServiceUnreachable::OtherService);
        }
        body.extend_from_slice(&chunk);
    }
    let answer: Value = serde_json::from_slice(&body).map_err(|_| ServiceUnreachable::OtherService)?;
    if (answer["status"] == "alive" || answer["status"] == "stuck") && answer["activity"].is_object() {
        Ok(answer)
    } else {
        Err(ServiceUnreachable::OtherService)
    }
}

/// The address to connect to for a service that listens on all addresses.
fn local_address(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
