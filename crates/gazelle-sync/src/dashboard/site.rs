//! What the pages read from: the service's state, and the database in one snapshot for each page.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::entry::attempts::Attempts;
use super::entry::passphrases::Passphrases;
use super::entry::same_origin;
use super::entry::viewer::Viewer;
use super::live::watch::Live;
use super::page::{AwaitingCounts, Frame, PageRequest, Screen};
use crate::db::{Begin, Connection, Db, DbError, Outage, Tx};
use crate::log_throttle::LogThrottle;
use crate::service::state::Shared;

/// The state of all routes.
pub(super) struct Site {
    pub(super) shared: Arc<Shared>,
    /// Who tried to sign in of late.
    pub(super) attempts: Attempts,
    /// Limits log lines about attempts to sign in, or to read a feed, that were refused because there were too many.
    pub(super) refused_attempts: LogThrottle,
    /// Limits log lines about one-time links that are not valid.
    pub(super) invalid_links: LogThrottle,
    /// Whose turn it is to have a passphrase hashed.
    pub(super) passphrases: Passphrases,
    /// Since when pages find no database that answers; none while it answers.
    away_since: Mutex<Option<Timestamp>>,
    /// What open pages are told.
    pub(super) live: Arc<Live>,
    /// How often something was posted here: what was read before may be old.
    posted: AtomicU64,
}

/// Why a page cannot be read.
#[derive(Debug)]
pub(super) enum PageError {
    /// The database does not answer; since when pages have noticed that, by the machine's clock.
    NoDatabase(Timestamp),
    /// The service has not opened the database yet, or it has no tables yet.
    NotOpen,
    /// The database answers, and cannot be read; why, if that is known.
    Unreadable(Option<Outage>),
    /// Nobody is invited to the dashboard yet.
    NoPeople,
    /// The request may not see the demonstration, or the database is the demonstration's no more.
    Refused(same_origin::RequestRefusal),
    /// This role may not.
    NotForRole,
    /// Nothing is written here: the setting `dashboard_read_only`.
    ReadOnly,
}

/// A connection of the pages' own.
pub(super) struct Reader {
    connection: Connection,
    /// Whether the request was let in because the database is the demonstration's.
    is_for_demo: bool,
}

/// A snapshot of the database.
pub(super) struct Snapshot<'c> {
    pub(super) tx: Tx<'c>,
    /// The database's time.
    pub(super) now: Timestamp,
    pub(super) waits: AwaitingCounts,
    /// Whether the database is the demonstration's.
    pub(super) is_demo: bool,
}

impl Site {
    pub(super) fn new(shared: Arc<Shared>, stop: CancellationToken) -> Site {
        Site {
            attempts: Attempts::new(),
            refused_attempts: LogThrottle::every(Duration::from_secs(60)),
            invalid_links: LogThrottle::every(Duration::from_secs(60)),
            passphrases: Passphrases::new(),
            away_since: Mutex::new(None),
            live: Arc::new(Live::new(shared.started_at.as_millisecond(), stop)),
            posted: AtomicU64::new(0),
            shared,
        }
    }

    /// Notes that something was posted here.
    pub(super) fn note_post(&self) {
        self.posted.fetch_add(1, Ordering::Relaxed);
    }

    /// How often something was posted here.
    pub(super) fn posted(&self) -> u64 {
        self.posted.load(Ordering::Relaxed)
    }

    /// The database, in the places of the pages.
    pub(super) fn db(&self) -> Result<Db, PageError> {
        Ok(self.shared.db().ok_or_else(|| self.no_database())?.for_pages())
    }

    /// A connection to read with, for a request whose sender may read (`entry/sender`).
    pub(super) async fn reader(&self, asked: &PageRequest) -> Result<Reader, PageError> {
        let connection = self.db()?.connection().await.map_err(|error| self.failed(&error))?;
        Ok(Reader { connection, is_for_demo: asked.viewer.is_demo() })
    }

    /// A connection to read with, for a request that a link lets in.
    pub(super) async fn reader_of_link(&self) -> Result<Reader, PageError> {
        let connection = self.db()?.connection().await.map_err(|error| self.failed(&error))?;
        Ok(Reader { connection, is_for_demo: false })
    }

    /// The frame of a page that is read in a snapshot.
    pub(super) fn frame(&self, asked: &PageRequest, screen: Screen, snapshot: &Snapshot<'_>) -> Frame {
        let mut frame = Frame::new(asked, &self.shared.settings, screen, snapshot.now);
        frame.waits = snapshot.waits;
        frame
    }

    /// The frame of a page that reads nothing itself; without counts if those cannot be read.
    pub(super) async fn frame_now(&self, asked: &PageRequest, screen: Screen) -> Frame {
        let without = || Frame::new(asked, &self.shared.settings, screen, Timestamp::now());
        // Nobody is told what waits.
        if matches!(asked.viewer, Viewer::Nobody) {
            return without();
        }
        let Ok(mut reader) = self.reader(asked).await else { return without() };
        let frame = reader.snapshot(self).await.map(|snapshot| self.frame(asked, screen, &snapshot));
        frame.unwrap_or_else(|_| without())
    }

    /// The trouble that an error of the database is.
    pub(super) fn failed(&self, error: &DbError) -> PageError {
        // The page says only that it could not be read: the error may quote the database.
        tracing::warn!(%error, "a page of the dashboard could not be read");
        self.out(error.outage())
    }

    /// The trouble that it is that the service has no open database.
    pub(super) fn no_database(&self) -> PageError {
        match self.shared.outage() {
            None if self.shared.activity().problem.is_none() => PageError::NotOpen,
            outage => self.out(outage),
        }
    }

    fn out(&self, outage: Option<Outage>) -> PageError {
        match outage {
            Some(Outage::Unreachable) => {
                let mut since = self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
                PageError::NoDatabase(*since.get_or_insert_with(Timestamp::now))
            }
            outage => PageError::Unreadable(outage),
        }
    }

    /// Notes that the database answered.
    pub(super) fn answered(&self) {
        *self.away_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Reader {
    /// Begins a snapshot that nothing can be written in. Who was let in as to the demonstration reads that alone.
    pub(super) async fn snapshot(&mut self, site: &Site) -> Result<Snapshot<'_>, PageError> {
        let is_for_demo = self.is_for_demo;
        match begin(&mut self.connection).await {
            Ok(snapshot) if snapshot.is_demo || !is_for_demo => Ok(snapshot),
            Ok(_) => Err(PageError::Refused(same_origin::NO_DEMO)),
            Err(error) => Err(site.failed(&error)),
        }
    }
}

/// A snapshot.
async fn begin(connection: &mut Connection) -> Result<Snapshot<'_>, DbError> {
    let begin = Begin { snapshot: true, read_only: true, ..Begin::default() };
    let (tx, _) = connection.begin_with(begin).await?;
    let rows = tx.query(include_str!("waits.sql"), &[]).await?;
    let row = rows.first().ok_or_else(|| DbError::infrastructure("the database returned no time"))?;
    let waits = AwaitingCounts { cases: row.get("cases"), deletions: row.get("deletions") };
    let (now, is_demo) = (row.get("now"), row.get("is_demo"));
    Ok(Snapshot { tx, now, waits, is_demo })
}
