//! Tells open pages which of their parts are out of date: `/app/live`.
//!
//! A page marks its parts with `data-live`, the names of [`marks::REGIONS`] on which they depend. The answer is a stream of
//! server-sent events that names regions and holds nothing of the data; the script of the page (`assets/screen.js`) then fetches
//! the page itself. One watcher reads the database for all streams, once a second, and only while there is a stream. A page
//! without one asks the same address for what is old since its tag (`docs/decisions/0119`).

pub(super) mod marks;
mod slots;
pub(super) mod watch;
pub(super) mod wire;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{oneshot, watch as latest};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::page::PageRequest;
use super::site::Site;
use crate::states::Role;
use marks::Versions;
use slots::{CloseReason, StreamSlot};
use watch::{role, wants_stream};
use wire::{Streaming, Wire};

/// A stream says this often that it is there: connections end without traffic.
const BEAT: Duration = Duration::from_secs(10);
/// A stream ends after this time, and before its connection has reached this age: connections have a limited life.
const LIFE: Duration = Duration::from_secs(50);
/// The browser comes back after this time, in milliseconds.
const BACK: u64 = 1_500;

/// A stream to one page.
struct Listener {
    role: Role,
    process: String,
    seen: Versions,
    versions: latest::Receiver<Versions>,
    close_reason: oneshot::Receiver<CloseReason>,
    beat: tokio::time::Interval,
    end: Instant,
    stop: CancellationToken,
    has_begun: bool,
    is_over: bool,
    _slot: StreamSlot,
    _wire: Streaming,
}

impl Listener {
    /// The next lines; none at the end.
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            return Some(format!("retry: {BACK}\n: \n\n"));
        }
        loop {
            if let Some(event) = self.news() {
                return Some(event);
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                why = &mut self.close_reason => {
                    self.is_over = true;
                    return why.ok().map(|why| format!("event: end\ndata: {}\n\n", why.as_str()));
                }
                () = tokio::time::sleep_until(self.end) => return None,
                changed = self.versions.changed() => changed.ok()?,
                _ = self.beat.tick() => return Some(": \n\n".to_owned()),
            }
        }
    }

    /// What became old since the page was last told.
    fn news(&mut self) -> Option<String> {
        let now = self.versions.borrow_and_update().seen_by(self.role);
        let old = now.differing(self.seen);
        self.seen = now;
        (!old.is_empty())
            .then(|| format!("id: {}\nevent: old\ndata: {}\n\n", now.tag(&self.process), old.join(" ")))
    }
}

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    /// The tag of the state in which the page was made.
    at: Option<String>,
}

/// Answers with the stream, or with what is old since the tag of the page.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    wire: Option<Extension<Wire>>,
    Query(question): Query<QueryParams>,
) -> Answer {
    let live = &site.live;
    let role = role(&asked.viewer);
    let header = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
    let since = header("last-event-id")
        .or_else(|| header("if-none-match").map(|tag| tag.trim_matches('"')))
        .or(question.at.as_deref());
    let known = since.and_then(|tag| Versions::read(tag, &live.process));
    if wants_stream(&asked.headers) {
        let wire = wire.map_or_else(Wire::started, |Extension(wire)| wire);
        return stream(&site, &asked, known, &wire);
    }
    live.refresh(&site.shared).await;
    let now = live.versions().seen_by(role);
    let tag = format!("\"{}\"", now.tag(&live.process));
    match known {
        Some(known) if known == now => Answer::unchanged(tag),
        known => {
            let old = known.map_or_else(|| all(role), |known| now.differing(known));
            Answer::document(StatusCode::OK, &json!({ "old": old })).with(header::ETAG, tag)
        }
    }
}

/// All names that a role may receive.
fn all(role: Role) -> Vec<&'static str> {
    marks::REGIONS.iter().filter(|(_, least)| role >= *least).map(|(name, _)| *name).collect()
}

fn stream(site: &Arc<Site>, asked: &PageRequest, known: Option<Versions>, wire: &Wire) -> Answer {
    let live = &site.live;
    let role = role(&asked.viewer);
    let Some((slot, close_reason)) = live.slots.take(asked.viewer.session()) else {
        let full =
            Answer::text(StatusCode::SERVICE_UNAVAILABLE, "too many pages are open: ask without a stream");
        return full.with(header::RETRY_AFTER, "15".to_owned());
    };
    let now = Instant::now();
    let mut beat = tokio::time::interval_at(now + BEAT, BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let versions = live.versions.subscribe();
    let listener = Listener {
        role,
        process: live.process.clone(),
        // Of a page of an earlier process everything may be old.
        seen: known.unwrap_or_default(),
        versions,
        close_reason,
        beat,
        end: now + LIFE.saturating_sub(wire.age()),
        stop: live.stop.clone(),
        has_begun: false,
        is_over: false,
        _slot: slot,
        _wire: wire.stream(),
    };
    live.watch(&site.shared);
    let lines = stream::unfold(listener, async |mut listener| {
        let lines = listener.next().await?;
        Some((Ok::<_, Infallible>(lines), listener))
    });
    Answer::stream(Body::from_stream(lines))
}
