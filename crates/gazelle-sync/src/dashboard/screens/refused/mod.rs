//! The page for a form that was refused: why, and a link that leads on.

use askama::Template;
use axum::http::StatusCode;

use crate::dashboard::answer::Answer;
use crate::dashboard::page::Frame;
use crate::dashboard::words::entry as w;
use crate::dashboard::words::sentence::Sentence;

/// The page.
#[derive(Template)]
#[template(path = "screens/refused/page.html")]
struct Page {
    frame: Frame,
    why: String,
    href: String,
    label: String,
}

/// Answers a form that was refused, with status 422. `why` is in the language of the page; the link leads to `href`, a path
/// of the dashboard.
pub(super) fn answer(frame: Frame, why: String, href: &str, label: Sentence) -> Answer {
    let label = frame.say(label).into_owned();
    Answer::page(StatusCode::UNPROCESSABLE_ENTITY, &Page { frame, why, href: href.to_owned(), label })
}
