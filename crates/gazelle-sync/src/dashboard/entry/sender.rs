//! Finds who sent a request.

use jiff::Timestamp;

use super::cookie;
use super::same_origin;
use super::viewer::Viewer;
use crate::dashboard::live::watch::is_by_script;
use crate::dashboard::site::{PageError, Site};
use crate::db::{Begin, Db, DbError, Tx};
use crate::loopback;
use crate::migrate;
use crate::migrate::demo;
use crate::people;
use crate::people::secrets::Token;

/// What the database says of a request.
enum SenderLookup {
    /// The database is the demonstration's.
    Demo,
    /// Nobody was ever invited.
    NoPeople,
    /// People sign in; who has this session, and the database's time.
    People(Viewer, Timestamp),
    /// There are no tables yet.
    Empty,
}

/// Who sent a request. Also checks that the tables are still ours, because they may have been replaced since they were opened.
///
/// # Errors
/// The database cannot be read, nobody is invited yet, or the demonstration is shown to this machine alone.
pub(crate) async fn viewer(site: &Site, request: same_origin::Request<'_>) -> Result<Viewer, PageError> {
    let Some(db) = site.shared.db() else { return Err(site.no_database()) };
    let db = db.for_pages();
    let session = cookie::session(request.headers, site.shared.settings.public_url.as_ref());
    // The mark is a row, which whoever writes the copy could add: of a real account people sign in all the same.
    let may_be_demo = loopback::is_url(&site.shared.settings.api_url);
    let looked = look_up(&db, session, may_be_demo).await;
    if looked.is_ok() {
        site.answered();
    }
    match looked {
        Ok(SenderLookup::Demo) => {
            same_origin::check_demo(request).map_err(PageError::Refused)?;
            Ok(Viewer::Demo)
        }
        Ok(SenderLookup::NoPeople) => Err(PageError::NoPeople),
        Ok(SenderLookup::People(viewer, now)) => {
            // A page that is left open keeps nobody signed in.
            if let Viewer::Person(signed) = &viewer
                && !is_by_script(request.headers)
                && let Err(error) = people::prolong(&db, signed, now).await
            {
                // A database that cannot be written is read all the same; the session ends earlier.
                tracing::debug!(%error, "a session could not be prolonged");
            }
            Ok(viewer)
        }
        Ok(SenderLookup::Empty) => Err(PageError::NotOpen),
        Err(error) => Err(site.failed(&error)),
    }
}

async fn look_up(db: &Db, session: Option<Token>, may_be_demo: bool) -> Result<SenderLookup, DbError> {
    // This also checks whose the tables are, before it reads any.
    if !migrate::is_readable(db).await? {
        return Ok(SenderLookup::Empty);
    }
    let mut connection = db.connection().await?;
    let begin = Begin { snapshot: true, read_only: true, ..Begin::default() };
    let (tx, _) = connection.begin_with(begin).await?;
    look_in(&tx, session, may_be_demo).await
}

async fn look_in(tx: &Tx<'_>, session: Option<Token>, may_be_demo: bool) -> Result<SenderLookup, DbError> {
    if may_be_demo && demo::is_demo_in(tx).await? {
        return Ok(SenderLookup::Demo);
    }
    let now = tx.now().await?;
    if let Some(session) = session
        && let Some(signed) = people::find(tx, &session, now).await?
    {
        return Ok(SenderLookup::People(Viewer::Person(signed), now));
    }
    match people::exist(tx).await? {
        true => Ok(SenderLookup::People(Viewer::Nobody, now)),
        false => Ok(SenderLookup::NoPeople),
    }
}
