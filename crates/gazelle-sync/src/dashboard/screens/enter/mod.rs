//! The page of a one-time link: a person sets a passphrase and is signed in. A GET does not consume the link, so a mail
//! scanner that follows links cannot use it up.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::entry::form::BoundedForm;
use crate::dashboard::entry::{attempts, cookie};
use crate::dashboard::page::{Frame, PageRequest, Screen, home};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::entry as w;
use crate::dashboard::words::sentence::Sentence;
use crate::people::secrets::{self, Token, UnfitPassphrase};
use crate::people::{self, Person};

/// The form.
#[derive(Deserialize)]
pub(crate) struct Form {
    passphrase: SecretString,
    again: SecretString,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/enter/page.html")]
struct Page {
    frame: Frame,
    action: String,
    name: String,
    greeting: String,
    rule: String,
    problem: Option<String>,
}

/// The page of a link that is not valid.
#[derive(Template)]
#[template(path = "screens/enter/gone.html")]
struct InvalidLinkPage {
    frame: Frame,
}

/// Answers with the page.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(link): Path<String>,
) -> Answer {
    match invited_person(&site, &link).await {
        Ok(Some((link, person))) => page(&site, &asked, &link, &person, None),
        Ok(None) => invalid_link_page(&site, &asked),
        Err(trouble) => trouble::answer(&site, &asked, Screen::Other, trouble),
    }
}

/// Uses the link up: sets the passphrase and begins a session.
pub(crate) async fn enter(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(link): Path<String>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    let answer = entered(&site, &asked, &link, form).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Other, trouble))
}

async fn entered(site: &Site, asked: &PageRequest, link: &str, form: Form) -> Result<Answer, PageError> {
    let Some((link, person)) = invited_person(site, link).await? else {
        return Ok(invalid_link_page(site, asked));
    };
    if let Err(problem) = fits(&form, &person.name) {
        return Ok(page(site, asked, &link, &person, Some(problem)));
    }
    let hash = site.passphrases.hash(form.passphrase).await;
    let (Ok(hash), Ok(session)) = (hash, Token::random()) else {
        return Ok(page(site, asked, &link, &person, Some(w::BUSY)));
    };
    let entered = people::enter(&site.db()?, &link, &hash, &session).await;
    match entered.map_err(|error| site.failed(&error))? {
        Some(person) => {
            let cookie = cookie::set(&session, person.role, site.shared.settings.public_url.as_ref());
            Ok(Answer::see(home(person.role)).with(header::SET_COOKIE, cookie))
        }
        // Somebody else used it in the meantime.
        None => Ok(invalid_link_page(site, asked)),
    }
}

/// The link of an address and its person; none if the link is not valid, or not any more.
async fn invited_person(site: &Site, link: &str) -> Result<Option<(Token, Person)>, PageError> {
    let Some(link) = Token::read(link) else { return Ok(None) };
    let person = people::invited(&site.db()?, &link).await.map_err(|error| site.failed(&error))?;
    Ok(person.map(|person| (link, person)))
}

/// Why the form's passphrase cannot be taken.
fn fits(form: &Form, name: &str) -> Result<(), Sentence> {
    if form.passphrase.expose_secret() != form.again.expose_secret() {
        return Err(w::NOT_THE_SAME);
    }
    secrets::check(&form.passphrase, name).map_err(|unfit| match unfit {
        UnfitPassphrase::Short => w::TOO_SHORT,
        UnfitPassphrase::Long => w::TOO_LONG,
        UnfitPassphrase::Name => w::IS_NAME,
    })
}

fn page(
    site: &Site,
    asked: &PageRequest,
    link: &Token,
    person: &Person,
    problem: Option<Sentence>,
) -> Answer {
    let frame = frame(site, asked, person);
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Page {
        action: format!("/app/enter/{}", link.text()),
        name: person.name.clone(),
        greeting: frame.fill(w::GREETING, &[("name", &person.name)]),
        rule: frame.count(w::RULE, secrets::SHORTEST as i64),
        problem: problem.map(|problem| frame.say(problem).into_owned()),
        frame,
    };
    Answer::page(status, &page)
}

/// The frame in the language of the person, if one was chosen with the invitation.
fn frame(site: &Site, asked: &PageRequest, person: &Person) -> Frame {
    let frame = Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now());
    match person.language {
        Some(language) => frame.in_language(language),
        None => frame,
    }
}

fn invalid_link_page(site: &Site, asked: &PageRequest) -> Answer {
    if let Some(times) = site.invalid_links.count() {
        let from = attempts::address(&asked.headers, asked.peer).map(tracing::field::display);
        tracing::warn!(from, times, "invalid one-time links were refused (logged at most once a minute)");
    }
    let frame = Frame::new(asked, &site.shared.settings, Screen::Other, Timestamp::now());
    Answer::page(StatusCode::GONE, &InvalidLinkPage { frame })
}
