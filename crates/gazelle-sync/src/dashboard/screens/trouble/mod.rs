//! Error pages: the database is unreachable or unreadable, the request is refused, the page does not exist, nobody has
//! been invited, or the role may not see it.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::dashboard::answer::Answer;
use crate::dashboard::page::{self, Frame, PageRequest, Screen};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::verdict::{self, Facts, VerdictText};
use crate::dashboard::words::entry;
use crate::dashboard::words::frame as w;
use crate::dashboard::words::sentence::Sentence;
use crate::db::Outage;

/// The command that invites the first person.
const INVITE: &str = "gazelle-sync people invite \"NAME\" --role operator";

/// The page.
#[derive(Template)]
#[template(path = "screens/trouble/page.html")]
struct Page {
    frame: Frame,
    heading: String,
    told: Option<VerdictText>,
    sentence: Option<String>,
    command: Option<&'static str>,
    /// Where it leads, and how it is called.
    link: Option<(String, String)>,
}

/// The answer to a request whose page cannot be read.
pub(crate) fn answer(site: &Site, asked: &PageRequest, screen: Screen, trouble: PageError) -> Answer {
    let since = match trouble {
        PageError::NoDatabase(since) => since,
        PageError::NotOpen => return unreadable(site, asked, screen, (w::NOT_OPEN, w::NOT_OPEN_WHY)),
        PageError::Unreadable(outage) => return unreadable(site, asked, screen, why(outage)),
        PageError::Refused(refusal) => {
            return refusal_page(site, asked, refusal.status, (entry::REQUEST_REFUSED, refusal.why));
        }
        PageError::NoPeople => return no_people(site, asked),
        PageError::NotForRole => return refused(site, asked, (entry::NOT_FOR_ROLE, entry::NOT_FOR_ROLE_WHY)),
        PageError::ReadOnly => return refused(site, asked, (entry::READ_ONLY, entry::READ_ONLY_WHY)),
    };
    let facts = Facts { unreachable: Some(Some(since)), now: Timestamp::now(), ..Facts::default() };
    let frame = Frame::new(asked, &site.shared.settings, screen, facts.now);
    let told = verdict::verdict(&facts).text(&facts, frame.locale());
    if asked.json {
        return Answer::document(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "error": told.title, "since": since }),
        );
    }
    let heading = frame.say(w::FAILED_PAGE).into_owned();
    let link = Some((asked.path.clone(), frame.say(w::RETRY).into_owned()));
    Answer::page(
        StatusCode::SERVICE_UNAVAILABLE,
        &Page { frame, heading, told: Some(told), sentence: None, command: None, link },
    )
}

/// Why a database that answers is not read.
fn why(outage: Option<Outage>) -> (Sentence, Sentence) {
    match outage {
        Some(Outage::Slow) => (w::TOO_SLOW, w::TOO_SLOW_WHY),
        Some(Outage::OlderTables) => (w::OLDER_TABLES, w::OLDER_TABLES_WHY),
        Some(Outage::NewerTables) => (w::NEWER_TABLES, w::NEWER_TABLES_WHY),
        Some(Outage::NoRight) => (w::NO_RIGHT, w::NO_RIGHT_WHY),
        Some(Outage::Unreachable) | None => (w::UNREADABLE, w::UNREADABLE_WHY),
    }
}

/// The database answers, and the page cannot be read all the same.
fn unreadable(site: &Site, asked: &PageRequest, screen: Screen, said: (Sentence, Sentence)) -> Answer {
    let frame = Frame::new(asked, &site.shared.settings, screen, Timestamp::now());
    let link = Some((asked.path.clone(), frame.say(w::RETRY).into_owned()));
    worded(frame, asked, StatusCode::SERVICE_UNAVAILABLE, said, link)
}

/// A request that is not answered: heading and one sentence, and no data.
pub(crate) fn refusal_page(
    site: &Site,
    asked: &PageRequest,
    status: StatusCode,
    said: (Sentence, Sentence),
) -> Answer {
    let frame = Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now());
    worded(frame, asked, status, said, None)
}

/// The page in place of a line that the framework, or the reading of a form, answers with: such a line says nothing of
/// the request, and is in English.
pub(crate) fn in_place_of(site: &Site, asked: &PageRequest, status: StatusCode) -> Answer {
    let sentence = match status {
        StatusCode::UNAUTHORIZED => entry::SIGN_IN_FIRST,
        StatusCode::PAYLOAD_TOO_LARGE => entry::FORM_TOO_LONG,
        StatusCode::REQUEST_TIMEOUT => entry::FORM_TOO_LATE,
        StatusCode::METHOD_NOT_ALLOWED => entry::OTHER_METHOD,
        _ => entry::NO_FORM,
    };
    let frame = Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now());
    let link = (status == StatusCode::UNAUTHORIZED)
        .then(|| ("/app/sign-in".to_owned(), frame.say(entry::SIGN_IN).into_owned()));
    worded(frame, asked, status, (entry::REQUEST_REFUSED, sentence), link)
}

fn worded(
    frame: Frame,
    asked: &PageRequest,
    status: StatusCode,
    said: (Sentence, Sentence),
    link: Option<(String, String)>,
) -> Answer {
    let (heading, sentence) = (frame.say(said.0).into_owned(), frame.say(said.1).into_owned());
    if asked.json {
        return Answer::document(status, &json!({ "error": heading, "why": sentence }));
    }
    let page = Page { frame, heading, told: None, sentence: Some(sentence), command: None, link };
    Answer::page(status, &page)
}

/// Nobody is invited yet: how to begin, and nothing else.
fn no_people(site: &Site, asked: &PageRequest) -> Answer {
    let frame = Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now());
    let (heading, sentence) = (frame.say(entry::NO_PEOPLE), frame.say(entry::NO_PEOPLE_HOW));
    if asked.json {
        return Answer::document(StatusCode::FORBIDDEN, &json!({ "error": heading, "invite": INVITE }));
    }
    let page = Page {
        heading: heading.into_owned(),
        told: None,
        sentence: Some(sentence.into_owned()),
        command: Some(INVITE),
        link: None,
        frame,
    };
    Answer::page(StatusCode::FORBIDDEN, &page)
}

/// What the viewer may not do: heading and one sentence.
pub(crate) fn refused(site: &Site, asked: &PageRequest, said: (Sentence, Sentence)) -> Answer {
    let frame = Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now());
    let (heading, sentence) = (frame.say(said.0).into_owned(), frame.say(said.1).into_owned());
    if asked.json {
        return Answer::document(StatusCode::FORBIDDEN, &json!({ "error": sentence }));
    }
    let home = asked.viewer.person().map_or("/app/", |person| page::home(person.role));
    let link = Some((home.to_owned(), frame.say(w::TO_FIRST_PAGE).into_owned()));
    let page = Page { frame, heading, told: None, sentence: Some(sentence), command: None, link };
    Answer::page(StatusCode::FORBIDDEN, &page)
}

/// No run has the id that was asked for.
pub(crate) fn no_such_run(frame: Frame) -> Answer {
    let heading = frame.say(w::NO_RUN_OF_THIS_ID).into_owned();
    let sentence = frame.say(w::OLD_RUNS_GO).into_owned();
    let link = ("/app/runs".to_owned(), frame.say(w::TO_RUNS).into_owned());
    not_there(frame, heading, sentence, link)
}

/// What was asked for is not there: why, and where to go on.
pub(crate) fn not_there(frame: Frame, heading: String, sentence: String, link: (String, String)) -> Answer {
    let page = Page { frame, heading, told: None, sentence: Some(sentence), command: None, link: Some(link) };
    Answer::page(StatusCode::NOT_FOUND, &page)
}

/// There is no such page.
pub(crate) async fn no_such_page(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
) -> Answer {
    not_found_in(site.frame_now(&asked, Screen::Other).await, &asked)
}

/// The same, for a page that is not there.
pub(crate) fn not_found(site: &Site, asked: &PageRequest) -> Answer {
    not_found_in(Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now()), asked)
}

fn not_found_in(frame: Frame, asked: &PageRequest) -> Answer {
    let (heading, link) = (frame.say(w::NOT_FOUND).into_owned(), frame.say(w::TO_FIRST_PAGE).into_owned());
    let home = asked.viewer.person().map_or("/app/", |person| page::home(person.role));
    let link = Some((home.to_owned(), link));
    let page = Page { frame, heading, told: None, sentence: None, command: None, link };
    Answer::page(StatusCode::NOT_FOUND, &page)
}
