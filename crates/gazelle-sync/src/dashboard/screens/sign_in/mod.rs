//! Sign-in by name and passphrase. Every failed attempt gets the same response after about the same time, whatever the
//! reason.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tracing::field::display;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::entry::attempts;
use crate::dashboard::entry::cookie;
use crate::dashboard::entry::form::BoundedForm;
use crate::dashboard::entry::viewer::Viewer;
use crate::dashboard::page::{Frame, PageRequest, Screen, home, own_path};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::entry as w;
use crate::people;
use crate::people::secrets::{self, Token};

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    next: Option<String>,
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct Form {
    name: String,
    passphrase: SecretString,
    next: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/sign_in/page.html")]
struct Page {
    frame: Frame,
    /// What was typed before, to be corrected.
    name: String,
    /// Where it leads afterwards, if not to the first page.
    next: Option<String>,
    problem: Option<String>,
}

/// Why somebody is not signed in.
enum SignInFailure {
    /// The name or the passphrase is wrong.
    Wrong,
    /// There were too many attempts.
    Wait(Duration),
    /// Too many sign in at once.
    Busy,
}

/// Leads whoever is not signed in to the page to sign in with, and from there back.
pub(crate) fn redirect_to_sign_in(asked: &PageRequest, writes: bool) -> Answer {
    if asked.json {
        return Answer::document(
            StatusCode::UNAUTHORIZED,
            &json!({ "error": "sign in first: /app/sign-in" }),
        );
    }
    if writes {
        return Answer::text(StatusCode::UNAUTHORIZED, "sign in first: /app/sign-in");
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", &asked.path);
    Answer::see(&format!("/app/sign-in?{}", query.finish()))
}

/// Answers with the page.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Query(question): Query<QueryParams>,
) -> Answer {
    match &asked.viewer {
        Viewer::Nobody => page(&site, &asked, String::new(), question.next.as_deref(), None),
        viewer => Answer::see(viewer.person().map_or("/app/", |person| home(person.role))),
    }
}

/// Begins a session.
pub(crate) async fn sign_in(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    if asked.viewer.is_demo() {
        return Answer::see("/app/");
    }
    match try_sign_in(&site, &asked, &form).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(refused)) => page(&site, &asked, form.name, form.next.as_deref(), Some(refused)),
        Err(trouble) => trouble::answer(&site, &asked, Screen::Other, trouble),
    }
}

async fn try_sign_in(
    site: &Site,
    asked: &PageRequest,
    form: &Form,
) -> Result<Result<Answer, SignInFailure>, PageError> {
    let from = attempts::address(&asked.headers, asked.peer);
    if let Err(wait) = site.attempts.attempt(&form.name, from) {
        if let Some(times) = site.refused_attempts.count() {
            tracing::warn!(
                from = from.map(display),
                times,
                "attempts to sign in to the dashboard after too many others were refused (logged at most once a minute)"
            );
        }
        site.shared.refused_sign_ins.count();
        return Ok(Err(SignInFailure::Wait(wait)));
    }
    let db = site.db()?;
    let known = people::known(&db, &form.name).await.map_err(|error| site.failed(&error))?;
    let stored = known.as_ref().map(|known| known.passphrase.clone());
    let is_right = match form.passphrase.expose_secret().len() <= secrets::LONGEST {
        true => site.passphrases.is_right(form.passphrase.clone(), stored).await,
        false => site.passphrases.is_right(SecretString::from(String::new()), None).await,
    };
    let known = match (is_right, known) {
        (Ok(true), Some(known)) => known,
        (Ok(_), known) => {
            site.shared.refused_sign_ins.count();
            // Without the name, which may be a passphrase in the wrong field.
            let person = known.map(|known| display(known.person.id));
            tracing::warn!(
                person,
                from = from.map(display),
                "a wrong name or passphrase was refused by the dashboard"
            );
            return Ok(Err(SignInFailure::Wrong));
        }
        (Err(_), _) => return Ok(Err(SignInFailure::Busy)),
    };
    let Ok(session) = Token::random() else { return Ok(Err(SignInFailure::Busy)) };
    let public_url = site.shared.settings.public_url.as_ref();
    let before = cookie::session(&asked.headers, public_url);
    let begun = people::begin(&db, &known, &session, before.as_ref()).await;
    if !begun.map_err(|error| site.failed(&error))? {
        return Ok(Err(SignInFailure::Wrong));
    }
    site.attempts.was_right(&form.name, from);
    let role = known.person.role;
    let next = form.next.as_deref().map(own_path).filter(|next| *next != "/app/").unwrap_or(home(role));
    Ok(Ok(Answer::see(next).with(header::SET_COOKIE, cookie::set(&session, role, public_url))))
}

/// Ends the session of this browser.
pub(crate) async fn sign_out(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
) -> Answer {
    if let Viewer::Person(signed) = &asked.viewer {
        let ended = async { people::end(&site.db()?, signed).await.map_err(|error| site.failed(&error)) };
        if let Err(trouble) = ended.await {
            return trouble::answer(&site, &asked, Screen::Other, trouble);
        }
    }
    let cleared = cookie::clear(site.shared.settings.public_url.as_ref());
    Answer::see("/app/sign-in").with(header::SET_COOKIE, cleared)
}

fn page(
    site: &Site,
    asked: &PageRequest,
    name: String,
    next: Option<&str>,
    refused: Option<SignInFailure>,
) -> Answer {
    let frame = Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now());
    let (status, problem) = match &refused {
        None => (StatusCode::OK, None),
        Some(SignInFailure::Wrong) => (StatusCode::FORBIDDEN, Some(frame.say(w::WRONG).into_owned())),
        Some(SignInFailure::Busy) => (StatusCode::SERVICE_UNAVAILABLE, Some(frame.say(w::BUSY).into_owned())),
        Some(SignInFailure::Wait(wait)) => {
            let minutes = wait.as_secs().div_ceil(60);
            (StatusCode::TOO_MANY_REQUESTS, Some(frame.count(w::WAIT, minutes)))
        }
    };
    let next = next.map(own_path).filter(|next| *next != "/app/").map(str::to_owned);
    let answer = Answer::page(status, &Page { frame, name, next, problem });
    match refused {
        Some(SignInFailure::Wait(wait)) => {
            answer.with(header::RETRY_AFTER, wait.as_secs().max(1).to_string())
        }
        _ => answer,
    }
}
