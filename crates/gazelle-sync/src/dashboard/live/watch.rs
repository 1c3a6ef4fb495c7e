//! The watcher: one for all streams, and only while there is one.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::marks::{Marks, Versions};
use super::slots::StreamSlots;
use crate::dashboard::entry::viewer::Viewer;
use crate::service::state::Shared;
use crate::states::Role;

/// How often the database is asked, at most.
const LOOK: Duration = Duration::from_secs(1);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of open pages.
pub(crate) struct Live {
    pub(super) slots: StreamSlots,
    pub(super) versions: watch::Sender<Versions>,
    /// What the last look found, and when it was; held while somebody looks.
    last: Mutex<LastPoll>,
    /// Whether the watcher runs.
    is_watched: std::sync::Mutex<bool>,
    /// What distinguishes the tags of this process.
    pub(super) process: String,
    pub(super) stop: CancellationToken,
}

#[derive(Default)]
struct LastPoll {
    at: Option<Instant>,
    marks: Option<Marks>,
    /// Whether the last look found no database.
    failed: bool,
}

impl Live {
    /// Of a process that began at `started`, in milliseconds since 1970. All streams end when it stops.
    pub(crate) fn new(started: i64, stop: CancellationToken) -> Live {
        Live {
            slots: StreamSlots::default(),
            versions: watch::Sender::default(),
            last: Mutex::default(),
            is_watched: std::sync::Mutex::new(false),
            process: format!("{started:x}"),
            stop,
        }
    }

    /// How often each region became old so far.
    pub(crate) fn versions(&self) -> Versions {
        *self.versions.borrow()
    }

    /// Where a page stands that is read from now on.
    pub(crate) fn tag(&self, viewer: &Viewer) -> String {
        self.versions().seen_by(role(viewer)).tag(&self.process)
    }

    /// Asks the database what is old, unless somebody did so within the last second.
    pub(super) async fn refresh(&self, shared: &Shared) {
        let mut last = self.last.lock().await;
        if last.at.is_some_and(|at| at.elapsed() < LOOK) {
            return;
        }
        let sessions = self.slots.sessions();
        let read = async { Marks::read(&shared.db()?.for_pages(), &sessions).await.ok() };
        let found = tokio::time::timeout(PATIENCE, read).await.ok().flatten();
        let before = self.versions();
        let mut versions = before;
        match &found {
            Some(marks) => {
                marks.count(last.marks.as_ref(), &mut versions);
                self.slots.end(&sessions, |session| marks.sessions.contains(session));
            }
            // What pages show is current no more; that is said once.
            None if !last.failed => versions.all_old(),
            None => {}
        }
        last.failed = found.is_none();
        // Once the database is back, everything is read anew.
        last.marks = found;
        last.at = Some(Instant::now());
        if versions != before {
            self.versions.send_replace(versions);
        }
    }

    /// Starts the watcher, unless one runs.
    pub(super) fn watch(self: &Arc<Live>, shared: &Arc<Shared>) {
        if std::mem::replace(&mut *self.watched(), true) {
            return;
        }
        let (live, shared) = (self.clone(), shared.clone());
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !live.rests() {
                tokio::select! {
                    () = live.stop.cancelled() => break,
                    _ = ticks.tick() => live.refresh(&shared).await,
                }
            }
        });
    }

    /// Whether the watcher rests, because no stream is open.
    fn rests(&self) -> bool {
        // A stream takes its place before it starts the watcher, so that one of both sees the other.
        let mut is_watched = self.watched();
        *is_watched = !self.slots.are_empty();
        !*is_watched
    }

    fn watched(&self) -> MutexGuard<'_, bool> {
        self.is_watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The role by which a viewer is told. The demonstration is shown whole.
pub(super) fn role(viewer: &Viewer) -> Role {
    match viewer {
        Viewer::Demo => Role::Operator,
        viewer => viewer.person().map_or(Role::Technician, |person| person.role),
    }
}

/// Whether a request is made by the script of an open page, not by a person: it prolongs no session.
pub(crate) fn is_by_script(headers: &HeaderMap) -> bool {
    headers.contains_key("x-gazelle-live") || wants_stream(headers)
}

pub(super) fn wants_stream(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
