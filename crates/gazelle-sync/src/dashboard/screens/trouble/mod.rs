//! What is shown where a page cannot be: the database is away, there is no such page, nobody is invited yet, or the role
//! may not see it.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::dashboard::answer::Answer;
use crate::dashboard::page::{self, Asked, Frame, Screen};
use crate::dashboard::site::{Site, Trouble};
use crate::dashboard::verdict::{self, Facts, Told};
use crate::dashboard::words::entry;
use crate::dashboard::words::frame as w;
use crate::dashboard::words::said::Said;

/// The command that invites the first person.
const INVITE: &str = "gazelle-sync people invite \"NAME\" --role operator";

/// The page.
#[derive(Template)]
#[template(path = "screens/trouble/page.html")]
struct Page {
    frame: Frame,
    heading: String,
    told: Option<Told>,
    sentence: Option<String>,
    command: Option<&'static str>,
    /// Where it leads, and how it is called.
    link: Option<(String, String)>,
}

/// The answer to a request whose page cannot be read.
pub(crate) fn answer(site: &Site, asked: &Asked, screen: Screen, trouble: Trouble) -> Answer {
    let since = match trouble {
        Trouble::NoDatabase(since) => since,
        Trouble::Refused(refusal) => return Answer::text(refusal.status, refusal.why),
        Trouble::NoPeople => return no_people(site, asked),
        Trouble::NotForRole => return refused(site, asked, (entry::NOT_FOR_ROLE, entry::NOT_FOR_ROLE_WHY)),
        Trouble::ReadOnly => return refused(site, asked, (entry::READ_ONLY, entry::READ_ONLY_WHY)),
    };
    let facts = Facts { unreachable: Some(since), now: Timestamp::now(), ..Facts::default() };
    let frame = Frame::new(asked, &site.shared.settings, screen, facts.now);
    let told = verdict::verdict(&facts).tell(&facts, frame.tongue());
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

/// Nobody is invited yet: how to begin, and nothing else.
fn no_people(site: &Site, asked: &Asked) -> Answer {
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
pub(crate) fn refused(site: &Site, asked: &Asked, said: (Said, Said)) -> Answer {
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
    Extension(asked): Extension<Asked>,
) -> Answer {
    not_found(&site, &asked)
}

/// The same, for a page that is not there.
pub(crate) fn not_found(site: &Site, asked: &Asked) -> Answer {
    let frame = Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now());
    let (heading, link) = (frame.say(w::NOT_FOUND).into_owned(), frame.say(w::TO_FIRST_PAGE).into_owned());
    let home = asked.viewer.person().map_or("/app/", |person| page::home(person.role));
    let link = Some((home.to_owned(), link));
    let page = Page { frame, heading, told: None, sentence: None, command: None, link };
    Answer::page(StatusCode::NOT_FOUND, &page)
}
