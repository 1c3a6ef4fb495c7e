//! Caches the facts of Overview for a few seconds, as `/readyz` does.
//!
//! Nothing old is shown as current: a request gets here once the database has said who sent it, so that with the database down
//! there is no page; and what is known to have changed is read again at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::read::{self, Overview};
use crate::dashboard::entry::same_origin;
use crate::dashboard::live::marks::Versions;
use crate::dashboard::page::{AwaitingCounts, PageRequest};
use crate::dashboard::site::{PageError, Site};

/// For how long facts are shown after they were read.
const KEPT: Duration = Duration::from_secs(3);

/// Facts with what a page needs besides.
pub(crate) struct CachedOverview {
    pub(super) facts: Overview,
    pub(super) waits: AwaitingCounts,
    is_demo: bool,
    begun: Instant,
    /// What was known of changes before they were read.
    versions: Versions,
    posted: u64,
}

/// The last facts. Who asks meanwhile waits for one read.
#[derive(Default)]
pub(crate) struct Cached(Mutex<Option<Arc<CachedOverview>>>);

/// The facts, not older than [`KEPT`].
pub(super) async fn facts(
    cached: &Cached,
    site: &Site,
    asked: &PageRequest,
) -> Result<Arc<CachedOverview>, PageError> {
    let mut last = cached.0.lock().await;
    let (versions, posted) = (site.live.versions(), site.posted());
    let is_current = |seen: &CachedOverview| {
        seen.begun.elapsed() < KEPT && seen.versions == versions && seen.posted == posted
    };
    if let Some(seen) = last.as_ref().filter(|seen| is_current(seen)) {
        // Who was let in as to the demonstration sees that alone.
        return match seen.is_demo || !asked.viewer.is_demo() {
            true => Ok(seen.clone()),
            false => Err(PageError::Refused(same_origin::NO_DEMO)),
        };
    }
    *last = None;
    let begun = Instant::now();
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let read = read::read(&snapshot, &site.shared.settings, site.shared.activity()).await;
    let facts = read.map_err(|error| site.failed(&error))?;
    let (waits, is_demo) = (snapshot.waits, snapshot.is_demo);
    let seen = Arc::new(CachedOverview { facts, waits, is_demo, begun, versions, posted });
    *last = Some(seen.clone());
    Ok(seen)
}
