//! What is shown where a page cannot be: the database is away, there is no such page, or nobody may see it.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::dashboard::answer::Answer;
use crate::dashboard::page::{Asked, Frame, Screen};
use crate::dashboard::site::{Site, Trouble};
use crate::dashboard::verdict::{self, Facts, Told};
use crate::dashboard::words::frame as w;

/// The page.
#[derive(Template)]
#[template(path = "screens/trouble/page.html")]
struct Page {
    frame: Frame,
    heading: String,
    told: Option<Told>,
    sentence: Option<String>,
    /// Where it leads, and how it is called.
    link: Option<(String, String)>,
}

/// The answer to a request whose page cannot be read.
pub(crate) fn answer(site: &Site, asked: &Asked, screen: Screen, trouble: Trouble) -> Answer {
    let since = match trouble {
        // One sentence, and no page: whether there is one is nobody's business.
        Trouble::Closed => {
            return Answer::text(
                StatusCode::NOT_FOUND,
                "the dashboard shows the made-up data of gazelle-sync demo alone, until people can sign in",
            );
        }
        Trouble::Refused(refusal) => return Answer::text(refusal.status, refusal.why),
        Trouble::NoDatabase(since) => since,
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
        &Page { frame, heading, told: Some(told), sentence: None, link },
    )
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
    let page = Page { frame, heading, told: None, sentence: Some(sentence), link: Some(link) };
    Answer::page(StatusCode::NOT_FOUND, &page)
}

/// There is no such page.
pub(crate) async fn no_such_page(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<Asked>,
) -> Answer {
    let frame = Frame::new(&asked, &site.shared.settings, Screen::Other, Timestamp::now());
    let (heading, link) = (frame.say(w::NOT_FOUND).into_owned(), frame.say(w::TO_OVERVIEW).into_owned());
    let page = Page { frame, heading, told: None, sentence: None, link: Some(("/app/".to_owned(), link)) };
    Answer::page(StatusCode::NOT_FOUND, &page)
}
