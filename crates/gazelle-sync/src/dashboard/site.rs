//! What the pages read from: the service's state, and the database in one snapshot for each page.

use std::sync::Arc;

use jiff::Timestamp;

use super::guard;
use super::page::{Asked, Frame, Screen, Waits};
use crate::access::trust::owners;
use crate::db::{Begin, Connection, DbError, Tx};
use crate::migrate;
use crate::migrate::demo;
use crate::service::state::Shared;

/// The state of all routes.
pub(super) struct Site {
    pub(super) shared: Arc<Shared>,
}

/// Why a page cannot be read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The database does not answer; since then, if that is known.
    NoDatabase(Option<Timestamp>),
    /// The database has data of a real account, and nobody signs in yet.
    Closed,
    /// The request may not see the demonstration.
    Refused(guard::Refusal),
}

/// A connection of the pages' own.
pub(super) struct Reader(Connection);

/// A snapshot of the database.
pub(super) struct Snapshot<'c> {
    pub(super) tx: Tx<'c>,
    /// The database's time.
    pub(super) now: Timestamp,
    pub(super) waits: Waits,
}

impl Site {
    /// A connection to read with, once it is known that this request may see the data.
    pub(super) async fn reader(&self, asked: &Asked) -> Result<Reader, Trouble> {
        let Some(db) = self.shared.db() else { return Err(self.no_database()) };
        let db = db.for_pages();
        let look = async {
            owners::check(&db).await?;
            Ok::<_, DbError>((migrate::is_readable(&db).await?, db.connection().await?))
        };
        match look.await {
            Ok((true, connection)) => {
                let request = guard::Request {
                    method: &axum::http::Method::GET,
                    headers: &asked.headers,
                    peer: asked.peer,
                };
                guard::check_demo(request).map_err(Trouble::Refused)?;
                Ok(Reader(connection))
            }
            Ok((false, _)) => Err(self.no_database()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The frame of a page that is read in a snapshot.
    pub(super) fn frame(&self, asked: &Asked, screen: Screen, snapshot: &Snapshot<'_>) -> Frame {
        let mut frame = Frame::new(asked, &self.shared.settings, screen, snapshot.now);
        (frame.is_demo, frame.waits) = (true, snapshot.waits);
        frame
    }

    /// The trouble that an error of the database is.
    pub(super) fn failed(&self, error: &DbError) -> Trouble {
        // The page says only that it could not be read: the error may quote the database.
        tracing::warn!(%error, "a page of the dashboard could not be read");
        self.no_database()
    }

    fn no_database(&self) -> Trouble {
        Trouble::NoDatabase(self.shared.alert_write_failure().map(|failure| failure.since))
    }
}

impl Reader {
    /// Begins a snapshot that nothing can be written in. Of a database that is not the demonstration's, nothing is
    /// read: nobody signs in yet.
    pub(super) async fn snapshot(&mut self, site: &Site) -> Result<Snapshot<'_>, Trouble> {
        match begin(&mut self.0).await {
            Ok((true, snapshot)) => Ok(snapshot),
            Ok((false, _)) => Err(Trouble::Closed),
            Err(error) => Err(site.failed(&error)),
        }
    }
}

/// A snapshot, and whether the database is the demonstration's.
async fn begin(connection: &mut Connection) -> Result<(bool, Snapshot<'_>), DbError> {
    let begin = Begin { snapshot: true, read_only: true, ..Begin::default() };
    let (tx, _) = connection.begin_with(begin).await?;
    tx.batch("SET LOCAL TimeZone = 'UTC'").await?;
    let is_demo = demo::is_demo_in(&tx).await?;
    let now = tx.now().await?;
    let waits = tx.query(include_str!("waits.sql"), &[]).await?;
    let waits = waits.first().map(|row| Waits { cases: row.get("cases"), deletions: row.get("deletions") });
    Ok((is_demo, Snapshot { tx, now, waits: waits.unwrap_or_default() }))
}
