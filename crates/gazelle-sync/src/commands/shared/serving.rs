//! A service with its HTTP server, until it is asked to stop: what `serve` and `demo --open` share.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::context::FAILED;
use super::opened::{self, Opened};
use crate::commands::demo_database::refuse_demo;
use crate::config::Settings;
use crate::db::Db;
use crate::http::HttpSocket;
use crate::service::clock::DatabaseClock;
use crate::service::schedule::{Schedule, Timetable};
use crate::service::state::Shared;
use crate::service::{Opener, Service};
use crate::source::GazelleClient;

/// How long the service may take to stop after the first signal before it is cut off.
const LONGEST_STOP: Duration = Duration::from_secs(30);

/// The timetable of the settings.
///
/// # Errors
/// A schedule that cannot be read, or never comes.
pub fn timetable(settings: &Settings) -> Result<Timetable> {
    let zone = settings.zone();
    let schedule = |text: &str| Schedule::new(text, &zone).map_err(anyhow::Error::msg);
    Ok(Timetable {
        incremental: schedule(&settings.incremental_schedule)?,
        full: schedule(&settings.full_schedule)?,
    })
}

/// Serves on a socket until stopped. Returns the exit status.
///
/// # Errors
/// The service or its HTTP server ended with an error.
pub async fn serve(
    settings: Arc<Settings>,
    timetable: Timetable,
    socket: HttpSocket,
    signals: Signals,
) -> Result<u8> {
    let (stopper, stop_http) = (CancellationToken::new(), CancellationToken::new());
    let shared = Arc::new(Shared::new(settings.clone()));
    let mut http = tokio::spawn(socket.serve(shared.clone(), stop_http.clone()));
    let service = Service {
        opener: SettingsOpener { settings, open: Mutex::new(None), last: Mutex::new(None) },
        clock: Arc::new(DatabaseClock::default()),
        timetable,
        shared,
        stop: stopper.clone(),
    };
    let asked = signals.second_or_late(&stopper);
    let end = until_one_ends(Box::pin(service.run()), &mut http, asked, &stopper).await;
    stop_http.cancel();
    if !http.is_finished() {
        let _ = tokio::time::timeout(Duration::from_secs(2), http).await;
    }
    service.opener.close().await;
    match end {
        ServiceEnd::AsAsked => {
            tracing::info!("stopped as asked");
            Ok(0)
        }
        ServiceEnd::CutOff => {
            tracing::warn!("stopped at once; the next run repeats what was in progress");
            Ok(FAILED)
        }
        ServiceEnd::HttpGone => Ok(FAILED),
    }
}

/// How the service ended.
#[derive(Debug, PartialEq, Eq)]
enum ServiceEnd {
    /// It stopped after the first signal.
    AsAsked,
    /// It did not stop in time, or a second signal came.
    CutOff,
    /// Its HTTP server ended first.
    HttpGone,
}

/// Waits for the end of the service. If the HTTP server ends first, the service could not be controlled any more,
/// so it is stopped and left to its supervisor to restart.
async fn until_one_ends(
    service: impl Future<Output = ()>,
    http: &mut JoinHandle<std::io::Result<()>>,
    asked: impl Future<Output = ()>,
    stopper: &CancellationToken,
) -> ServiceEnd {
    let mut http_gone = false;
    let watch_http = async {
        let ended = http.await;
        http_gone = true;
        tracing::error!("the HTTP side ended by itself ({ended:?}): the service ends too");
        stopper.cancel();
        tokio::time::sleep(LONGEST_STOP).await;
    };
    let ended_well = tokio::select! {
        () = service => true,
        () = asked => false,
        () = watch_http => false,
    };
    match (http_gone, ended_well) {
        (true, _) => ServiceEnd::HttpGone,
        (false, true) => ServiceEnd::AsAsked,
        (false, false) => ServiceEnd::CutOff,
    }
}

/// SIGTERM and SIGINT, from now on.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens for both.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn new() -> Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Cancels `stopper` at the first signal; returns at the second one, or after [`LONGEST_STOP`].
    async fn second_or_late(mut self, stopper: &CancellationToken) {
        self.next().await;
        tracing::info!("asked to stop: what is in progress is finished (a second signal stops at once)");
        stopper.cancel();
        tokio::select! {
            () = self.next() => {}
            () = tokio::time::sleep(LONGEST_STOP) => {}
        }
    }
}

/// Opens the database of the settings, configured or embedded, and the API client.
struct SettingsOpener {
    settings: Arc<Settings>,
    open: Mutex<Option<Opened>>,
    /// The client opened last: its refreshed tokens may be stored nowhere else.
    last: Mutex<Option<GazelleClient>>,
}

impl Opener for SettingsOpener {
    async fn open(&self) -> Result<(Db, GazelleClient)> {
        self.close().await;
        let mut open = self.open.lock().await;
        if let Some(said) = opened::creation(&self.settings) {
            tracing::info!("{said}");
        }
        let opened = Opened::open(&self.settings).await?;
        let client = async {
            refuse_demo(&opened, &self.settings).await?;
            opened::client(&self.settings, Some(&opened))
        };
        let client = match client.await {
            Ok(client) => client,
            Err(error) => {
                opened.close().await?;
                return Err(error);
            }
        };
        let mut last = self.last.lock().await;
        if let Some(before) = last.replace(client.clone()) {
            client.continue_login_of(&before).await;
        }
        let db = opened.db.clone();
        *open = Some(opened);
        Ok((db, client))
    }

    async fn shared_account(&self) -> Option<String> {
        self.open.lock().await.as_ref().and_then(Opened::shared_account).map(str::to_owned)
    }
}

impl SettingsOpener {
    async fn close(&self) {
        if let Some(opened) = self.open.lock().await.take()
            && let Err(error) = opened.close().await
        {
            tracing::warn!("the database did not close well: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_service_whose_http_side_is_gone_ends_with_an_error_and_soon() {
        let panics = || tokio::spawn(async { panic!("a fault of ours") });
        let aborted = tokio::spawn(pending());
        aborted.abort();
        for mut http in [panics(), tokio::spawn(async { Ok(()) }), aborted] {
            let stopper = CancellationToken::new();
            let stop = stopper.clone();
            // Work in progress is finished.
            let service = async {
                stop.cancelled().await;
                tokio::time::sleep(Duration::from_secs(7)).await;
            };
            let begun = Instant::now();
            let end = until_one_ends(service, &mut http, pending(), &stopper).await;
            assert_eq!((end, begun.elapsed()), (ServiceEnd::HttpGone, Duration::from_secs(7)));
        }
        // A service that does not stop is cut off.
        let begun = Instant::now();
        let end = until_one_ends(pending(), &mut panics(), pending(), &CancellationToken::new()).await;
        assert_eq!((end, begun.elapsed()), (ServiceEnd::HttpGone, LONGEST_STOP));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_asked_to_stop_ends_well_or_is_cut_off() {
        let mut http = tokio::spawn(pending());
        let stopper = CancellationToken::new();
        assert_eq!(until_one_ends(async {}, &mut http, pending(), &stopper).await, ServiceEnd::AsAsked);
        assert_eq!(until_one_ends(pending(), &mut http, async {}, &stopper).await, ServiceEnd::CutOff);
    }
}
