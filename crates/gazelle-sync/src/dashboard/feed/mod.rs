//! The feeds: a secret link gives read access to one technician's visits without a session, as a calendar (`.ics`), and to what
//! changed in them, as Atom (`.atom`). `read` reads both, `calendar` makes the text of the visits, with the zone (`zone`) and the lines
//! (`ical`) of RFC 5545, and `atom` that of the changes.

mod atom;
mod calendar;
mod ical;
mod read;
mod zone;

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use jiff::{Span, Timestamp};

use super::answer::Answer;
use super::entry::attempts::{self, ClientAddress};
use super::entry::same_origin;
use super::screens::today::read::technicians;
use super::site::{PageError, Site, Snapshot};
use super::words::feeds as w;
use super::words::locale::Locale;
use crate::access::trust::owners;
use crate::migrate;
use crate::people::feeds::{self, Feed};
use crate::people::secrets::Token;
use crate::time;
use atom::ChangesFeed;
use calendar::Calendar;

/// Days back and ahead, from the local day on, of which a calendar holds visits; a feed holds the changes of those back.
pub(super) const DAYS: (i32, i32) = (30, 365);

/// What a link is asked for, which the end of the address says.
#[derive(Debug, Clone, Copy)]
enum FeedFormat {
    /// The visits.
    Calendar,
    /// What changed in them.
    Changes,
}

/// The link and the format that an address asks for; the same for what is neither as for a link that opens nothing.
fn asked_for(file: &str) -> Option<(Token, FeedFormat)> {
    let (link, ending) = file.rsplit_once('.')?;
    let format = match ending {
        "ics" => FeedFormat::Calendar,
        "atom" => FeedFormat::Changes,
        _ => return None,
    };
    Some((Token::read(link)?, format))
}

/// Answers with the calendar of a link, or with its changes.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Path(file): Path<String>,
    headers: HeaderMap,
    client: Option<Extension<ClientAddress>>,
) -> Answer {
    let peer = client.map(|Extension(ClientAddress(address))| address);
    let from = attempts::address(&headers, peer);
    let wanted = asked_for(&file);
    // Counted before it is looked up, and taken back where it was right: as those who sign in.
    let counted = format!(
        "feed {}",
        wanted
            .as_ref()
            .map_or_else(String::new, |(link, _)| blake3::Hash::from(link.hash()).to_hex().to_string())
    );
    if let Err(wait) = site.attempts.attempt(&counted, from) {
        if let Some(times) = site.refused_attempts.count() {
            tracing::warn!(
                from = from.map(tracing::field::display),
                times,
                "attempts to read a calendar feed after too many others were refused (logged at most once a minute)"
            );
        }
        let answer = Answer::text(StatusCode::TOO_MANY_REQUESTS, "too many attempts");
        return answer.with(header::RETRY_AFTER, wait.as_secs().max(1).to_string());
    }
    let request = same_origin::Request { method: &Method::GET, headers: &headers, peer };
    match text(&site, wanted, request).await {
        Ok(Some((text, format))) => {
            site.attempts.was_right(&counted, from);
            answer(text, format, &headers)
        }
        // The same for a link that was never made and one that is revoked.
        Ok(None) => {
            tracing::warn!(from = from.map(tracing::field::display), "an invalid calendar link was refused");
            Answer::text(StatusCode::NOT_FOUND, "there is no such page")
        }
        Err(_) => {
            // Who asked keeps what there is and asks again.
            let answer = Answer::text(StatusCode::SERVICE_UNAVAILABLE, "the feed could not be read");
            answer.with(header::RETRY_AFTER, "300".to_owned())
        }
    }
}

/// The text that a link opens; none if it opens nothing.
async fn text(
    site: &Site,
    wanted: Option<(Token, FeedFormat)>,
    request: same_origin::Request<'_>,
) -> Result<Option<(String, FeedFormat)>, PageError> {
    let Some((link, format)) = wanted else { return Ok(None) };
    let db = site.db()?;
    // As for those who sign in: the tables are still ours, and there.
    owners::check(&db).await.map_err(|error| site.failed(&error))?;
    if !migrate::is_readable(&db).await.map_err(|error| site.failed(&error))? {
        return Err(site.no_database());
    }
    let mut reader = site.reader_of_link().await?;
    let snapshot = reader.snapshot(site).await?;
    if snapshot.is_demo && same_origin::check_demo(request).is_err() {
        return Ok(None);
    }
    let found = feeds::open(&snapshot.tx, &link).await.map_err(|error| site.failed(&error))?;
    let Some(feed) = found else { return Ok(None) };
    let settings = &site.shared.settings;
    let t = Locale::new(feed.language.unwrap_or(settings.language), settings.zone(), snapshot.now);
    let text = match format {
        FeedFormat::Calendar => {
            tracing::info!(feed = %feed.id, "a calendar feed was read");
            visits(site, &snapshot, &feed, &t).await?
        }
        FeedFormat::Changes => {
            tracing::info!(feed = %feed.id, "a feed of changes was read");
            changes(site, &snapshot, &feed, &t).await?
        }
    };
    Ok(Some((text, format)))
}

/// The visits, as a calendar.
async fn visits(site: &Site, snapshot: &Snapshot<'_>, feed: &Feed, t: &Locale) -> Result<String, PageError> {
    let settings = &site.shared.settings;
    let zone = settings.zone();
    let (from, to) = bounds(snapshot.now, &settings.timezone, t);
    let visits = read::visits(&snapshot.tx, &feed.technician, (from, to), t);
    let visits = visits.await.map_err(|error| site.failed(&error))?;
    let name = t.fill(w::VISITS_OF, &[("name", called(feed))]);
    let calendar = Calendar { name, zone: (&zone, &settings.timezone), from, to, visits };
    Ok(calendar::text(&calendar, t))
}

/// What changed in the visits in as many days as a calendar goes back, as Atom.
async fn changes(site: &Site, snapshot: &Snapshot<'_>, feed: &Feed, t: &Locale) -> Result<String, PageError> {
    let settings = &site.shared.settings;
    let (from, to) = bounds(snapshot.now, &settings.timezone, t);
    let read = read::changes(&snapshot.tx, &feed.technician, (from, to)).await;
    let changes = read.map_err(|error| site.failed(&error))?;
    let all = technicians(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    let name_of = |id: &str| all.iter().find(|one| one.external_id == id).map(|one| one.name.clone());
    let feed = ChangesFeed {
        id: feed.id,
        made_at: feed.made_at,
        technician: (feed.technician.as_str(), called(feed)),
        changes,
        name_of: &name_of,
        address: &|path| settings.dashboard_address(path),
    };
    atom::text(&feed, t).ok_or(PageError::Unreadable(None))
}

/// What a technician is called.
pub(super) fn called(feed: &Feed) -> &str {
    feed.technician_name.as_deref().unwrap_or(&feed.technician)
}

/// The starts of the first local day and of the one after the last.
fn bounds(now: Timestamp, zone_name: &str, t: &Locale) -> (Timestamp, Timestamp) {
    let start = |days: i32| {
        let day = t.local_day(now).saturating_add(Span::new().days(days));
        time::start_of_day(day, zone_name).unwrap_or(now)
    };
    (start(-DAYS.0), start(DAYS.1 + 1))
}

/// The text, or that the client has it already.
fn answer(text: String, format: FeedFormat, headers: &HeaderMap) -> Answer {
    let tag = format!("\"{}\"", &blake3::hash(text.as_bytes()).to_hex()[..32]);
    let asked = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let has_it = |known: &str| known == "*" || known.trim_start_matches("W/") == tag;
    let is_known = asked.flat_map(|value| value.split(',')).any(|known| has_it(known.trim()));
    let whole = match format {
        FeedFormat::Calendar => Answer::calendar(text),
        FeedFormat::Changes => Answer::atom(text),
    };
    let answer = if is_known { whole.not_modified() } else { whole };
    answer.with(header::ETAG, tag)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn a_client_that_has_the_calendar_is_told_so() {
        let given =
            answer("BEGIN:VCALENDAR\r\n".to_owned(), FeedFormat::Calendar, &HeaderMap::new()).into_response();
        assert_eq!(given.status(), 200);
        let tag = given.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(given.headers()["cache-control"], "private, no-cache");
        assert_eq!(given.headers()["content-type"], "text/calendar; charset=utf-8");
        for (known, status) in [
            (tag.clone(), 304),
            (format!("W/{tag}"), 304),
            (format!("\"other\", {tag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
            (tag.trim_matches('"').to_owned(), 200),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("if-none-match", known.parse().unwrap());
            let again =
                answer("BEGIN:VCALENDAR\r\n".to_owned(), FeedFormat::Calendar, &headers).into_response();
            assert_eq!(again.status(), status, "{known}");
            assert_eq!(again.headers()["etag"].to_str().unwrap(), tag, "{known}");
        }
    }
}
