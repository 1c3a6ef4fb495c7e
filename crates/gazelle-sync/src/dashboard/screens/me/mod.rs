//! The signed-in person's settings: language, live updates, and signing out everywhere.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use serde::Deserialize;

use super::people::role_name;
use super::trouble;
use crate::config::Language;
use crate::dashboard::answer::Answer;
use crate::dashboard::entry::cookie;
use crate::dashboard::entry::form::BoundedForm;
use crate::dashboard::page::{Frame, LANGUAGE_COOKIE, LIVE_COOKIE, PageRequest, Screen, own_path};
use crate::dashboard::site::Site;
use crate::dashboard::words::entry as w;
use crate::people;

/// The page.
#[derive(Template)]
#[template(path = "screens/me/page.html")]
struct Page {
    frame: Frame,
    name: String,
    role: String,
    technician: Option<String>,
}

/// The form of the languages.
#[derive(Deserialize)]
pub(crate) struct Choice {
    language: String,
    back: String,
}

/// Answers with the page.
pub(crate) async fn show(State(site): State<Arc<Site>>, Extension(asked): Extension<PageRequest>) -> Answer {
    let Some(person) = asked.viewer.person() else {
        return trouble::refused(&site, &asked, (w::DEMO_HAS_NO_PEOPLE, w::DEMO_HAS_NO_PEOPLE_WHY));
    };
    let frame = site.frame_now(&asked, Screen::Other).await;
    let page = Page {
        name: person.name.clone(),
        role: role_name(person.role, &frame),
        technician: person.technician.clone(),
        frame,
    };
    Answer::page(StatusCode::OK, &page)
}

/// Keeps the language that was chosen, in the browser and for the person, and leads back.
pub(crate) async fn choose_language(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(choice): BoundedForm<Choice>,
) -> Answer {
    let settings = &site.shared.settings;
    let language: Language =
        choice.language.to_ascii_lowercase().parse().unwrap_or_else(|_| asked.language(settings.language));
    if let Some(person) = asked.viewer.person() {
        let kept = async {
            let kept = people::set_language(&site.db()?, person.id, language).await;
            kept.map_err(|error| site.failed(&error))
        };
        if let Err(trouble) = kept.await {
            return trouble::answer(&site, &asked, Screen::Other, trouble);
        }
    }
    let secure = cookie::secure(settings.public_url.as_ref());
    let cookie =
        format!("{LANGUAGE_COOKIE}={language}; Path=/app; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}");
    Answer::see(own_path(&choice.back)).with(header::SET_COOKIE, cookie)
}

/// The form of the updates.
#[derive(Deserialize)]
pub(crate) struct LiveForm {
    live: String,
}

/// Keeps in the browser whether open pages follow what happens, and leads back.
pub(crate) async fn choose_live(
    State(site): State<Arc<Site>>,
    BoundedForm(choice): BoundedForm<LiveForm>,
) -> Answer {
    let secure = cookie::secure(site.shared.settings.public_url.as_ref());
    let value = if choice.live == "off" { "off" } else { "on" };
    let cookie =
        format!("{LIVE_COOKIE}={value}; Path=/app; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}");
    Answer::see("/app/me").with(header::SET_COOKIE, cookie)
}

/// Ends all sessions of the person, in every browser.
pub(crate) async fn sign_out(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
) -> Answer {
    if let Some(person) = asked.viewer.person() {
        let ended =
            async { people::end_all(&site.db()?, person.id).await.map_err(|error| site.failed(&error)) };
        if let Err(trouble) = ended.await {
            return trouble::answer(&site, &asked, Screen::Other, trouble);
        }
    }
    let cleared = cookie::clear(site.shared.settings.public_url.as_ref());
    Answer::see("/app/sign-in").with(header::SET_COOKIE, cleared)
}
