//! The calendar feed: a secret link gives read access to one technician's visits without a session. `read` reads them,
//! `calendar` makes the text of them, with the zone (`zone`) and the lines (`ical`) of RFC 5545.

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
use super::site::{Site, Trouble};
use super::words::feeds as w;
use super::words::locale::Locale;
use crate::access::trust::owners;
use crate::migrate;
use crate::people::feeds::{self, Feed};
use crate::people::secrets::Token;
use crate::time;
use calendar::Calendar;

/// Days back and ahead, from the local day on, of which a calendar holds visits.
pub(super) const DAYS: (i32, i32) = (30, 365);

/// Answers with the calendar of a link.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Path(file): Path<String>,
    headers: HeaderMap,
    client: Option<Extension<ClientAddress>>,
) -> Answer {
    let peer = client.map(|Extension(ClientAddress(address))| address);
    let from = attempts::address(&headers, peer);
    let link = file.strip_suffix(".ics").and_then(Token::read);
    // Counted before it is looked up, and taken back where it was right: as those who sign in.
    let counted = format!(
        "feed {}",
        link.as_ref().map_or_else(String::new, |link| blake3::Hash::from(link.hash()).to_hex().to_string())
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
    match text(&site, link, request).await {
        Ok(Some(text)) => {
            site.attempts.was_right(&counted, from);
            answer(text, &headers)
        }
        // The same for a link that was never made and one that is revoked.
        Ok(None) => {
            tracing::warn!(from = from.map(tracing::field::display), "an invalid calendar link was refused");
            Answer::text(StatusCode::NOT_FOUND, "there is no such page")
        }
        Err(_) => {
            // The calendar keeps what it has and asks again.
            let answer = Answer::text(StatusCode::SERVICE_UNAVAILABLE, "the visits could not be read");
            answer.with(header::RETRY_AFTER, "300".to_owned())
        }
    }
}

/// The text of the calendar that a link opens; none if it opens nothing.
async fn text(
    site: &Site,
    link: Option<Token>,
    request: same_origin::Request<'_>,
) -> Result<Option<String>, Trouble> {
    let Some(link) = link else { return Ok(None) };
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
    tracing::info!(feed = %feed.id, "a calendar feed was read");
    let settings = &site.shared.settings;
    let zone = settings.zone();
    let t = Locale::new(feed.language.unwrap_or(settings.language), zone.clone(), snapshot.now);
    let (from, to) = bounds(snapshot.now, &settings.timezone, &t);
    let visits = read::visits(&snapshot.tx, &feed.technician, (from, to), &t);
    let visits = visits.await.map_err(|error| site.failed(&error))?;
    let name = t.fill(w::VISITS_OF, &[("name", called(&feed))]);
    let calendar = Calendar { name, zone: (&zone, &settings.timezone), from, to, visits };
    Ok(Some(calendar::text(&calendar, &t)))
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

/// The calendar, or that the client has it already.
fn answer(text: String, headers: &HeaderMap) -> Answer {
    let tag = format!("\"{}\"", &blake3::hash(text.as_bytes()).to_hex()[..32]);
    let asked = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let has_it = |known: &str| known == "*" || known.trim_start_matches("W/") == tag;
    let is_known = asked.flat_map(|value| value.split(',')).any(|known| has_it(known.trim()));
    let answer = if is_known { Answer::not_modified() } else { Answer::calendar(text) };
    answer.with(header::ETAG, tag)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn a_client_that_has_the_calendar_is_told_so() {
        let given = answer("BEGIN:VCALENDAR\r\n".to_owned(), &HeaderMap::new()).into_response();
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
            let again = answer("BEGIN:VCALENDAR\r\n".to_owned(), &headers).into_response();
            assert_eq!(again.status(), status, "{known}");
            assert_eq!(again.headers()["etag"].to_str().unwrap(), tag, "{known}");
        }
    }
}
